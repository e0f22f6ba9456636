//! One function: its settings, its environments, its concurrency, and what can be asked of it.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::{
    HostConfig,
    concurrency::Concurrency,
    environment::Environment,
    processes::{Processes, Usage},
    program::Program,
    statistics::{FunctionState, Statistics},
};
use crate::template::spec::FunctionSpec;

/// A function of the application.
#[derive(Debug)]
pub struct Function {
    pub(super) spec: FunctionSpec,
    /// What a changed template changes while the function runs.
    settings: Mutex<Arc<Tuned>>,
    pub(super) config: Arc<HostConfig>,
    /// One place an environment.
    pub(super) places: Arc<Concurrency>,
    /// Warm environments; the one used last is used next, so that rarely needed ones stay cold.
    pub(super) idle: Mutex<Vec<Environment>>,
    pub(super) stopped: AtomicBool,
    /// The host is ending.
    pub(super) ending: CancellationToken,
    /// Raised by a restart: environments of an older generation are not kept.
    pub(super) generation: AtomicU64,
    pub(super) statistics: Mutex<Statistics>,
    pub(super) processes: Arc<Processes>,
    /// Another host runs it, and has answered.
    pub(super) answered_elsewhere: AtomicBool,
}

/// The settings of a process.
#[derive(Debug, Clone)]
pub(super) struct Tuned {
    pub(super) timeout: Duration,
    pub(super) memory_mb: u32,
    pub(super) environment: BTreeMap<String, String>,
}

impl Tuned {
    fn of(spec: &FunctionSpec) -> Self {
        Self { timeout: spec.timeout, memory_mb: spec.memory_mb, environment: spec.environment.clone() }
    }
}

impl Function {
    pub(super) fn new(spec: FunctionSpec, config: Arc<HostConfig>) -> Self {
        Self {
            places: Concurrency::new(spec.reserved_concurrency, config.default_concurrency),
            settings: Mutex::new(Arc::new(Tuned::of(&spec))),
            spec,
            config,
            idle: Mutex::default(),
            stopped: AtomicBool::new(false),
            ending: CancellationToken::new(),
            generation: AtomicU64::new(0),
            statistics: Mutex::default(),
            processes: Arc::default(),
            answered_elsewhere: AtomicBool::new(false),
        }
    }

    /// What the template says of it.
    #[must_use]
    pub fn spec(&self) -> &FunctionSpec {
        &self.spec
    }

    /// The program that its next process will run.
    ///
    /// # Errors
    /// When there is none; the text says where was looked.
    pub fn program(&self) -> Result<PathBuf, String> {
        Program::find(&self.spec, &self.config).map(|program| program.path().to_owned())
    }

    /// What its next process gets: a changed template may have changed timeout, memory and environment since the start.
    pub(super) fn tuned(&self) -> Arc<Tuned> {
        Arc::clone(&self.settings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Its timeout, its memory in MB and its own variables now.
    #[must_use]
    pub fn settings(&self) -> (Duration, u32, BTreeMap<String, String>) {
        let tuned = self.tuned();
        (tuned.timeout, tuned.memory_mb, tuned.environment.clone())
    }

    /// Takes timeout, memory and environment from `spec`, for processes that start from now on.
    pub fn set_settings(&self, spec: &FunctionSpec) {
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(Tuned::of(spec));
    }

    /// The variables that its next process will see, but for the address of its Runtime API.
    ///
    /// # Errors
    /// When there is no program.
    pub fn variables(&self) -> Result<Vec<(String, String)>, String> {
        let program = Program::find(&self.spec, &self.config)?;
        Ok(program.variables(&self.spec, &self.tuned(), &self.config))
    }

    /// Its log file.
    #[must_use]
    pub fn log_path(&self) -> PathBuf {
        self.config.log_dir.join(format!("{}.log", self.spec.name))
    }

    /// What happened so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.statistics.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it would serve now.
    #[must_use]
    pub fn state(&self) -> FunctionState {
        if self.stopped.load(Ordering::Acquire) {
            FunctionState::Stopped
        } else if self.idle_count() > 0 || self.in_flight() > 0 {
            FunctionState::Warm
        } else {
            FunctionState::Cold
        }
    }

    /// What its processes use.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.processes.usage()
    }

    /// Process ids of its idle environments.
    #[must_use]
    pub fn idle_pids(&self) -> Vec<u32> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).iter().map(Environment::pid).collect()
    }

    /// Invocations under way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        usize::try_from(self.places.running()).unwrap_or(usize::MAX)
    }

    /// Its reserved concurrency: the template's, unless it was changed since.
    #[must_use]
    pub fn reserved_concurrency(&self) -> Option<u32> {
        self.places.reserved()
    }

    /// Reserves so many places from now on, or none. Invocations under way go on.
    pub fn reserve_concurrency(&self, reserved: Option<u32>) {
        self.places.reserve(reserved);
    }

    fn idle_count(&self) -> usize {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// What an invocation takes, in milliseconds; `None` before the first one.
    pub(super) fn usual_ms(&self) -> Option<f64> {
        self.statistics.lock().unwrap_or_else(PoisonError::into_inner).durations.quantile_ms(0.5)
    }

    /// The function's ARN in the local account.
    #[must_use]
    pub fn arn(&self) -> String {
        crate::template::names::function_arn(&self.spec.name)
    }

    /// Refuses invocations until [`Function::resume`]; running ones end first.
    pub async fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.places.refuse_waiting();
        self.restart().await;
    }

    /// Takes invocations again.
    pub fn resume(&self) {
        self.stopped.store(false, Ordering::Release);
    }

    /// The next invocation starts a new process; running ones end in the old one.
    pub async fn restart(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for environment in idle {
            environment.end().await;
        }
    }

    /// Waits for running invocations, at most `grace`, and ends all processes.
    pub(super) async fn shut_down(&self, grace: Duration) {
        self.stopped.store(true, Ordering::Release);
        self.ending.cancel();
        self.places.refuse_waiting();
        // When the grace is over, dropping the host kills what still runs.
        let _ = tokio::time::timeout(grace, self.places.wait_until_idle()).await;
        self.restart().await;
    }
}
