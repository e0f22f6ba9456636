//! Lambda's GetFunction, GetFunctionConfiguration and ListFunctions, and the three calls about reserved concurrency.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::{get, put},
};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Stack, error::ApiError};
use crate::{
    host::Function,
    template::{ACCOUNT, REGION},
};

/// What an account may run at once on AWS unless it has asked for more; a reservation leaves 100 of them to the others.
const RESERVATION_LIMIT: u32 = 900;

pub(super) fn router() -> Router<Arc<Stack>> {
    Router::new()
        .route("/2015-03-31/functions", get(list))
        .route("/2015-03-31/functions/", get(list))
        .route("/2015-03-31/functions/{name}", get(one))
        .route("/2015-03-31/functions/{name}/configuration", get(configuration))
        .route("/2017-10-31/functions/{name}/concurrency", put(reserve).delete(release))
        .route("/2019-09-30/functions/{name}/concurrency", get(reserved))
}

async fn list(State(stack): State<Arc<Stack>>) -> Json<Value> {
    let functions: Vec<Value> = stack.host.functions().map(|function| describe(function)).collect();
    Json(json!({"Functions": functions}))
}

async fn one(State(stack): State<Arc<Stack>>, Path(name): Path<String>) -> Result<Json<Value>, ApiError> {
    let function = find(&stack, &name)?;
    let code = function.program().map_or_else(|reason| reason, |path| path.display().to_string());
    let mut answer = json!({
        "Configuration": describe(function),
        "Code": {"RepositoryType": "Local", "Location": code},
        "Tags": {},
    });
    if let (Some(reserved), Some(fields)) = (function.reserved_concurrency(), answer.as_object_mut()) {
        fields.insert("Concurrency".into(), json!({"ReservedConcurrentExecutions": reserved}));
    }
    Ok(Json(answer))
}

async fn configuration(State(stack): State<Arc<Stack>>, Path(name): Path<String>) -> Result<Json<Value>, ApiError> {
    Ok(Json(describe(find(&stack, &name)?)))
}

async fn reserved(State(stack): State<Arc<Stack>>, Path(name): Path<String>) -> Result<Json<Value>, ApiError> {
    let reserved = find(&stack, &name)?.reserved_concurrency();
    Ok(Json(reserved.map_or_else(|| json!({}), |reserved| json!({"ReservedConcurrentExecutions": reserved}))))
}

async fn reserve(
    State(stack): State<Arc<Stack>>,
    Path(name): Path<String>,
    Json(body): Json<Map<String, Value>>,
) -> Result<Json<Value>, ApiError> {
    let function = find(&stack, &name)?;
    let value = body.get("ReservedConcurrentExecutions").cloned().unwrap_or_default();
    let reserved = value.as_u64().and_then(|number| u32::try_from(number).ok());
    let reserved = reserved.filter(|number| *number <= RESERVATION_LIMIT).ok_or_else(|| {
        let accepted = format!("a number from 0 to {RESERVATION_LIMIT}");
        ApiError::invalid(format!("ReservedConcurrentExecutions is {value}, accepted: {accepted}"))
    })?;
    change(&stack, function, Some(reserved))?;
    Ok(Json(json!({"ReservedConcurrentExecutions": reserved})))
}

async fn release(State(stack): State<Arc<Stack>>, Path(name): Path<String>) -> Result<StatusCode, ApiError> {
    change(&stack, find(&stack, &name)?, None)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Kept first, so that what a caller was told of outlives a crash.
fn change(stack: &Stack, function: &Function, reserved: Option<u32>) -> Result<(), ApiError> {
    let kept = stack.settings.set_concurrency(&function.spec().logical_id, reserved);
    kept.map_err(|error| ApiError::internal(&error))?;
    function.reserve_concurrency(reserved);
    Ok(())
}

fn find<'s>(stack: &'s Stack, name: &str) -> Result<&'s Arc<Function>, ApiError> {
    let arn = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}");
    stack.host.find(name).ok_or_else(|| ApiError::not_found(format!("Function not found: {arn}")))
}

/// A FunctionConfiguration. The variables are the function's own, as on AWS, not what the host adds.
fn describe(function: &Function) -> Value {
    let spec = function.spec();
    let (timeout, memory_mb, environment) = function.settings();
    json!({
        "FunctionName": spec.name,
        "FunctionArn": function.arn(),
        "Runtime": "provided.al2023",
        "Role": format!("arn:aws:iam::{ACCOUNT}:role/{}", spec.logical_id),
        "Handler": spec.handler,
        "Description": "",
        "Timeout": timeout.as_secs(),
        "MemorySize": memory_mb,
        "Version": "$LATEST",
        "Environment": {"Variables": environment},
        "TracingConfig": {"Mode": "PassThrough"},
        "PackageType": "Zip",
        "Architectures": [if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }],
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "LoggingConfig": {"LogFormat": if spec.logging.json { "JSON" } else { "Text" }, "LogGroup": format!("/aws/lambda/{}", spec.name)},
    })
}
