//! One poller: a consumer on its own thread, which collects, delivers, retries and commits.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use chrono::Utc;
use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
};
use tokio::runtime::Handle;
use tracing::{error, info, warn};

use super::{
    alone::Alone,
    attend::Attention,
    batch::{Batch, Partition},
    collect::{Collected, Collector, Oversized},
    failure::Failed,
    group::Group,
    outlet::Outlet,
    progress::Progress,
    response::{self, Verdict},
    retry::{Retry, Waiting, after_failure},
    shared::Shared,
};
use crate::host::{InvokeError, Origin};

/// How soon a batch is offered again to a function that has no free process or does not run.
const BUSY_DELAY: Duration = Duration::from_millis(500);

/// How long the poller waits for a record before it looks around.
const IDLE: Duration = Duration::from_secs(1);

/// The state of one poller.
pub(super) struct Poller {
    consumer: BaseConsumer<Group>,
    shared: Arc<Shared>,
    outlet: Outlet,
    runtime: Handle,
    collector: Collector,
    waiting: Waiting,
    progress: Progress,
    alone: Alone,
    seat: u32,
}

impl Poller {
    /// Joins the mapping's consumer group.
    pub(super) fn new(shared: Arc<Shared>, runtime: Handle) -> anyhow::Result<Self> {
        let consumer: BaseConsumer<Group> = shared
            .kafka
            .client()
            .set("group.id", &shared.group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("session.timeout.ms", "10000")
            // When a member joins or leaves, what stays with a poller is not taken from it in between.
            .set("partition.assignment.strategy", "cooperative-sticky")
            // Partitions that are added to the topic are found within this time.
            .set("topic.metadata.refresh.interval.ms", "5000")
            // librdkafka's defaults starve a fast reader: a full queue pauses fetching for a whole second.
            .set("queued.min.messages", "100000")
            .set("queued.max.messages.kbytes", "65536")
            .set("fetch.queue.backoff.ms", "5")
            .set("fetch.message.max.bytes", "8388608")
            .create_with_context(Group::default())
            .context("create a kafka consumer")?;
        consumer.subscribe(&[&shared.spec.topic]).with_context(|| format!("subscribe to {}", shared.spec.topic))?;
        let outlet = Outlet::new(Arc::clone(&shared), runtime.clone())?;
        let collector =
            Collector::new(shared.spec.topic.as_str().into(), &shared.envelope, shared.spec.filters.clone());
        let (waiting, progress) = (Waiting::default(), Progress::default());
        let (alone, seat) = (Alone::default(), shared.take_seat());
        Ok(Self { consumer, shared, outlet, runtime, collector, waiting, progress, alone, seat })
    }

    /// Works until the mapping stops; a running invocation ends first and its progress is committed.
    pub(super) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let stop = || shared.is_stopping();
        while !stop() {
            self.alone.look(&self.consumer, &self.shared);
            if let Some(retry) = self.waiting.take_due(Instant::now()) {
                self.deliver(retry.batch, retry.attempts);
                continue;
            }
            self.queue_carried();
            let idle_until = Instant::now() + IDLE;
            let idle_until = self.waiting.next_due().map_or(idle_until, |due| due.min(idle_until));
            let collected = self.collector.collect(&self.consumer, shared.limits(), idle_until, &stop);
            self.forget_revoked();
            self.pass_filtered();
            match collected {
                // A commit that failed, in a rebalance say, is made up for.
                Collected::Nothing => self.commit(CommitMode::Async),
                Collected::Batch(batch) => {
                    self.progress.advance(batch.next_offsets());
                    self.deliver(batch, 0);
                }
                Collected::TooLarge(record) => self.refuse(*record),
            }
        }
        self.progress.doubt();
        self.commit(CommitMode::Sync);
        self.consumer.unsubscribe();
    }

    /// The record that did not fit into a batch waits behind it when that batch failed, so that it does not overtake.
    fn queue_carried(&mut self) {
        let waiting = &self.waiting;
        if let Some(batch) = self.collector.take_carried(|partition| waiting.holds(partition)) {
            self.progress.advance(batch.next_offsets());
            self.waiting.put_last(Retry { batch, attempts: 0, not_before: Instant::now() });
        }
    }

    /// Filtered records are settled: the offset goes on as if they had been delivered.
    fn pass_filtered(&mut self) {
        let filtered = self.collector.take_filtered();
        if filtered.records > 0 {
            self.shared.count(|statistics| statistics.filtered += filtered.records);
            self.progress.advance(filtered.next_offsets);
        }
    }

    /// Drops all state of partitions that were taken away since the last call, and tells which. They are another
    /// poller's now or, when they came back, are read again from what was committed.
    fn forget_revoked(&mut self) -> Vec<Partition> {
        let revoked = self.collector.take_revoked();
        if revoked.is_empty() {
            return revoked;
        }
        info!(topic = self.shared.spec.topic, partitions = revoked.len(), "partitions were revoked");
        self.waiting.forget(&revoked);
        self.progress.forget(&revoked);
        revoked
    }

    /// One attempt; `attempts` is how many have failed before.
    fn deliver(&mut self, mut batch: Batch, attempts: u32) {
        let shared = Arc::clone(&self.shared);
        let payload = batch.payload(&shared.envelope);
        let origin = Origin::mapping(&shared.spec.logical_id).attempt(attempts + 1).seat(self.seat);
        let work = shared.host.invoke(&origin, &shared.spec.function, payload);
        let result = Attention::new(&self.consumer, &mut self.collector, &self.waiting).wait(&self.runtime, work);
        // What was taken away while the function ran is not this poller's to settle, whatever the function says.
        let revoked = self.forget_revoked();
        self.pass_filtered();
        shared.count(|statistics| {
            statistics.invocations += 1;
            statistics.delivered += batch.len() as u64;
        });
        let mut failed = Failed { function_arn: shared.function_arn(), attempts: attempts + 1, ..Failed::default() };
        match result {
            Ok(outcome) if outcome.is_success() => {
                let partial = shared.spec.report_batch_item_failures;
                if !partial && response::looks_partial(&outcome.payload) {
                    warn!(
                        mapping = shared.spec.logical_id,
                        "the function reported batchItemFailures, but the mapping lacks FunctionResponseTypes: \
                         [ReportBatchItemFailures], so its failed records are lost"
                    );
                }
                failed.request_id.clone_from(&outcome.request_id);
                match response::read(&outcome.payload, &batch, partial) {
                    Verdict::Done => shared.count(|statistics| {
                        statistics.records += batch.len() as u64;
                        statistics.newest_done_ms = statistics.newest_done_ms.max(batch.newest_ms());
                    }),
                    Verdict::Again(first) => {
                        let mut again = batch.beginning_at(&first);
                        shared.count(|statistics| statistics.records += (batch.len() - again.len()) as u64);
                        again.forget(&revoked);
                        self.failed(again, false, &failed);
                    }
                    Verdict::Invalid(reason) => {
                        warn!(
                            mapping = shared.spec.logical_id,
                            reason, "invalid answer: the whole batch is tried again"
                        );
                        batch.forget(&revoked);
                        self.failed(batch, true, &failed);
                    }
                }
            }
            Ok(outcome) => {
                failed.request_id = outcome.request_id;
                failed.function_error = outcome.function_error.map(str::to_owned);
                batch.forget(&revoked);
                self.failed(batch, true, &failed);
            }
            Err(failure) => {
                batch.forget(&revoked);
                self.not_invoked(batch, attempts, &failure);
            }
        }
        self.commit(CommitMode::Async);
    }

    /// The function could not be invoked at all, which uses up no retry.
    fn not_invoked(&mut self, batch: Batch, attempts: u32, failure: &InvokeError) {
        if !matches!(failure, InvokeError::Throttled) {
            warn!(mapping = self.shared.spec.logical_id, error = %failure, "the batch waits");
        }
        if !batch.is_empty() {
            self.wait(vec![Retry { batch, attempts, not_before: Instant::now() + BUSY_DELAY }]);
        }
    }

    fn failed(&mut self, batch: Batch, error: bool, failed: &Failed) {
        self.shared.count(|statistics| statistics.failures += 1);
        let policy = self.shared.policy();
        let now_ms = Utc::now().timestamp_millis();
        let decision = after_failure(batch, failed.attempts, error, policy, now_ms, Instant::now());
        // What is tried again waits before anything is given up, which may take long: so it is forgotten with the rest
        // when its partition is taken away meanwhile.
        self.wait(decision.again);
        for (batch, condition) in decision.give_up {
            let mut attention = Attention::new(&self.consumer, &mut self.collector, &self.waiting);
            self.outlet.give_up(&batch, condition, failed, &mut attention);
            drop(attention);
            self.forget_revoked();
        }
    }

    /// Keeps batches for later and pauses their partitions, so that nothing overtakes them.
    fn wait(&mut self, retries: Vec<Retry>) {
        self.waiting.put_first(retries);
        self.set_paused();
    }

    /// A record that no event can hold goes to the destination.
    fn refuse(&mut self, record: Oversized) {
        let partition = Partition { topic: Arc::clone(&record.topic), number: record.partition };
        let bytes = record.value.as_ref().map_or(0, Vec::len);
        error!(partition = %partition, offset = record.offset, bytes, "the record's event is over 6 MB");
        self.progress.advance(BTreeMap::from([(partition, record.offset + 1)]));
        self.outlet.refuse(record, &mut Attention::new(&self.consumer, &mut self.collector, &self.waiting));
        self.forget_revoked();
        self.commit(CommitMode::Async);
    }

    /// Commits, for each partition, up to the first record that still waits.
    fn commit(&mut self, mode: CommitMode) {
        if !self.shared.is_abandoned() && self.progress.commit(&self.consumer, &self.waiting, mode) {
            self.set_paused();
        }
    }

    /// Pauses partitions with something waiting and resumes the others.
    fn set_paused(&self) {
        let (mut pause, mut resume) = (TopicPartitionList::new(), TopicPartitionList::new());
        for partition in self.progress.partitions() {
            let list = if self.waiting.holds(partition) { &mut pause } else { &mut resume };
            list.add_partition(&partition.topic, partition.number);
        }
        for result in [self.consumer.pause(&pause), self.consumer.resume(&resume)] {
            if let Err(error) = result {
                warn!(%error, "a partition cannot be paused or resumed");
            }
        }
    }
}
