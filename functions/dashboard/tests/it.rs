//! The dashboard over interfaces that are well, slow, away, strange or changed half-way.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use std::future::pending;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Request, StatusCode, Uri, header};
use axum::response::IntoResponse;
use axum::routing::get;
use dashboard::Addresses;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::ServiceExt;

/// What the other interfaces were asked, a line a request.
type Asked = Arc<Mutex<Vec<String>>>;

struct World {
    page: Router,
    asked: Asked,
}

impl World {
    /// All six interfaces are there; the producer can be changed by a test.
    async fn new(producer: Option<Router<Asked>>) -> Self {
        let asked = Asked::default();
        let usual = || Router::new().fallback(answer);
        let registry = serve(usual(), &asked).await;
        let streaming = serve(usual(), &asked).await;
        let query = serve(usual(), &asked).await;
        let producer = serve(producer.unwrap_or_else(usual), &asked).await;
        let numbers = serve(usual(), &asked).await;
        let posts_shards = serve(usual(), &asked).await;
        let addresses = Addresses { registry, producer, streaming, query, numbers, posts_shards };
        Self { page: kit::http::with_fallbacks(dashboard::router(addresses).unwrap()), asked }
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, String) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.page.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (parts.status, parts.headers, String::from_utf8(bytes.to_vec()).unwrap())
    }

    async fn json(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> (StatusCode, Value) {
        let (status, _, body) = self.ask(method, path, headers).await;
        (status, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error}: {body}")))
    }

    /// What was asked with `POST` so far.
    fn changes(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().filter(|line| line.starts_with("POST")).cloned().collect()
    }
}

async fn serve(router: Router<Asked>, asked: &Asked) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = router.with_state(Arc::clone(asked));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn answer(State(asked): State<Asked>, method: Method, uri: Uri) -> impl IntoResponse {
    asked.lock().unwrap().push(format!("{method} {uri}"));
    let answer = match uri.path() {
        "/services" => json!({"status": "healthy", "healthy": 3, "total": 3, "up_since": "2026-11-21T08:00:00Z"}),
        "/events" => json!({"events": [{"id": "1", "payload": {"large": "x".repeat(1_000)}}]}),
        path => json!({"path": path}),
    };
    axum::Json(answer)
}

const OF_THE_PAGE: [(&str, &str); 2] = [("x-millrace", "dashboard"), ("sec-fetch-site", "same-origin")];

#[tokio::test]
async fn the_page_is_whole_and_may_load_nothing_from_elsewhere() {
    let world = World::new(None).await;
    let (status, headers, page) = world.ask(Method::GET, "/", &[]).await;
    assert_eq!(
        (status, &headers[header::CONTENT_TYPE]),
        (StatusCode::OK, &"text/html; charset=utf-8".parse().unwrap())
    );
    let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'") && !policy.contains("unsafe") && !policy.contains('*'),
        "{policy}"
    );
    assert!(
        !page.contains("style=") && !page.contains("onclick") && !page.contains("http"),
        "the policy would refuse it"
    );
    let script = world.ask(Method::GET, "/script.js", &[]).await.2;
    for (path, named_in) in [
        ("style.css", &page),
        ("script.js", &page),
        ("icon.svg", &page),
        ("page.js", &script),
        ("tables.js", &script),
        ("charts.js", &script),
    ] {
        assert!(named_in.contains(path), "{path}");
        assert_eq!(world.ask(Method::GET, &format!("/{path}"), &[]).await.0, StatusCode::OK, "{path}");
    }
    assert!(world.asked.lock().unwrap().is_empty(), "the page itself needs nobody");
}

#[tokio::test]
async fn the_overview_has_a_panel_an_interface_without_what_is_not_shown() {
    let world = World::new(None).await;
    let (status, overview) = world.json(Method::GET, "/api/overview", &[]).await;
    assert_eq!(status, StatusCode::OK);
    let panels = overview["panels"].as_object().unwrap();
    assert_eq!(panels.len(), 10);
    assert!(panels.values().all(|panel| panel["state"] == "here"), "{overview:#}");
    assert_eq!(panels["events"]["data"], json!({"events": [{"id": "1"}]}));
    assert_eq!(panels["table"]["data"], json!({"path": "/table/info"}));
    assert_eq!(panels["numbers"]["data"], json!({"path": "/stages"}));
    assert_eq!(panels["posts"]["data"], json!({"path": "/status"}));
    assert!(world.changes().is_empty());
}

#[tokio::test]
async fn what_is_away_slow_or_strange_is_told_in_its_panel_alone() {
    let strange = Router::new()
        .route("/status", get(pending::<()>))
        .route("/stats", get(async || (StatusCode::SERVICE_UNAVAILABLE, r#"{"detail": "Postgres is away"}"#)));
    let world = World::new(Some(strange)).await;
    let (status, overview) = world.json(Method::GET, "/api/overview", &[]).await;
    assert_eq!(status, StatusCode::OK);
    let panel = |name: &str| &overview["panels"][name];
    assert_eq!(panel("producer"), &json!({"state": "away", "reason": "no answer within 7 s"}));
    assert_eq!(panel("producer_stats"), &json!({"state": "away", "reason": "Postgres is away"}));
    assert_eq!(panel("services")["state"], "here");

    let away = "http://127.0.0.1:1".to_owned();
    let addresses = Addresses {
        registry: away.clone(),
        producer: away.clone(),
        streaming: away.clone(),
        query: away.clone(),
        numbers: away.clone(),
        posts_shards: away,
    };
    let world =
        World { page: kit::http::with_fallbacks(dashboard::router(addresses).unwrap()), asked: Asked::default() };
    let (status, overview) = world.json(Method::GET, "/api/overview", &[]).await;
    assert_eq!(status, StatusCode::OK);
    assert!(overview["panels"].as_object().unwrap().values().all(|panel| panel["state"] == "away"), "{overview:#}");
    let (status, whole) = world.json(Method::GET, "/status", &[]).await;
    assert_eq!((status, &whole["status"], &whole["uptime"]), (StatusCode::OK, &json!("unknown"), &json!("unknown")));
    assert_eq!(world.json(Method::GET, "/health", &[]).await.1["status"], "healthy");
    let (status, problem) = world.json(Method::POST, "/api/producer/stop", &OF_THE_PAGE).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
}

#[tokio::test]
async fn the_status_is_that_of_the_whole() {
    let world = World::new(None).await;
    let (status, whole) = world.json(Method::GET, "/status", &[]).await;
    assert_eq!((status, &whole["status"]), (StatusCode::OK, &json!("running")));
    assert_eq!(whole["version"], env!("CARGO_PKG_VERSION"));
    assert!(whole["uptime_seconds"].is_number() && whole["services"]["healthy"] == 3, "{whole}");
}

#[tokio::test]
async fn a_button_pressed_twice_is_forwarded_twice_and_as_it_is() {
    let world = World::new(None).await;
    for _ in 0..2 {
        let (status, answer) = world.json(Method::POST, "/api/streaming/stop", &OF_THE_PAGE).await;
        assert_eq!((status, answer), (StatusCode::OK, json!({"path": "/stop"})));
    }
    assert_eq!(world.changes(), ["POST /stop", "POST /stop"], "stopping what is stopped changes nothing");
}

#[tokio::test]
async fn a_change_that_another_page_may_have_sent_or_that_no_button_makes_is_not_forwarded() {
    let world = World::new(None).await;
    let ours = ("x-millrace", "dashboard");
    for (path, headers, expected) in [
        ("/api/producer/stop", vec![], StatusCode::BAD_REQUEST),
        ("/api/producer/stop", vec![("x-millrace", "other")], StatusCode::BAD_REQUEST),
        ("/api/producer/stop", vec![ours, ("sec-fetch-site", "cross-site")], StatusCode::BAD_REQUEST),
        ("/api/producer/stop", vec![ours, ("sec-fetch-site", "same-site")], StatusCode::BAD_REQUEST),
        ("/api/producer/stop?x=1", vec![ours], StatusCode::BAD_REQUEST),
        ("/api/producer/config", vec![ours], StatusCode::NOT_FOUND),
        ("/api/registry/stop", vec![ours], StatusCode::NOT_FOUND),
        ("/api/producer/..%2Fstop", vec![ours], StatusCode::NOT_FOUND),
        ("/api/%80/stop", vec![ours], StatusCode::NOT_FOUND),
    ] {
        let (status, problem) = world.json(Method::POST, path, &headers).await;
        assert_eq!((status, &problem["status"]), (expected, &json!(expected.as_u16())), "{path}: {problem}");
    }
    assert_eq!(world.json(Method::GET, "/api/producer/stop", &[ours]).await.0, StatusCode::METHOD_NOT_ALLOWED);
    assert!(world.changes().is_empty(), "{:?}", world.changes());
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let endless = Router::new().route("/stats", get(async || "x".repeat(5 * 1024 * 1024))).fallback(answer);
    let world = World::new(Some(endless)).await;
    let (_, overview) = world.json(Method::GET, "/api/overview", &[]).await;
    let reason = overview["panels"]["producer_stats"]["reason"].as_str().unwrap();
    assert!(reason.contains("larger than"), "{reason}");
}
