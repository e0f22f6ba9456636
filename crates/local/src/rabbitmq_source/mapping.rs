//! One event source mapping: its settings, its poller, and its state as AWS names it.

use std::{
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::{
    sync::{Notify, oneshot},
    task::JoinHandle,
};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{error, info};

use super::{
    batch::Envelope,
    broker::Broker,
    poller::Poller,
    shared::{Settings, Shared},
};
use crate::{
    host::Host,
    mapping::{Lag, LagCache, MappingChange, MappingState, MappingStatistics},
    template::spec::MqMappingSpec,
};

/// How long enabling waits for the first word from the broker.
const FIRST_WORD: Duration = Duration::from_secs(15);

/// A mapping and its running poller, which ends when it is dropped; [`Mapping::disable`] waits for it.
pub struct Mapping {
    shared: Arc<Shared>,
    running: tokio::sync::Mutex<Option<Running>>,
    lag: LagCache,
}

struct Running {
    poller: JoinHandle<()>,
    stop: DropGuard,
}

impl std::fmt::Debug for Mapping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mapping({})", self.shared.spec.logical_id)
    }
}

impl Mapping {
    /// A mapping that reads nothing yet.
    #[must_use]
    pub fn new(spec: MqMappingSpec, host: Host, broker: Broker) -> Self {
        let settings = Settings {
            batch_size: spec.batch_size,
            window: spec.batching_window,
            state: MappingState::Disabled,
            modified: Utc::now(),
        };
        let shared = Shared {
            envelope: Envelope::new(&spec.broker_arn, &spec.source()),
            settings: RwLock::new(settings),
            changed: Notify::new(),
            statistics: Mutex::default(),
            problem: Mutex::default(),
            held: AtomicI64::new(0),
            spec,
            host,
            broker,
        };
        Self { shared: Arc::new(shared), running: tokio::sync::Mutex::default(), lag: LagCache::default() }
    }

    /// What the template says of it.
    #[must_use]
    pub fn spec(&self) -> &MqMappingSpec {
        &self.shared.spec
    }

    /// Where it is, and since when.
    #[must_use]
    pub fn state(&self) -> (MappingState, DateTime<Utc>) {
        let settings = self.shared.settings();
        (settings.state, settings.modified)
    }

    /// What keeps it from reading although it is enabled: no broker, no queue, no right.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        self.shared.problem()
    }

    /// Batch size and window in force.
    #[must_use]
    pub fn limits(&self) -> (usize, Duration) {
        let settings = self.shared.settings();
        (settings.batch_size, settings.window)
    }

    /// What happened so far.
    #[must_use]
    pub fn statistics(&self) -> MappingStatistics {
        *self.shared.statistics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Messages that are ready in the queue, and those that it gave to this mapping; `None` when the broker does not answer.
    pub async fn lag(&self) -> Option<Lag> {
        let shared = &self.shared;
        let records = async {
            let ready = shared.broker.ready_messages(&shared.spec.queue).await?;
            Ok(i64::from(ready) + shared.held.load(Ordering::Acquire).max(0))
        };
        self.lag.get(self.statistics().newest_done_ms, records).await
    }

    /// Starts the poller and waits for its first connection or failure; does nothing when it runs. A broker or a queue
    /// that is not there yet is waited for, and named by [`Mapping::problem`] meanwhile.
    pub async fn enable(&self) {
        let mut running = self.running.lock().await;
        if running.is_some() {
            return;
        }
        let shared = &self.shared;
        shared.change(|settings| settings.state = MappingState::Enabling);
        let (first, word) = oneshot::channel();
        let stop = CancellationToken::new();
        let poller = tokio::spawn(Poller::new(Arc::clone(shared), stop.clone()).run(first));
        *running = Some(Running { poller, stop: stop.drop_guard() });
        let _ = tokio::time::timeout(FIRST_WORD, word).await;
        shared.change(|settings| settings.state = MappingState::Enabled);
        info!(mapping = shared.spec.logical_id, queue = shared.spec.source(), "mapping is enabled");
    }

    /// Lets the poller end what it began and acknowledge it. What it holds beyond goes back to the queue.
    pub async fn disable(&self) {
        let mut running = self.running.lock().await;
        let Some(Running { poller, stop }) = running.take() else { return };
        let shared = &self.shared;
        shared.change(|settings| settings.state = MappingState::Disabling);
        drop(stop);
        if let Err(failure) = poller.await {
            error!(mapping = shared.spec.logical_id, %failure, "the poller has crashed");
        }
        shared.clear_problem();
        shared.change(|settings| settings.state = MappingState::Disabled);
    }

    /// Changes settings; they hold from the next batch on.
    pub fn change(&self, change: &MappingChange) {
        self.shared.change(|settings| {
            settings.batch_size = change.batch_size.unwrap_or(settings.batch_size);
            settings.window = change.batching_window_seconds.map_or(settings.window, Duration::from_secs);
        });
        self.shared.changed.notify_one();
    }
}
