//! The server of one API.

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
};
use bytes::Bytes;
use chrono::Utc;
use futures::FutureExt;
use http::{HeaderValue, Method, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use tokio::net::TcpListener;

use super::{Invoke, InvokeError, cors, payload, response, route};
use crate::{
    host::Origin,
    template::{
        ACCOUNT,
        spec::{ApiSpec, RouteSpec},
    },
};

/// An HTTP API's limit on a request.
const MAXIMUM_REQUEST: usize = 10 * 1024 * 1024;
/// Lambda's limit on a payload and on an answer.
const MAXIMUM_PAYLOAD: usize = 6 * 1024 * 1024;
/// The function's own timeout ends a run; this only keeps a lost one from holding the client for ever.
const GRACE: Duration = Duration::from_millis(250);

struct Api<I> {
    spec: ApiSpec,
    origin: Origin,
    invoker: I,
}

/// Binds a port on the loopback: 127.0.0.1, and ::1 where there is one, because `localhost` may be either. Port 0
/// takes a free one, the same for both.
///
/// # Errors
/// The port is taken, or may not be bound.
pub async fn listen(port: u16) -> std::io::Result<Vec<TcpListener>> {
    let first = TcpListener::bind(("127.0.0.1", port)).await?;
    let port = first.local_addr()?.port();
    let mut listeners = vec![first];
    match TcpListener::bind(("::1", port)).await {
        Ok(second) => listeners.push(second),
        // Somebody else's server there would answer half of the clients.
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => return Err(error),
        Err(error) => tracing::debug!(%error, port, "no IPv6 loopback"),
    }
    Ok(listeners)
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
    let state = Arc::new(Api { origin: Origin::api(&api.logical_id), spec: api, invoker });
    let router = Router::new().fallback(handle).with_state(state);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let shutdown = shutdown.boxed().shared();
    let servers = listeners.into_iter().map(|listener| {
        let server = axum::serve(listener, service.clone()).with_graceful_shutdown(shutdown.clone());
        server.into_future()
    });
    futures::future::try_join_all(servers).await.map(drop)
}

async fn handle<I: Invoke>(
    State(api): State<Arc<Api<I>>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response<Body> {
    let origin = request.headers().get(header::ORIGIN).and_then(|origin| origin.to_str().ok()).map(str::to_owned);
    let request_id = uuid::Uuid::new_v4().to_string();
    let mut answer = match &api.spec.cors {
        Some(rules) => match cors::preflight(rules, request.method(), request.headers()) {
            Some(answer) => answer,
            None => {
                let mut answer = respond(&api, peer, &request_id, request).await;
                cors::apply(rules, origin.as_deref(), answer.headers_mut());
                answer
            }
        },
        None => respond(&api, peer, &request_id, request).await,
    };
    if let Ok(id) = request_id.parse() {
        answer.headers_mut().insert("apigw-requestid", id);
    }
    answer.map(Body::from)
}

async fn respond<I: Invoke>(api: &Api<I>, peer: SocketAddr, request_id: &str, request: Request) -> Response<Bytes> {
    let (parts, body) = request.into_parts();
    let path = payload::decoded_path(parts.uri.path());
    if let Some(answer) = metrics(api, &parts.method, &path) {
        return answer;
    }
    let Some(matched) = route::find(&api.spec.routes, parts.method.as_str(), &path) else {
        return response::message(StatusCode::NOT_FOUND, "Not Found");
    };
    let too_large = || response::message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
    let body = match Limited::new(body, MAXIMUM_REQUEST).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => return too_large(),
        Err(error) => {
            tracing::debug!(error = %error, "the client left before its request was complete");
            return response::message(StatusCode::BAD_REQUEST, "Bad Request");
        }
    };
    let context = payload::Context {
        api_id: &api.spec.logical_id,
        account_id: ACCOUNT,
        port: api.spec.port,
        request_id,
        source_ip: peer.ip(),
        now: Utc::now(),
    };
    let event = Bytes::from(payload::event(&parts, &body, &matched, &context).to_string());
    if event.len() > MAXIMUM_PAYLOAD {
        return too_large();
    }
    invoke(api, matched.route, event).await
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
    let mut answer = Response::new(Bytes::from(api.invoker.metrics(&functions)?));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(crate::metrics::CONTENT_TYPE));
    Some(answer)
}

async fn invoke<I: Invoke>(api: &Api<I>, route: &RouteSpec, event: Bytes) -> Response<Bytes> {
    let function = route.function.as_str();
    let running = api.invoker.invoke(&api.origin, function, event, route.timeout);
    let result = tokio::time::timeout(route.timeout + GRACE, running).await.unwrap_or(Err(InvokeError::Timeout));
    match result {
        Ok(answer) if answer.len() > MAXIMUM_PAYLOAD => failure(function, &InvokeError::TooLarge),
        Ok(answer) => response::read(&answer).unwrap_or_else(|reason| {
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
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::template::spec::CorsSpec;

    /// Answers with what it was sent, or as the path asks.
    #[derive(Clone)]
    struct Echo;

    impl Invoke for Echo {
        fn metrics(&self, functions: &[&str]) -> Option<String> {
            Some(format!("# {}\n", functions.join(" ")))
        }

        async fn invoke(&self, _: &Origin, function: &str, payload: Bytes, _: Duration) -> Result<Bytes, InvokeError> {
            let event: Value = serde_json::from_slice(&payload).unwrap();
            match event["rawPath"].as_str().unwrap() {
                "/error" => Err(InvokeError::FunctionError),
                "/slow" => std::future::pending().await,
                "/nonsense" => Ok(Bytes::from_static(b"\xff")),
                "/large" => Ok(Bytes::from(vec![b'1'; MAXIMUM_PAYLOAD + 1])),
                path => Ok(json!({
                    "statusCode": 201,
                    "headers": {"content-type": "application/json"},
                    "cookies": ["a=1", "b=2"],
                    "body": json!({"function": function, "path": path, "query": event["queryStringParameters"], "body": event["body"]}).to_string(),
                }).to_string().into()),
            }
        }
    }

    fn api(port: u16) -> ApiSpec {
        let route = |path: &str, milliseconds| RouteSpec {
            method: "ANY".to_owned(),
            path: path.to_owned(),
            function: "F".to_owned(),
            timeout: Duration::from_millis(milliseconds),
        };
        ApiSpec {
            logical_id: "Api".to_owned(),
            port,
            port_variable: String::new(),
            routes: vec![route("/{proxy+}", 30_000), route("/slow", 50)],
            cors: Some(CorsSpec { allow_origins: vec!["http://a".to_owned()], ..CorsSpec::default() }),
            system: String::new(),
            line: 1,
        }
    }

    #[tokio::test]
    async fn requests_and_failures() {
        let listeners = listen(0).await.unwrap();
        let port = listeners[0].local_addr().unwrap().port();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let server = tokio::spawn(serve(listeners, api(port), Echo, stopped.map(drop)));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let at = |path: &str| format!("http://localhost:{port}{path}");

        let answer = client.post(at("/x?a=1&a=2")).header("origin", "http://a").body("hi").send().await.unwrap();
        assert_eq!(answer.status(), 201);
        assert_eq!(answer.headers().get_all("set-cookie").iter().count(), 2);
        assert_eq!(answer.headers()["access-control-allow-origin"], "http://a");
        assert!(answer.headers().contains_key("apigw-requestid"));
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body, json!({"function": "F", "path": "/x", "query": {"a": "1,2"}, "body": "hi"}));

        for (path, status, message) in [
            ("/", 404, "Not Found"),
            ("/error", 500, "Internal Server Error"),
            ("/nonsense", 500, "Internal Server Error"),
            ("/large", 500, "Internal Server Error"),
            ("/slow", 503, "Service Unavailable"),
        ] {
            let answer = client.get(at(path)).send().await.unwrap();
            assert_eq!(answer.status(), status, "{path}");
            let body: Value = answer.json().await.unwrap();
            assert_eq!(body, json!({ "message": message }), "{path}");
        }

        let answer = client.get(at("/metrics")).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], crate::metrics::CONTENT_TYPE);
        assert_eq!(answer.text().await.unwrap(), "# F\n", "though a greedy route would fit");

        let answer = client.post(at("/x")).body(vec![b'x'; MAXIMUM_PAYLOAD]).send().await.unwrap();
        assert_eq!(answer.status(), 413);
        let preflight = client
            .request(http::Method::OPTIONS, at("/x"))
            .header("origin", "http://a")
            .header("access-control-request-method", "GET");
        assert_eq!(preflight.send().await.unwrap().status(), 204);

        stop.send(()).unwrap();
        tokio::time::timeout(Duration::from_secs(10), server).await.unwrap().unwrap().unwrap();
    }
}
