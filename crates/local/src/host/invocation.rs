//! The way of one invocation through a function: a place, a process, the event, the answer, and what is told of it.

use std::{
    sync::{PoisonError, atomic::Ordering},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use tracing::warn;
use uuid::Uuid;

use super::{
    PAYLOAD_LIMIT,
    concurrency::Place,
    environment::{Ended, Environment, OUT_OF_MEMORY, describe},
    function::Function,
    inject,
    link::{Answer, Job},
    log::{FunctionLog, Report, Status},
    origin::Origin,
    outcome::{InvokeError, Outcome},
    program::Program,
    statistics::Statistics,
    stream::Sink,
};
use crate::chaos::Fault;

/// Lambda gives the init phase ten seconds, or the function's timeout when that is longer.
const INIT_LIMIT: Duration = Duration::from_secs(10);

impl Function {
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
        let (mut environment, spawned) = match self.warm(origin.seat) {
            Some(environment) => (environment, false),
            None => (self.spawn(&log).await?, true),
        };
        environment.seat = origin.seat;
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

    fn warm(&self, seat: Option<u32>) -> Option<Environment> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(Environment::is_alive);
        let seats: Vec<Option<u32>> = idle.iter().map(|environment| environment.seat).collect();
        choose(&seats, seat).map(|at| idle.remove(at))
    }

    async fn spawn(&self, log: &FunctionLog) -> Result<Environment, InvokeError> {
        let program = Program::find(&self.spec, &self.config).map_err(|reason| self.not_runnable(&reason))?;
        let variables = program.variables(&self.spec, &self.tuned(), &self.config);
        log.init_start(&self.spec.name);
        let started = Environment::spawn(&program, &variables, &self.spec, self.memory_limit(), log, &self.processes);
        let environment = started.await.map_err(|error| self.not_runnable(&format!("{error:#}")))?;
        self.count(|statistics| statistics.cold_starts += 1);
        Ok(environment)
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
}

/// Which of the idle processes serves this seat: the one that did last, else one that served none, else the one that was
/// used last.
fn choose(served: &[Option<u32>], seat: Option<u32>) -> Option<usize> {
    let last_of = |seat| served.iter().rposition(|served| *served == seat);
    last_of(seat).or_else(|| last_of(None)).or_else(|| served.len().checked_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_keeps_its_process() {
        let served = [Some(1), None, Some(2), Some(1), None, Some(3)];
        assert_eq!(choose(&served, Some(1)), Some(3));
        assert_eq!(choose(&served, Some(2)), Some(2));
        assert_eq!(choose(&served, Some(4)), Some(4), "nobody's before somebody else's");
        assert_eq!(choose(&served[2..4], Some(4)), Some(1), "somebody else's before a new one");
        assert_eq!(choose(&[None, None], None), Some(1));
        assert_eq!(choose(&[Some(1)], None), Some(0));
        assert_eq!(choose(&[], Some(1)), None);
    }
}
