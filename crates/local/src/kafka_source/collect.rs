//! Collecting one batch: until it is full, its window is over, or it would exceed 6 MB.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Message,
    consumer::{BaseConsumer, ConsumerContext},
    message::{BorrowedMessage, Headers},
};
use tracing::warn;

use super::{
    batch::{Batch, Envelope},
    encode,
};
use crate::host::PAYLOAD_LIMIT;

/// How long one poll may block before the poller looks whether it should stop.
const TICK: Duration = Duration::from_millis(100);

/// When a batch is closed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) batch_size: usize,
    pub(super) window: Duration,
}

/// What one collection brought.
#[derive(Debug)]
pub(super) enum Collected {
    /// No record came in time.
    Nothing,
    /// A batch within all limits.
    Batch(Batch),
    /// A record that no event can hold.
    TooLarge(Oversized),
}

/// A record whose event would be over 6 MB, as it came.
#[derive(Debug)]
pub(super) struct Oversized {
    pub(super) topic: Arc<str>,
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) timestamp_ms: i64,
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Vec<(String, Vec<u8>)>,
}

/// Collects batches from one consumer.
#[derive(Debug)]
pub(super) struct Collector {
    topic: Arc<str>,
    /// What the payload's limit leaves for records.
    space: usize,
    /// A record that did not fit into the last batch and begins the next.
    carried: Option<Batch>,
}

impl Collector {
    pub(super) fn new(topic: Arc<str>, envelope: &Envelope) -> Self {
        let frame = 128 + envelope.bootstrap_servers.len() + envelope.event_source_arn.as_ref().map_or(0, String::len);
        Self { topic, space: PAYLOAD_LIMIT - frame, carried: None }
    }

    /// Forgets the carried record, whose partition may belong to another consumer now.
    pub(super) fn reset(&mut self) {
        self.carried = None;
    }

    /// Collects one batch. Waits for its first record until `idle_until` at most; `stop` ends every wait.
    pub(super) fn collect<C: ConsumerContext>(
        &mut self,
        consumer: &BaseConsumer<C>,
        limits: Limits,
        idle_until: Instant,
        stop: &dyn Fn() -> bool,
    ) -> Collected {
        let mut batch = self.carried.take().unwrap_or_default();
        if batch.is_empty() {
            let Some(message) = wait(consumer, idle_until, stop) else { return Collected::Nothing };
            if let Err(oversized) = self.add(&mut batch, &message) {
                return Collected::TooLarge(oversized);
            }
        }
        let deadline = Instant::now() + limits.window;
        while batch.len() < limits.batch_size && self.carried.is_none() {
            let Some(message) = wait(consumer, deadline, stop) else { break };
            if batch.encoded_len() + encode::upper_bound(&message) <= self.space {
                batch.push(&self.topic, &message);
                continue;
            }
            // It does not fit: it begins the next batch, or is found to fit none.
            let mut next = Batch::default();
            match self.add(&mut next, &message) {
                Ok(()) => self.carried = Some(next),
                Err(oversized) => {
                    // Both must reach the caller in order, so the batch goes first and the record is read again.
                    if let Err(error) = consumer_seek(consumer, &oversized) {
                        warn!(%error, "an oversized record is read again after a rebalance only");
                    }
                    break;
                }
            }
        }
        Collected::Batch(batch)
    }

    /// Puts a record into an empty batch, unless no payload could hold it.
    fn add(&self, batch: &mut Batch, message: &BorrowedMessage<'_>) -> Result<(), Oversized> {
        batch.push(&self.topic, message);
        if batch.encoded_len() <= self.space {
            return Ok(());
        }
        *batch = Batch::default();
        let headers = message.headers().map(|headers| {
            headers.iter().map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec())).collect()
        });
        Err(Oversized {
            topic: Arc::clone(&self.topic),
            partition: message.partition(),
            offset: message.offset(),
            timestamp_ms: message.timestamp().to_millis().unwrap_or_default(),
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            headers: headers.unwrap_or_default(),
        })
    }
}

fn consumer_seek<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    record: &Oversized,
) -> Result<(), rdkafka::error::KafkaError> {
    use rdkafka::consumer::Consumer;
    consumer.seek(&record.topic, record.partition, rdkafka::Offset::Offset(record.offset), Duration::from_secs(10))
}

/// The next record before `until`; what is queued already comes even when `until` has passed.
fn wait<'c, C: ConsumerContext>(
    consumer: &'c BaseConsumer<C>,
    until: Instant,
    stop: &dyn Fn() -> bool,
) -> Option<BorrowedMessage<'c>> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match consumer.poll(left.min(TICK)) {
            Some(Ok(message)) => return Some(message),
            Some(Err(error)) => warn!(%error, "kafka consumer"),
            None if left.is_zero() || stop() => return None,
            None => {}
        }
    }
}
