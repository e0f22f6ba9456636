//! The simulator through HTTP, with a clock that the test moves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use github_simulator::config::Config;
use github_simulator::server::Simulator;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tower::ServiceExt as _;

struct Api {
    simulator: Simulator,
    milliseconds: Arc<AtomicI64>,
}

impl Api {
    fn new(config: Config) -> Self {
        let milliseconds = Arc::new(AtomicI64::new(1_790_000_000_000));
        let clock = Arc::clone(&milliseconds);
        let now = move || DateTime::from_timestamp_millis(clock.load(Ordering::SeqCst)).unwrap();
        Self { simulator: Simulator::new(config, Arc::new(now)).unwrap(), milliseconds }
    }

    fn wait(&self, seconds: i64) {
        self.milliseconds.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }

    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.milliseconds.load(Ordering::SeqCst)).unwrap()
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
        let mut request = Request::get(path).header("user-agent", "test").header("host", "api.test");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.simulator.clone().router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    async fn events(&self, path: &str) -> Vec<Value> {
        let response = self.get(path, &[]).await;
        assert_eq!(response.status(), StatusCode::OK);
        json_of(response).await.as_array().unwrap().clone()
    }

    async fn fault(&self, fault: Value) {
        let request = Request::post("/_simulator/faults").header("content-type", "application/json");
        let request = request.body(Body::from(fault.to_string())).unwrap();
        let response = self.simulator.clone().router().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
}

async fn text_of(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

async fn json_of(response: Response<Body>) -> Value {
    serde_json::from_str(&text_of(response).await).unwrap()
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    response.headers().get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap()
}

fn ids(events: &[Value]) -> HashSet<String> {
    events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn three_pages_of_a_hundred_show_the_last_minute_and_no_event_twice() {
    let api = Api::new(Config::for_test());
    let mut all = Vec::new();
    for page in 1..=3 {
        all.extend(api.events(&format!("/events?per_page=100&page={page}")).await);
    }
    assert_eq!(ids(&all).len(), 300);
    let recent = all.iter().filter(|event| {
        let created: DateTime<Utc> = event["created_at"].as_str().unwrap().parse().unwrap();
        api.now() - created <= TimeDelta::seconds(61)
    });
    assert!(recent.count() > 270, "a new user finds events of the last minute at once");
    let beyond = api.get("/events?per_page=100&page=4", &[]).await;
    assert_eq!(beyond.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn headers_are_githubs() {
    let api = Api::new(Config { poll_interval: 60, ..Config::for_test() });
    let response = api.get("/events?per_page=100", &[("authorization", "Bearer any")]).await;
    assert_eq!(header(&response, "x-poll-interval"), "60");
    assert_eq!(header(&response, "x-ratelimit-limit"), "5000");
    assert_eq!(header(&response, "x-ratelimit-remaining"), "4999");
    assert_eq!(header(&response, "x-ratelimit-reset"), (api.now().timestamp() + 3_600).to_string());
    assert!(header(&response, "link").starts_with("<http://api.test/events?per_page=100&page=2>; rel=\"next\""));
    assert!(header(&response, "etag").starts_with("W/\""));
}

#[tokio::test]
async fn the_tag_gives_304_until_the_feed_is_renewed_and_costs_nothing_with_a_token() {
    let api = Api::new(Config { poll_interval: 60, late_per_mille: 0, ..Config::for_test() });
    let first = api.get("/events", &[("authorization", "Bearer t")]).await;
    let tag = header(&first, "etag").to_owned();
    let conditional = [("authorization", "Bearer t"), ("if-none-match", tag.as_str())];
    let again = api.get("/events", &conditional).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(header(&again, "x-ratelimit-remaining"), "4999");
    assert_eq!(text_of(again).await, "");
    api.wait(60);
    let renewed = api.get("/events", &conditional).await;
    assert_eq!(renewed.status(), StatusCode::OK);
    assert_ne!(header(&renewed, "etag"), tag);
}

#[tokio::test]
async fn polls_overlap_and_what_is_repeated_is_the_same_byte_for_byte() {
    let api = Api::new(Config { late_per_mille: 0, ..Config::for_test() });
    let before = api.events("/events?per_page=100").await;
    api.wait(4);
    let after = api.events("/events?per_page=100").await;
    assert_eq!(ids(&after).difference(&ids(&before)).count(), 20);
    assert_eq!(before[..80], after[20..]);
}

#[tokio::test]
async fn another_simulator_with_the_same_seed_and_clock_serves_the_same_bytes() {
    let (one, two) = (Api::new(Config::for_test()), Api::new(Config::for_test()));
    let other = Api::new(Config { seed: 2, ..Config::for_test() });
    let path = "/events?per_page=100&page=2";
    let text = text_of(one.get(path, &[]).await).await;
    assert_eq!(text, text_of(two.get(path, &[]).await).await);
    assert_ne!(text, text_of(other.get(path, &[]).await).await);
}

#[tokio::test]
async fn only_the_bad_token_is_refused() {
    let api = Api::new(Config::for_test());
    let refused = api.get("/events", &[("authorization", "Bearer bad-token")]).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(json_of(refused).await["message"], "Bad credentials");
    let good = api.get("/events", &[("authorization", "token ghp_anything")]).await;
    assert_eq!(good.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_rate_limit_refuses_with_403_until_its_reset() {
    let api = Api::new(Config { rate_limit_anonymous: 2, ..Config::for_test() });
    api.events("/events").await;
    api.events("/events").await;
    let refused = api.get("/events", &[]).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_eq!(header(&refused, "x-ratelimit-remaining"), "0");
    api.wait(3_600);
    api.events("/events").await;
}

#[tokio::test]
async fn faults_come_as_often_as_asked_and_then_the_feed_is_well() {
    let api = Api::new(Config::for_test());
    for (kind, status) in [("401", 401), ("500", 500)] {
        api.fault(json!({"kind": kind})).await;
        assert_eq!(api.get("/events", &[]).await.status().as_u16(), status);
    }
    for (kind, status) in [("403", 403), ("429", 429)] {
        api.fault(json!({"kind": kind, "times": 2, "retry_after_seconds": 9})).await;
        for _ in 0..2 {
            let response = api.get("/events", &[]).await;
            assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (status, "9"));
        }
    }
    api.fault(json!({"kind": "truncated"})).await;
    let truncated = text_of(api.get("/events", &[]).await).await;
    assert!(truncated.starts_with("[{\"id\"") && serde_json::from_str::<Value>(&truncated).is_err());
    assert_eq!(api.events("/events").await.len(), 30);
    let stats = json_of(api.get("/_simulator/stats", &[]).await).await;
    assert_eq!((&stats["faults_served"], &stats["faults_pending"]), (&json!(7), &json!([])));
}

#[tokio::test]
async fn a_stale_feed_stands_still_and_then_catches_up() {
    let api = Api::new(Config { late_per_mille: 0, ..Config::for_test() });
    api.fault(json!({"kind": "stale", "times": 2})).await;
    let first = api.events("/events").await;
    api.wait(600);
    assert_eq!(api.events("/events").await, first);
    let well = api.events("/events").await;
    assert!(ids(&well).is_disjoint(&ids(&first)));
}

#[tokio::test]
async fn it_says_that_it_is_well() {
    let response = Api::new(Config::for_test()).get("/health", &[]).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_recorded_file_is_served_as_it_is() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let lines: Vec<String> = (0..3).map(|id| json!({"id": id.to_string(), "type": "NewEvent"}).to_string()).collect();
    std::fs::write(file.path(), lines.join("\n")).unwrap();
    let api = Api::new(Config { replay: Some(file.path().to_owned()), ..Config::for_test() });
    let body = text_of(api.get("/events", &[]).await).await;
    assert_eq!(body, format!("[{},{},{}]", lines[2], lines[1], lines[0]));
}
