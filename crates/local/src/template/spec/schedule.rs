//! Schedules.

/// One schedule of one function.
#[derive(Debug, Clone)]
pub struct ScheduleSpec {
    /// The name that `GetSchedule` answers to: `Name`, or `<function name>-<event id in kebab-case>`.
    pub name: String,
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
    /// Line in the template.
    pub line: usize,
}

/// The two services that can send a schedule; they differ in the default event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScheduleKind {
    /// An EventBridge rule (`Schedule`): the `Scheduled Event` JSON.
    Rule,
    /// EventBridge Scheduler (`ScheduleV2`): the input, with `<aws.scheduler.*>` replaced.
    Scheduler,
}
