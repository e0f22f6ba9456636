//! From records to rows: which records are new, which break a rule, and the segment of the rest. No I/O.

use chrono::{DateTime, Utc};
use domain::github::event::{self, Event, Rejection};
use kit::kafka::Record;
use lake::{Plan, Segment, SegmentBuilder, Value, github};

/// The records of one partition, in the batch's order.
pub(crate) struct Group<'a> {
    pub topic: &'a str,
    pub partition: i32,
    pub records: Vec<&'a Record>,
}

impl Group<'_> {
    pub(crate) fn first_offset(&self) -> i64 {
        self.records.iter().map(|record| record.offset).min().unwrap_or(0)
    }
}

/// Splits a batch by partition. Lambda sends each partition in one run; a run that comes back is a group of its own,
/// which would break the chain, so it is joined to the first.
pub(crate) fn group(records: &[Record]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for record in records {
        let same = |group: &Group<'_>| group.partition == record.partition && *group.topic == *record.topic;
        // A batch has few partitions, and nearly always the last one is meant.
        match groups.iter().rposition(same).and_then(|position| groups.get_mut(position)) {
            Some(group) => group.records.push(record),
            None => groups.push(Group { topic: &record.topic, partition: record.partition, records: vec![record] }),
        }
    }
    groups
}

/// A batch's new records, sorted into rows and dead letters.
pub(crate) struct Checked {
    /// `None` when no record is good.
    pub segment: Option<Segment>,
    /// Rows in it.
    pub records: usize,
    pub dead_letters: Vec<kafka::Message>,
}

/// Checks the records that the plan keeps, and writes the counts into it.
pub(crate) fn check(groups: &[&Group<'_>], plan: &mut Plan, now: DateTime<Utc>) -> anyhow::Result<Checked> {
    let mut rows: Vec<(Event<'_>, &Record)> = Vec::new();
    let mut dead_letters = Vec::new();
    for part in &mut plan.partitions {
        let Some(group) = groups.get(part.offered) else { continue };
        for record in part.keep.iter().filter_map(|&position| group.records.get(position)) {
            match parse(record) {
                Ok(event) => {
                    part.records += 1;
                    rows.push((event, record));
                }
                Err(rejection) => {
                    part.dead_letters += 1;
                    dead_letters.push(dead_letter(record, &rejection));
                }
            }
        }
    }
    // Segments are written by day, and queries ask for the newest: so by time, then in Kafka's order.
    rows.sort_by_key(|(event, _)| event.created_at);
    let mut segment = SegmentBuilder::new(&github::SCHEMA)?;
    for (event, record) in &rows {
        segment.push(&row(event, record, now))?;
    }
    Ok(Checked { segment: segment.finish()?, records: rows.len(), dead_letters })
}

fn parse(record: &Record) -> Result<Event<'_>, Rejection> {
    let missing = || Rejection { rule: "value", reason: "the record has no value".to_owned() };
    event::parse(record.value.as_deref().ok_or_else(missing)?)
}

fn dead_letter(record: &Record, rejection: &Rejection) -> kafka::Message {
    kafka::dead_letter(
        kafka::Origin {
            topic: &record.topic,
            partition: record.partition,
            offset: record.offset,
            timestamp_ms: record.timestamp_ms,
        },
        record.key.clone(),
        record.value.clone(),
        record.headers.clone(),
        rejection.rule,
        &rejection.reason,
    )
}

/// The row of an event, in the order of [`github::SCHEMA`].
fn row<'a>(event: &'a Event<'_>, record: &'a Record, now: DateTime<Utc>) -> [Value<'a>; 16] {
    let org = event.org.as_ref();
    [
        Value::Text(&event.id),
        Value::Text(&event.kind),
        Value::text(event.action.as_deref()),
        Value::Long(event.actor_id),
        Value::Text(&event.actor_login),
        Value::Long(event.repo_id),
        Value::Text(&event.repo_name),
        org.and_then(|org| org.id).map_or(Value::Null, Value::Long),
        Value::text(org.and_then(|org| org.login.as_deref())),
        event.public.map_or(Value::Null, Value::Bool),
        Value::Timestamp(event.created_at.timestamp_micros()),
        Value::Timestamp(now.timestamp_micros()),
        Value::text(event.payload),
        Value::Text(&record.topic),
        Value::Int(record.partition),
        Value::Long(record.offset),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(topic: &str, partition: i32, offset: i64) -> Record {
        Record { topic: topic.into(), partition, offset, timestamp_ms: 0, key: None, value: None, headers: Vec::new() }
    }

    #[test]
    fn a_partition_is_one_group_even_when_its_run_is_cut() {
        let records = [record("a", 0, 5), record("a", 1, 7), record("b", 0, 1), record("a", 0, 6)];
        let groups = group(&records);
        let found: Vec<_> = groups
            .iter()
            .map(|group| (group.topic, group.partition, group.first_offset(), group.records.len()))
            .collect();
        assert_eq!(found, [("a", 0, 5, 2), ("a", 1, 7, 1), ("b", 0, 1, 1)]);
    }

    #[test]
    fn a_record_without_a_value_breaks_a_rule() {
        assert_eq!(parse(&record("a", 0, 1)).unwrap_err().rule, "value");
    }
}
