//! Schedules.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Destination;

/// One schedule of one function.
#[derive(Debug, Clone)]
pub struct ScheduleSpec {
    /// The name that `GetSchedule` answers to: `Name`, or `<function name>-<event id in kebab-case>`.
    pub name: String,
    /// The ARN of the rule or the schedule; rules with several targets have it in common.
    pub arn: String,
    /// Logical id of the function.
    pub function: String,
    /// `rate(1 minute)`, `cron(0 12 * * ? *)`, `at(2026-11-21T12:00:00)`, as written and checked.
    pub expression: String,
    /// `ScheduleExpressionTimezone`; `UTC` when unset.
    pub timezone: String,
    /// `Input`, as written. `None`: the default event of its kind.
    pub input: Option<String>,
    /// Which of the two services sends it.
    pub kind: ScheduleKind,
    /// `State: ENABLED` or `Enabled: true`; true when unset.
    pub enabled: bool,
    /// `StartDate` and `EndDate`.
    pub period: Period,
    /// `FlexibleTimeWindow`: minutes; `None` when it is off. The schedule fires at the window's begin.
    pub flexible_window_minutes: Option<u32>,
    /// What becomes of a run that cannot be handed over.
    pub retry: RetrySpec,
    /// Line in the template.
    pub line: usize,
}

/// The two services that can send a schedule; they differ in the default event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScheduleKind {
    /// An EventBridge rule (`Schedule`, `AWS::Events::Rule`): the `Scheduled Event` JSON.
    Rule,
    /// EventBridge Scheduler (`ScheduleV2`): the input, with `<aws.scheduler.*>` replaced.
    Scheduler,
}

/// When a schedule may fire; a one-time schedule does not look at it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Period {
    /// Not before this; the first run of a rate.
    pub start: Option<DateTime<Utc>>,
    /// Not after this.
    pub end: Option<DateTime<Utc>>,
}

/// `RetryPolicy` and `DeadLetterConfig`. They are about a run that the function does not take; what it takes and fails
/// has the function's own retries.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RetrySpec {
    /// `MaximumRetryAttempts`, 0 to 185; 185 when unset.
    pub maximum_retry_attempts: u32,
    /// `MaximumEventAgeInSeconds`, 60 to 86,400; a day when unset.
    pub maximum_event_age: Duration,
    /// A queue.
    pub dead_letter_queue: Option<Destination>,
}

impl Default for RetrySpec {
    fn default() -> Self {
        Self { maximum_retry_attempts: 185, maximum_event_age: Duration::from_secs(86_400), dead_letter_queue: None }
    }
}
