//! A part's records through the stage's function: rows, and letters for what can never pass. No I/O.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use domain::numbers::{Fault, KEY_BYTES, MessageId, Stage, Tag};
use kit::Invocation;
use kit::kafka::Record;

use crate::seats::Seat;

/// What the invocation keeps for storing and publishing.
const RESERVE: Duration = Duration::from_secs(15);

/// One message that has passed the stage.
pub(crate) struct Row<'a> {
    pub record: &'a Record,
    pub id: MessageId,
    pub tag: Tag,
    pub input: &'a str,
    pub output: String,
    pub submitted_at: DateTime<Utc>,
    pub started_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
}

/// What became of a part.
#[derive(Default)]
pub(crate) struct Computed<'a> {
    pub rows: Vec<Row<'a>>,
    pub letters: Vec<kafka::Message>,
    /// Where the time was over.
    pub stopped_at: Option<i64>,
}

/// The time, as it goes on from that of the invocation.
pub(crate) struct Clock<'i> {
    invocation: &'i Invocation,
    began: Instant,
}

impl<'i> Clock<'i> {
    pub(crate) fn new(invocation: &'i Invocation) -> Self {
        Self { invocation, began: Instant::now() }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.invocation.now + TimeDelta::from_std(self.began.elapsed()).unwrap_or_default()
    }

    pub(crate) fn received_at(&self) -> DateTime<Utc> {
        self.invocation.now
    }

    fn is_over(&self) -> bool {
        self.invocation.remaining() < RESERVE
    }
}

/// Computes each record until the time is over.
pub(crate) fn compute<'a>(
    stage: &Stage,
    seat: &Seat,
    records: impl Iterator<Item = &'a Record>,
    clock: &Clock<'_>,
) -> Computed<'a> {
    let mut computed = Computed::default();
    for record in records {
        if clock.is_over() {
            computed.stopped_at = Some(record.offset);
            break;
        }
        match pass(stage, seat, record, clock) {
            Ok(row) => computed.rows.push(row),
            Err(fault) => computed.letters.push(kafka::dead_letter_of(record, fault.rule, &fault.reason)),
        }
    }
    computed
}

fn pass<'a>(stage: &Stage, seat: &Seat, record: &'a Record, clock: &Clock<'_>) -> Result<Row<'a>, Fault> {
    let fault = |rule, reason: String| Fault { rule, reason };
    let value = record.value.as_deref().ok_or_else(|| fault("value", "the record has no value".into()))?;
    if let Some(key) = record.key.as_ref().filter(|key| key.len() > KEY_BYTES) {
        return Err(fault("key", format!("the key has {} bytes, expected at most {KEY_BYTES}", key.len())));
    }
    let mut tag = Tag::read(record.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())))?;
    let started_at = clock.now();
    let output = stage.apply(value)?;
    let finished_at = clock.now();
    let input = std::str::from_utf8(value).map_err(|error| fault("json", format!("not UTF-8: {error}")))?;
    let place = (record.partition, record.offset, record.timestamp_ms);
    let id =
        tag.id.unwrap_or_else(|| MessageId::of_record(&seat.cluster_id, &seat.topic_id, place.0, place.1, place.2));
    let submitted_at_ms = tag.submitted_at_ms.unwrap_or(record.timestamp_ms);
    // A record without a time has -1.
    let submitted_at = DateTime::from_timestamp_millis(submitted_at_ms).filter(|at| at.timestamp() >= 0);
    let submitted_at = submitted_at.unwrap_or_else(|| clock.received_at());
    let submitted_at_ms = submitted_at.timestamp_millis();
    let ms = |at: DateTime<Utc>| at.timestamp_millis();
    tag.times =
        tag.times_after(stage.number, submitted_at_ms, ms(clock.received_at()), ms(started_at), ms(finished_at));
    tag.id = Some(id);
    tag.submitted_at_ms = Some(submitted_at_ms);
    Ok(Row { record, id, tag, input, output, submitted_at, started_at, finished_at })
}
