//! The limit of 6 MB on the encoded payload.

use crate::support::{
    source::Source,
    topic::{Rec, rec},
};

/// Says which records came and how large their event was.
const SIZES: &str = "
import base64
def handler(event, context):
    records = [r for partition in event['records'].values() for r in partition]
    record({'offsets': [r['offset'] for r in records], 'bytes': len(json_bytes(event))})
def json_bytes(event):
    import json
    return json.dumps(event, separators=(',', ':')).encode()
";

const MB: usize = 1024 * 1024;

pub(crate) async fn a_batch_is_closed_before_its_payload_exceeds_6_mb() {
    let source = Source::with_handler(1, "BatchSize: 100, MaximumBatchingWindowInSeconds: 1", SIZES).await;
    // Base64 makes 2 MB of 1.5 MB, so two fit and three do not.
    let large = |n| Rec { headers: vec![("h", vec![0xff; 1000])], ..rec(0, format!("{n}").repeat(3 * MB / 2)) };
    source.topic.produce(&[large(0), large(1), large(2), large(3), large(4)]).await;
    source.enable().await;
    source.until_committed(&[5]).await;
    source.mapping.disable().await;
    let events = source.app.records();
    let offsets: Vec<Vec<i64>> = events.iter().map(|e| serde_json::from_value(e["offsets"].clone()).unwrap()).collect();
    assert_eq!(offsets, [vec![0, 1], vec![2, 3], vec![4]]);
    assert!(events.iter().all(|event| event["bytes"].as_u64().unwrap() <= 6 * MB as u64), "{events:?}");
}

pub(crate) async fn a_record_of_4_mb_is_delivered_whole_and_what_no_event_holds_is_not() {
    let hashes = "
import base64, hashlib
def handler(event, context):
    for records in event['records'].values():
        for r in records:
            value = base64.b64decode(r['value'])
            record({'offset': r['offset'], 'bytes': len(value), 'sum': sum(value[::1000])})
";
    let destination = "BatchSize: 100, MaximumBatchingWindowInSeconds: 1, \
                       DestinationConfig: {OnFailure: {Destination: 'kafka://TOPIC.failed'}}";
    let source = Source::with_handler(1, destination, hashes).await;
    let sizes = [1_usize, 4_000_000, 4_400_000, 4_800_000, 1];
    let values = sizes.map(|size| (0..size).map(|n| (n % 251).to_le_bytes()[0]).collect::<Vec<u8>>());
    let records = values.clone().map(|value| Rec { value: Some(value), ..Rec::default() });
    // By the producer that functions use.
    let message = |rec: &Rec| kafka::Message {
        topic: source.topic.name.clone(),
        partition: Some(0),
        value: rec.value.clone(),
        ..kafka::Message::default()
    };
    let producer = kafka::Producer::new(&source.topic.kafka).unwrap();
    producer.send_all(records.iter().map(message).collect()).await.unwrap();
    source.enable().await;
    source.until_committed(&[5]).await;
    source.mapping.disable().await;
    let sum = |value: &[u8]| value.iter().step_by(1000).map(|byte| u64::from(*byte)).sum::<u64>();
    let expected: Vec<_> = [0, 1, 2, 4]
        .map(|n| serde_json::json!({"offset": n, "bytes": values[n].len(), "sum": sum(&values[n])}))
        .to_vec();
    assert_eq!(source.app.records(), expected);
    let given_up = source.failed.read(1).await;
    assert!(given_up[0].value.as_deref() == Some(&values[3][..]), "byte for byte");
}

pub(crate) async fn a_record_over_the_limit_goes_to_the_failure_destination_as_it_came() {
    let destination = "BatchSize: 100, MaximumBatchingWindowInSeconds: 1, \
                       DestinationConfig: {OnFailure: {Destination: 'kafka://TOPIC.failed'}}";
    let source = Source::with_handler(1, destination, SIZES).await;
    let huge = Rec { key: Some(b"k".to_vec()), headers: vec![("h", vec![0xff])], ..rec(0, "x".repeat(5 * MB)) };
    source.topic.produce(&[rec(0, "a"), huge.clone(), rec(0, "b"), huge.clone(), huge.clone(), rec(0, "c")]).await;
    source.enable().await;
    source.until_committed(&[6]).await;
    source.mapping.disable().await;
    let events = source.app.records();
    let offsets: Vec<i64> =
        events.iter().flat_map(|e| e["offsets"].as_array().unwrap()).map(|o| o.as_i64().unwrap()).collect();
    assert_eq!(offsets, [0, 2, 5], "the others are delivered, in order");
    assert_eq!(source.mapping.statistics().given_up, 3);
    let failed = source.failed.read(3).await;
    for (letter, offset) in failed.iter().zip(["1", "3", "4"]) {
        assert_eq!((&letter.key, &letter.value), (&huge.key, &huge.value));
        let header = |name: &str| letter.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        assert_eq!(header("h"), Some(vec![0xff]));
        assert_eq!(header("origin.offset"), Some(offset.into()));
        assert_eq!(header("origin.topic"), Some(source.topic.name.clone().into_bytes()));
        assert_eq!(header("error.rule"), Some(b"MaximumPayloadSizeExceeded".to_vec()));
    }
}

pub(crate) async fn the_record_that_did_not_fit_does_not_overtake_a_batch_that_failed() {
    let source = Source::with_handler(
        1,
        "BatchSize: 100, MaximumBatchingWindowInSeconds: 1",
        &format!(
            "{SIZES}
sizes = handler
def handler(event, context):
    sizes(event, context)
    if not raised('mended'):
        raise ValueError('not yet')
"
        ),
    )
    .await;
    let large = |n| rec(0, format!("{n}").repeat(5 * MB / 2));
    source.topic.produce(&[large(0), large(1), large(2)]).await;
    source.enable().await;
    source.app.recorded(3).await;
    source.app.raise("mended");
    source.until_committed(&[3]).await;
    source.mapping.disable().await;
    let mut first: Vec<i64> = source.app.records().iter().map(|event| event["offsets"][0].as_i64().unwrap()).collect();
    first.dedup();
    assert_eq!(first, [0, 1, 2], "a record is delivered only when the one before it is done");
}
