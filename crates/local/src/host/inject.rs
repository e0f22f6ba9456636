//! Injecting a fault into one invocation of a function here.

use std::{
    os::unix::process::ExitStatusExt,
    process::ExitStatus,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    environment::{Ended, Environment},
    link::{Answer, Job},
    stream::Sink,
};
use crate::chaos::Fault;

/// An injected timeout comes after this at the latest: waiting for the whole of a long one teaches nothing more.
pub(super) const TIMEOUT_LIMIT: Duration = Duration::from_secs(1);

/// A process is not killed before it had this long to take the event and begin.
const SHORTEST_CRASH: Duration = Duration::from_millis(10);

/// What an invocation is taken to last before there is a figure.
const USUAL: Duration = Duration::from_millis(50);

/// The type of an injected error.
pub(super) const ERROR_TYPE: &str = "Chaos.Error";

/// Its message.
pub(super) const ERROR_MESSAGE: &str = "injected: the function has answered, and its answer was dropped";

/// When an injected crash comes; `usual_ms` is what an invocation of the function takes.
pub(super) fn crash_after(share: f64, usual_ms: Option<f64>) -> Duration {
    let usual = usual_ms.map_or(USUAL, |ms| Duration::from_secs_f64(ms.max(0.0) / 1000.0));
    usual.mul_f64(share.clamp(0.0, 1.0)).max(SHORTEST_CRASH)
}

/// As [`Environment::serve`], with a fault. Whoever hears of a crash or a timeout ends the environment, which kills the
/// process, before the invocation has its answer.
pub(super) async fn serve(
    environment: &mut Environment,
    job: Job,
    limit: Duration,
    ending: &CancellationToken,
    fault: Fault,
    usual_ms: Option<f64>,
) -> Ended {
    // Whoever waits for the answer gets none of it.
    let sink = &mut Sink::Collect;
    match fault {
        Fault::Throttle => environment.serve(job, limit, ending, sink).await,
        Fault::Error => match environment.serve(job, limit, ending, sink).await {
            Ended::Answered(answer) if !matches!(answer, Answer::Error(_)) => {
                let error = json!({"errorType": ERROR_TYPE, "errorMessage": ERROR_MESSAGE});
                Ended::Answered(Answer::Error(error.to_string().into()))
            }
            other => other,
        },
        Fault::Crash(share) => {
            let after = crash_after(share, usual_ms);
            match environment.serve(job, after.min(limit), ending, sink).await {
                ended @ (Ended::Exited(_) | Ended::OutOfMemory) => ended,
                Ended::Answered(_) | Ended::TimedOut => Ended::Exited(ExitStatus::from_raw(9)),
            }
        }
        Fault::Timeout => {
            let (began, limit) = (Instant::now(), limit.min(TIMEOUT_LIMIT));
            match environment.serve(job, limit, ending, sink).await {
                ended @ (Ended::Exited(_) | Ended::OutOfMemory) => ended,
                Ended::Answered(_) | Ended::TimedOut => {
                    tokio::time::sleep(limit.saturating_sub(began.elapsed())).await;
                    Ended::TimedOut
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_comes_within_what_an_invocation_takes_and_never_at_once() {
        assert_eq!(crash_after(0.5, Some(100.0)), Duration::from_millis(50));
        assert_eq!(crash_after(0.5, None), Duration::from_millis(25));
        assert_eq!(crash_after(0.0, Some(1000.0)), SHORTEST_CRASH);
    }
}
