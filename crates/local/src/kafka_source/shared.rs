//! What a mapping and its pollers share: the settings in force, the signal to stop, and the counts.

use std::sync::{
    Mutex, PoisonError, RwLock,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use chrono::{DateTime, Utc};
use kafka::Config;

use super::{batch::Envelope, collect::Limits, retry::Policy};
use crate::{
    host::Host,
    mapping::{MappingState, MappingStatistics},
    template::spec::KafkaMappingSpec,
};

/// What the pollers of a mapping share.
pub(super) struct Shared {
    pub(super) spec: KafkaMappingSpec,
    pub(super) group: String,
    pub(super) kafka: Config,
    pub(super) host: Host,
    pub(super) envelope: Envelope,
    pub(super) settings: RwLock<Settings>,
    pub(super) stopping: AtomicBool,
    pub(super) abandoned: AtomicBool,
    pub(super) statistics: Mutex<MappingStatistics>,
    /// Pollers so far.
    pub(super) seats: AtomicU32,
}

/// What changes while pollers run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) limits: Limits,
    pub(super) state: MappingState,
    pub(super) modified: DateTime<Utc>,
}

impl Shared {
    /// A number for a new poller.
    pub(super) fn take_seat(&self) -> u32 {
        self.seats.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Marks that given-up records did not reach their destination, so that nothing after them is committed.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire)
    }

    pub(super) fn limits(&self) -> Limits {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).limits
    }

    pub(super) fn policy(&self) -> Policy {
        Policy {
            maximum_retry_attempts: self.spec.effective_retry_attempts(),
            maximum_record_age: self.spec.maximum_record_age,
            bisect_on_error: self.spec.bisect_on_error,
        }
    }

    pub(super) fn function_arn(&self) -> String {
        self.host.find(&self.spec.function).map(|function| function.arn()).unwrap_or_default()
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut MappingStatistics)) {
        change(&mut self.statistics.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn set_state(&self, state: MappingState) {
        let mut settings = self.settings.write().unwrap_or_else(PoisonError::into_inner);
        settings.state = state;
        settings.modified = Utc::now();
    }
}
