//! EventBridge Scheduler's GetSchedule, ListSchedules and UpdateSchedule.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::get,
};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Stack, error::ApiError};
use crate::{
    schedule_source::{ScheduleChange, ScheduleSource},
    template::{
        ACCOUNT, REGION,
        spec::{Destination, Period, RetrySpec},
    },
};

pub(super) fn router() -> Router<Arc<Stack>> {
    Router::new().route("/schedules", get(list)).route("/schedules/{name}", get(one).put(update))
}

async fn list(State(stack): State<Arc<Stack>>) -> Json<Value> {
    let schedules: Vec<Value> = stack.schedules.values().map(|source| describe(&stack, source)).collect();
    Json(json!({"Schedules": schedules}))
}

async fn one(State(stack): State<Arc<Stack>>, Path(name): Path<String>) -> Result<Json<Value>, ApiError> {
    Ok(Json(describe(&stack, find(&stack, &name)?)))
}

/// A full replacement, as on AWS: what the request leaves out goes back to its default.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Update {
    schedule_expression: String,
    schedule_expression_timezone: Option<String>,
    state: Option<String>,
    /// Seconds since the epoch.
    start_date: Option<f64>,
    end_date: Option<f64>,
    flexible_time_window: Option<FlexibleTimeWindow>,
    target: Option<Target>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FlexibleTimeWindow {
    mode: String,
    maximum_window_in_minutes: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Target {
    input: Option<String>,
    retry_policy: Option<RetryPolicy>,
    dead_letter_config: Option<DeadLetterConfig>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RetryPolicy {
    maximum_retry_attempts: Option<u32>,
    maximum_event_age_in_seconds: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeadLetterConfig {
    arn: Option<String>,
}

async fn update(
    State(stack): State<Arc<Stack>>,
    Path(name): Path<String>,
    Json(update): Json<Update>,
) -> Result<Json<Value>, ApiError> {
    let source = find(&stack, &name)?;
    let change = update.read()?;
    source.change(&change).map_err(|error| refuse(format!("{error:#}")))?;
    stack.settings.set_schedule(&name, &change).map_err(|error| ApiError::internal(&error))?;
    Ok(Json(json!({"ScheduleArn": source.spec().arn})))
}

impl Update {
    fn read(self) -> Result<ScheduleChange, ApiError> {
        let enabled = match self.state.as_deref() {
            None | Some("ENABLED") => true,
            Some("DISABLED") => false,
            Some(other) => return Err(refuse(format!("State is {other:?}, accepted: ENABLED, DISABLED"))),
        };
        let period = Period { start: date("StartDate", self.start_date)?, end: date("EndDate", self.end_date)? };
        if period.start.zip(period.end).is_some_and(|(start, end)| end <= start) {
            return Err(refuse("EndDate is not after StartDate".to_owned()));
        }
        let window = self.flexible_time_window.as_ref().map(|w| (w.mode.as_str(), w.maximum_window_in_minutes));
        let flexible_window_minutes = match window {
            None | Some(("OFF", _)) => None,
            Some(("FLEXIBLE", Some(minutes))) if (1..=1440).contains(&minutes) => Some(minutes),
            Some(_) => {
                let accepted = "Mode OFF, or FLEXIBLE with MaximumWindowInMinutes from 1 to 1440";
                return Err(refuse(format!("FlexibleTimeWindow is not accepted; accepted: {accepted}")));
            }
        };
        let target = self.target.unwrap_or_default();
        Ok(ScheduleChange {
            enabled,
            expression: self.schedule_expression,
            timezone: self.schedule_expression_timezone.unwrap_or_else(|| "UTC".into()),
            period,
            flexible_window_minutes,
            retry: retry(&target.retry_policy.unwrap_or_default(), target.dead_letter_config)?,
            input: target.input,
        })
    }
}

fn date(name: &str, seconds: Option<f64>) -> Result<Option<DateTime<Utc>>, ApiError> {
    let Some(seconds) = seconds else { return Ok(None) };
    #[expect(clippy::cast_possible_truncation, reason = "what is out of range has no date")]
    let date = DateTime::from_timestamp_millis((seconds * 1000.0) as i64);
    date.map(Some).ok_or_else(|| refuse(format!("{name} is {seconds}, expected seconds since 1970-01-01T00:00:00Z")))
}

fn retry(policy: &RetryPolicy, dead_letters: Option<DeadLetterConfig>) -> Result<RetrySpec, ApiError> {
    let mut retry = RetrySpec::default();
    match policy.maximum_retry_attempts {
        Some(attempts) if attempts > 185 => {
            return Err(refuse(format!("MaximumRetryAttempts is {attempts}, accepted: 0 to 185")));
        }
        Some(attempts) => retry.maximum_retry_attempts = attempts,
        None => {}
    }
    match policy.maximum_event_age_in_seconds {
        Some(age) if !(60..=86_400).contains(&age) => {
            return Err(refuse(format!("MaximumEventAgeInSeconds is {age}, accepted: 60 to 86400")));
        }
        Some(age) => retry.maximum_event_age = Duration::from_secs(age.into()),
        None => {}
    }
    if let Some(arn) = dead_letters.and_then(|config| config.arn) {
        match Destination::parse(&arn) {
            Some(queue @ Destination::SqsQueue(_)) if !queue.is_fifo() => retry.dead_letter_queue = Some(queue),
            _ => return Err(refuse(format!("DeadLetterConfig.Arn is {arn:?}, accepted: the ARN of a standard queue"))),
        }
    }
    Ok(retry)
}

fn refuse(message: String) -> ApiError {
    ApiError { kind: "ValidationException", ..ApiError::invalid(message) }
}

fn find<'s>(stack: &'s Stack, name: &str) -> Result<&'s Arc<ScheduleSource>, ApiError> {
    stack.schedules.get(name).ok_or_else(|| ApiError::not_found(format!("Schedule {name} does not exist.")))
}

fn describe(stack: &Stack, source: &ScheduleSource) -> Value {
    let spec = source.spec();
    let (modified, _) = source.times();
    let function_arn = stack.host.find(&spec.function).map(|function| function.arn()).unwrap_or_default();
    let seconds = |time: DateTime<Utc>| time.timestamp_millis() as f64 / 1000.0;
    let mut description = json!({
        "Arn": spec.arn,
        "Name": spec.name,
        "GroupName": "default",
        "ScheduleExpression": spec.expression,
        "ScheduleExpressionTimezone": spec.timezone,
        "State": if spec.enabled { "ENABLED" } else { "DISABLED" },
        "FlexibleTimeWindow": match spec.flexible_window_minutes {
            Some(minutes) => json!({"Mode": "FLEXIBLE", "MaximumWindowInMinutes": minutes}),
            None => json!({"Mode": "OFF"}),
        },
        "LastModificationDate": seconds(modified),
        "Target": {
            "Arn": function_arn,
            "RoleArn": format!("arn:aws:iam::{ACCOUNT}:role/{REGION}-scheduler"),
            "Input": spec.input,
            "RetryPolicy": {
                "MaximumRetryAttempts": spec.retry.maximum_retry_attempts,
                "MaximumEventAgeInSeconds": spec.retry.maximum_event_age.as_secs(),
            },
            "DeadLetterConfig": spec.retry.dead_letter_queue.map(|queue| json!({"Arn": queue.to_string()})),
        },
    });
    if let Some(fields) = description.as_object_mut() {
        for (name, date) in [("StartDate", spec.period.start), ("EndDate", spec.period.end)] {
            fields.extend(date.map(|date| (name.to_owned(), json!(seconds(date)))));
        }
    }
    description
}
