//! From records to writes and rejections, a partition each. No I/O.

use std::collections::BTreeMap;

use domain::posts::{Partition, Write};
use kit::kafka::Record;

/// The records of one partition.
pub(crate) struct Group<'a> {
    pub topic: &'a str,
    pub number: i32,
    /// `None` for a number that the topic cannot have: nothing in it can ever be stored.
    pub partition: Option<Partition>,
    /// By offset, each once.
    pub records: BTreeMap<i64, Item<'a>>,
}

/// One record and what it is.
pub(crate) struct Item<'a> {
    pub record: &'a Record,
    pub read: Result<Write, Rejection>,
}

/// Why a record can never be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejection {
    pub rule: &'static str,
    pub reason: String,
}

impl Group<'_> {
    pub(crate) fn first(&self) -> i64 {
        self.records.keys().next().copied().unwrap_or(0)
    }
}

/// Splits a batch by topic and partition, and reads each record.
pub(crate) fn group(records: &[Record]) -> Vec<Group<'_>> {
    let mut groups: BTreeMap<(&str, i32), Group<'_>> = BTreeMap::new();
    // A partition's records come one after the other, so its group is looked up once for all of them.
    for run in records.chunk_by(|one, next| one.partition == next.partition && one.topic == next.topic) {
        let Some(first) = run.first() else { continue };
        let (topic, number) = (&*first.topic, first.partition);
        let group = groups.entry((topic, number)).or_insert_with(|| Group {
            topic,
            number,
            partition: Partition::new(number),
            records: BTreeMap::new(),
        });
        for record in run {
            group.records.entry(record.offset).or_insert_with(|| Item { record, read: read(record) });
        }
    }
    groups.into_values().collect()
}

fn read(record: &Record) -> Result<Write, Rejection> {
    let value = record.value.as_deref().ok_or_else(|| Rejection {
        rule: "value",
        reason: "the record has no value; expected a write as JSON".into(),
    })?;
    let write = Write::parse(value).map_err(|fault| Rejection { rule: fault.field, reason: fault.to_string() })?;
    let belongs = write.partition().number();
    if belongs != record.partition {
        let reason =
            format!("post {} belongs to partition {belongs}, and came in {}", write.post_id(), record.partition);
        return Err(Rejection { rule: "partition", reason });
    }
    Ok(write)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(partition: i32, offset: i64, value: Option<&str>) -> Record {
        let value = value.map(|value| value.as_bytes().to_vec());
        Record { topic: "t".into(), partition, offset, timestamp_ms: 0, key: None, value, headers: Vec::new() }
    }

    #[test]
    fn each_record_is_read_once_in_the_order_of_its_partition() {
        // This post's partition is 1.
        let post = r#"{"type":"post","id":"017f22e2-79b0-7cc3-98c4-dc0c0c07398f","user_id":"u","content":"c","created_at":"2026-11-21T17:14:00Z"}"#;
        let records = [
            record(1, 6, Some(post)),
            record(2, 0, Some(post)),
            record(1, 5, None),
            record(1, 6, Some("late")),
            record(48, 3, Some("{")),
        ];
        let groups = group(&records);
        let found: Vec<_> = groups
            .iter()
            .map(|group| {
                let rules =
                    group.records.values().map(|item| item.read.as_ref().map_or_else(|bad| bad.rule, |_| "fine"));
                (group.number, group.partition.is_some(), group.first(), rules.collect::<Vec<_>>())
            })
            .collect();
        assert_eq!(
            found,
            [(1, true, 5, vec!["value", "fine"]), (2, true, 0, vec!["partition"]), (48, false, 3, vec!["body"]),]
        );
    }
}
