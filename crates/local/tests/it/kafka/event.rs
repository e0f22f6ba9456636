//! The event that a function gets.

use serde_json::{Value, json};

use crate::support::{
    source::{Source, decoded},
    topic::Rec,
};

const RECORDER: &str = "
def handler(event, context):
    record(event)
";

pub(crate) async fn a_record_looks_as_lambda_sends_it() {
    let source = Source::with_handler(1, "BatchSize: 3, MaximumBatchingWindowInSeconds: 60", RECORDER).await;
    let full = Rec {
        key: Some(b"order-7".to_vec()),
        value: Some("{\"ü\": 1}".into()),
        headers: vec![("trace", vec![0, 1, 127, 128, 255]), ("trace", b"twice".to_vec()), ("empty", vec![])],
        timestamp_ms: Some(1_700_000_000_123),
        ..Rec::default()
    };
    let tombstone = Rec { key: Some(b"order-8".to_vec()), timestamp_ms: Some(1), ..Rec::default() };
    let empty = Rec { value: Some(vec![]), timestamp_ms: Some(2), ..Rec::default() };
    source.topic.produce(&[full, tombstone, empty]).await;
    source.enable().await;
    let event = source.app.recorded(1).await.remove(0);
    source.mapping.disable().await;

    let topic = &source.topic.name;
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&event), ["eventSource", "bootstrapServers", "records"], "no eventSourceArn");
    assert_eq!(event["eventSource"], "SelfManagedKafka");
    assert_eq!(event["bootstrapServers"], source.topic.kafka.bootstrap_servers);
    assert_eq!(keys(&event["records"]), [format!("{topic}-0")]);
    let records = event["records"][format!("{topic}-0")].as_array().unwrap();
    let expected = json!({
        "topic": topic, "partition": 0, "offset": 0, "timestamp": 1_700_000_000_123_i64, "timestampType": "CREATE_TIME",
        "key": "b3JkZXItNw==", "value": records[0]["value"],
        // Java's bytes are signed; a name that comes twice stays twice.
        "headers": [{"trace": [0, 1, 127, -128, -1]}, {"trace": [116, 119, 105, 99, 101]}, {"empty": []}],
    });
    assert_eq!(records[0], expected);
    assert_eq!(decoded(&records[0]["value"]), "{\"ü\": 1}");
    let expected = json!({
        "topic": topic, "partition": 0, "offset": 1, "timestamp": 1, "timestampType": "CREATE_TIME",
        "key": "b3JkZXItOA==", "headers": [],
    });
    assert_eq!(records[1], expected, "a tombstone has no value at all");
    assert_eq!((records[2].get("key"), &records[2]["value"]), (None, &json!("")), "an empty value is there");
}

/// The records of partition 0 in the only event that these make.
async fn event_of(source: &Source, records: &[Rec]) -> Vec<Value> {
    source.topic.produce(records).await;
    source.enable().await;
    let event = source.app.recorded(1).await.remove(0);
    source.mapping.disable().await;
    event["records"][format!("{}-0", source.topic.name)].as_array().unwrap().clone()
}

pub(crate) async fn a_tombstone_has_no_value_and_a_record_without_key_no_key() {
    let source = Source::with_handler(1, "BatchSize: 3, MaximumBatchingWindowInSeconds: 60", RECORDER).await;
    let tombstone = Rec { key: Some(b"k".to_vec()), ..Rec::default() };
    let keyless = Rec { value: Some(b"v".to_vec()), ..Rec::default() };
    let empty = Rec { key: Some(vec![]), value: Some(vec![]), ..Rec::default() };
    let records = event_of(&source, &[tombstone, keyless, empty]).await;
    let pairs: Vec<_> = records.iter().map(|record| (record.get("key"), record.get("value"))).collect();
    let (key, value, nothing) = (json!("aw=="), json!("dg=="), json!(""));
    assert_eq!(pairs, [(Some(&key), None), (None, Some(&value)), (Some(&nothing), Some(&nothing))]);
}

pub(crate) async fn header_bytes_are_signed_and_names_may_stand_twice() {
    let source = Source::with_handler(1, "BatchSize: 1", RECORDER).await;
    let headers = vec![("a", vec![127, 128, 255]), ("b", vec![]), ("a", b"x".to_vec()), ("ü \"", vec![0])];
    let records = event_of(&source, &[Rec { value: Some(vec![]), headers, ..Rec::default() }]).await;
    let expected = json!([{"a": [127, -128, -1]}, {"b": []}, {"a": [120]}, {"ü \"": [0]}]);
    assert_eq!(records[0]["headers"], expected);
}

pub(crate) async fn the_time_is_the_brokers_where_the_topic_says_so() {
    let source = Source::with_handler(1, "BatchSize: 1", RECORDER).await;
    source.topic.alter("message.timestamp.type", "LogAppendTime").await;
    let record = Rec { value: Some(vec![]), timestamp_ms: Some(1), ..Rec::default() };
    let records = event_of(&source, &[record]).await;
    assert_eq!(records[0]["timestampType"], "LOG_APPEND_TIME");
    assert!(records[0]["timestamp"].as_i64().unwrap() > 1_700_000_000_000, "{}", records[0]);
}

pub(crate) async fn msk_says_so_and_names_the_cluster() {
    let source = Source::with_handler(1, "BatchSize: 1", RECORDER).await;
    // The same mapping as an MSK event: what AWS calls the cluster, read from the one broker that runs here.
    let arn = "arn:aws:kafka:us-east-1:123456789012:cluster/c/0";
    let spec = millrace::template::spec::KafkaMappingSpec {
        event_source_arn: Some(arn.to_owned()),
        ..source.mapping.spec().clone()
    };
    let mapping = millrace::kafka_source::Mapping::new(spec, source.app.host.clone(), source.topic.kafka.clone());
    source.topic.produce(&[Rec { value: Some(b"a".to_vec()), ..Rec::default() }]).await;
    mapping.enable().await.unwrap();
    let event = source.app.recorded(1).await.remove(0);
    mapping.disable().await;
    assert_eq!((&event["eventSource"], &event["eventSourceArn"]), (&json!("aws:kafka"), &json!(arn)));
}
