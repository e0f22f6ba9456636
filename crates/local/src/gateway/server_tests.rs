//! Requests and failures through a real socket.

use serde_json::{Value, json};

use futures::FutureExt;

use super::*;
use crate::{
    gateway::{Streaming, listen},
    template::spec::CorsSpec,
};

/// Answers with what it was sent, or as the path asks.
#[derive(Clone, Default)]
struct Echo(Arc<std::sync::Mutex<Vec<String>>>);

impl Invoke for Echo {
    fn metrics(&self, api: &str, functions: &[&str]) -> Option<String> {
        let answered = self.0.lock().unwrap().join(" ");
        Some(format!("# {api} {}\n{answered}\n", functions.join(" ")))
    }

    fn answered(&self, answered: &Answered<'_>) {
        let (function, status) = (answered.function.unwrap_or_default(), answered.status.as_u16());
        self.0.lock().unwrap().push(format!("{}{function}{status}", answered.method));
    }

    async fn stream(&self, _: &Origin, _: &str, _: Bytes) -> Result<Streaming, InvokeError> {
        Err(InvokeError::FunctionError)
    }

    async fn invoke(&self, _: &Origin, function: &str, payload: Bytes, _: Duration) -> Result<Bytes, InvokeError> {
        let event: Value = serde_json::from_slice(&payload).unwrap();
        match event["rawPath"].as_str().unwrap() {
            "/error" => Err(InvokeError::FunctionError),
            "/slow" => std::future::pending().await,
            "/nonsense" => Ok(Bytes::from_static(b"\xff")),
            "/large" => Ok(Bytes::from(vec![b'1'; PAYLOAD_LIMIT + 1])),
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
        timeout: Duration::from_millis(milliseconds),
        ..RouteSpec::new("ANY", path, "F")
    };
    ApiSpec {
        logical_id: "Api".to_owned(),
        port,
        port_variable: String::new(),
        routes: vec![route("/{proxy+}", 30_000), route("/slow", 50)],
        cors: Some(CorsSpec { allow_origins: vec!["http://a".to_owned()], ..CorsSpec::default() }),
        stage: "$default".to_owned(),
        stage_variables: std::collections::BTreeMap::new(),
        auth: crate::template::spec::AuthSpec::default(),
        throttle: None,
        route_throttles: std::collections::BTreeMap::new(),
        system: String::new(),
        line: 1,
    }
}

#[tokio::test]
async fn requests_and_failures() {
    let listeners = listen(0).await.unwrap();
    let port = listeners[0].local_addr().unwrap().port();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(serve(listeners, api(port), Echo::default(), stopped.map(drop)));
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
    assert_eq!(
        answer.text().await.unwrap(),
        "# Api F\nPOSTF201 GET404 GETF500 GETF500 GETF500 GETF503\n",
        "though a greedy route would fit, and it is not counted"
    );

    let answer = client.post(at("/x")).body(vec![b'x'; PAYLOAD_LIMIT]).send().await.unwrap();
    assert_eq!(answer.status(), 413);
    let preflight = client
        .request(http::Method::OPTIONS, at("/x"))
        .header("origin", "http://a")
        .header("access-control-request-method", "GET");
    assert_eq!(preflight.send().await.unwrap().status(), 204);

    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(10), server).await.unwrap().unwrap().unwrap();
}
