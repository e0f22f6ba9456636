//! The Extensions API (`2020-01-01`) for extensions in the function's own process, and the answers of the Telemetry and
//! Logs APIs, which send nothing here.
//!
//! An extension that registered for INVOKE hears of every invocation. Nobody waits for it: an invocation is over with the
//! function's answer, and not, as on Lambda, when every extension has asked for the next event.

use std::sync::{Arc, atomic::Ordering};

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc};
use uuid::Uuid;

use super::link::{Job, Link};

/// Lambda's limit for one function.
const EXTENSION_LIMIT: usize = 10;

/// How many invocations an extension may be behind before it misses some.
const BACKLOG: usize = 1000;

const IDENTIFIER: &str = "lambda-extension-identifier";

/// One that registered.
#[derive(Debug)]
pub(super) struct Extension {
    id: String,
    name: String,
    /// For INVOKE events, when it registered for them.
    sender: Option<mpsc::Sender<Value>>,
    events: Arc<Mutex<mpsc::Receiver<Value>>>,
}

pub(super) fn router() -> Router<Arc<Link>> {
    Router::new()
        .route("/2020-01-01/extension/register", post(register))
        .route("/2020-01-01/extension/event/next", get(next))
        .route("/2020-01-01/extension/init/error", post(report))
        .route("/2020-01-01/extension/exit/error", post(report))
        .route("/2022-07-01/telemetry", put(async || not_supported("Telemetry")))
        .route("/2022-07-01/telemetry/", put(async || not_supported("Telemetry")))
        .route("/2020-08-15/logs", put(async || not_supported("Logs")))
}

/// Tells every extension that asked for it of an invocation.
pub(super) async fn tell(link: &Link, job: &Job, trace: &str) {
    for extension in link.extensions.lock().await.iter() {
        let Some(sender) = &extension.sender else { continue };
        let event = json!({
            "eventType": "INVOKE",
            "deadlineMs": u64::try_from(job.deadline_ms).unwrap_or(u64::MAX),
            "requestId": job.request_id,
            "invokedFunctionArn": link.function_arn,
            "tracing": {"type": "X-Amzn-Trace-Id", "value": trace},
        });
        if sender.try_send(event).is_err() {
            tracing::warn!(extension = extension.name, "an extension is too far behind, and misses an invocation");
        }
    }
}

#[derive(Deserialize)]
struct Registration {
    #[serde(default)]
    events: Vec<String>,
}

async fn register(State(link): State<Arc<Link>>, headers: HeaderMap, body: axum::body::Bytes) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(name) = text("lambda-extension-name").filter(|name| !name.is_empty()) else {
        return refuse(StatusCode::FORBIDDEN, "Extension.InvalidExtensionName", "Empty extension name");
    };
    let Ok(registration) = serde_json::from_slice::<Registration>(&body) else {
        return refuse(StatusCode::BAD_REQUEST, "InvalidRequestFormat", "the body is not {\"events\": [...]}");
    };
    for event in &registration.events {
        let reason = match event.as_str() {
            "INVOKE" => continue,
            // Only a process of its own outlives the runtime, and none runs here.
            "SHUTDOWN" => "ShutdownEventNotSupportedForInternalExtension",
            _ => "ErrorInvalidEventType",
        };
        return refuse(StatusCode::FORBIDDEN, "Extension.InvalidEventType", &format!("{event}: {reason}"));
    }
    let mut extensions = link.extensions.lock().await;
    if extensions.iter().any(|extension| extension.name == name) {
        return refuse(StatusCode::FORBIDDEN, "Extension.AlreadyRegistered", "Extension already registered");
    }
    if *link.ready.borrow() {
        return refuse(StatusCode::FORBIDDEN, "Extension.RegistrationClosed", "Extension registration closed");
    }
    if extensions.len() >= EXTENSION_LIMIT {
        return refuse(StatusCode::FORBIDDEN, "Extension.TooManyExtensions", "Extension limit (10) reached");
    }
    let (sender, events) = mpsc::channel(BACKLOG);
    let wants_invocations = registration.events.iter().any(|event| event == "INVOKE");
    let (id, name) = (Uuid::new_v4().to_string(), name.to_owned());
    let extension = Extension {
        id: id.clone(),
        name,
        sender: wants_invocations.then_some(sender),
        events: Arc::new(Mutex::new(events)),
    };
    extensions.push(extension);
    link.has_extension.store(true, Ordering::Release);
    let mut answer = json!({
        "functionName": link.function_name,
        "functionVersion": "$LATEST",
        "handler": link.handler,
    });
    let accepts = text("lambda-extension-accept-feature").unwrap_or_default();
    if accepts.split(',').any(|feature| feature.trim() == "accountId")
        && let Some(fields) = answer.as_object_mut()
    {
        fields.insert("accountId".into(), crate::template::ACCOUNT.into());
    }
    ([(IDENTIFIER, id)], Json(answer)).into_response()
}

async fn next(State(link): State<Arc<Link>>, headers: HeaderMap) -> Response {
    let found = find(&link, &headers, |extension| (extension.id.clone(), Arc::clone(&extension.events))).await;
    let (id, events) = match found {
        Ok(found) => found,
        Err(refused) => return refused,
    };
    let event = events.lock().await.recv().await;
    match event {
        Some(event) => {
            ([(IDENTIFIER, id), ("lambda-extension-event-identifier", Uuid::new_v4().to_string())], Json(event))
                .into_response()
        }
        // It asked for no event, and waits until the process ends.
        None => std::future::pending().await,
    }
}

/// An extension's error is logged; the function decides itself whether it goes on without it.
async fn report(State(link): State<Arc<Link>>, headers: HeaderMap, body: axum::body::Bytes) -> Response {
    match find(&link, &headers, |extension| extension.name.clone()).await {
        Ok(name) => {
            let error = String::from_utf8_lossy(&body);
            tracing::warn!(extension = name, %error, "an extension reports an error");
            (StatusCode::ACCEPTED, Json(json!({"status": "OK"}))).into_response()
        }
        Err(refused) => refused,
    }
}

async fn find<T>(link: &Link, headers: &HeaderMap, take: impl Fn(&Extension) -> T) -> Result<T, Response> {
    let id = headers.get(IDENTIFIER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let extensions = link.extensions.lock().await;
    let found = extensions.iter().find(|extension| extension.id == id).map(take);
    found.ok_or_else(|| refuse(StatusCode::FORBIDDEN, "Extension.UnknownExtensionIdentifier", "Unknown extension"))
}

/// What Lambda's own local emulator says; extensions take it for an account without the feature and go on.
fn not_supported(api: &str) -> Response {
    let message = format!("{api} API is not supported");
    refuse(StatusCode::ACCEPTED, &format!("{api}.NotSupported"), &message)
}

fn refuse(status: StatusCode, kind: &str, message: &str) -> Response {
    (status, Json(json!({"errorMessage": message, "errorType": kind}))).into_response()
}
