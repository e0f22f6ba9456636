//! One event source mapping: its settings, its pollers, and its state as AWS names it.

use std::{
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use chrono::{DateTime, Utc};
use kafka::Config;
use tokio::{runtime::Handle, task::JoinHandle};
use tracing::{error, info};

use super::{
    batch::Envelope,
    collect::Limits,
    poller::Poller,
    shared::{Settings, Shared},
    start,
};
use crate::{
    host::Host,
    mapping::{Lag, LagCache, MappingChange, MappingState, MappingStatistics},
    template::{names, spec::KafkaMappingSpec},
};

/// A mapping and its running pollers, which end when it is dropped; [`Mapping::disable`] waits for them.
pub struct Mapping {
    uuid: String,
    shared: Arc<Shared>,
    pollers: tokio::sync::Mutex<Vec<JoinHandle<()>>>,
    lag: LagCache,
}

impl std::fmt::Debug for Mapping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mapping({})", self.shared.spec.logical_id)
    }
}

/// Pollers are threads, which nothing else would end.
impl Drop for Mapping {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
    }
}

impl Mapping {
    /// A mapping that reads nothing yet.
    #[must_use]
    pub fn new(spec: KafkaMappingSpec, host: Host, kafka: Config) -> Self {
        let uuid = names::mapping_uuid(&spec.logical_id);
        let limits = Limits { batch_size: spec.batch_size, window: spec.batching_window };
        let shared = Shared {
            group: spec.consumer_group_id.clone().unwrap_or_else(|| uuid.clone()),
            envelope: Envelope {
                event_source_arn: spec.event_source_arn.clone(),
                bootstrap_servers: kafka.bootstrap_servers.clone(),
            },
            settings: RwLock::new(Settings { limits, state: MappingState::Disabled, modified: Utc::now() }),
            stopping: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
            seats: AtomicU32::new(0),
            statistics: Mutex::default(),
            spec,
            kafka,
            host,
        };
        Self { uuid, shared: Arc::new(shared), pollers: tokio::sync::Mutex::default(), lag: LagCache::default() }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Its UUID, the same at every start.
    #[must_use]
    pub fn uuid(&self) -> &str {
        &self.uuid
    }

    /// What the template says of it.
    #[must_use]
    pub fn spec(&self) -> &KafkaMappingSpec {
        &self.shared.spec
    }

    /// Its consumer group.
    #[must_use]
    pub fn group(&self) -> &str {
        &self.shared.group
    }

    /// The cluster that it reads.
    #[must_use]
    pub fn kafka(&self) -> &Config {
        &self.shared.kafka
    }

    /// Where it is, and since when.
    #[must_use]
    pub fn state(&self) -> (MappingState, DateTime<Utc>) {
        let settings = self.shared.settings.read().unwrap_or_else(PoisonError::into_inner);
        (settings.state, settings.modified)
    }

    /// Batch size and window in force.
    #[must_use]
    pub fn limits(&self) -> (usize, Duration) {
        let limits = self.shared.limits();
        (limits.batch_size, limits.window)
    }

    /// What happened so far.
    #[must_use]
    pub fn statistics(&self) -> MappingStatistics {
        *self.shared.statistics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far its group is behind; `None` when the broker does not answer.
    pub async fn lag(&self) -> Option<Lag> {
        let newest_done_ms = self.statistics().newest_done_ms;
        let shared = &self.shared;
        let records = async {
            let partitions = kafka::admin::partitions(&shared.kafka, &shared.spec.topic, &shared.group).await?;
            Ok(partitions.iter().map(kafka::admin::PartitionState::lag).sum())
        };
        self.lag.get(newest_done_ms, records).await
    }

    /// Starts the pollers; does nothing when they run.
    ///
    /// # Errors
    /// When the topic does not exist or Kafka does not answer.
    pub async fn enable(&self) -> anyhow::Result<()> {
        let mut pollers = self.pollers.lock().await;
        if !pollers.is_empty() {
            return Ok(());
        }
        let shared = &self.shared;
        shared.set_state(MappingState::Enabling);
        shared.stopping.store(false, Ordering::Release);
        shared.abandoned.store(false, Ordering::Release);
        let started = self.start_pollers(&mut pollers).await;
        let state = if started.is_ok() { MappingState::Enabled } else { MappingState::Disabled };
        shared.set_state(state);
        started
            .with_context(|| format!("start mapping {} on {}", shared.spec.logical_id, shared.kafka.bootstrap_servers))
    }

    async fn start_pollers(&self, pollers: &mut Vec<JoinHandle<()>>) -> anyhow::Result<()> {
        let shared = &self.shared;
        let spec = &shared.spec;
        let partitions = kafka::admin::partitions(&shared.kafka, &spec.topic, &shared.group).await?.len();
        start::pin(&shared.kafka, &spec.topic, &shared.group, spec.starting_position).await?;
        // More pollers than partitions would have nothing to read.
        let count = spec.maximum_pollers.min(partitions).max(1);
        for _ in 0..count {
            let poller = Poller::new(Arc::clone(shared), Handle::current())?;
            pollers.push(tokio::task::spawn_blocking(move || poller.run()));
        }
        info!(mapping = spec.logical_id, topic = spec.topic, group = shared.group, pollers = count, "mapping reads");
        Ok(())
    }

    /// Lets the pollers leave their group as [`Mapping::disable`] does, and others join it again at once. A mapping that
    /// is not enabled is left alone.
    ///
    /// # Errors
    /// When Kafka does not answer; the next call tries again.
    pub async fn rebalance(&self) -> anyhow::Result<()> {
        let mut pollers = self.pollers.lock().await;
        if self.state().0 != MappingState::Enabled {
            return Ok(());
        }
        self.end_pollers(&mut pollers).await;
        self.shared.stopping.store(false, Ordering::Release);
        self.shared.abandoned.store(false, Ordering::Release);
        self.start_pollers(&mut pollers).await
    }

    async fn end_pollers(&self, pollers: &mut Vec<JoinHandle<()>>) {
        self.shared.stopping.store(true, Ordering::Release);
        for poller in pollers.drain(..) {
            if let Err(failure) = poller.await {
                error!(mapping = self.shared.spec.logical_id, %failure, "a poller has crashed");
            }
        }
    }

    /// Lets the pollers end what they began, commit, and leave their group.
    pub async fn disable(&self) {
        let mut pollers = self.pollers.lock().await;
        if pollers.is_empty() {
            return;
        }
        self.shared.set_state(MappingState::Disabling);
        self.end_pollers(&mut pollers).await;
        self.shared.set_state(MappingState::Disabled);
    }

    /// Changes settings; they hold from the next batch on.
    pub fn change(&self, change: &MappingChange) {
        let mut settings = self.shared.settings.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(batch_size) = change.batch_size {
            settings.limits.batch_size = batch_size;
        }
        if let Some(seconds) = change.batching_window_seconds {
            settings.limits.window = Duration::from_secs(seconds);
        }
        settings.modified = Utc::now();
    }
}
