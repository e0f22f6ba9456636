//! The Runtime API (`2018-06-01`), which each function's process calls for its next event and with its answer.
//!
//! A process finds its own environment by a path prefix in `AWS_LAMBDA_RUNTIME_API`: `host:port/<environment id>`.

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Path, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{StatusCode, header};
use serde_json::json;
use tokio::net::TcpListener;
use uuid::Uuid;

use super::{
    PAYLOAD_LIMIT,
    environment::{Answer, Link},
};

/// What a process may send beyond the limit before its connection is cut: enough to say how large the answer was.
const READ_LIMIT: usize = 4 * PAYLOAD_LIMIT;

/// The environments that exist now.
#[derive(Debug, Clone, Default)]
pub(super) struct Registry(Arc<RwLock<HashMap<Uuid, Arc<Link>>>>);

impl Registry {
    pub(super) fn add(&self, id: Uuid, link: Arc<Link>) {
        self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner).insert(id, link);
    }

    pub(super) fn remove(&self, id: Uuid) {
        self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&id);
    }

    fn find(&self, id: Uuid) -> Result<Arc<Link>, Response> {
        let found = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner).get(&id).cloned();
        found.ok_or_else(|| refuse(StatusCode::FORBIDDEN, "this execution environment has ended"))
    }
}

/// Serves until the runner ends.
pub(super) async fn serve(listener: TcpListener, registry: Registry) {
    let router = Router::new()
        .route("/{id}/2018-06-01/runtime/invocation/next", get(next))
        .route("/{id}/2018-06-01/runtime/invocation/{request_id}/response", post(response))
        .route("/{id}/2018-06-01/runtime/invocation/{request_id}/error", post(error))
        .route("/{id}/2018-06-01/runtime/init/error", post(init_error))
        .route("/{id}/2020-01-01/extension/register", post(register_extension))
        .route("/{id}/2020-01-01/extension/event/next", get(extension_next))
        .layer(DefaultBodyLimit::max(READ_LIMIT))
        .with_state(registry);
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        // Small answers must not wait for an acknowledgement of the last one.
        let _ = stream.set_nodelay(true);
    });
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "the runtime api has ended");
    }
}

async fn next(State(registry): State<Registry>, Path(id): Path<Uuid>) -> Result<Response, Response> {
    let link = registry.find(id)?;
    link.ready.send_replace(true);
    let job = link.jobs.lock().await.recv().await;
    let job = job.ok_or_else(|| refuse(StatusCode::FORBIDDEN, "this execution environment has ended"))?;
    // A trace id of its own: the runner samples nothing, but libraries expect the header.
    let trace = format!(
        "Root=1-{:08x}-{};Sampled=0",
        job.deadline_ms / 1000,
        &Uuid::new_v4().simple().to_string().get(..24).unwrap_or_default()
    );
    let answer = Response::builder()
        .header(header::CONTENT_TYPE, "application/json")
        .header("lambda-runtime-aws-request-id", job.request_id)
        .header("lambda-runtime-deadline-ms", job.deadline_ms.to_string())
        .header("lambda-runtime-invoked-function-arn", &link.function_arn)
        .header("lambda-runtime-trace-id", trace)
        .body(Body::from(job.payload));
    answer.map_err(|error| refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()))
}

async fn response(
    State(registry): State<Registry>,
    Path((id, request_id)): Path<(Uuid, String)>,
    body: Body,
) -> Result<Response, Response> {
    let body = axum::body::to_bytes(body, READ_LIMIT).await;
    let Ok(body) = body else {
        answer(&registry, id, &request_id, Answer::TooLarge(READ_LIMIT)).await?;
        return Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, "the answer is over 6 MB"));
    };
    if body.len() > PAYLOAD_LIMIT {
        answer(&registry, id, &request_id, Answer::TooLarge(body.len())).await?;
        return Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, "the answer is over 6 MB"));
    }
    answer(&registry, id, &request_id, Answer::Response(body)).await
}

async fn error(
    State(registry): State<Registry>,
    Path((id, request_id)): Path<(Uuid, String)>,
    body: axum::body::Bytes,
) -> Result<Response, Response> {
    answer(&registry, id, &request_id, Answer::Error(body)).await
}

async fn init_error(
    State(registry): State<Registry>,
    Path(id): Path<Uuid>,
    body: axum::body::Bytes,
) -> Result<Response, Response> {
    *registry.find(id)?.init_error.lock().await = Some(body);
    Ok(accepted())
}

async fn answer(registry: &Registry, id: Uuid, request_id: &str, answer: Answer) -> Result<Response, Response> {
    let link = registry.find(id)?;
    let mut waiting = link.waiting.lock().await;
    match waiting.take() {
        Some((expected, sender)) if expected == request_id => {
            // Nobody waits any more: the invocation timed out in this very moment.
            let _ = sender.send(answer);
            Ok(accepted())
        }
        other => {
            *waiting = other;
            Err(refuse(StatusCode::BAD_REQUEST, "this request id is not under way"))
        }
    }
}

/// Extensions are accepted and then hear nothing, which is what an idle environment looks like to them.
async fn register_extension() -> Response {
    let id = Uuid::new_v4().to_string();
    let body = axum::Json(json!({"functionName": "function", "functionVersion": "$LATEST", "handler": "bootstrap"}));
    ([("lambda-extension-identifier", id)], body).into_response()
}

async fn extension_next() -> Response {
    std::future::pending().await
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, axum::Json(json!({"status": "OK"}))).into_response()
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, axum::Json(json!({"errorMessage": message, "errorType": "InvalidRequest"}))).into_response()
}
