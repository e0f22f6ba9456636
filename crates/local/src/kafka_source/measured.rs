//! What the benches measure of the source's inside, and nobody else uses.

use std::sync::Arc;

use bytes::Bytes;
use rdkafka::message::BorrowedMessage;

use super::{
    batch::{Batch, Envelope},
    encode,
};
use crate::host::PAYLOAD_LIMIT;

/// How many of the next records go into one batch of at most `batch_size` records, and its payload.
#[doc(hidden)]
#[must_use]
pub fn encode(topic: &Arc<str>, messages: &[BorrowedMessage<'_>], batch_size: usize) -> (usize, Bytes) {
    let envelope = Envelope { event_source_arn: None, bootstrap_servers: "127.0.0.1:9092".into() };
    let mut batch = Batch::default();
    let mut taken = 0;
    for message in messages.iter().take(batch_size) {
        // The same question that the collector asks of each record.
        if batch.encoded_len() + encode::upper_bound(message) > PAYLOAD_LIMIT - 256 {
            break;
        }
        batch.push(topic, message);
        taken += 1;
    }
    (taken, batch.payload(&envelope))
}
