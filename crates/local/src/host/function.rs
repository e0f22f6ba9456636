//! One function: its environments, its concurrency, and the way of one invocation through them.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use uuid::Uuid;

use super::{
    HostConfig, PAYLOAD_LIMIT,
    concurrency::{Concurrency, Place},
    environment::{Ended, Environment, OUT_OF_MEMORY, describe},
    inject,
    link::{Answer, Job},
    log::{FunctionLog, Report, Status},
    origin::Origin,
    outcome::{InvokeError, Outcome},
    program::Program,
    statistics::{FunctionState, Statistics},
    stream::Sink,
};
use crate::{chaos::Fault, template::spec::FunctionSpec};

/// Lambda gives the init phase ten seconds, or the function's timeout when that is longer.
const INIT_LIMIT: Duration = Duration::from_secs(10);

/// A function of the application.
#[derive(Debug)]
pub struct Function {
    pub(super) spec: FunctionSpec,
    /// What a changed template changes while the function runs.
    settings: Mutex<Arc<Tuned>>,
    pub(super) config: Arc<HostConfig>,
    /// One place an environment.
    places: Arc<Concurrency>,
    /// Warm environments; the one used last is used next, so that rarely needed ones stay cold.
    idle: Mutex<Vec<Environment>>,
    stopped: AtomicBool,
    /// The host is ending.
    ending: CancellationToken,
    /// Raised by a restart: environments of an older generation are not kept.
    generation: AtomicU64,
    statistics: Mutex<Statistics>,
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

    /// One attempt, with a fault in it or without; the answer goes to `sink`.
    pub(super) async fn attempt(
        &self,
        origin: &Origin,
        payload: Bytes,
        fault: Option<Fault>,
        mut sink: Sink,
    ) -> Result<Outcome, InvokeError> {
        if payload.len() > PAYLOAD_LIMIT {
            return Err(InvokeError::PayloadTooLarge { size: payload.len(), limit: PAYLOAD_LIMIT });
        }
        let _place = self.place().await?;
        let request_id = origin.request_id.as_deref().map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
        let log = FunctionLog::open(&self.log_path(), &self.spec.logging)
            .map_err(|error| self.not_runnable(&format!("{error:#}")))?;
        let tail = origin.wants_log_tail().then(|| log.length());
        if let Some(remote) = self.remote() {
            let outcome = self.invoke_elsewhere(remote, origin, &request_id, &log, payload, fault).await?;
            if outcome.is_success() {
                sink.pass(Answer::Response(outcome.payload.clone())).await;
            }
            return Ok(outcome);
        }
        let generation = self.generation.load(Ordering::Acquire);
        let (mut environment, spawned) = match self.warm() {
            Some(environment) => (environment, false),
            None => (self.spawn(&log).await?, true),
        };
        log.start(&request_id);
        let init_limit = INIT_LIMIT.max(self.tuned().timeout);
        if spawned && let Err(mut outcome) = environment.wait_until_ready(init_limit).await {
            outcome.request_id.clone_from(&request_id);
            environment.end().await;
            self.finish(origin, &log, &outcome, None, Status::Failure("Runtime.ExitError"));
            outcome.log_tail = tail.map(|begin| log.tail(begin));
            return Ok(outcome);
        }
        let init_duration = environment.take_init();
        let (mut outcome, status) = self.run(&mut environment, origin, &request_id, payload, fault, &mut sink).await;
        outcome.init_duration = init_duration;
        self.finish(origin, &log, &outcome, environment.memory_used_mb(), status);
        let usable = matches!(status, Status::Success | Status::Error);
        outcome.log_tail = tail.map(|begin| log.tail(begin));
        if usable && generation == self.generation.load(Ordering::Acquire) && !self.stopped.load(Ordering::Acquire) {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(environment);
        } else {
            environment.end().await;
        }
        Ok(outcome)
    }

    async fn place(&self) -> Result<Place, InvokeError> {
        let stopped = || InvokeError::Stopped(self.spec.name.clone());
        if self.stopped.load(Ordering::Acquire) {
            return Err(stopped());
        }
        let place = self.places.enter().await;
        // It may have been stopped while this invocation waited for its turn.
        if self.stopped.load(Ordering::Acquire) {
            return Err(stopped());
        }
        place.ok_or_else(|| {
            self.count(|statistics| statistics.throttles += 1);
            InvokeError::Throttled
        })
    }

    fn memory_limit(&self) -> Option<u32> {
        self.config.enforce_memory.then(|| self.tuned().memory_mb)
    }

    fn warm(&self) -> Option<Environment> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(environment) = idle.pop() {
            if environment.is_alive() {
                return Some(environment);
            }
        }
        None
    }

    async fn spawn(&self, log: &FunctionLog) -> Result<Environment, InvokeError> {
        let program = Program::find(&self.spec, &self.config).map_err(|reason| self.not_runnable(&reason))?;
        let variables = program.variables(&self.spec, &self.tuned(), &self.config);
        log.init_start(&self.spec.name);
        let environment = Environment::spawn(&program, &variables, &self.spec, self.memory_limit(), log).await;
        let environment = environment.map_err(|error| self.not_runnable(&format!("{error:#}")))?;
        self.count(|statistics| statistics.cold_starts += 1);
        Ok(environment)
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

    /// One invocation in an environment that is ready.
    async fn run(
        &self,
        environment: &mut Environment,
        origin: &Origin,
        request_id: &str,
        payload: Bytes,
        fault: Option<Fault>,
        sink: &mut Sink,
    ) -> (Outcome, Status) {
        let started = Instant::now();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let timeout = self.tuned().timeout;
        let deadline_ms = (now + timeout).as_millis();
        let caller = origin.caller.clone().unwrap_or_default();
        let job = Job { request_id: request_id.to_owned(), payload, deadline_ms, caller };
        let ended = match fault {
            None => environment.serve(job, timeout, &self.ending, sink).await,
            Some(fault) => inject::serve(environment, job, timeout, &self.ending, fault, self.usual_ms()).await,
        };
        let duration = started.elapsed();
        let error = |kind: &str, message: &str| Outcome::error(request_id, kind, message, duration);
        match ended {
            Ended::Answered(Answer::Response(payload)) => {
                let request_id = request_id.to_owned();
                (
                    Outcome {
                        request_id,
                        payload,
                        function_error: None,
                        duration,
                        init_duration: None,
                        log_tail: None,
                    },
                    Status::Success,
                )
            }
            Ended::Answered(Answer::Error(payload)) => {
                let mut outcome = error("", "");
                outcome.payload = payload;
                (outcome, Status::Error)
            }
            Ended::Answered(Answer::TooLarge { size, limit }) => {
                (Outcome::too_large(request_id, size, limit, duration), Status::Error)
            }
            Ended::Answered(Answer::Stream(_)) => {
                let kind = "Runtime.TruncatedResponse";
                (error(kind, "the function's answer was not read to its end"), Status::Failure(kind))
            }
            Ended::Exited(status) => {
                let message =
                    format!("RequestId: {request_id} Error: Runtime exited with error: {}", describe(Some(status)));
                (error("Runtime.ExitError", &message), Status::Failure("Runtime.ExitError"))
            }
            Ended::OutOfMemory => {
                let message = format!("RequestId: {request_id} Error: {OUT_OF_MEMORY}");
                (error("Runtime.ExitError", &message), Status::Failure("Runtime.OutOfMemory"))
            }
            Ended::TimedOut => {
                let limit = timeout.as_secs_f64();
                let message = format!("RequestId: {request_id} Error: Task timed out after {limit:.2} seconds");
                (error("Sandbox.Timedout", &message), Status::Timeout)
            }
        }
    }

    pub(super) fn finish(
        &self,
        origin: &Origin,
        log: &FunctionLog,
        outcome: &Outcome,
        memory_used_mb: Option<u64>,
        status: Status,
    ) {
        log.end(&Report {
            request_id: &outcome.request_id,
            duration: outcome.duration,
            init_duration: outcome.init_duration,
            memory_mb: self.tuned().memory_mb,
            memory_used_mb,
            status,
        });
        let error = outcome.function_error.map(|_| String::from_utf8_lossy(&outcome.payload).into_owned());
        if let Some(error) = &error {
            let (origin, attempt) = (&origin.trigger, origin.attempt);
            warn!(function = self.spec.name, request_id = outcome.request_id, %origin, attempt, error, "invocation failed");
        }
        self.count(|statistics| {
            statistics.invocations += 1;
            statistics.durations.record(outcome.duration);
            match error {
                Some(error) => {
                    statistics.errors += 1;
                    statistics.last_error = Some(error);
                }
                None => statistics.last_success = Some(SystemTime::now()),
            }
        });
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut Statistics)) {
        change(&mut self.statistics.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn not_runnable(&self, reason: &str) -> InvokeError {
        InvokeError::NotRunnable { function: self.spec.name.clone(), reason: reason.to_owned() }
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
