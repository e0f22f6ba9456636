//! Collecting one batch: until it is full, its window is over, or it would exceed 6 MB.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Message,
    consumer::{BaseConsumer, Consumer},
    message::{BorrowedMessage, Headers},
};

use super::{
    batch::{Batch, Envelope, Partition},
    encode,
    group::{self, Group},
};
use crate::{host::PAYLOAD_LIMIT, pattern::Filters};

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
    TooLarge(Box<Oversized>),
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
    /// The same as the only record of a batch.
    pub(super) batch: Batch,
}

/// What did not fit into the last batch, or came while the poller was busy, and comes next.
#[derive(Debug)]
enum Carried {
    /// One record.
    Record(Batch),
    /// A record that fits into no batch.
    TooLarge(Box<Oversized>),
}

/// Records that the mapping's filters did not let pass.
#[derive(Debug, Default)]
pub(super) struct Filtered {
    /// For each partition, the offset after the last of them.
    pub(super) next_offsets: BTreeMap<Partition, i64>,
    pub(super) records: u64,
}

/// Collects batches from one consumer.
#[derive(Debug)]
pub(super) struct Collector {
    topic: Arc<str>,
    /// What the payload's limit leaves for records.
    space: usize,
    filters: Filters,
    filtered: Filtered,
    carried: VecDeque<Carried>,
    /// Partitions that were taken away during a collection and that the poller has not heard of.
    revoked: Vec<Partition>,
}

impl Collector {
    pub(super) fn new(topic: Arc<str>, envelope: &Envelope, filters: Filters) -> Self {
        let frame = 128 + envelope.bootstrap_servers.len() + envelope.event_source_arn.as_ref().map_or(0, String::len);
        Self {
            topic,
            space: PAYLOAD_LIMIT - frame,
            filters,
            filtered: Filtered::default(),
            carried: VecDeque::new(),
            revoked: Vec::new(),
        }
    }

    /// Hands out the carried record, when its partition is one of these.
    pub(super) fn take_carried(&mut self, of: impl Fn(&Partition) -> bool) -> Option<Batch> {
        let wanted = |carried: &mut Carried| match carried {
            Carried::Record(batch) => batch.partitions.keys().any(&of),
            Carried::TooLarge(_) => false,
        };
        match self.carried.pop_front_if(wanted) {
            Some(Carried::Record(batch)) => Some(batch),
            _ => None,
        }
    }

    /// Keeps a record that came while the poller was busy.
    pub(super) fn keep(&mut self, message: &BorrowedMessage<'_>) {
        if self.filters.matches(message.payload()) {
            let carried = self.carry(message);
            self.carried.push_back(carried);
        } else {
            // Its offset is not noted: what is kept before it is not delivered yet.
            self.filtered.records += 1;
        }
    }

    /// Forgets partitions that were taken away; the poller hears of them by [`Collector::take_revoked`].
    pub(super) fn forget(&mut self, revoked: Vec<Partition>) {
        self.filtered.next_offsets.retain(|partition, _| !revoked.contains(partition));
        self.carried.retain(|carried| match carried {
            Carried::Record(batch) => !batch.partitions.keys().any(|partition| revoked.contains(partition)),
            Carried::TooLarge(record) => !revoked.iter().any(|partition| partition.number == record.partition),
        });
        self.revoked.extend(revoked);
    }

    /// The partitions that were taken away since the last call, even when some have come back.
    pub(super) fn take_revoked(&mut self) -> Vec<Partition> {
        std::mem::take(&mut self.revoked)
    }

    /// The records that were filtered out since the last call. What was collected stands before them or is carried.
    pub(super) fn take_filtered(&mut self) -> Filtered {
        std::mem::take(&mut self.filtered)
    }

    /// Collects one batch. Waits for its first record until `idle_until` at most; `stop` ends every wait.
    pub(super) fn collect(
        &mut self,
        consumer: &BaseConsumer<Group>,
        limits: Limits,
        idle_until: Instant,
        stop: &dyn Fn() -> bool,
    ) -> Collected {
        let mut batch = match self.carried.pop_front() {
            Some(Carried::Record(batch)) => batch,
            Some(Carried::TooLarge(record)) => return Collected::TooLarge(record),
            None => Batch::default(),
        };
        if batch.is_empty() {
            let Some(message) = self.next(consumer, &mut batch, idle_until, stop) else { return Collected::Nothing };
            if let Err(oversized) = self.add(&mut batch, &message) {
                return Collected::TooLarge(oversized);
            }
        }
        let deadline = Instant::now() + limits.window;
        while batch.len() < limits.batch_size && self.carried.is_empty() {
            let Some(message) = self.next(consumer, &mut batch, deadline, stop) else { break };
            if batch.encoded_len() + encode::upper_bound(&message) <= self.space {
                batch.push(&self.topic, &message);
                continue;
            }
            // It does not fit: it begins the next batch, or is found to fit none.
            let carried = self.carry(&message);
            self.carried.push_back(carried);
        }
        if batch.is_empty() { Collected::Nothing } else { Collected::Batch(batch) }
    }

    fn carry(&self, message: &BorrowedMessage<'_>) -> Carried {
        let mut next = Batch::default();
        match self.add(&mut next, message) {
            Ok(()) => Carried::Record(next),
            Err(oversized) => Carried::TooLarge(oversized),
        }
    }

    /// The next record that passes the filters. When partitions were taken away meanwhile, what `batch` has of them is
    /// dropped: it belongs to another consumer now or, when they came back, is read again.
    fn next<'c>(
        &mut self,
        consumer: &'c BaseConsumer<Group>,
        batch: &mut Batch,
        until: Instant,
        stop: &dyn Fn() -> bool,
    ) -> Option<BorrowedMessage<'c>> {
        loop {
            let message = wait(consumer, until, stop);
            let revoked = consumer.context().take_revoked();
            if !revoked.is_empty() {
                batch.forget(&revoked);
                self.forget(revoked);
            }
            let message = message?;
            if self.passes(&message) {
                return Some(message);
            }
            // A topic whose records are all filtered out must not keep a batch open.
            if Instant::now() > until + TICK || stop() {
                return None;
            }
        }
    }

    /// Whether a record passes the filters; one that does not is noted.
    fn passes(&mut self, message: &BorrowedMessage<'_>) -> bool {
        if self.filters.matches(message.payload()) {
            return true;
        }
        let partition = Partition { topic: Arc::clone(&self.topic), number: message.partition() };
        self.filtered.next_offsets.insert(partition, message.offset() + 1);
        self.filtered.records += 1;
        false
    }

    /// Puts a record into an empty batch, unless no payload could hold it.
    fn add(&self, batch: &mut Batch, message: &BorrowedMessage<'_>) -> Result<(), Box<Oversized>> {
        batch.push(&self.topic, message);
        if batch.encoded_len() <= self.space {
            return Ok(());
        }
        let oversized = std::mem::take(batch);
        let headers = message.headers().map(|headers| {
            headers.iter().map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec())).collect()
        });
        Err(Box::new(Oversized {
            topic: Arc::clone(&self.topic),
            partition: message.partition(),
            offset: message.offset(),
            timestamp_ms: message.timestamp().to_millis().unwrap_or_default(),
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            headers: headers.unwrap_or_default(),
            batch: oversized,
        }))
    }
}

/// The next record before `until`; what is queued already comes even when `until` has passed.
fn wait<'c>(consumer: &'c BaseConsumer<Group>, until: Instant, stop: &dyn Fn() -> bool) -> Option<BorrowedMessage<'c>> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match consumer.poll(left.min(TICK)) {
            Some(Ok(message)) => return Some(message),
            Some(Err(error)) => group::log(&error),
            None if consumer.context().take_answered() => {}
            None if left.is_zero() || stop() => return None,
            None => {}
        }
    }
}
