//! From records to the parts of a batch, a partition each. No I/O.

use std::collections::BTreeMap;

use kit::kafka::Record;

/// The records of one partition.
pub(crate) struct Group<'a> {
    pub topic: &'a str,
    pub partition: i32,
    /// By offset, each once.
    pub records: BTreeMap<i64, &'a Record>,
}

impl Group<'_> {
    pub(crate) fn first(&self) -> i64 {
        self.records.keys().next().copied().unwrap_or(0)
    }
}

/// Splits a batch by topic and partition.
pub(crate) fn group(records: &[Record]) -> Vec<Group<'_>> {
    let mut groups: BTreeMap<(&str, i32), Group<'_>> = BTreeMap::new();
    for record in records {
        let (topic, partition) = (&*record.topic, record.partition);
        let new = || Group { topic, partition, records: BTreeMap::new() };
        groups.entry((topic, partition)).or_insert_with(new).records.entry(record.offset).or_insert(record);
    }
    groups.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_record_stands_once_in_the_order_of_its_partition() {
        let record = |partition, offset| Record {
            topic: "t".into(),
            partition,
            offset,
            timestamp_ms: 0,
            key: None,
            value: None,
            headers: Vec::new(),
        };
        let records = [record(1, 6), record(0, 3), record(1, 5), record(1, 6)];
        let groups = group(&records);
        let found: Vec<_> = groups
            .iter()
            .map(|group| (group.partition, group.first(), group.records.keys().copied().collect::<Vec<_>>()))
            .collect();
        assert_eq!(found, [(0, 3, vec![3]), (1, 5, vec![5, 6])]);
    }
}
