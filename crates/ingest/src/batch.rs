//! From records to rows: which records are new, which break a rule, and the segment of the rest. No I/O.

use chrono::{DateTime, Utc};
use kit::kafka::Record;
use lake::{Lake, Plan, Segment};

use crate::format::Format;

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
    /// `None` when no record is good and new.
    pub segment: Option<Segment>,
    /// Rows in it.
    pub records: usize,
    pub dead_letters: Vec<kafka::Message>,
}

/// Checks the records that the plan keeps, leaves repeats out, and writes the counts into it.
pub(crate) fn check<F: Format>(
    format: &F,
    lake: &Lake,
    groups: &[&Group<'_>],
    plan: &mut Plan,
    now: DateTime<Utc>,
) -> anyhow::Result<Checked> {
    let mut segment = lake.segment()?;
    let mut rows: Vec<(F::Row<'_>, &Record)> = Vec::new();
    let mut dead_letters = Vec::new();
    for part in &mut plan.partitions {
        let Some(group) = groups.get(part.offered) else { continue };
        let kept: Vec<&Record> =
            part.keep.iter().filter_map(|&position| group.records.get(position).copied()).collect();
        let mut good: Vec<(F::Row<'_>, &Record)> = Vec::with_capacity(kept.len());
        for record in kept {
            match format.read(record, now) {
                Ok(row) => good.push((row, record)),
                Err(rejection) => {
                    part.reject(rejection.rule);
                    dead_letters.push(kafka::dead_letter_of(record, rejection.rule, &rejection.reason));
                }
            }
        }
        let is_new = lake.admit(part, good.iter().map(|(row, _)| format.key(row)));
        rows.extend(good.into_iter().zip(is_new).filter_map(|(row, is_new)| is_new.then_some(row)));
    }
    // Segments are written by day, and queries ask for the newest: so by time, then in Kafka's order.
    rows.sort_by_key(|(row, _)| format.time(row));
    for (row, record) in &rows {
        format.push(row, record, now, &mut segment)?;
    }
    Ok(Checked { segment: segment.finish()?, records: rows.len(), dead_letters })
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
}
