//! What follows when a run cannot be handed to its function, and what its dead-letter queue gets. Pure.

use std::time::Duration;

use serde_json::json;

use crate::{
    destination::{Attribute, Record},
    host::InvokeError,
    template::spec::{RetrySpec, ScheduleKind, ScheduleSpec},
};

/// The first wait; each further one is twice as long. AWS says exponential, and not how long.
const FIRST_DELAY: Duration = Duration::from_secs(1);

/// The longest wait.
const LONGEST_DELAY: Duration = Duration::from_secs(300);

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Once more, after this.
    Again(Duration),
    /// Nothing; the condition that is used up, or none for what no retry mends.
    GiveUp(Option<&'static str>),
}

/// Decides after attempt number `attempt`, from 1, when the run was due `age` ago.
#[must_use]
pub fn after(failure: &InvokeError, attempt: u32, age: Duration, retry: &RetrySpec) -> Next {
    if matches!(failure, InvokeError::UnknownFunction { .. } | InvokeError::PayloadTooLarge { .. }) {
        return Next::GiveUp(None);
    }
    let factor = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
    let delay = FIRST_DELAY.saturating_mul(factor).min(LONGEST_DELAY);
    if attempt > retry.maximum_retry_attempts {
        Next::GiveUp(Some("MaximumRetryAttempts"))
    } else if age + delay > retry.maximum_event_age {
        Next::GiveUp(Some("MaximumEventAgeInSeconds"))
    } else {
        Next::Again(delay)
    }
}

/// A run that was given up.
#[derive(Debug, Clone, Copy)]
pub struct GivenUp<'a> {
    /// The schedule.
    pub spec: &'a ScheduleSpec,
    /// The function's.
    pub target_arn: &'a str,
    /// What the function would have got.
    pub payload: &'a str,
    /// The run's.
    pub execution_id: &'a str,
    /// When it was due, RFC 3339.
    pub scheduled_time: &'a str,
    /// Attempts, the first one among them.
    pub attempts: u32,
    /// From [`Next::GiveUp`].
    pub condition: Option<&'static str>,
}

/// The dead letter: for a rule the event, for EventBridge Scheduler the call that was tried.
#[must_use]
pub fn dead_letter(run: &GivenUp<'_>, failure: &InvokeError) -> Record {
    let mut attributes = vec![
        Attribute::text("ERROR_CODE", error_code(failure)),
        Attribute::text("ERROR_MESSAGE", failure.to_string()),
        Attribute::text("RETRY_ATTEMPTS", (run.attempts.saturating_sub(1)).to_string()),
        Attribute::text("TARGET_ARN", run.target_arn),
    ];
    if let Some(condition) = run.condition {
        attributes.push(Attribute::text("EXHAUSTED_RETRY_CONDITION", condition));
    }
    let body = match run.spec.kind {
        ScheduleKind::Rule => {
            attributes.push(Attribute::text("RULE_ARN", &run.spec.arn));
            run.payload.to_owned()
        }
        ScheduleKind::Scheduler => {
            attributes.extend([
                Attribute::text("EXECUTION_ID", run.execution_id),
                Attribute::text("IS_PAYLOAD_TRUNCATED", "false"),
                Attribute::text("SCHEDULED_TIME", run.scheduled_time),
                Attribute::text("SCHEDULE_ARN", &run.spec.arn),
            ]);
            json!({"FunctionName": run.target_arn, "InvocationType": "Event", "Payload": run.payload}).to_string()
        }
    };
    Record { body, attributes, key: String::new() }
}

/// As the Invoke API calls it.
fn error_code(failure: &InvokeError) -> &'static str {
    match failure {
        InvokeError::UnknownFunction { .. } => "ResourceNotFoundException",
        InvokeError::Throttled | InvokeError::QueueFull => "TooManyRequestsException",
        InvokeError::PayloadTooLarge { .. } => "RequestTooLargeException",
        InvokeError::Stopped(_) => "ResourceConflictException",
        _ => "ServiceException",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_retried_until_attempts_or_age_are_used_up() {
        let retry = RetrySpec {
            maximum_retry_attempts: 2,
            maximum_event_age: Duration::from_secs(60),
            dead_letter_queue: None,
        };
        let stopped = InvokeError::Stopped("f".into());
        let at = |attempt, age_s| after(&stopped, attempt, Duration::from_secs(age_s), &retry);
        assert_eq!(at(1, 0), Next::Again(Duration::from_secs(1)));
        assert_eq!(at(2, 1), Next::Again(Duration::from_secs(2)));
        assert_eq!(at(3, 3), Next::GiveUp(Some("MaximumRetryAttempts")));
        assert_eq!(at(2, 59), Next::GiveUp(Some("MaximumEventAgeInSeconds")));
        let default = RetrySpec::default();
        assert_eq!(after(&stopped, 20, Duration::ZERO, &default), Next::Again(LONGEST_DELAY));
        let large = InvokeError::PayloadTooLarge { size: 2, limit: 1 };
        assert_eq!(after(&large, 1, Duration::ZERO, &default), Next::GiveUp(None));
    }
}
