//! What a mapping and its poller share: the settings in force, the counts, and what is in the way.

use std::{
    sync::{Mutex, PoisonError, RwLock, atomic::AtomicI64},
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;
use tracing::warn;

use super::{batch::Envelope, broker::Broker};
use crate::{
    host::Host,
    mapping::{MappingState, MappingStatistics},
    template::spec::MqMappingSpec,
};

pub(super) struct Shared {
    pub(super) spec: MqMappingSpec,
    pub(super) host: Host,
    pub(super) broker: Broker,
    pub(super) envelope: Envelope,
    pub(super) settings: RwLock<Settings>,
    /// Tells a waiting poller that the settings have changed.
    pub(super) changed: Notify,
    pub(super) statistics: Mutex<MappingStatistics>,
    pub(super) problem: Mutex<Option<String>>,
    /// Messages that the broker has given out to this mapping and that are not settled.
    pub(super) held: AtomicI64,
}

/// What changes while the poller runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) batch_size: usize,
    pub(super) window: Duration,
    pub(super) state: MappingState,
    pub(super) modified: DateTime<Utc>,
}

impl Shared {
    pub(super) fn settings(&self) -> Settings {
        *self.settings.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.settings.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut settings);
        settings.modified = Utc::now();
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut MappingStatistics)) {
        change(&mut self.statistics.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn clear_problem(&self) {
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Notes what is in the way, and logs it unless it was the same the last time.
    pub(super) fn set_problem(&self, error: &anyhow::Error) {
        let text = format!("{error:#}");
        let mut problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        if problem.as_ref() != Some(&text) {
            warn!(mapping = self.spec.logical_id, problem = text, "the mapping cannot read its queue; it tries again");
            *problem = Some(text);
        }
    }
}
