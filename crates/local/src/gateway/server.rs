//! The server of one API.

use std::{
    collections::HashMap,
    future::Future,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
};
use bytes::Bytes;
use chrono::Utc;
use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};
use tokio::net::TcpListener;

use super::{
    Answered, Invoke, InvokeError,
    authorizer::Authorizers,
    cors,
    listener::{read_body, run},
    payload, payload_v1,
    response::{self, Bare},
    route,
    throttle::Bucket,
};
use crate::{
    host::{Origin, PAYLOAD_LIMIT},
    template::{
        ACCOUNT,
        spec::{ApiSpec, PayloadFormat, RouteSpec},
    },
};

/// An HTTP API's limit on a request.
const MAXIMUM_REQUEST: usize = 10 * 1024 * 1024;
/// The function's own timeout ends a run; this only keeps a lost one from holding the client for ever.
const GRACE: Duration = Duration::from_millis(250);

/// An HTTP API's limit on the request line and the values of all headers.
const MAXIMUM_HEAD: usize = 10_240;

struct Api<I> {
    spec: ApiSpec,
    origin: Origin,
    invoker: I,
    authorizers: Authorizers,
    /// By route key.
    buckets: HashMap<String, Bucket>,
}

/// Serves an API until `shutdown`, then until the running requests have ended.
///
/// # Errors
/// A listener fails for good.
pub async fn serve(
    listeners: Vec<TcpListener>,
    api: ApiSpec,
    invoker: impl Invoke,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let authorizers = Authorizers::new(&api.auth).map_err(std::io::Error::other)?;
    let throttled = api.routes.iter().filter_map(|route| Some((route::route_key(route), route.throttle?)));
    let buckets = throttled.map(|(key, throttle)| (key, Bucket::new(throttle, Instant::now()))).collect();
    let origin = Origin::api(&api.logical_id);
    let state = Arc::new(Api { origin, authorizers, buckets, spec: api, invoker });
    run(listeners, Router::new().fallback(handle).with_state(state), shutdown).await
}

async fn handle<I: Invoke>(
    State(api): State<Arc<Api<I>>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response<Body> {
    let path = payload::decoded_path(request.uri().path()).into_owned();
    if let Some(answer) = metrics(&api, request.method(), &path) {
        return answer.map(Body::from);
    }
    let (began, method, mut function) = (Instant::now(), request.method().clone(), None);
    let origin = request.headers().get(header::ORIGIN).and_then(|origin| origin.to_str().ok()).map(str::to_owned);
    let request_id = uuid::Uuid::new_v4().to_string();
    let preflight = |rules| cors::preflight(rules, request.method(), request.headers(), StatusCode::NO_CONTENT);
    let mut answer = match api.spec.cors.as_ref().and_then(preflight) {
        Some(answer) => answer,
        None => {
            let answer = respond(&api, peer, &request_id, (&path, request), &mut function).await;
            let mut answer = answer.unwrap_or_else(|refusal| *refusal);
            if let Some(rules) = &api.spec.cors {
                cors::apply(rules, origin.as_deref(), answer.headers_mut());
            }
            answer
        }
    };
    if let Ok(id) = request_id.parse() {
        answer.headers_mut().insert("apigw-requestid", id);
    }
    let (status, took) = (answer.status(), began.elapsed());
    api.invoker.answered(&Answered { api: &api.spec.logical_id, function, method: &method, status, took });
    answer.map(Body::from)
}

/// An answer that the gateway gives by itself.
type Refusal = Box<Response<Bytes>>;

fn refuse(status: StatusCode, text: &str) -> Refusal {
    Box::new(response::message(status, text))
}

/// The answer to a request for `path` (decoded); `function` becomes that of the route that fits.
async fn respond<'a, I: Invoke>(
    api: &'a Api<I>,
    peer: SocketAddr,
    request_id: &str,
    (path, request): (&str, Request),
    function: &mut Option<&'a str>,
) -> Result<Response<Bytes>, Refusal> {
    let (parts, body) = request.into_parts();
    if head_size(&parts) > MAXIMUM_HEAD {
        return Err(refuse(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large"));
    }
    let not_found = || refuse(StatusCode::NOT_FOUND, "Not Found");
    let routed = without_stage(&api.spec.stage, path).ok_or_else(not_found)?;
    let matched = route::find(&api.spec.routes, parts.method.as_str(), routed).ok_or_else(not_found)?;
    *function = Some(&matched.route.function);
    let bucket = api.buckets.get(&route::route_key(matched.route));
    if bucket.is_some_and(|bucket| !bucket.take(Instant::now())) {
        return Err(refuse(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests"));
    }
    let now = Utc::now();
    let jwt = match &matched.route.authorization {
        Some(wanted) => Some(api.authorizers.authorize(wanted, &parts, now.timestamp()).await.map_err(Box::new)?),
        None => None,
    };
    let body = read_body(body, MAXIMUM_REQUEST).await.map_err(|status| match status {
        StatusCode::PAYLOAD_TOO_LARGE => refuse(status, "Request Entity Too Large"),
        _ => refuse(status, "Bad Request"),
    })?;
    let context = payload::Context {
        api_id: &api.spec.logical_id,
        account_id: ACCOUNT,
        port: api.spec.port,
        request_id,
        source_ip: peer.ip(),
        now,
        path,
        stage: &api.spec.stage,
        stage_variables: &api.spec.stage_variables,
        jwt: jwt.as_ref(),
    };
    let event = match matched.route.payload {
        PayloadFormat::V1 => payload_v1::event(&parts, &body, &matched, &context),
        PayloadFormat::V2 => payload::event(&parts, &body, &matched, &context),
    };
    let event = Bytes::from(event.to_string());
    if event.len() > PAYLOAD_LIMIT {
        return Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"));
    }
    Ok(invoke(api, matched.route, event).await)
}

/// Request line and the values of headers, in bytes.
fn head_size(parts: &Parts) -> usize {
    let line = parts.method.as_str().len() + parts.uri.path_and_query().map_or(1, |path| path.as_str().len());
    parts.headers.values().map(HeaderValue::len).sum::<usize>() + line
}

/// The path as routes have it: a stage with a name is its first segment.
fn without_stage<'p>(stage: &str, path: &'p str) -> Option<&'p str> {
    if stage == "$default" {
        return Some(path);
    }
    match path.strip_prefix('/')?.strip_prefix(stage)? {
        "" => Some("/"),
        rest => rest.starts_with('/').then_some(rest),
    }
}

/// `GET /metrics` tells Prometheus of the API's functions, unless the API has a route of just this path. On AWS the same
/// figures are in CloudWatch.
fn metrics<I: Invoke>(api: &Api<I>, method: &Method, path: &str) -> Option<Response<Bytes>> {
    const PATH: &str = "/metrics";
    if path != PATH || method != Method::GET || api.spec.routes.iter().any(|route| route.path == PATH) {
        return None;
    }
    let mut functions: Vec<&str> = api.spec.routes.iter().map(|route| route.function.as_str()).collect();
    functions.sort_unstable();
    functions.dedup();
    let mut answer = Response::new(Bytes::from(api.invoker.metrics(&api.spec.logical_id, &functions)?));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(crate::metrics::CONTENT_TYPE));
    Some(answer)
}

async fn invoke<I: Invoke>(api: &Api<I>, route: &RouteSpec, event: Bytes) -> Response<Bytes> {
    let function = route.function.as_str();
    let running = api.invoker.invoke(&api.origin, function, event, route.timeout);
    let result = tokio::time::timeout(route.timeout + GRACE, running).await.unwrap_or(Err(InvokeError::Timeout));
    let bare = if route.payload == PayloadFormat::V1 { Bare::Refused } else { Bare::Text };
    match result {
        Ok(answer) if answer.len() > PAYLOAD_LIMIT => failure(function, &InvokeError::TooLarge),
        Ok(answer) => response::read(&answer, bare).unwrap_or_else(|reason| {
            tracing::error!(function, reason, "the function's answer is no HTTP response");
            response::message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
        }),
        Err(error) => failure(function, &error),
    }
}

/// HTTP APIs tell the client nothing but these two; the reason is in the log.
fn failure(function: &str, error: &InvokeError) -> Response<Bytes> {
    tracing::warn!(function, %error, "no answer from the function");
    match error {
        InvokeError::FunctionError | InvokeError::TooLarge => {
            response::message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
        }
        InvokeError::Timeout | InvokeError::Throttled | InvokeError::NotReady(_) => {
            response::message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
        }
    }
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
