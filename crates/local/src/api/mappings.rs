//! Lambda's GetEventSourceMapping, ListEventSourceMappings and UpdateEventSourceMapping.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    routing::get,
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Stack, error::ApiError};
use crate::{
    kafka_source,
    mapping::{Mapping, MappingChange, MappingState},
    rabbitmq_source,
    template::spec::StartingPosition,
};

pub(super) fn router() -> Router<Arc<Stack>> {
    Router::new()
        .route("/2015-03-31/event-source-mappings", get(list))
        .route("/2015-03-31/event-source-mappings/", get(list))
        .route("/2015-03-31/event-source-mappings/{uuid}", get(one).put(update))
}

#[derive(Deserialize)]
struct Filter {
    #[serde(rename = "FunctionName")]
    function: Option<String>,
    #[serde(rename = "EventSourceArn")]
    source: Option<String>,
}

async fn list(State(stack): State<Arc<Stack>>, Query(filter): Query<Filter>) -> Json<Value> {
    let wanted = filter.function.as_deref().map(|name| stack.host.find(name).map(|f| f.spec().logical_id.clone()));
    let mappings = stack.mappings.iter().filter(|mapping| {
        let of_function = wanted.as_ref().is_none_or(|id| id.as_deref() == Some(mapping.function()));
        let of_source = filter.source.is_none() || filter.source.as_deref() == mapping.event_source_arn();
        of_function && of_source
    });
    Json(json!({"EventSourceMappings": mappings.map(|mapping| describe(&stack, mapping)).collect::<Vec<_>>()}))
}

async fn one(State(stack): State<Arc<Stack>>, Path(uuid): Path<String>) -> Result<Json<Value>, ApiError> {
    Ok(Json(describe(&stack, find(&stack, &uuid)?)))
}

/// Answers with the state on the way (`Enabling`, `Disabling`), as AWS does, and goes on behind it.
async fn update(
    State(stack): State<Arc<Stack>>,
    Path(uuid): Path<String>,
    Json(body): Json<Map<String, Value>>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let mapping = Arc::clone(find(&stack, &uuid)?);
    let change = read_change(&body)?;
    stack.settings.set_mapping(mapping.logical_id(), &change).map_err(|error| ApiError::internal(&error))?;
    mapping.change(&change);
    if change.enabled.is_some() {
        stack.switching.begin(mapping.uuid());
    }
    let description = describe(&stack, &mapping);
    if change.enabled.is_some() {
        tokio::spawn(settle(stack, mapping));
    }
    Ok((StatusCode::ACCEPTED, Json(description)))
}

/// How many calls are at work on a mapping's state, by its UUID. Until the last of them is done, a mapping is where it was
/// asked to go: who starts what is about to stop must not hear that it runs.
#[derive(Debug, Default)]
pub struct Switching(Mutex<BTreeMap<String, usize>>);

impl Switching {
    fn calls<T>(&self, uuid: &str, look: impl FnOnce(&mut usize) -> T) -> T {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        look(calls.entry(uuid.to_owned()).or_default())
    }

    fn begin(&self, uuid: &str) {
        self.calls(uuid, |calls| *calls += 1);
    }

    fn end(&self, uuid: &str) {
        self.calls(uuid, |calls| *calls = calls.saturating_sub(1));
    }

    fn is_under_way(&self, uuid: &str) -> bool {
        self.calls(uuid, |calls| *calls > 0)
    }
}

/// Where a mapping is, or is on its way to.
fn state(stack: &Stack, mapping: &Mapping) -> MappingState {
    let state = mapping.state().0;
    let reads = matches!(state, MappingState::Enabled | MappingState::Enabling);
    let wanted = stack.settings.mapping(mapping.logical_id()).and_then(|change| change.enabled);
    match wanted.filter(|wanted| *wanted != reads && stack.switching.is_under_way(mapping.uuid())) {
        Some(true) => MappingState::Enabling,
        Some(false) => MappingState::Disabling,
        None => state,
    }
}

/// Brings a mapping to what was asked for last: of a stop and a start in a row either may come first here.
async fn settle(stack: Arc<Stack>, mapping: Arc<Mapping>) {
    let wanted = || stack.settings.mapping(mapping.logical_id()).and_then(|change| change.enabled);
    loop {
        let now = wanted();
        match now {
            Some(true) => {
                if let Err(error) = mapping.enable().await {
                    tracing::error!(error = format!("{error:#}"), "the mapping cannot be enabled");
                }
            }
            Some(false) => mapping.disable().await,
            None => {}
        }
        if wanted() == now {
            stack.switching.end(mapping.uuid());
            return;
        }
    }
}

fn find<'s>(stack: &'s Stack, uuid: &str) -> Result<&'s Arc<Mapping>, ApiError> {
    // Our own command line and people know the logical id rather than the UUID.
    let found = stack.mappings.iter().find(|mapping| mapping.uuid() == uuid || mapping.logical_id() == uuid);
    found.ok_or_else(|| ApiError::not_found(format!("The resource you requested does not exist: mapping {uuid}")))
}

/// Reads what can be changed here; what cannot is refused rather than ignored.
fn read_change(body: &Map<String, Value>) -> Result<MappingChange, ApiError> {
    let mut change = MappingChange::default();
    for (name, value) in body {
        let wrong = |accepted: &str| ApiError::invalid(format!("{name} is {value}, accepted: {accepted}"));
        let number = |low: u64, high: u64| {
            let accepted = format!("a number from {low} to {high}");
            value.as_u64().filter(|number| (low..=high).contains(number)).ok_or_else(|| wrong(&accepted))
        };
        match name.as_str() {
            "Enabled" => change.enabled = Some(value.as_bool().ok_or_else(|| wrong("true or false"))?),
            "BatchSize" => change.batch_size = usize::try_from(number(1, 10_000)?).ok(),
            "MaximumBatchingWindowInSeconds" => change.batching_window_seconds = Some(number(0, 300)?),
            "FunctionName" | "UUID" => {}
            _ if value.is_null() => {}
            other => {
                return Err(ApiError::invalid(format!(
                    "{other} cannot be changed here; change template.yaml, or one of Enabled, BatchSize, MaximumBatchingWindowInSeconds"
                )));
            }
        }
    }
    Ok(change)
}

fn describe(stack: &Stack, mapping: &Mapping) -> Value {
    let (state, modified) = (state(stack, mapping), mapping.state().1);
    let (batch_size, window) = mapping.limits();
    let function_arn = stack.host.find(mapping.function()).map(|function| function.arn()).unwrap_or_default();
    let mut fields = match mapping {
        Mapping::Kafka(kafka) => describe_kafka(kafka),
        Mapping::RabbitMq(rabbitmq) => describe_rabbitmq(rabbitmq),
    };
    let processed = mapping.statistics().invocations > 0;
    let result = match mapping.problem() {
        Some(problem) => format!("PROBLEM: {problem}"),
        None if processed => "OK".to_owned(),
        None => "No records processed".to_owned(),
    };
    fields.extend(
        [
            ("UUID", json!(mapping.uuid())),
            ("FunctionArn", json!(function_arn)),
            ("BatchSize", json!(batch_size)),
            ("MaximumBatchingWindowInSeconds", json!(window.as_secs())),
            ("State", json!(state)),
            ("StateTransitionReason", json!("USER_INITIATED")),
            ("LastProcessingResult", json!(result)),
            ("LastModified", json!(modified.timestamp_millis() as f64 / 1000.0)),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    if let Some(arn) = mapping.event_source_arn() {
        fields.insert("EventSourceArn".into(), json!(arn));
    }
    let filters: Vec<Value> = mapping.filters().iter().map(|pattern| json!({"Pattern": pattern})).collect();
    if !filters.is_empty() {
        fields.insert("FilterCriteria".into(), json!({"Filters": filters}));
    }
    Value::Object(fields)
}

/// What only a Kafka mapping has.
fn describe_kafka(mapping: &kafka_source::Mapping) -> Map<String, Value> {
    let spec = mapping.spec();
    let response_types = if spec.report_batch_item_failures { vec!["ReportBatchItemFailures"] } else { vec![] };
    let mut fields: Map<String, Value> = [
        ("MaximumRetryAttempts", json!(spec.maximum_retry_attempts.map_or(-1, i64::from))),
        (
            "MaximumRecordAgeInSeconds",
            json!(spec.maximum_record_age.map_or(-1, |age| i64::try_from(age.as_secs()).unwrap_or(-1))),
        ),
        ("BisectBatchOnFunctionError", json!(spec.bisect_on_error)),
        ("FunctionResponseTypes", json!(response_types)),
        ("Topics", json!([spec.topic])),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into_iter()
    .collect();
    let group = json!({"ConsumerGroupId": mapping.group()});
    if spec.event_source_arn.is_some() {
        fields.insert("AmazonManagedKafkaEventSourceConfig".into(), group);
    } else {
        let servers: Vec<&str> = mapping.kafka().bootstrap_servers.split(',').collect();
        fields.insert("SelfManagedEventSource".into(), json!({"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": servers}}));
        fields.insert("SelfManagedKafkaEventSourceConfig".into(), group);
    }
    let position = match spec.starting_position {
        StartingPosition::TrimHorizon => "TRIM_HORIZON",
        StartingPosition::Latest => "LATEST",
        StartingPosition::AtTimestamp(ms) => {
            fields.insert("StartingPositionTimestamp".into(), json!(ms as f64 / 1000.0));
            "AT_TIMESTAMP"
        }
    };
    fields.insert("StartingPosition".into(), json!(position));
    if let Some(destination) = &spec.on_failure {
        let destination = json!({"OnFailure": {"Destination": destination.to_string()}});
        fields.insert("DestinationConfig".into(), destination);
    }
    fields
}

/// What only a RabbitMQ mapping has.
fn describe_rabbitmq(mapping: &rabbitmq_source::Mapping) -> Map<String, Value> {
    let spec = mapping.spec();
    let access = json!([
        {"Type": "BASIC_AUTH", "URI": spec.secret},
        {"Type": "VIRTUAL_HOST", "URI": spec.virtual_host},
    ]);
    [("Queues", json!([spec.queue])), ("SourceAccessConfigurations", access)]
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect()
}
