//! A lake of GitHub events for each test, and the API over it.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use chrono::Utc;
use github_query_api::Limits;
use http_body_util::BodyExt;
use lake::testing::{in_world_of, source};
use lake::{Outcome, Value, github};
use serde_json::Value as Json;
use tower::ServiceExt;

pub(crate) struct World {
    pub(crate) api: Router,
    pub(crate) lake: lake::testing::World,
    /// Microseconds: event n is n minutes older.
    pub(crate) now: i64,
}

pub(crate) fn in_world<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    in_world_of(github::NAMESPACE, github::TABLE, &github::SCHEMA, |lake| {
        let api = api(&lake, Limits::default());
        test(World { api, lake, now: Utc::now().timestamp_micros() })
    });
}

/// The API as one process of the function has it.
pub(crate) fn api(lake: &lake::testing::World, limits: Limits) -> Router {
    kit::http::with_fallbacks(github_query_api::router(lake.lake.clone(), limits))
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Json,
}

pub(crate) async fn request(api: &Router, method: &str, path: &str, known: Option<&str>) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let request = known.into_iter().fold(request, |request, etag| request.header("if-none-match", etag));
    let response = api.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let status = parts.status.as_u16();
    if status >= 400 {
        assert_eq!(parts.headers["content-type"], "application/problem+json", "{path}");
    }
    let body = body.collect().await.unwrap().to_bytes();
    let json = serde_json::from_slice(&body).unwrap_or(Json::Null);
    Answer { status, headers: parts.headers, json }
}

/// The id of event n.
pub(crate) fn id(n: i64) -> String {
    format!("{}", 55_000_000_000 - n)
}

/// The ids of an answer's events.
pub(crate) fn ids(answer: &Json) -> Vec<String> {
    answer["events"].as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

impl World {
    /// Stages events `ids`; event n is n minutes old.
    pub(crate) async fn stage(&self, ids: std::ops::Range<i64>) {
        let offsets: Vec<i64> = ids.collect();
        self.stage_at(0, &offsets).await;
    }

    /// Stages the records at these offsets of a partition. Offset n of partition 0 is event n, of any other it is event -n,
    /// which is newer than all of partition 0. Even ones are of organisation `rust-lang`, every third one is a WatchEvent.
    pub(crate) async fn stage_at(&self, partition: i32, offsets: &[i64]) {
        let source = source(partition);
        let staged = self.lake.offer_rows(&source, offsets, |offset, segment| {
            let n = if partition == 0 { offset } else { -offset };
            let (id, payload) = (id(n), format!("{{ \"n\": {n} }}"));
            let org = if n % 2 == 0 { (Value::Long(3), Value::Text("rust-lang")) } else { (Value::Null, Value::Null) };
            segment.push(&[
                Value::Text(&id),
                Value::Text(if n % 3 == 0 { "WatchEvent" } else { "PushEvent" }),
                Value::Null,
                Value::Long(1),
                Value::Text(if n % 5 == 0 { "dependabot[bot]" } else { "ada" }),
                Value::Long(2),
                Value::Text(if n % 4 == 0 { "rust-lang/rust" } else { "ada/engine" }),
                org.0,
                org.1,
                Value::Bool(true),
                Value::Timestamp(self.now - n * 60_000_000),
                Value::Timestamp(self.now),
                Value::Text(&payload),
                Value::Text("github-events"),
                Value::Int(partition),
                Value::Long(offset),
            ])
        });
        assert_eq!(staged.await.unwrap(), Some(Outcome::Staged));
    }

    pub(crate) async fn commit(&self) {
        self.lake.commit(&self.lake.committer().await).await;
    }

    pub(crate) async fn request(&self, method: &str, path: &str) -> (u16, Json) {
        let answer = request(&self.api, method, path, None).await;
        (answer.status, answer.json)
    }

    pub(crate) async fn get(&self, path: &str) -> Json {
        let (status, json) = self.request("GET", path).await;
        assert_eq!(status, 200, "{path}: {json}");
        json
    }
}
