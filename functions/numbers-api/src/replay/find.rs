//! The messages that a replay is for, and what goes into its first stage once more.

use chrono::{DateTime, Utc};
use domain::numbers::{MessageId, Stage, Tag};
use futures::stream::BoxStream;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use super::selection::{Limits, Selection};
use crate::cursor::Place;

/// Bytes of the inputs of one request together; the first message is among them whatever its size.
const BYTES: i64 = 128 << 20;

/// A message that is chosen.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct Candidate {
    pub(crate) id: Uuid,
    submitted_at: DateTime<Utc>,
    /// In the stage's topic, for a selection by offsets.
    offset: i64,
    /// Size of the stage's input; none when the stage before it has stored no output.
    bytes: Option<i64>,
}

impl Candidate {
    /// Where a request goes on that ended behind it.
    fn place(&self, selection: &Selection) -> Option<String> {
        match selection {
            Selection::Message(_) => None,
            Selection::Offsets { .. } => Some(self.offset.to_string()),
            Selection::Submitted { .. } => Some(Place { at: self.submitted_at, id: self.id }.text()),
        }
    }
}

/// What a selection found.
#[derive(Debug, Default)]
pub(crate) struct Chosen {
    /// Those with an input.
    pub(crate) ids: Vec<Uuid>,
    /// Where a request goes on that ended behind each of them.
    pub(crate) places: Vec<Option<String>>,
    /// How many have none.
    pub(crate) without_input: usize,
    /// Where the next request goes on.
    pub(crate) next: Option<String>,
}

const ONE: &str = "select message_id as id, submitted_at, 0::bigint as \"offset\" from inputs1 where message_id = $2";

const SUBMITTED: &str = "
    select message_id as id, submitted_at, 0::bigint as \"offset\" from inputs1
    where (submitted_at, message_id) > ($2, $3) and submitted_at >= $2 and submitted_at < $4
    order by submitted_at, message_id limit $5";

const WITH_KEY: &str = "
    select message_id as id, submitted_at, 0::bigint as \"offset\" from stage1
    where key = $6 and attempt = 0 and (submitted_at, message_id) > ($2, $3) and submitted_at >= $2 and submitted_at < $4
    order by submitted_at, message_id limit $5";

/// A topic that was made again begins at 0 once more: the newest one counts.
const OFFSETS: &str = "
    select n.message_id as id, n.submitted_at, n.\"offset\"
    from number_batches b join number_stages n on n.batch = b.id
    where b.stage = $1 and n.stage = $1 and b.partition = $2 and b.next_offset > $3 and b.first_offset <= $4
      and n.\"offset\" between $3 and $4 and b.topic_id = (
          select topic_id from number_progress where stage = $1 and topic = $5 order by updated_at desc limit 1)
    order by n.\"offset\" limit $6";

/// With the size of what goes into the stage: `$1`.
fn sized(selection: &str) -> String {
    format!(
        "with chosen as ({selection})
         select c.id, c.submitted_at, c.\"offset\", case when $1::smallint = 1
             then (select octet_length(i.input)::bigint from inputs1 i where i.message_id = c.id)
             else (select octet_length(n.output)::bigint from number_stages n
                   where n.stage = $1 - 1 and n.message_id = c.id order by n.attempt desc limit 1) end as bytes
         from chosen c order by c.submitted_at, c.id, c.\"offset\""
    )
}

/// The messages of a selection, no more than `limits` says.
pub(crate) async fn find(pool: &PgPool, topic: &str, limits: Limits, selection: &Selection) -> sqlx::Result<Chosen> {
    let (stage, limit) = (i16::from(limits.stage.number), i64::from(limits.limit));
    let text = match selection {
        Selection::Message(_) => sized(ONE),
        Selection::Offsets { .. } => {
            sized(OFFSETS).replace("order by c.submitted_at, c.id, c.\"offset\"", "order by c.\"offset\"")
        }
        Selection::Submitted { key: None, .. } => sized(SUBMITTED),
        Selection::Submitted { key: Some(_), .. } => sized(WITH_KEY),
    };
    let query = sqlx::query_as::<_, Candidate>(&text).bind(stage);
    let query = match selection {
        Selection::Message(id) => query.bind(*id),
        Selection::Offsets { partition, first, last } => {
            query.bind(*partition).bind(*first).bind(*last).bind(topic).bind(limit)
        }
        Selection::Submitted { after, until, key } => {
            let query = query.bind(after.at).bind(after.id).bind(*until).bind(limit);
            match key {
                None => query,
                Some(key) => query.bind(key.as_bytes().to_vec()),
            }
        }
    };
    let candidates = query.fetch_all(pool).await?;
    Ok(choose(candidates, selection, usize::try_from(limits.limit).unwrap_or(usize::MAX)))
}

/// As many as fit, each message once.
fn choose(candidates: Vec<Candidate>, selection: &Selection, limit: usize) -> Chosen {
    let full = candidates.len() >= limit;
    let (mut chosen, mut seen, mut bytes, mut last, mut cut) =
        (Chosen::default(), std::collections::HashSet::new(), 0, None, false);
    for candidate in candidates {
        let size = candidate.bytes.unwrap_or_default();
        if bytes > 0 && bytes + size > BYTES {
            cut = true;
            break;
        }
        bytes += size;
        if !seen.insert(candidate.id) {
        } else if candidate.bytes.is_some() {
            chosen.ids.push(candidate.id);
            chosen.places.push(candidate.place(selection));
        } else {
            chosen.without_input += 1;
        }
        last = Some(candidate);
    }
    chosen.next = last.filter(|_| full || cut).and_then(|last| last.place(selection));
    chosen
}

/// What goes into a stage once more.
#[derive(Debug, FromRow)]
pub(crate) struct Input {
    pub(crate) id: Uuid,
    attempt: i32,
    pub(crate) input: String,
    submitted_at: DateTime<Utc>,
    source: Option<String>,
    partition: i32,
    key: Option<Vec<u8>>,
    times: String,
    traceparent: Option<String>,
}

const INPUTS: &str = "
    select c.id, c.attempt, case when $3::smallint = 1 then i.input else p.output end as input, i.submitted_at, i.source, i.partition,
           coalesce(p.key, f.key) as key, coalesce(p.times, '') as times, coalesce(p.traceparent, f.traceparent) as traceparent
    from unnest($1::uuid[], $2::integer[]) with ordinality as c(id, attempt, place)
    join inputs1 i on i.message_id = c.id
    left join lateral (
        select n.output, n.key, n.times, n.traceparent from number_stages n
        where n.stage = $3 - 1 and n.message_id = c.id order by n.attempt desc limit 1
    ) p on true
    left join stage1 f on f.stage = 1 and f.message_id = c.id and f.attempt = 0
    where $3 = 1 or p.output is not null
    order by c.place";

/// The stage's inputs for these attempts of messages, one after the other.
pub(crate) fn inputs<'p>(
    pool: &'p PgPool,
    stage: &Stage,
    attempts: &[(Uuid, i32)],
) -> BoxStream<'p, sqlx::Result<Input>> {
    let (ids, numbers): (Vec<Uuid>, Vec<i32>) = attempts.iter().copied().unzip();
    sqlx::query_as::<_, Input>(INPUTS).bind(ids).bind(numbers).bind(i16::from(stage.number)).fetch(pool)
}

impl Input {
    /// Its record in the stage's topic.
    pub(crate) fn message(self, topic: &str) -> kafka::Message {
        let tag = Tag {
            id: Some(MessageId(self.id.into_bytes())),
            attempt: self.attempt.unsigned_abs(),
            submitted_at_ms: Some(self.submitted_at.timestamp_millis()),
            times: self.times,
            traceparent: self.traceparent,
            source: self.source,
        };
        kafka::Message {
            topic: topic.to_owned(),
            // A message stays in the partition of its number, so that it overtakes none of its key.
            partition: Some(self.partition),
            key: self.key,
            value: Some(self.input.into_bytes()),
            headers: tag.headers(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(number: u8, bytes: Option<i64>) -> Candidate {
        let id = Uuid::from_bytes([number; 16]);
        Candidate { id, submitted_at: DateTime::UNIX_EPOCH, offset: i64::from(number), bytes }
    }

    fn chosen(candidates: &[Candidate], limit: usize) -> (usize, usize, Option<String>) {
        let selection = Selection::Offsets { partition: 0, first: 0, last: 100 };
        let chosen = choose(candidates.to_vec(), &selection, limit);
        (chosen.ids.len(), chosen.without_input, chosen.next)
    }

    #[test]
    fn a_request_takes_what_fits_and_says_where_to_go_on() {
        let few = [candidate(1, Some(5)), candidate(2, None), candidate(3, Some(7)), candidate(1, Some(5))];
        assert_eq!(chosen(&few, 10), (2, 1, None), "each message once");
        assert_eq!(chosen(&few[..3], 3), (2, 1, Some("3".to_owned())));
        let large = [candidate(1, Some(BYTES + 1)), candidate(2, Some(1))];
        assert_eq!(chosen(&large, 10), (1, 0, Some("1".to_owned())), "one that is too large goes alone");
        assert_eq!(chosen(&[], 10), (0, 0, None));
    }
}
