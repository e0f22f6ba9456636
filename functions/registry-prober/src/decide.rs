//! What is seen of a function, and what that says of it. Pure.
//!
//! Quiet is not ill: a Kafka function with no backlog is healthy whenever it last did something, and so is a schedule's
//! whose last success is recent. What was stopped is stopped, and gets its time again when it is started.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::config::{Service, Trigger};

/// A backlog may stand still for this long: a batch may take Lambda a minute, and be tried again.
const KAFKA_PATIENCE: TimeDelta = TimeDelta::minutes(2);
/// A schedule's function may miss this many periods, and has this long at least.
const PERIODS: i32 = 5;
const SCHEDULE_PATIENCE: TimeDelta = TimeDelta::minutes(5);
/// For a schedule whose period is not known: daily ones get an hour more.
const CRON_PATIENCE: TimeDelta = TimeDelta::hours(25);

/// How a function is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It does what it is there for, or has nothing to do.
    Healthy,
    /// It should, and does not.
    Unhealthy,
    /// Somebody has switched its trigger off.
    Stopped,
    /// Nothing can be said yet, or whoever knows cannot be asked.
    Unknown,
}

/// What a probe saw.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Seen {
    /// `GET /health`: how long the answer took, and what was wrong with it.
    Http { took: Duration, fault: Option<String> },
    /// Kafka triggers of one function.
    Kafka { enabled: bool, trigger: String, problem: Option<String>, backlog: Result<Backlog, String> },
    /// A schedule, and when its function last succeeded.
    Schedule { enabled: bool, expression: String, last_success_at: Option<DateTime<Utc>> },
    /// Whoever knows of the trigger does not answer.
    Nothing(String),
}

/// How far a group is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Backlog {
    /// Records that wait.
    pub(crate) lag: i64,
    /// The sum of the offsets that are committed.
    pub(crate) progress: i64,
}

/// What the round before found.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Previous {
    pub(crate) name: String,
    pub(crate) trigger: String,
    pub(crate) status: String,
    pub(crate) status_since: DateTime<Utc>,
    pub(crate) progress: Option<i64>,
    pub(crate) last_success_at: Option<DateTime<Utc>>,
    pub(crate) expected_since: Option<DateTime<Utc>>,
}

/// What a round finds of one function: the row of `service_checks`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Finding {
    pub(crate) name: String,
    pub(crate) position: u32,
    pub(crate) kind: &'static str,
    pub(crate) trigger: String,
    pub(crate) address: Option<String>,
    pub(crate) status: Status,
    pub(crate) status_since: DateTime<Utc>,
    pub(crate) response_time_ms: Option<f64>,
    pub(crate) lag: Option<i64>,
    pub(crate) progress: Option<i64>,
    pub(crate) last_success_at: Option<DateTime<Utc>>,
    pub(crate) expected_since: Option<DateTime<Utc>>,
    pub(crate) error: Option<String>,
    pub(crate) checked_at: DateTime<Utc>,
}

/// Judges what was seen.
pub(crate) fn decide(service: &Service, previous: Option<&Previous>, seen: Seen, now: DateTime<Utc>) -> Finding {
    let mut finding = Finding {
        name: service.name.clone(),
        position: service.position,
        kind: service.trigger.kind(),
        trigger: previous.map_or_else(|| service.trigger.in_words(), |previous| previous.trigger.clone()),
        address: match &service.trigger {
            Trigger::Http(address) => Some(address.clone()),
            Trigger::Kafka(_) | Trigger::Schedule(_) => None,
        },
        status: Status::Unknown,
        status_since: now,
        response_time_ms: None,
        lag: None,
        progress: previous.and_then(|previous| previous.progress),
        last_success_at: previous.and_then(|previous| previous.last_success_at),
        expected_since: previous.and_then(|previous| previous.expected_since).or(Some(now)),
        error: None,
        checked_at: now,
    };
    match seen {
        Seen::Http { took, fault } => {
            finding.trigger = service.trigger.in_words();
            finding.response_time_ms = Some((took.as_secs_f64() * 100_000.0).round() / 100.0);
            if fault.is_none() {
                finding.last_success_at = Some(now);
            }
            finding.judge(fault.is_none(), fault);
        }
        Seen::Kafka { enabled, trigger, problem, backlog } => {
            finding.trigger = trigger;
            finding.kafka(enabled, problem, backlog, now);
        }
        Seen::Schedule { enabled, expression, last_success_at } => {
            finding.last_success_at = last_success_at;
            finding.schedule(enabled, &expression, now);
            finding.trigger = expression;
        }
        Seen::Nothing(reason) => finding.error = Some(reason),
    }
    let before = previous.filter(|previous| previous.status == finding.status.as_str());
    finding.status_since = before.map_or(now, |previous| previous.status_since);
    finding
}

impl Finding {
    fn judge(&mut self, healthy: bool, error: Option<String>) {
        self.status = if healthy { Status::Healthy } else { Status::Unhealthy };
        self.error = error;
    }

    fn stopped(&mut self) {
        self.status = Status::Stopped;
        self.expected_since = None;
    }

    fn kafka(&mut self, enabled: bool, problem: Option<String>, backlog: Result<Backlog, String>, now: DateTime<Utc>) {
        let before = self.progress;
        let backlog = backlog.inspect(|backlog| {
            self.lag = Some(backlog.lag);
            self.progress = Some(backlog.progress);
            if backlog.lag == 0 || before.is_some_and(|before| backlog.progress > before) {
                self.last_success_at = Some(now);
            }
        });
        match backlog {
            _ if !enabled => self.stopped(),
            Err(fault) => self.judge(false, Some(fault)),
            Ok(_) if self.succeeded_within(KAFKA_PATIENCE, now) => self.judge(true, None),
            Ok(_) if self.has_time_left(KAFKA_PATIENCE, now) => {}
            Ok(Backlog { lag, .. }) => {
                let problem = problem.map(|problem| format!("; Lambda says {problem}")).unwrap_or_default();
                self.judge(false, Some(format!("{lag} records wait, and none was done {}{problem}", self.since(now))));
            }
        }
    }

    fn schedule(&mut self, enabled: bool, expression: &str, now: DateTime<Utc>) {
        let patience = period(expression).map_or(CRON_PATIENCE, |period| (period * PERIODS).max(SCHEDULE_PATIENCE));
        if !enabled {
            self.stopped();
        } else if self.succeeded_within(patience, now) {
            self.judge(true, None);
        } else if !self.has_time_left(patience, now) {
            self.judge(false, Some(format!("no success {}", self.since(now))));
        }
    }

    fn succeeded_within(&self, patience: TimeDelta, now: DateTime<Utc>) -> bool {
        self.last_success_at.is_some_and(|at| now - at <= patience)
    }

    fn has_time_left(&self, patience: TimeDelta, now: DateTime<Utc>) -> bool {
        self.expected_since.is_none_or(|since| now - since <= patience)
    }

    fn since(&self, now: DateTime<Utc>) -> String {
        let seconds = |since: DateTime<Utc>| format!("for {} s", (now - since).num_seconds());
        self.last_success_at.or(self.expected_since).map_or_else(|| "yet".to_owned(), seconds)
    }
}

impl Status {
    /// As the table has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Stopped => "stopped",
            Self::Unknown => "unknown",
        }
    }
}

/// The period of `rate(5 minutes)`; `None` for other expressions.
fn period(expression: &str) -> Option<TimeDelta> {
    let (number, unit) = expression.trim().strip_prefix("rate(")?.strip_suffix(')')?.trim().split_once(' ')?;
    let number: i64 = number.parse().ok()?;
    match unit.trim().trim_end_matches('s') {
        "minute" => TimeDelta::try_minutes(number),
        "hour" => TimeDelta::try_hours(number),
        "day" => TimeDelta::try_days(number),
        _ => None,
    }
    // A period beyond this is as good as none.
    .filter(|period| (TimeDelta::zero()..=TimeDelta::days(10_000)).contains(period))
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
