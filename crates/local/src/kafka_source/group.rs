//! What a consumer hears of its group's rebalances.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use rdkafka::{
    ClientContext, TopicPartitionList,
    consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
};
use tracing::warn;

use super::batch::Partition;

/// Notes which partitions were taken away. A rebalance happens inside a call of `poll`; whoever polls looks here before
/// it uses what the poll brought.
#[derive(Debug, Default)]
pub(super) struct Group {
    revoked: Mutex<Vec<Partition>>,
    /// New partitions are to be paused at once: whoever polls has no use for records.
    holding: AtomicBool,
    /// No broker has answered since the last look.
    alone: AtomicBool,
    /// A commit has failed since the last look.
    uncommitted: AtomicBool,
    /// The broker has answered a commit since the last look.
    answered: AtomicBool,
}

impl Group {
    /// The partitions that were taken away since the last look, even when some have come back.
    pub(super) fn take_revoked(&self) -> Vec<Partition> {
        std::mem::take(&mut *self.revoked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether all brokers were away since the last look.
    pub(super) fn take_alone(&self) -> bool {
        self.alone.swap(false, Ordering::Relaxed)
    }

    /// Whether a commit has failed since the last look.
    pub(super) fn take_uncommitted(&self) -> bool {
        self.uncommitted.swap(false, Ordering::Relaxed)
    }

    /// Whether a poll without a record has brought the answer to a commit; records may be queued behind it.
    pub(super) fn take_answered(&self) -> bool {
        self.answered.swap(false, Ordering::Relaxed)
    }

    /// Whether partitions that are assigned from now on are paused at once.
    pub(super) fn hold(&self, holding: bool) {
        self.holding.store(holding, Ordering::Release);
    }
}

impl ClientContext for Group {
    fn error(&self, error: KafkaError, reason: &str) {
        if is_alone(&error) {
            self.alone.store(true, Ordering::Relaxed);
        } else {
            warn!(%error, reason, "kafka consumer");
        }
    }
}

/// Logs what a poll brought in place of a record. That all brokers are away comes with each attempt to connect; the
/// context has noted it, and the poller says it once.
pub(super) fn log(error: &KafkaError) {
    if !is_alone(error) {
        warn!(%error, "kafka consumer");
    }
}

fn is_alone(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown)
}

impl ConsumerContext for Group {
    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        // After a rebalance the partition's new owner reads these records again; consumers are idempotent.
        if let Err(error) = result {
            warn!(%error, "offsets are not committed");
            self.uncommitted.store(true, Ordering::Relaxed);
        }
        self.answered.store(true, Ordering::Relaxed);
    }

    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Revoke(list) = rebalance else { return };
        // librdkafka remembers a pause over a rebalance. What the partition was paused for is forgotten, so nothing
        // would resume it when it comes back.
        if let Err(error) = consumer.resume(list) {
            warn!(%error, "a revoked partition cannot be resumed");
        }
        let partitions = list.elements().into_iter();
        let revoked = partitions.map(|p| Partition { topic: p.topic().into(), number: p.partition() });
        self.revoked.lock().unwrap_or_else(PoisonError::into_inner).extend(revoked);
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Assign(list) = rebalance else { return };
        if self.holding.load(Ordering::Acquire)
            && let Err(error) = consumer.pause(list)
        {
            warn!(%error, "an assigned partition cannot be paused");
        }
    }
}
