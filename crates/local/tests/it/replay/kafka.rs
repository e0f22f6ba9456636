//! Records of a topic once more.

use std::collections::BTreeMap;

use millrace::kafka_source::From;
use serde_json::Value;

use crate::support::{
    source::{Source, decoded},
    topic::{Rec, rec},
};

/// All batches, as the values in them by partition.
async fn again(source: &Source, from: From, to: Option<i64>) -> Vec<BTreeMap<String, Vec<String>>> {
    let mut batches = Vec::new();
    let mut reading = source.mapping.read_again(from, to);
    while let Some(batch) = reading.recv().await {
        let batch = batch.unwrap();
        let event: Value = serde_json::from_slice(&batch.event).unwrap();
        let partitions = event["records"].as_object().unwrap().iter();
        let values =
            |records: &Value| records.as_array().unwrap().iter().map(|record| decoded(&record["value"])).collect();
        let values: BTreeMap<String, Vec<String>> =
            partitions.map(|(name, records)| (name.rsplit('-').next().unwrap().to_owned(), values(records))).collect();
        assert_eq!(batch.records, values.values().map(Vec::len).sum::<usize>());
        batches.push(values);
    }
    batches
}

pub(crate) async fn records_come_again_in_the_mappings_batches_through_its_filters_and_no_offset_moves() {
    let filter = r#"FilterCriteria: {Filters: [{Pattern: '{"value": {"n": [{"numeric": [">=", 0]}]}}'}]}"#;
    let source = Source::new(2, &format!("BatchSize: 3, {filter}"), "").await;
    let value = |n: i32| format!(r#"{{"n":{n}}}"#);
    let mut records: Vec<Rec> = (0..8).map(|n| rec(0, value(n))).collect();
    records.extend([rec(0, value(-1)), rec(0, value(8)), rec(1, value(100))]);
    source.topic.produce(&records).await;
    let before = source.committed().await;

    let batches = again(&source, From::Offsets(BTreeMap::from([(0, 2)])), None).await;
    let sizes: Vec<usize> = batches.iter().map(|batch| batch["0"].len()).collect();
    assert_eq!(sizes, [3, 3, 1], "three a batch: {batches:?}");
    let values: Vec<String> = batches.iter().flat_map(|batch| batch["0"].clone()).collect();
    assert_eq!(values, (2..=8).map(value).collect::<Vec<_>>(), "from offset 2 on, without what is filtered");

    let some = again(&source, From::Offsets(BTreeMap::from([(0, 2)])), Some(3)).await;
    assert_eq!(some, [BTreeMap::from([("0".to_owned(), vec![value(2), value(3)])])], "up to offset 3");
    assert_eq!(source.committed().await, before);
    let unknown = source.mapping.read_again(From::Offsets(BTreeMap::from([(7, 0)])), None).recv().await.unwrap();
    assert!(unknown.unwrap_err().to_string().contains("no partition 7"));
}

pub(crate) async fn a_time_begins_with_the_first_record_at_or_after_it_in_every_partition() {
    let source = Source::new(2, "BatchSize: 100", "").await;
    let at = |partition, n: i64| Rec { timestamp_ms: Some(1_700_000_000_000 + n), ..rec(partition, n) };
    source.topic.produce(&[at(0, 1), at(0, 5), at(0, 9), at(1, 2), at(1, 3), at(1, 7)]).await;
    let batches = again(&source, From::Time(1_700_000_000_005), None).await;
    let of = |partition: &str| -> Vec<String> {
        batches.iter().flat_map(|batch| batch.get(partition).cloned().unwrap_or_default()).collect()
    };
    assert_eq!((of("0"), of("1")), (vec!["5".to_owned(), "9".to_owned()], vec!["7".to_owned()]));
    assert!(again(&source, From::Time(1_700_000_000_010), None).await.is_empty(), "nothing is that young");
}
