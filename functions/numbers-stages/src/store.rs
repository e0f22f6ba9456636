//! The statement that stores a batch, and the one that notes that it is published.

use std::collections::HashSet;

use anyhow::Context;
use chrono::{DateTime, Utc};
use domain::numbers::Stage;
use sqlx::Row as _;
use uuid::Uuid;

use crate::batch::Group;
use crate::compute::{Clock, Computed, Row};
use crate::seats::Seat;
use crate::session::Session;

/// A partition's part of a batch, ready to be stored.
pub(crate) struct Part<'a> {
    pub group: &'a Group<'a>,
    pub seat: Seat,
    /// The first offset that is looked at.
    pub first_offset: i64,
    /// The progress behind it.
    pub next_offset: i64,
    pub computed: Computed<'a>,
    pub out_partition: i32,
    /// The end of that partition, or an offset before it.
    pub out_from: i64,
}

/// A batch that is pending.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pending {
    /// Its part's position.
    pub at: usize,
    pub id: i64,
    /// Rows that were new.
    pub records: i32,
}

/// One statement, and so one transaction: locks, progress, the batches, and the rows of those partitions whose progress was
/// as it was thought to be.
macro_rules! store {
    ($also:literal) => {
        concat!(
            "
with part as materialized (
    select *, pg_try_advisory_lock(key) as held, nextval('number_batches_id_seq') as id
    from unnest($2::int[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::int[], $8::bigint[], $9::bigint[],
                $10::bigint[], $11::int[], $12::int[], $13::int[], $14::bigint[])
      as part(at, key, cluster_id, topic, topic_id, partition, expected, first_offset, next_offset, records, dead_letters,
              out_partition, out_from)),
moved as (
    update number_progress as p set next_offset = part.next_offset, pending = part.id, updated_at = clock_timestamp()
    from part
    where p.stage = $1 and p.cluster_id = part.cluster_id and p.topic_id = part.topic_id and p.partition = part.partition
      and part.held and p.next_offset = part.expected and p.pending is null
    returning part.id, part.at),
noted as (
    insert into number_batches (id, stage, cluster_id, topic, topic_id, partition, first_offset, next_offset, records,
                                duplicates, dead_letters, out_topic, out_partition, out_from, received_at)
    overriding system value
    select part.id, $1, cluster_id, topic, topic_id, partition, first_offset, next_offset, records, 0, dead_letters, $15,
           out_partition, out_from, $16
    from part join moved using (id)),
message as (
    select message.*, moved.id as batch
    from unnest($17::int[], $18::uuid[], $19::int[], $20::text[], $21::text[], $22::timestamptz[], $23::timestamptz[],
                $24::timestamptz[], $25::bytea[], $26::text[], $27::text[], $28::bigint[], $29::text[])
      as message(at, message_id, attempt, input, output, submitted_at, started_at, finished_at, key, traceparent, times,
                 place, source)
    join moved using (at)),
stored as (
    insert into number_stages (stage, message_id, attempt, input, output, submitted_at, received_at, started_at, finished_at,
                               key, traceparent, times, \"offset\", batch)
    select $1, message_id, attempt, input, output, submitted_at, $16, started_at, finished_at, key, traceparent, times, place,
           batch
    from message
    on conflict do nothing
    returning batch)",
        $also,
        "
select moved.at, moved.id, count(stored.batch)::int as records
from moved left join stored on stored.batch = moved.id
group by moved.at, moved.id"
        )
    };
}

const STORE: &str = store!("");

/// That of the first stage. Others do without: a table that is read twice, as `message` is here, is written down in between.
const STORE_AND_INPUTS: &str = store!(
    ",
came as (
    insert into inputs1 (message_id, input, submitted_at, partition, \"offset\", source, batch)
    select message_id, input, submitted_at, part.partition, place, source, message.batch
    from message join part on part.id = message.batch
    where attempt = 0
    on conflict do nothing)"
);

/// What was published is said without waiting for the disk: when that is lost, the outputs are looked for and found.
const PUBLISHED: &str = "
with quick as materialized (select set_config('synchronous_commit', 'off', true)),
done as (
    update number_batches as b
    set published_at = $3, records = d.records, duplicates = b.records - d.records
    from unnest($1::bigint[], $2::int[]) as d(id, records), quick
    where b.id = d.id and b.published_at is null
    returning b.*),
counted as (
    update number_progress as p
    set pending = null, records = p.records + d.records, duplicates = p.duplicates + d.duplicates,
        dead_letters = p.dead_letters + d.dead_letters, updated_at = clock_timestamp()
    from done as d
    where p.stage = d.stage and p.cluster_id = d.cluster_id and p.topic_id = d.topic_id and p.partition = d.partition
      and p.pending = d.id)
select pg_advisory_unlock_all() where $4";

/// Stores the parts, each whole or not at all. Those that are not returned belong to somebody else, or have come further.
pub(crate) async fn store(
    session: &mut Session,
    stage: &Stage,
    parts: &[Part<'_>],
    out_topic: &str,
    clock: &Clock<'_>,
) -> anyhow::Result<Vec<Pending>> {
    let of_part = |value: fn(&Part<'_>) -> i64| parts.iter().map(value).collect::<Vec<i64>>();
    let int = |value: fn(&Part<'_>) -> i32| parts.iter().map(value).collect::<Vec<i32>>();
    let text = |value: for<'p> fn(&'p Part<'_>) -> &'p str| parts.iter().map(value).collect::<Vec<&str>>();
    let rows: Vec<(i32, &Row<'_>)> =
        (0..).zip(parts).flat_map(|(at, part)| part.computed.rows.iter().map(move |row| (at, row))).collect();
    let of_row = |value: fn(&Row<'_>) -> DateTime<Utc>| rows.iter().map(|(_, row)| value(row)).collect::<Vec<_>>();
    let found = sqlx::query(if stage.number == 1 { STORE_AND_INPUTS } else { STORE })
        .bind(i16::from(stage.number))
        .bind((0..).take(parts.len()).collect::<Vec<i32>>())
        .bind(of_part(|part| part.seat.key))
        .bind(text(|part| &part.seat.cluster_id))
        .bind(text(|part| part.group.topic))
        .bind(text(|part| &part.seat.topic_id))
        .bind(int(|part| part.seat.partition))
        .bind(of_part(|part| part.seat.next_offset))
        .bind(of_part(|part| part.first_offset))
        .bind(of_part(|part| part.next_offset))
        .bind(int(|part| count(part.computed.rows.len())))
        .bind(int(|part| count(part.computed.letters.len())))
        .bind(int(|part| part.out_partition))
        .bind(of_part(|part| part.out_from))
        .bind(out_topic)
        .bind(clock.received_at())
        .bind(rows.iter().map(|(at, _)| *at).collect::<Vec<i32>>())
        .bind(rows.iter().map(|(_, row)| Uuid::from_bytes(row.id.0)).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, row)| row.tag.attempt.cast_signed()).collect::<Vec<i32>>())
        .bind(rows.iter().map(|(_, row)| row.input).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, row)| row.output.as_str()).collect::<Vec<_>>())
        .bind(of_row(|row| row.submitted_at))
        .bind(of_row(|row| row.started_at))
        .bind(of_row(|row| row.finished_at))
        .bind(rows.iter().map(|(_, row)| row.record.key.as_deref()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, row)| row.tag.traceparent.as_deref()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, row)| row.tag.times.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, row)| row.record.offset).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, row)| row.tag.source.as_deref()).collect::<Vec<_>>())
        .fetch_all(session.connection()?)
        .await
        .context("store a batch")?;
    let pending = found.iter().map(|row| {
        let at: i32 = row.try_get("at")?;
        Ok(Pending { at: usize::try_from(at)?, id: row.try_get("id")?, records: row.try_get("records")? })
    });
    pending.collect()
}

/// The offsets of these batches' messages that were new: those that have a row of the batch.
pub(crate) async fn new_messages(
    session: &mut Session,
    stage: &Stage,
    batches: &[i64],
) -> anyhow::Result<HashSet<(i64, i64)>> {
    let rows: Vec<(i64, i64)> =
        sqlx::query_as("select batch, \"offset\" from number_stages where stage = $1 and batch = any($2)")
            .bind(i16::from(stage.number))
            .bind(batches)
            .fetch_all(session.connection()?)
            .await
            .context("read which messages are new")?;
    Ok(rows.into_iter().collect())
}

/// Notes that all outputs of these batches are acknowledged; `leave` lets all locks go.
pub(crate) async fn published(
    session: &mut Session,
    batches: &[(i64, i32)],
    now: DateTime<Utc>,
    leave: bool,
) -> anyhow::Result<()> {
    sqlx::query(PUBLISHED)
        .bind(batches.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        .bind(batches.iter().map(|(_, records)| *records).collect::<Vec<_>>())
        .bind(now)
        .bind(leave)
        .execute(session.connection()?)
        .await
        .context("note that a batch is published")?;
    Ok(())
}

fn count(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}
