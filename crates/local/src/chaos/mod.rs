//! Fault injection: what goes wrong on AWS now and then, on purpose and again in the same order.
//!
//! [`spec`] reads what is wanted, [`decide`] says what happens to the n-th invocation of a stream, [`Chaos`] counts and
//! logs it. A stream is one trigger and one function, so that what one trigger does changes nothing for another.
//!
//! Deliberately absent: doing it. The host kills, refuses and repeats; the stack makes consumers leave their groups.

mod decide;
mod spec;

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use serde::Serialize;
use tracing::warn;

pub use self::{
    decide::{Fault, Plan},
    spec::ChaosSpec,
};
use crate::host::Trigger;

/// Faults of one run.
#[derive(Debug)]
pub struct Chaos {
    spec: ChaosSpec,
    seed: u64,
    streams: Mutex<BTreeMap<(Trigger, String), Stream>>,
}

/// What happened on one stream.
#[derive(Debug, Clone, Default)]
struct Stream {
    decisions: u64,
    injected: BTreeMap<&'static str, u64>,
}

/// What `millrace status` shows.
#[derive(Debug, Clone, Serialize)]
pub struct ChaosStatus {
    /// What is injected, as it was given.
    pub spec: String,
    /// The seed.
    pub seed: u64,
    /// Each trigger and function with what was injected so far.
    pub streams: Vec<StreamStatus>,
}

/// What was injected on one stream.
#[derive(Debug, Clone, Serialize)]
pub struct StreamStatus {
    /// `mapping Orders`, `schedule nightly`, `api Api`, `caller`, `asynchronous`.
    pub trigger: String,
    /// Name of the function.
    pub function: String,
    /// Invocations over which was decided.
    pub decisions: u64,
    /// How often, by fault.
    pub injected: BTreeMap<&'static str, u64>,
}

impl Chaos {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new(spec: ChaosSpec, seed: u64) -> Self {
        Self { spec, seed, streams: Mutex::default() }
    }

    /// What is wanted.
    #[must_use]
    pub fn spec(&self) -> &ChaosSpec {
        &self.spec
    }

    /// What happens to the next invocation of this stream.
    #[must_use]
    pub fn decide(&self, trigger: &Trigger, function: &str) -> Plan {
        let number = self.with(trigger, function, |stream| {
            stream.decisions += 1;
            stream.decisions
        });
        decide::decide(&self.spec, self.seed, &format!("{trigger}/{function}"), number)
    }

    /// Counts and logs a fault that is injected now.
    pub fn injected(&self, trigger: &Trigger, function: &str, fault: &'static str) {
        warn!(%trigger, function, fault, "chaos is injected");
        self.with(trigger, function, |stream| *stream.injected.entry(fault).or_default() += 1);
    }

    /// What happened so far.
    #[must_use]
    pub fn status(&self) -> ChaosStatus {
        let streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let status = |((trigger, function), stream): (&(Trigger, String), &Stream)| StreamStatus {
            trigger: trigger.to_string(),
            function: function.clone(),
            decisions: stream.decisions,
            injected: stream.injected.clone(),
        };
        ChaosStatus { spec: self.spec.to_string(), seed: self.seed, streams: streams.iter().map(status).collect() }
    }

    fn with<T>(&self, trigger: &Trigger, function: &str, change: impl FnOnce(&mut Stream) -> T) -> T {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        change(streams.entry((trigger.clone(), function.to_owned())).or_default())
    }
}
