//! The API over a lake in real Postgres (`DATABASE_URL`) and S3 (`AWS_ENDPOINT_URL`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use chrono::Utc;
use http_body_util::BodyExt;
use lake::testing::{in_world_of, source};
use lake::{Outcome, Value, github};
use serde_json::Value as Json;
use tower::ServiceExt;

struct World {
    api: Router,
    lake: lake::testing::World,
}

fn in_world<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    in_world_of(github::NAMESPACE, github::TABLE, &github::SCHEMA, |lake| {
        let api = kit::http::with_fallbacks(github_query_api::router(lake.lake.clone()));
        test(World { api, lake })
    });
}

impl World {
    /// Stages events `ids`; event n is n minutes old.
    async fn stage(&self, ids: std::ops::Range<i64>) {
        let now = Utc::now().timestamp_micros();
        let offsets: Vec<i64> = ids.collect();
        let source = source(0);
        let staged = self.lake.offer_rows(&source, &offsets, |n, segment| {
            let id = format!("{}", 55_000_000_000 - n);
            let kind = if n % 3 == 0 { "WatchEvent" } else { "PushEvent" };
            let payload = format!("{{ \"n\": {n} }}");
            segment.push(&[
                Value::Text(&id),
                Value::Text(kind),
                Value::Null,
                Value::Long(1),
                Value::Text("ada"),
                Value::Long(2),
                Value::Text("ada/engine"),
                Value::Null,
                Value::Null,
                Value::Bool(true),
                Value::Timestamp(now - n * 60_000_000),
                Value::Timestamp(now),
                Value::Text(&payload),
                Value::Text("github-events"),
                Value::Int(0),
                Value::Long(n),
            ])
        });
        assert_eq!(staged.await.unwrap(), Some(Outcome::Staged));
    }

    async fn commit(&self) {
        self.lake.commit(&self.lake.committer().await).await;
    }

    async fn request(&self, method: &str, path: &str) -> (u16, Json) {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let response = self.api.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        if status >= 400 {
            assert_eq!(response.headers()["content-type"], "application/problem+json", "{path}");
        }
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn get(&self, path: &str) -> Json {
        let (status, json) = self.request("GET", path).await;
        assert_eq!(status, 200, "{path}: {json}");
        json
    }
}

#[test]
fn events_are_shown_once_before_and_after_a_commit() {
    in_world(|world| async move {
        world.stage(0..20).await;
        let before = world.get("/events?hours_back=1&page_size=10").await;
        assert_eq!(before["count"], 10);
        assert_eq!(before["events"][0]["id"], "55000000000");
        assert_eq!(before["events"][9]["id"], "54999999991");
        world.commit().await;
        assert_eq!(world.get("/events?hours_back=1&page_size=10").await["events"], before["events"]);
        world.stage(20..90).await;
        assert_eq!(world.get("/events?hours_back=1").await["count"], 60, "an hour, both committed and staged");
        assert_eq!(world.get("/events?hours_back=2").await["count"], 90);
    });
}

#[test]
fn events_are_chosen_by_type() {
    in_world(|world| async move {
        world.stage(0..30).await;
        let answer = world.get("/events?event_type=WatchEvent").await;
        assert_eq!(answer["count"], 10);
        assert!(answer["events"].as_array().unwrap().iter().all(|event| event["type"] == "WatchEvent"));
        assert_eq!(world.get("/events?event_type=NoSuchEvent").await["count"], 0);
    });
}

#[test]
fn an_event_has_its_shape() {
    in_world(|world| async move {
        world.stage(0..5).await;
        world.commit().await;
        let event = world.get("/events/54999999998").await;
        assert_eq!(event["type"], "PushEvent");
        assert_eq!(event["actor"], serde_json::json!({"id": 1, "login": "ada"}));
        assert_eq!(event["repo"], serde_json::json!({"id": 2, "name": "ada/engine"}));
        assert_eq!(event["org"], Json::Null);
        assert_eq!(event["payload"], serde_json::json!({"n": 2}));
        assert_eq!(event["kafka"], serde_json::json!({"topic": "github-events", "partition": 0, "offset": 2}));
        assert!(event["created_at"].as_str().unwrap().ends_with('Z'));
    });
}

#[test]
fn faults_of_a_request_are_named() {
    in_world(|world| async move {
        for (path, parameter) in [
            ("/events?page_size=0", "page_size"),
            ("/events?hours_back=x", "hours_back"),
            ("/events?event_type=%20", "event_type"),
            ("/events?offset=3", "offset"),
            ("/health?verbose=1", "verbose"),
        ] {
            let (status, problem) = world.request("GET", path).await;
            assert_eq!((status, &problem["parameter"]), (400, &parameter.into()), "{path}");
        }
        assert_eq!(world.request("GET", "/events/404").await.0, 404);
        assert_eq!(world.request("GET", "/nowhere").await.0, 404);
        assert_eq!(world.request("POST", "/events").await.0, 405);
    });
}

#[test]
fn health_says_what_is_staged() {
    in_world(|world| async move {
        assert_eq!(world.get("/events").await["count"], 0);
        world.stage(0..1).await;
        let health = world.get("/health").await;
        assert_eq!((&health["status"], &health["staged_segments"]), (&"healthy".into(), &1.into()));
        assert_eq!(health["committed"], false);
    });
}
