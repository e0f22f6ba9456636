//! The Runtime API (`2018-06-01`), which each function's process calls for its next event and with its answer.
//!
//! Each environment has a port of its own, so that `AWS_LAMBDA_RUNTIME_API` is a plain `host:port` as on Lambda: custom
//! runtimes put `http://` before it and a path behind.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Path, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::json;
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::{
    PAYLOAD_LIMIT, extensions,
    link::{Answer, Link},
    stream::{PARTS_IN_FLIGHT, Part, Streamed},
};

/// The most of an error object that comes in a trailer.
const TRAILER_LIMIT: usize = 256 * 1024;

/// Serves one environment until the handle is dropped.
pub(super) fn serve(listener: TcpListener, link: Arc<Link>) -> AbortOnDropHandle<()> {
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{request_id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{request_id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .merge(extensions::router())
        .layer(DefaultBodyLimit::max(PAYLOAD_LIMIT))
        .with_state(link);
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        // Small answers must not wait for an acknowledgement of the last one.
        let _ = stream.set_nodelay(true);
    });
    AbortOnDropHandle::new(tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the runtime api has ended");
        }
    }))
}

async fn next(State(link): State<Arc<Link>>) -> Result<Response, Response> {
    link.ready.send_replace(true);
    let job = link.jobs.lock().await.recv().await;
    let job = job.ok_or_else(|| refuse(StatusCode::FORBIDDEN, "this execution environment has ended"))?;
    let trace = job.caller.trace.clone().unwrap_or_else(|| new_trace(job.deadline_ms));
    extensions::tell(&link, &job, &trace).await;
    let mut answer = Response::builder()
        .header(header::CONTENT_TYPE, "application/json")
        .header("lambda-runtime-aws-request-id", job.request_id)
        .header("lambda-runtime-deadline-ms", job.deadline_ms.to_string())
        .header("lambda-runtime-invoked-function-arn", &link.function_arn)
        .header("lambda-runtime-trace-id", trace);
    if let Some(context) = &job.caller.client_context {
        answer = answer.header("lambda-runtime-client-context", context);
    }
    let answer = answer.body(Body::from(job.payload));
    answer.map_err(|error| refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()))
}

/// A trace id for an invocation that came without one: the runner samples nothing, but libraries expect the header.
fn new_trace(deadline_ms: u128) -> String {
    let id = Uuid::new_v4().simple().to_string();
    let (root, parent) = (id.get(..24).unwrap_or_default(), &id.get(16..).unwrap_or_default());
    format!("Root=1-{:08x}-{root};Parent={parent};Sampled=0", deadline_ms / 1000)
}

async fn response(
    State(link): State<Arc<Link>>,
    Path(request_id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Response> {
    let mode = headers.get("lambda-runtime-function-response-mode");
    if mode.is_some_and(|mode| mode.as_bytes().eq_ignore_ascii_case(b"streaming")) {
        return stream_answer(&link, &request_id, &headers, body).await;
    }
    read_answer(&link, &request_id, body, Answer::Response).await
}

/// Reads an answer only as fast as its reader takes it. The process may go on when all of it has been read.
async fn stream_answer(
    link: &Link,
    request_id: &str,
    headers: &HeaderMap,
    mut body: Body,
) -> Result<Response, Response> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (sender, parts) = mpsc::channel(PARTS_IN_FLIGHT);
    answer(link, request_id, Answer::Stream(Streamed { content_type, parts })).await?;
    let mut last = Part::End;
    while let Some(frame) = body.frame().await {
        // A broken connection: dropping the sender without a last part says so.
        let frame = frame.map_err(|error| refuse(StatusCode::BAD_REQUEST, &error.to_string()))?;
        match frame.into_data() {
            // Nobody takes it when the invocation timed out; the process is about to be killed.
            Ok(data) => drop(sender.send(Part::Data(data)).await),
            Err(frame) => {
                if let Some(error) = frame.trailers_ref().and_then(half_way) {
                    last = Part::Failed(error);
                }
            }
        }
    }
    let _ = sender.send(last).await;
    Ok(accepted())
}

/// The error object of a function that gave up half-way, from its trailers: a type in plain text, a body in base64.
fn half_way(trailers: &HeaderMap) -> Option<Bytes> {
    let text = |name: &str| trailers.get(name).map(|value| value.as_bytes().to_vec());
    let kind = text("lambda-runtime-function-error-type")?;
    let body = text("lambda-runtime-function-error-body").unwrap_or_default();
    let decoded = base64_simd::STANDARD.decode_to_vec(&body).unwrap_or(body);
    let object = serde_json::from_slice::<serde_json::Value>(&decoded).is_ok_and(|value| value.is_object());
    if object && decoded.len() <= TRAILER_LIMIT {
        return Some(decoded.into());
    }
    let error = json!({"errorType": String::from_utf8_lossy(&kind), "errorMessage": String::from_utf8_lossy(&decoded)});
    Some(error.to_string().into())
}

async fn error(
    State(link): State<Arc<Link>>,
    Path(request_id): Path<String>,
    body: Body,
) -> Result<Response, Response> {
    read_answer(&link, &request_id, body, Answer::Error).await
}

async fn read_answer(
    link: &Link,
    request_id: &str,
    body: Body,
    kind: impl FnOnce(Bytes) -> Answer,
) -> Result<Response, Response> {
    match read(body).await {
        Ok(Ok(body)) => answer(link, request_id, kind(body)).await,
        Ok(Err(size)) => {
            answer(link, request_id, Answer::TooLarge { size, limit: PAYLOAD_LIMIT }).await?;
            Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, "the answer is over 6 MB"))
        }
        // The process is about to end, and its end is the answer.
        Err(error) => Err(refuse(StatusCode::BAD_REQUEST, &error.to_string())),
    }
}

/// An answer, or the size of one over 6 MB. That one is read to its end and dropped: a process whose connection is cut
/// in the midst of it would crash, and the next invocation with it.
async fn read(body: Body) -> Result<Result<Bytes, usize>, axum::Error> {
    let mut chunks = body.into_data_stream();
    let (mut kept, mut size) = (BytesMut::new(), 0);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        size += chunk.len();
        if size <= PAYLOAD_LIMIT {
            kept.extend_from_slice(&chunk);
        }
    }
    Ok(if size <= PAYLOAD_LIMIT { Ok(kept.freeze()) } else { Err(size) })
}

async fn init_error(State(link): State<Arc<Link>>, body: axum::body::Bytes) -> Response {
    link.init_error.send_replace(Some(body));
    accepted()
}

async fn answer(link: &Link, request_id: &str, answer: Answer) -> Result<Response, Response> {
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

fn accepted() -> Response {
    (StatusCode::ACCEPTED, axum::Json(json!({"status": "OK"}))).into_response()
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, axum::Json(json!({"errorMessage": message, "errorType": "InvalidRequest"}))).into_response()
}
