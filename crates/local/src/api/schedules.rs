//! EventBridge Scheduler's GetSchedule, ListSchedules and UpdateSchedule.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Stack, error::ApiError};
use crate::{
    schedule_source::{ScheduleChange, ScheduleSource},
    template::{ACCOUNT, REGION, names},
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
    target: Option<Target>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Target {
    input: Option<String>,
}

async fn update(
    State(stack): State<Arc<Stack>>,
    Path(name): Path<String>,
    Json(update): Json<Update>,
) -> Result<Json<Value>, ApiError> {
    let source = find(&stack, &name)?;
    let enabled = match update.state.as_deref() {
        None | Some("ENABLED") => true,
        Some("DISABLED") => false,
        Some(other) => return Err(refuse(format!("State is {other:?}, accepted: ENABLED, DISABLED"))),
    };
    let change = ScheduleChange {
        enabled,
        expression: update.schedule_expression,
        timezone: update.schedule_expression_timezone.unwrap_or_else(|| "UTC".into()),
        input: update.target.and_then(|target| target.input),
    };
    source.change(&change).map_err(|error| refuse(format!("{error:#}")))?;
    stack.settings.set_schedule(&name, &change).map_err(|error| ApiError::internal(&error))?;
    Ok(Json(json!({"ScheduleArn": names::schedule_arn(&name)})))
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
    json!({
        "Arn": names::schedule_arn(&spec.name),
        "Name": spec.name,
        "GroupName": "default",
        "ScheduleExpression": spec.expression,
        "ScheduleExpressionTimezone": spec.timezone,
        "State": if spec.enabled { "ENABLED" } else { "DISABLED" },
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "LastModificationDate": modified.timestamp_millis() as f64 / 1000.0,
        "Target": {
            "Arn": function_arn,
            "RoleArn": format!("arn:aws:iam::{ACCOUNT}:role/{REGION}-scheduler"),
            "Input": spec.input,
        },
    })
}
