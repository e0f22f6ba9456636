//! The server of one function URL.

use std::{collections::BTreeMap, future::Future, net::SocketAddr, sync::Arc, time::Instant};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
};
use bytes::Bytes;
use chrono::Utc;
use futures::{StreamExt, stream};
use http::{HeaderValue, Response, StatusCode, header};
use tokio::net::TcpListener;

use super::{
    Answered, Invoke, InvokeError, Streaming, cors, listener, payload,
    prelude::{self, Prelude},
    response::{self, Bare},
    route::Matched,
};
use crate::{
    host::{Origin, PAYLOAD_LIMIT},
    template::{
        ACCOUNT,
        spec::{RouteSpec, UrlSpec},
    },
};

struct Url<I> {
    spec: UrlSpec,
    origin: Origin,
    invoker: I,
    /// Function URLs have one route.
    route: RouteSpec,
    variables: BTreeMap<String, String>,
}

/// Serves a function URL until `shutdown`, then until the running requests have ended.
///
/// # Errors
/// A listener fails for good.
pub async fn serve(
    listeners: Vec<TcpListener>,
    url: UrlSpec,
    invoker: impl Invoke,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let route = RouteSpec::new("ANY", "$default", &url.function);
    let origin = Origin::api(&url.logical_id);
    let state = Arc::new(Url { spec: url, origin, invoker, route, variables: BTreeMap::new() });
    listener::run(listeners, Router::new().fallback(handle).with_state(state), shutdown).await
}

async fn handle<I: Invoke>(
    State(url): State<Arc<Url<I>>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response<Body> {
    let (began, method) = (Instant::now(), request.method().clone());
    let origin = request.headers().get(header::ORIGIN).and_then(|origin| origin.to_str().ok()).map(str::to_owned);
    let request_id = uuid::Uuid::new_v4().to_string();
    let preflight = |rules| cors::preflight(rules, request.method(), request.headers(), cors::URL_PREFLIGHT);
    let mut answer = match url.spec.cors.as_ref().and_then(preflight) {
        Some(answer) => answer.map(Body::from),
        None => {
            let mut answer = respond(&url, peer, &request_id, request).await;
            if let Some(rules) = &url.spec.cors {
                cors::apply(rules, origin.as_deref(), answer.headers_mut());
            }
            answer
        }
    };
    if let Ok(id) = request_id.parse() {
        answer.headers_mut().insert("x-amzn-requestid", id);
    }
    let (api, function) = (url.spec.logical_id.as_str(), Some(url.spec.function.as_str()));
    let (status, took) = (answer.status(), began.elapsed());
    url.invoker.answered(&Answered { api, function, method: &method, status, took });
    answer
}

async fn respond<I: Invoke>(url: &Url<I>, peer: SocketAddr, request_id: &str, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = match listener::read_body(body, PAYLOAD_LIMIT).await {
        Ok(body) => body,
        Err(StatusCode::PAYLOAD_TOO_LARGE) => return too_large(),
        Err(status) => return message(status, "Bad Request"),
    };
    let context = payload::Context {
        api_id: &url.spec.logical_id,
        account_id: ACCOUNT,
        port: url.spec.port,
        request_id,
        source_ip: peer.ip(),
        now: Utc::now(),
        // Unlike HTTP APIs, function URLs pass the path on as it came.
        path: parts.uri.path(),
        stage: "$default",
        stage_variables: &url.variables,
        jwt: None,
    };
    let matched = Matched { route: &url.route, parameters: Vec::new() };
    let event = Bytes::from(payload::event(&parts, &body, &matched, &context).to_string());
    if event.len() > PAYLOAD_LIMIT {
        return too_large();
    }
    let answer = if url.spec.streams { streamed(url, event).await } else { buffered(url, event).await };
    answer.unwrap_or_else(|error| failure(&url.spec.function, &error))
}

async fn buffered<I: Invoke>(url: &Url<I>, event: Bytes) -> Result<Response<Body>, InvokeError> {
    // The function's own timeout, at most 15 minutes, is the only one.
    let answer =
        url.invoker.invoke(&url.origin, &url.spec.function, event, std::time::Duration::from_secs(920)).await?;
    match response::read(&answer, Bare::AsItIs) {
        Ok(answer) => Ok(answer.map(Body::from)),
        Err(reason) => Err(nonsense(&url.spec.function, &reason)),
    }
}

async fn streamed<I: Invoke>(url: &Url<I>, event: Bytes) -> Result<Response<Body>, InvokeError> {
    let Streaming { content_type, mut parts } = url.invoker.stream(&url.origin, &url.spec.function, event).await?;
    let octets = HeaderValue::from_static("application/octet-stream");
    if content_type.as_deref() != Some(prelude::CONTENT_TYPE) {
        let mut answer = Response::new(Body::from_stream(parts));
        let kind = content_type.and_then(|kind| HeaderValue::try_from(kind).ok()).unwrap_or(octets);
        answer.headers_mut().insert(header::CONTENT_TYPE, kind);
        return Ok(answer);
    }
    let mut prelude = Prelude::default();
    let (head, first) = loop {
        let part = match parts.next().await {
            Some(Ok(part)) => part,
            Some(Err(_)) => return Err(InvokeError::FunctionError),
            None => return Err(nonsense(&url.spec.function, "the stream ended within its prelude")),
        };
        match prelude.push(&part) {
            Ok(Some(whole)) => break whole,
            Ok(None) => {}
            Err(reason) => return Err(nonsense(&url.spec.function, &reason)),
        }
    };
    let first = stream::iter((!first.is_empty()).then_some(Ok(first)));
    let mut answer = head.map(|()| Body::from_stream(first.chain(parts)));
    answer.headers_mut().entry(header::CONTENT_TYPE).or_insert(octets);
    Ok(answer)
}

fn nonsense(function: &str, reason: &str) -> InvokeError {
    tracing::error!(function, reason, "the function's answer is no HTTP response");
    InvokeError::FunctionError
}

fn too_large() -> Response<Body> {
    let text = format!("Request must be smaller than {PAYLOAD_LIMIT} bytes for the InvokeFunction operation");
    message(StatusCode::PAYLOAD_TOO_LARGE, &text)
}

fn message(status: StatusCode, text: &str) -> Response<Body> {
    json(status, serde_json::json!({ "Message": text }).to_string())
}

fn json(status: StatusCode, body: String) -> Response<Body> {
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// A function URL tells no more than that the function failed; the reason is in the log.
fn failure(function: &str, error: &InvokeError) -> Response<Body> {
    tracing::warn!(function, %error, "no answer from the function");
    match error {
        InvokeError::Throttled => {
            let reason = "ReservedFunctionConcurrentInvocationLimitExceeded";
            let body = serde_json::json!({"Reason": reason, "Type": "User", "message": "Rate Exceeded."});
            json(StatusCode::TOO_MANY_REQUESTS, body.to_string())
        }
        InvokeError::FunctionError | InvokeError::TooLarge | InvokeError::Timeout => {
            json(StatusCode::BAD_GATEWAY, "Internal Server Error".to_owned())
        }
        InvokeError::NotReady(_) => message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
    }
}
