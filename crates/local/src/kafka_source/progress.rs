//! How far a poller has come in its partitions, and how much of that the group knows.

use std::collections::BTreeMap;

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
};
use tracing::warn;

use super::{batch::Partition, group::Group, retry::Waiting};

/// The progress of one poller.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The offset after the newest record that was collected.
    positions: BTreeMap<Partition, i64>,
    /// What was committed, or is on its way to the broker.
    committed: BTreeMap<Partition, i64>,
}

impl Progress {
    /// Notes how far each partition was collected.
    pub(super) fn advance(&mut self, next_offsets: BTreeMap<Partition, i64>) {
        for (partition, next) in next_offsets {
            let position = self.positions.entry(partition).or_insert(next);
            *position = next.max(*position);
        }
    }

    /// Partitions that were taken away are another poller's.
    pub(super) fn forget(&mut self, revoked: &[Partition]) {
        self.positions.retain(|partition, _| !revoked.contains(partition));
        self.committed.retain(|partition, _| !revoked.contains(partition));
    }

    /// The next commit is of all partitions: the answers to earlier ones may never be seen.
    pub(super) fn doubt(&mut self) {
        self.committed.clear();
    }

    /// The partitions of which something was collected.
    pub(super) fn partitions(&self) -> impl Iterator<Item = &Partition> {
        self.positions.keys()
    }

    /// Commits, for each partition, up to the first record that still waits; whether there was anything to commit. The
    /// broker takes milliseconds for it, so batches do not wait for its answer ([`CommitMode::Async`]). A commit that was
    /// sent before a rebalance is known to the next owner, because requests keep their order; one that failed comes again.
    pub(super) fn commit(&mut self, consumer: &BaseConsumer<Group>, waiting: &Waiting, mode: CommitMode) -> bool {
        if consumer.context().take_uncommitted() {
            self.doubt();
        }
        let mut list = TopicPartitionList::new();
        let mut moved = Vec::new();
        for (partition, position) in &self.positions {
            let settled = waiting.first_offset(partition).unwrap_or(*position);
            if self.committed.get(partition) != Some(&settled)
                && list.add_partition_offset(&partition.topic, partition.number, Offset::Offset(settled)).is_ok()
            {
                moved.push((partition.clone(), settled));
            }
        }
        if moved.is_empty() {
            return false;
        }
        match consumer.commit(&list, mode) {
            Ok(()) => self.committed.extend(moved),
            // After a rebalance the partition's new owner reads these records again; consumers are idempotent.
            Err(error) => warn!(%error, "offsets are not committed"),
        }
        true
    }
}
