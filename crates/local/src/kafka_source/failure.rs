//! What the on-failure destination gets of records that are given up, as Lambda writes it: metadata of the batch for a
//! queue or an SNS topic, the same with the event as text for a bucket, and each record with its own for a Kafka topic.

use chrono::{DateTime, SecondsFormat, Utc};
use kafka::Message;
use serde_json::{Map, Value, json, value::RawValue};
use uuid::Uuid;

use super::{
    batch::{Batch, Envelope, Place},
    retry::Condition,
};
use crate::destination::Record;

/// What is known of the failed invocation.
#[derive(Debug, Clone, Default)]
pub(super) struct Failed {
    pub(super) request_id: String,
    pub(super) function_arn: String,
    pub(super) attempts: u32,
    pub(super) function_error: Option<String>,
}

/// What a record says beside the batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) envelope: &'a Envelope,
    pub(super) condition: Condition,
    /// `None` when the function was never invoked.
    pub(super) failed: Option<&'a Failed>,
    pub(super) function_arn: &'a str,
}

/// The record for a queue, an SNS topic or (`with_payload`) a bucket: one for the whole batch.
pub(super) fn record(
    batch: &Batch,
    about: &About<'_>,
    mapping_uuid: &str,
    with_payload: bool,
    now: DateTime<Utc>,
) -> Record {
    let payload = batch.payload(about.envelope);
    let partitions = batch.partitions.iter().filter_map(|(partition, slice)| {
        let (first, last) = (slice.records.first()?, slice.records.last()?);
        let info = json!({
            "firstRecordOffset": first.offset.to_string(),
            "lastRecordOffset": last.offset.to_string(),
            "firstRecordTimestamp": time(first),
            "lastRecordTimestamp": time(last),
        });
        Some((partition.to_string(), info))
    });
    let records = ("recordsInfo", Value::Object(partitions.collect::<Map<_, _>>()));
    let arn = about.function_arn;
    let mut document = document(batch, about, arn, about.condition.name(), payload.len(), records, now);
    if with_payload && let (Some(fields), Ok(text)) = (document.as_object_mut(), std::str::from_utf8(&payload)) {
        fields.insert("payload".into(), text.into());
    }
    let shard = batch.partitions.keys().next().map(ToString::to_string).unwrap_or_default();
    Record { body: document.to_string(), attributes: Vec::new(), key: object_key(mapping_uuid, &shard, now) }
}

/// `aws/lambda/<UUID of the mapping>/<topic-partition>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<random UUID>`.
fn object_key(mapping_uuid: &str, shard: &str, now: DateTime<Utc>) -> String {
    let random = Uuid::new_v4();
    format!("aws/lambda/{mapping_uuid}/{shard}/{}-{random}", now.format("%Y/%m/%d/%Y-%m-%dT%H.%M.%S"))
}

/// One message a record for a Kafka topic, with the record's key, so that records of one key stay together and in order.
pub(super) fn messages(
    topic: &str,
    batch: &Batch,
    envelope: &Envelope,
    condition: Condition,
    failed: &Failed,
    now: DateTime<Utc>,
) -> Vec<Message> {
    let about = About { envelope, condition, failed: Some(failed), function_arn: &failed.function_arn };
    batch.singles().map(|single| message(topic, &single, &about, now)).collect()
}

fn message(topic: &str, single: &Batch, about: &About<'_>, now: DateTime<Utc>) -> Message {
    let payload = single.payload(about.envelope);
    let place = single.partitions.values().find_map(|slice| slice.records.first());
    let info = place.map(|place| json!({"offset": place.offset.to_string(), "timestamp": time(place)}));
    // For Kafka destinations alone, AWS documents another word and the version in the ARN.
    let condition = match about.condition {
        Condition::RetryAttemptsExhausted => "RetriesExhausted",
        other => other.name(),
    };
    let arn = format!("{}:$LATEST", about.function_arn);
    let head = document(single, about, &arn, condition, payload.len(), ("recordInfo", info.unwrap_or_default()), now);
    let mut document = head.to_string();
    // The record follows as it was delivered; what was encoded once is not parsed and encoded again.
    if let Ok(payload) = serde_json::from_slice::<&RawValue>(&payload) {
        document.truncate(document.len() - 1);
        document.push_str(r#","payload":"#);
        document.push_str(payload.get());
        document.push('}');
    }
    Message { topic: topic.to_owned(), key: single.key(), value: Some(document.into_bytes()), ..Message::default() }
}

fn document(
    batch: &Batch,
    about: &About<'_>,
    function_arn: &str,
    condition: &str,
    payload_size: usize,
    (info, records): (&str, Value),
    now: DateTime<Utc>,
) -> Value {
    // A record that is too large was never delivered.
    let response = about
        .failed
        .map(|failed| json!({"statusCode": 200, "executedVersion": "$LATEST", "functionError": failed.function_error}));
    let mut batch_info = json!({
        "batchSize": batch.len(),
        "bootstrapServers": about.envelope.bootstrap_servers,
        "payloadSize": payload_size,
        info: records,
    });
    // Self-managed clusters have no ARN.
    if let (Some(fields), Some(arn)) = (batch_info.as_object_mut(), &about.envelope.event_source_arn) {
        fields.insert("eventSourceArn".into(), arn.as_str().into());
    }
    json!({
        "requestContext": {
            "requestId": about.failed.map_or_else(|| Uuid::new_v4().to_string(), |failed| failed.request_id.clone()),
            "functionArn": function_arn,
            "condition": condition,
            "approximateInvokeCount": about.failed.map_or(0, |failed| failed.attempts),
        },
        "responseContext": response,
        "version": "1.0",
        "timestamp": now.to_rfc3339_opts(SecondsFormat::Millis, true),
        "KafkaBatchInfo": batch_info,
    })
}

fn time(place: &Place) -> Option<String> {
    DateTime::from_timestamp_millis(place.timestamp_ms).map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

#[cfg(test)]
mod tests {
    use super::{super::batch::tests::batch, *};

    fn envelope() -> Envelope {
        Envelope { event_source_arn: None, bootstrap_servers: "b:9092".into() }
    }

    fn failed() -> Failed {
        Failed {
            attempts: 11,
            function_error: Some("Unhandled".into()),
            function_arn: "arn:f".into(),
            ..Failed::default()
        }
    }

    #[test]
    fn a_kafka_topic_gets_each_record_with_its_reason() {
        let batch = batch(&[(0, 5, 1_000), (0, 6, 2_000), (1, 9, 0)]);
        let now = DateTime::from_timestamp_millis(5_000).unwrap();
        let condition = Condition::RetryAttemptsExhausted;
        let messages = messages("t.failed", &batch, &envelope(), condition, &failed(), now);
        assert_eq!(messages.len(), 3, "one a record");
        let document: Value = serde_json::from_slice(messages[1].value.as_deref().unwrap()).unwrap();
        assert_eq!(document["requestContext"]["condition"], "RetriesExhausted");
        assert_eq!(document["requestContext"]["functionArn"], "arn:f:$LATEST");
        assert_eq!(document["requestContext"]["approximateInvokeCount"], 11);
        let info = json!({"offset": "6", "timestamp": "1970-01-01T00:00:02.000Z"});
        assert_eq!(document["KafkaBatchInfo"]["recordInfo"], info);
        assert_eq!(document["payload"]["records"]["t-0"], json!([{"offset": 6}]));
    }

    #[test]
    fn a_queue_gets_metadata_and_a_bucket_the_event_as_text_too() {
        let batch = batch(&[(0, 5, 1_000), (0, 6, 2_000), (1, 9, 0)]);
        let now = DateTime::from_timestamp_millis(5_000).unwrap();
        let (envelope, failed) = (envelope(), failed());
        let condition = Condition::RetryAttemptsExhausted;
        let about = About { envelope: &envelope, condition, failed: Some(&failed), function_arn: "arn:f" };
        let document: Value = serde_json::from_str(&record(&batch, &about, "uuid", false, now).body).unwrap();
        assert_eq!(document["requestContext"]["condition"], "RetryAttemptsExhausted");
        assert_eq!(document["responseContext"]["functionError"], "Unhandled");
        let info = &document["KafkaBatchInfo"];
        assert_eq!(info["batchSize"], 3);
        let expected = json!({"firstRecordOffset": "5", "lastRecordOffset": "6",
            "firstRecordTimestamp": "1970-01-01T00:00:01.000Z", "lastRecordTimestamp": "1970-01-01T00:00:02.000Z"});
        assert_eq!(info["recordsInfo"]["t-0"], expected);
        assert!(document.get("payload").is_none());
        let stored = record(&batch, &about, "uuid", true, now);
        assert!(stored.key.starts_with("aws/lambda/uuid/t-0/1970/01/01/1970-01-01T00.00.05-"), "{}", stored.key);
        let document: Value = serde_json::from_str(&stored.body).unwrap();
        let payload: Value = serde_json::from_str(document["payload"].as_str().unwrap()).unwrap();
        assert_eq!(payload["records"]["t-1"], json!([{"offset": 9}]));
    }

    #[test]
    fn a_record_that_was_never_delivered_has_no_response() {
        let envelope = envelope();
        let condition = Condition::RecordTooLarge;
        let about = About { envelope: &envelope, condition, failed: None, function_arn: "arn:f" };
        let body = record(&batch(&[(0, 5, 0)]), &about, "uuid", false, Utc::now()).body;
        let document: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(document["requestContext"]["condition"], "MaximumPayloadSizeExceeded");
        assert_eq!(document["responseContext"], Value::Null);
    }
}
