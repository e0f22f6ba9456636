//! One run of a schedule: handed to its function, retried, and at last to its dead-letter queue.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use tracing::{error, warn};
use uuid::Uuid;

use crate::{
    host::{Host, InvokeError, Origin},
    schedule::{
        event::{self, Run},
        retry::{self, GivenUp, Next},
    },
    template::{
        ACCOUNT, REGION, names,
        spec::{ScheduleKind, ScheduleSpec},
    },
};

/// How often a dead letter is offered to a queue that does not take it.
const DEAD_LETTER_ATTEMPTS: u32 = 10;

/// Unique for a run, the same for its retries.
pub(super) fn execution_id() -> String {
    Uuid::new_v4().to_string()
}

/// The event of one attempt of a run.
pub(super) fn payload(spec: &ScheduleSpec, due: DateTime<Utc>, execution_id: &str, attempt: u32) -> String {
    let (region, account) = (REGION, ACCOUNT);
    let run = Run { arn: &spec.arn, scheduled_time: due, execution_id, attempt, region, account };
    match spec.kind {
        ScheduleKind::Rule => event::rule(spec.input.as_deref(), &run),
        ScheduleKind::Scheduler => event::scheduler(spec.input.as_deref(), &run),
    }
}

/// Tries until the function takes the event, or retries or age are used up.
pub(super) async fn hand_over(host: Host, spec: ScheduleSpec, due: DateTime<Utc>) {
    let execution_id = execution_id();
    let origin = Origin::schedule(&spec.name);
    let begin = tokio::time::Instant::now();
    for attempt in 1.. {
        let payload = payload(&spec, due, &execution_id, attempt);
        let Err(failure) = host.invoke_asynchronously(&origin, &spec.function, payload.clone().into()) else { return };
        match retry::after(&failure, attempt, begin.elapsed(), &spec.retry) {
            Next::Again(delay) => {
                let delay_s = delay.as_secs();
                warn!(schedule = spec.name, error = %failure, attempt, delay_s, "the run is tried again later");
                tokio::time::sleep(delay).await;
            }
            Next::GiveUp(condition) => {
                error!(schedule = spec.name, error = %failure, attempt, condition, "the run is given up");
                let name = host.find(&spec.function).map(|function| function.spec().name.clone());
                let target_arn = names::function_arn(name.as_deref().unwrap_or(&spec.function));
                let scheduled_time = due.to_rfc3339_opts(SecondsFormat::Secs, true);
                let run = GivenUp {
                    spec: &spec,
                    target_arn: &target_arn,
                    payload: &payload,
                    execution_id: &execution_id,
                    scheduled_time: &scheduled_time,
                    attempts: attempt,
                    condition,
                };
                bury(&host, &run, &failure).await;
                return;
            }
        }
    }
}

/// Sends the dead letter, when there is a queue for it.
async fn bury(host: &Host, run: &GivenUp<'_>, failure: &InvokeError) {
    let Some(queue) = &run.spec.retry.dead_letter_queue else { return };
    let record = retry::dead_letter(run, failure);
    for attempt in 1..=DEAD_LETTER_ATTEMPTS {
        let Err(error) = host.destinations().send(queue, &record).await else { return };
        let (schedule, error) = (&run.spec.name, format!("{error:#}"));
        error!(schedule, error, attempt, "the dead-letter queue does not take the run");
        tokio::time::sleep(Duration::from_secs(attempt.into())).await;
    }
    error!(schedule = run.spec.name, "the run's dead letter is dropped");
}
