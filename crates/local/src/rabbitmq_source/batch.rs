//! Messages on their way to one invocation.

use std::io::Write;

use bytes::Bytes;
use lapin::message::Delivery;

use super::encode;

/// A message as JSON, and what is needed to settle it.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) json: Vec<u8>,
    /// The channel's number for it.
    pub(super) tag: u64,
    /// Its `timestamp`, when the publisher set one.
    timestamp_ms: Option<i64>,
}

impl Message {
    pub(super) fn new(delivery: &Delivery) -> Self {
        let mut json = Vec::with_capacity(delivery.data.len() / 3 * 4 + 512);
        encode::append(&mut json, &delivery.properties, delivery.redelivered, &delivery.data);
        let seconds = delivery.properties.timestamp().and_then(|seconds| i64::try_from(seconds).ok());
        let timestamp_ms = seconds.and_then(|seconds| seconds.checked_mul(1000));
        Self { json, tag: delivery.delivery_tag, timestamp_ms }
    }
}

/// Messages of one queue, in the order in which the broker gave them.
#[derive(Debug, Default)]
pub(super) struct Batch {
    json: Vec<u8>,
    len: usize,
    /// The tag of the newest message: all up to it are settled together.
    pub(super) last_tag: u64,
    /// Of the messages that have a timestamp, the newest; 0 when none has.
    pub(super) newest_ms: i64,
}

impl Batch {
    pub(super) fn push(&mut self, message: &Message) {
        if self.len > 0 {
            self.json.push(b',');
        }
        self.json.extend_from_slice(&message.json);
        self.len += 1;
        self.last_tag = message.tag;
        self.newest_ms = self.newest_ms.max(message.timestamp_ms.unwrap_or_default());
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of its messages' JSON with the commas, and one for the next.
    pub(super) fn encoded_len(&self) -> usize {
        self.json.len() + 1
    }
}

/// What stands around the messages in the payload.
#[derive(Debug, Clone)]
pub(super) struct Envelope {
    head: Vec<u8>,
}

impl Envelope {
    /// For a queue (`queue::virtual host`) of a broker.
    pub(super) fn new(broker_arn: &str, source: &str) -> Self {
        let mut head = Vec::new();
        // Writing to a Vec cannot fail.
        let _ = write!(head, r#"{{"eventSource":"aws:rmq","eventSourceArn":"#);
        let _ = serde_json::to_writer(&mut head, broker_arn);
        let _ = write!(head, r#","rmqMessagesByQueue":{{"#);
        let _ = serde_json::to_writer(&mut head, source);
        let _ = write!(head, ":[");
        Self { head }
    }

    /// Its bytes in every payload.
    pub(super) fn len(&self) -> usize {
        self.head.len() + TAIL.len()
    }

    /// The event as Lambda sends it.
    pub(super) fn payload(&self, batch: &Batch) -> Bytes {
        [&self.head[..], &batch.json, TAIL].concat().into()
    }
}

const TAIL: &[u8] = b"]}}";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_has_its_messages_under_queue_and_virtual_host() {
        let mut batch = Batch::default();
        for (tag, timestamp_ms) in [(4, None), (5, Some(9_000))] {
            batch.push(&Message { json: format!("{tag}").into_bytes(), tag, timestamp_ms });
        }
        assert_eq!((batch.len(), batch.last_tag, batch.newest_ms), (2, 5, 9_000));
        let envelope = Envelope::new("arn:aws:mq:b", "a \"queue\"::/");
        let payload = envelope.payload(&batch);
        assert_eq!(payload.len() + 1, envelope.len() + batch.encoded_len());
        let event: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        let expected = json!({"eventSource": "aws:rmq", "eventSourceArn": "arn:aws:mq:b",
                              "rmqMessagesByQueue": {"a \"queue\"::/": [4, 5]}});
        assert_eq!(event, expected);
    }
}
