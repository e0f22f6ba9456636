//! Attending to the consumer while its poller waits for something else, a function above all.
//!
//! A member of a group that does not poll holds up every rebalance, and is put out of the group in the end. But a poll
//! also brings records, and the poller has a batch in hand already. So after a moment all partitions are paused, which
//! drops what the client has fetched ahead, and polls serve the group alone until the wait is over.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use rdkafka::consumer::{BaseConsumer, Consumer};
use tokio::{runtime::Handle, time::MissedTickBehavior};
use tracing::warn;

use super::{
    collect::Collector,
    group::{self, Group},
    retry::Waiting,
};

/// Shorter waits cost nothing: what was fetched ahead stays, and a rebalance waits for no longer than this.
const PATIENCE: Duration = Duration::from_millis(500);

/// How often the group is served then.
const TICK: Duration = Duration::from_millis(50);

/// A wait of one poller.
pub(super) struct Attention<'p> {
    consumer: &'p BaseConsumer<Group>,
    collector: &'p mut Collector,
    waiting: &'p Waiting,
    since: Instant,
    held: bool,
}

impl<'p> Attention<'p> {
    /// Begins now.
    pub(super) fn new(consumer: &'p BaseConsumer<Group>, collector: &'p mut Collector, waiting: &'p Waiting) -> Self {
        Self { consumer, collector, waiting, since: Instant::now(), held: false }
    }

    /// Waits for `work` on this thread.
    pub(super) fn wait<F: Future>(&mut self, runtime: &Handle, work: F) -> F::Output {
        let first = self.since + PATIENCE;
        runtime.block_on(async {
            let mut work = pin!(work);
            let mut ticks = tokio::time::interval_at(first.into(), TICK);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    biased;
                    output = &mut work => return output,
                    _ = ticks.tick() => self.serve(),
                }
            }
        })
    }

    fn serve(&mut self) {
        if !self.held {
            self.held = true;
            self.consumer.context().hold(true);
            self.pause_all();
        }
        while let Some(polled) = self.consumer.poll(Duration::ZERO) {
            match polled {
                // None should come; one that does is kept, and no more come behind it.
                Ok(message) => {
                    self.collector.keep(&message);
                    self.pause_all();
                }
                Err(error) => group::log(&error),
            }
        }
        self.collector.forget(self.consumer.context().take_revoked());
    }

    fn pause_all(&self) {
        let paused = self.consumer.assignment().and_then(|assigned| self.consumer.pause(&assigned));
        if let Err(error) = paused {
            warn!(%error, "partitions cannot be paused");
        }
    }
}

/// Partitions go on, except those with something waiting.
impl Drop for Attention<'_> {
    fn drop(&mut self) {
        if !self.held {
            return;
        }
        self.consumer.context().hold(false);
        let resumed = self.consumer.assignment().and_then(|assigned| {
            let mut free = rdkafka::TopicPartitionList::new();
            for element in assigned.elements() {
                if !self.waiting.holds_number(element.partition()) {
                    free.add_partition(element.topic(), element.partition());
                }
            }
            self.consumer.resume(&free)
        });
        if let Err(error) = resumed {
            warn!(%error, "partitions cannot be resumed");
        }
    }
}
