//! The way of one invocation through a function that another host runs.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{
    PAYLOAD_LIMIT,
    function::Function,
    inject,
    log::{FunctionLog, Status},
    origin::Origin,
    outcome::{InvokeError, Outcome},
};
use crate::{
    chaos::Fault,
    remote::{Call, CallError, Remote},
};

/// `cargo lambda watch` builds a function when it is first called; until it has answered once it gets this much more.
const BUILD_GRACE: Duration = Duration::from_secs(120);

/// AWS ends the invocation itself; its init phase and the way there come on top of the function's timeout.
const AWS_GRACE: Duration = Duration::from_secs(15);

impl Function {
    /// Where it runs, when that is not here.
    #[must_use]
    pub fn remote(&self) -> Option<&Remote> {
        self.config.paths.remotes.get(&self.spec.logical_id).map(AsRef::as_ref)
    }

    /// One invocation; the caller holds the permit.
    pub(super) async fn invoke_elsewhere(
        &self,
        remote: &Remote,
        origin: &Origin,
        request_id: &str,
        log: &FunctionLog,
        payload: Bytes,
        fault: Option<Fault>,
    ) -> Result<Outcome, InvokeError> {
        let size = payload.len();
        let (spec, started) = (&self.spec, Instant::now());
        let limit = match fault {
            // That host goes on with it: nothing here can kill a process there.
            Some(Fault::Crash(share)) => inject::crash_after(share, self.usual_ms()).min(spec.timeout),
            Some(Fault::Timeout) => spec.timeout.min(inject::TIMEOUT_LIMIT),
            _ => spec.timeout + self.grace(remote),
        };
        let call = Call { function: &spec.name, payload, kind: "RequestResponse", log_tail: true, limit };
        log.line(&format!("START RequestId: {request_id} Version: $LATEST Host: {}", remote.endpoint()));
        let mut called = remote.call(&call).await;
        if matches!((&called, fault), (Ok(_), Some(Fault::Timeout))) {
            called = Err(CallError::TimedOut);
        }
        let duration = started.elapsed();
        let error = |kind: &str, message: &str| Outcome::error(request_id, kind, message, duration);
        let timed_out = called == Err(CallError::TimedOut);
        let outcome = match called {
            Ok(_) if fault == Some(Fault::Error) => error(inject::ERROR_TYPE, inject::ERROR_MESSAGE),
            Ok(_) | Err(CallError::TimedOut) if matches!(fault, Some(Fault::Crash(_))) => error(
                "Runtime.ExitError",
                &format!("RequestId: {request_id} Error: Runtime exited with error: injected, its answer was dropped"),
            ),
            Ok(answer) if answer.payload.len() > PAYLOAD_LIMIT => {
                Outcome::too_large(request_id, answer.payload.len(), PAYLOAD_LIMIT, duration)
            }
            Ok(answer) => {
                self.answered_elsewhere.store(true, Ordering::Release);
                answer.log.iter().flat_map(|log| log.lines()).for_each(|line| log.line(line));
                Outcome {
                    request_id: answer.request_id.unwrap_or_else(|| request_id.to_owned()),
                    payload: answer.payload,
                    function_error: answer.function_error,
                    duration,
                    init_duration: None,
                    log_tail: answer.log.filter(|_| origin.wants_log_tail()).map(Into::into),
                }
            }
            Err(CallError::TimedOut) => {
                let limit = spec.timeout.as_secs_f64();
                let message = format!("RequestId: {request_id} Error: Task timed out after {limit:.2} seconds");
                error("Sandbox.Timedout", &message)
            }
            Err(CallError::Throttled(_)) => {
                self.count(|statistics| statistics.throttles += 1);
                return Err(InvokeError::Throttled);
            }
            Err(CallError::TooLarge(_)) => return Err(InvokeError::PayloadTooLarge { size, limit: PAYLOAD_LIMIT }),
            Err(CallError::NotInvoked(reason)) => {
                return Err(InvokeError::Unreachable { function: spec.name.clone(), reason });
            }
        };
        let status = match outcome.function_error {
            None => Status::Success,
            Some(_) if timed_out => Status::Timeout,
            Some(_) => Status::Error,
        };
        self.finish(origin, log, &outcome, None, status);
        Ok(outcome)
    }

    fn grace(&self, remote: &Remote) -> Duration {
        if remote.endpoint().aws_region().is_some() {
            AWS_GRACE
        } else if self.answered_elsewhere.load(Ordering::Acquire) {
            Duration::ZERO
        } else {
            BUILD_GRACE
        }
    }
}
