//! The on-failure destination: records that are given up, with Lambda's metadata.

use chrono::{DateTime, SecondsFormat, Utc};
use kafka::Message;
use serde_json::{Value, json, value::RawValue};

use super::{
    batch::{Batch, Envelope},
    retry::Condition,
};

/// What is known of the failed invocation.
#[derive(Debug, Clone, Default)]
pub(super) struct Failed {
    pub(super) request_id: String,
    pub(super) function_arn: String,
    pub(super) attempts: u32,
    pub(super) function_error: Option<String>,
}

/// One message a partition of the batch, so that a destination topic of any size keeps each partition's order.
pub(super) fn messages(
    topic: &str,
    batch: &Batch,
    envelope: &Envelope,
    condition: Condition,
    failed: &Failed,
    now: DateTime<Utc>,
) -> Vec<Message> {
    let single =
        |(partition, slice): (&_, &_)| Batch { partitions: [(Clone::clone(partition), Clone::clone(slice))].into() };
    batch.partitions.iter().map(single).map(|part| message(topic, &part, envelope, condition, failed, now)).collect()
}

fn message(
    topic: &str,
    batch: &Batch,
    envelope: &Envelope,
    condition: Condition,
    failed: &Failed,
    now: DateTime<Utc>,
) -> Message {
    let payload = batch.payload(envelope);
    let key = batch.partitions.keys().next().map(ToString::to_string).unwrap_or_default();
    let head = json!({
        "requestContext": {
            "requestId": failed.request_id,
            "functionArn": failed.function_arn,
            "condition": condition.name(),
            "approximateInvokeCount": failed.attempts,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": failed.function_error,
        },
        "version": "1.0",
        "timestamp": now.to_rfc3339_opts(SecondsFormat::Millis, true),
        "KafkaBatchInfo": batch_info(batch, envelope, payload.len()),
    });
    let mut document = head.to_string();
    // The records follow as they were delivered; what was encoded once is not parsed and encoded again.
    if let Ok(payload) = serde_json::from_slice::<&RawValue>(&payload) {
        document.truncate(document.len() - 1);
        document.push_str(r#","payload":"#);
        document.push_str(payload.get());
        document.push('}');
    }
    Message {
        topic: topic.to_owned(),
        key: Some(key.into_bytes()),
        value: Some(document.into_bytes()),
        ..Message::default()
    }
}

fn batch_info(batch: &Batch, envelope: &Envelope, payload_size: usize) -> Value {
    let time = |ms: i64| DateTime::from_timestamp_millis(ms).map(|t| t.to_rfc3339_opts(SecondsFormat::Millis, true));
    let records = || batch.partitions.values().flat_map(|slice| &slice.records);
    json!({
        "batchSize": batch.len(),
        "eventSourceArn": envelope.event_source_arn,
        "bootstrapServers": envelope.bootstrap_servers,
        "payloadSize": payload_size,
        "partition": batch.partitions.keys().next().map(ToString::to_string),
        "startOffset": records().next().map(|record| record.offset),
        "endOffset": records().last().map(|record| record.offset),
        "approximateArrivalOfFirstRecord": records().next().and_then(|record| time(record.timestamp_ms)),
        "approximateArrivalOfLastRecord": records().last().and_then(|record| time(record.timestamp_ms)),
    })
}

#[cfg(test)]
mod tests {
    use super::{super::batch::tests::batch, *};

    #[test]
    fn a_failed_batch_carries_its_reason_and_its_records() {
        let envelope = Envelope { event_source_arn: None, bootstrap_servers: "b:9092".into() };
        let failed = Failed { attempts: 11, function_error: Some("Unhandled".into()), ..Failed::default() };
        let batch = batch(&[(0, 5, 1_000), (0, 6, 2_000), (1, 9, 0)]);
        let now = DateTime::from_timestamp_millis(5_000).unwrap();
        let messages = messages("t.failed", &batch, &envelope, Condition::RetryAttemptsExhausted, &failed, now);
        assert_eq!(messages.len(), 2, "one a partition");
        let document: Value = serde_json::from_slice(messages[0].value.as_deref().unwrap()).unwrap();
        assert_eq!(document["requestContext"]["condition"], "RetryAttemptsExhausted");
        assert_eq!(document["requestContext"]["approximateInvokeCount"], 11);
        assert_eq!(document["KafkaBatchInfo"]["endOffset"], 6);
        assert_eq!(document["payload"]["records"]["t-0"].as_array().unwrap().len(), 2);
        assert_eq!(messages[0].key.as_deref(), Some(&b"t-0"[..]));
    }
}
