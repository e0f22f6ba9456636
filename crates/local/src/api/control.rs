//! The calls of our own command line.

use std::{sync::Arc, time::SystemTime};

use axum::{
    Json, Router,
    extract::{Path, State},
    response::IntoResponse,
    routing::{get, post},
};
use chrono::{DateTime, SecondsFormat, Utc};
use http::{StatusCode, header};
use indexmap::IndexMap;
use serde::Serialize;

use super::{Stack, error::ApiError};
use crate::{
    chaos::{Chaos, ChaosStatus},
    host::{Function, FunctionState},
    mapping::{Lag, Mapping, MappingState, MappingStatistics},
    metrics,
    record::{Recorder, RecorderStatus},
    schedule_source::Fired,
    services::ServiceStatus,
};

/// The whole stack at one moment.
#[derive(Debug, Serialize)]
pub struct Status {
    /// Kafka, databases, S3 ...
    pub services: Vec<ServiceStatus>,
    /// Functions.
    pub functions: Vec<FunctionStatus>,
    /// Kafka and RabbitMQ triggers.
    pub mappings: Vec<MappingStatus>,
    /// Schedules.
    pub schedules: Vec<ScheduleStatus>,
    /// Addresses of HTTP APIs by logical id.
    pub apis: Vec<(String, String)>,
    /// Injected faults, when any are wanted.
    pub chaos: Option<ChaosStatus>,
    /// Where records are kept, when they are wanted.
    pub records: Option<RecorderStatus>,
}

/// One function.
#[derive(Debug, Serialize)]
pub struct FunctionStatus {
    /// Its name.
    pub name: String,
    /// The system that it belongs to.
    pub system: String,
    /// Where it runs: `here`, or the address of the host that runs it.
    pub runs_at: String,
    /// `cold`, `warm` or `stopped`.
    pub state: &'static str,
    /// Invocations that ended.
    pub invocations: u64,
    /// Of these, with an error.
    pub errors: u64,
    /// Invocations refused for want of concurrency.
    pub throttles: u64,
    /// Invocations under way.
    pub in_flight: usize,
    /// Median duration of the last minute's invocations, milliseconds.
    pub p50_ms: Option<f64>,
    /// Duration that 99 of 100 of them did not exceed.
    pub p99_ms: Option<f64>,
    /// Processes started.
    pub cold_starts: u64,
    /// Process ids of its idle environments.
    pub idle_pids: Vec<u32>,
    /// The newest error.
    pub last_error: Option<String>,
    /// When it last succeeded.
    pub last_success: Option<String>,
}

/// One Kafka or RabbitMQ trigger.
#[derive(Debug, Serialize)]
pub struct MappingStatus {
    /// Logical id.
    pub name: String,
    /// Name of the function.
    pub function: String,
    /// UUID, for `aws lambda get-event-source-mapping`.
    pub uuid: String,
    /// Topic; not there for RabbitMQ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Consumer group; not there for RabbitMQ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// `queue::virtual host`; not there for Kafka.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Topic or queue.
    pub source: String,
    /// Where it is.
    pub state: MappingState,
    /// What keeps it from reading although it is enabled.
    pub problem: Option<String>,
    /// Most records of a batch.
    pub batch_size: usize,
    /// How far behind it is; `None` when the broker does not answer.
    pub lag: Option<Lag>,
    /// What it did.
    #[serde(flatten)]
    pub statistics: MappingStatistics,
}

/// One schedule.
#[derive(Debug, Serialize)]
pub struct ScheduleStatus {
    /// Its name.
    pub name: String,
    /// Name of the function.
    pub function: String,
    /// `rate(1 minute)`.
    pub expression: String,
    /// Whether it fires.
    pub enabled: bool,
    /// When it fired last.
    pub last_fired: Option<String>,
}

pub(super) fn router() -> Router<Arc<Stack>> {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/_millrace/status", get(status))
        .route("/_millrace/environment/{name}", get(environment))
        .route("/_millrace/fire/{name}", post(fire))
        .route("/_millrace/{action}/{name}", post(act))
}

async fn status(State(stack): State<Arc<Stack>>) -> Json<Status> {
    Json(Status {
        services: stack.services.status(&stack.variables).await,
        functions: stack.host.functions().map(|function| function_status(function)).collect(),
        mappings: futures::future::join_all(stack.mappings.iter().map(|mapping| mapping_status(&stack, mapping))).await,
        schedules: stack.schedules.values().map(|source| schedule_status(&stack, source)).collect(),
        apis: stack.apis.iter().map(|(name, port)| (name.clone(), format!("http://localhost:{port}"))).collect(),
        chaos: stack.host.paths().chaos.as_deref().map(Chaos::status),
        records: stack.host.paths().recorder.as_ref().map(Recorder::status),
    })
}

async fn metrics(State(stack): State<Arc<Stack>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], stack.metrics.of_stack(&stack.mappings).await)
}

/// What a process of the function sees, for `millrace exec`.
async fn environment(
    State(stack): State<Arc<Stack>>,
    Path(name): Path<String>,
) -> Result<Json<IndexMap<String, String>>, ApiError> {
    let function = stack.host.find(&name).ok_or_else(|| {
        let known: Vec<String> = stack.host.functions().map(|function| function.spec().name.clone()).collect();
        ApiError::not_found(format!("function {name} does not exist; there are {}", known.join(", ")))
    })?;
    let variables = function.variables().map_err(ApiError::invalid)?;
    // The last one wins, as in the process.
    Ok(Json(variables.into_iter().collect()))
}

async fn act(
    State(stack): State<Arc<Stack>>,
    Path((action, name)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    if let Some(function) = stack.host.find(&name) {
        match action.as_str() {
            "start" => function.resume(),
            "stop" => function.stop().await,
            "restart" => function.restart().await,
            _ => return Err(unknown_action(&action)),
        }
        return Ok(StatusCode::NO_CONTENT);
    }
    if !stack.services.has(&name) {
        let mut known: Vec<String> = stack.host.functions().map(|function| function.spec().name.clone()).collect();
        known.extend(stack.services.status(&stack.variables).await.into_iter().map(|service| service.name));
        return Err(ApiError::not_found(format!("nothing here is called {name}; there are {}", known.join(", "))));
    }
    let services = &stack.services;
    let done = match action.as_str() {
        "start" => services.start_one(&name).await,
        "stop" => services.stop_one(&name).await,
        "restart" => match services.stop_one(&name).await {
            Ok(()) => services.start_one(&name).await,
            failed => failed,
        },
        _ => return Err(unknown_action(&action)),
    };
    done.map(|()| StatusCode::NO_CONTENT).map_err(|error| ApiError::internal(&error))
}

/// Fires a schedule; `x-millrace-at` says when the run was due.
async fn fire(
    State(stack): State<Arc<Stack>>,
    Path(name): Path<String>,
    headers: http::HeaderMap,
) -> Result<Json<Fired>, ApiError> {
    let Some(source) = stack.schedules.get(&name) else {
        let known: Vec<&str> = stack.schedules.keys().map(String::as_str).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(ApiError::not_found(format!("no schedule here is called {name}; there are {known}")));
    };
    let at = match headers.get("x-millrace-at").map(|at| at.to_str().unwrap_or_default()) {
        None => Utc::now(),
        Some(at) => match DateTime::parse_from_rfc3339(at) {
            Ok(at) => at.with_timezone(&Utc),
            Err(_) => return Err(ApiError::invalid(format!("{at:?} is no time like 2026-11-21T12:00:00Z"))),
        },
    };
    source.fire_now(at).map(Json).map_err(|error| super::invoke::refused(&error))
}

fn unknown_action(action: &str) -> ApiError {
    ApiError::invalid(format!("{action} is not an action; accepted: start, stop, restart"))
}

/// RFC 3339 without fractions.
fn to_seconds(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn function_status(function: &Function) -> FunctionStatus {
    let statistics = function.statistics();
    FunctionStatus {
        name: function.spec().name.clone(),
        system: function.spec().system.clone(),
        runs_at: function.remote().map_or_else(|| "here".to_owned(), |remote| remote.endpoint().to_string()),
        state: match function.state() {
            FunctionState::Cold => "cold",
            FunctionState::Warm => "warm",
            FunctionState::Stopped => "stopped",
        },
        invocations: statistics.invocations,
        errors: statistics.errors,
        throttles: statistics.throttles,
        in_flight: function.in_flight(),
        p50_ms: statistics.durations.quantile_ms(0.5),
        p99_ms: statistics.durations.quantile_ms(0.99),
        cold_starts: statistics.cold_starts,
        idle_pids: function.idle_pids(),
        last_error: statistics.last_error,
        last_success: statistics.last_success.map(|time: SystemTime| to_seconds(time.into())),
    }
}

/// The name behind a logical id.
fn name_of(stack: &Stack, function: &str) -> String {
    stack.host.find(function).map_or_else(|| function.to_owned(), |function| function.spec().name.clone())
}

async fn mapping_status(stack: &Stack, mapping: &Mapping) -> MappingStatus {
    let source = mapping.source();
    let (topic, group, queue) = match mapping {
        Mapping::Kafka(kafka) => (Some(source.clone()), Some(kafka.group().to_owned()), None),
        Mapping::RabbitMq(_) => (None, None, Some(source.clone())),
    };
    MappingStatus {
        name: mapping.logical_id().to_owned(),
        function: name_of(stack, mapping.function()),
        uuid: mapping.uuid().to_owned(),
        topic,
        group,
        queue,
        source,
        state: mapping.state().0,
        problem: mapping.problem(),
        batch_size: mapping.limits().0,
        lag: mapping.lag().await,
        statistics: mapping.statistics(),
    }
}

fn schedule_status(stack: &Stack, source: &crate::schedule_source::ScheduleSource) -> ScheduleStatus {
    let spec = source.spec();
    ScheduleStatus {
        name: spec.name,
        function: name_of(stack, &spec.function),
        expression: spec.expression,
        enabled: spec.enabled,
        last_fired: source.times().1.map(to_seconds),
    }
}
