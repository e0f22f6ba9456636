//! Messages in, their lists, their ways, and how the stages do.

use axum::{Router, body::Body, http::Request};
use chrono::{TimeDelta, Utc};
use domain::numbers::INPUT_BYTES;
use proptest::prelude::*;
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

use crate::world::{World, send};

/// The body of a sample event.
fn sample(event: &str) -> String {
    let event: Value = serde_json::from_str(event).unwrap();
    event["body"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_in_kafka_as_it_came_and_its_repetition_is_the_same_one() {
    let world = World::new().await;
    let body = sample(include_str!("../../../../events/numbers-api/numbers.json"));
    let (status, first) = world.post("/numbers", Some("key-1"), &body).await;
    assert_eq!(status, 202, "{first}");
    let (_, again) = world.post("/numbers", Some("key-1"), &body).await;
    assert_eq!(first["id"], again["id"]);
    let large = format!("{{\"numbers\": [{}]}}", "9".repeat(100_000));
    let (_, other) = world.post("/numbers", Some("key-1"), &large).await;
    let (_, new) = world.post("/numbers", None, &body).await;
    assert!(other["id"] != first["id"] && new["id"] != first["id"]);
    let records = world.records("start", 4);
    let ids: Vec<String> = records.iter().map(|record| record.tag.id.unwrap().to_string()).collect();
    assert!(ids.iter().filter(|id| first["id"] == json!(id)).count() == 2, "{ids:?}");
    assert!(records.iter().any(|record| record.value == large.as_bytes()), "in the bytes that came");
    assert!(
        records.iter().all(|record| record.tag.attempt == 0 && record.tag.source.as_deref() == Some("numbers-api"))
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_message_is_refused_with_its_field() {
    let router = nowhere();
    let bad = sample(include_str!("../../../../events/numbers-api/bad-number.json"));
    for (body, field) in
        [(bad.as_str(), "numbers"), ("{", "body"), ("{}", "numbers"), ("{\"numbers\": [], \"more\": 1}", "body")]
    {
        let (status, problem) = send(&router, "POST", "/numbers", None, body.to_owned()).await;
        assert_eq!((status, &problem["parameter"]), (400, &json!(field)), "{problem}");
    }
    assert_eq!(send(&router, "POST", "/numbers", None, " ".repeat(INPUT_BYTES + 1)).await.0, 413);
    let key = send(&router, "POST", "/numbers", Some("two words"), "{\"numbers\": []}").await;
    assert_eq!((key.0, &key.1["parameter"]), (400, &json!("Idempotency-Key")));
    let text = Request::post("/numbers").header("content-type", "text/plain").body(Body::from("{}")).unwrap();
    assert_eq!(router.clone().oneshot(text).await.unwrap().status(), 415);
    for (path, field) in [
        ("/messages?state=lost", "state"),
        ("/messages?limit=201", "limit"),
        ("/messages?after=yesterday", "after"),
        ("/messages?page=2", "page"),
        ("/messages/7", "id"),
        ("/stages?window_seconds=0", "window_seconds"),
        ("/dead-letters?stage=stage9", "stage"),
    ] {
        let (status, problem) = send(&router, "GET", path, None, "").await;
        assert_eq!((status, &problem["parameter"]), (400, &json!(field)), "{path}: {problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_listed_page_by_page_and_by_state() {
    let world = World::new().await;
    let begin = Utc::now() - TimeDelta::minutes(5);
    let mut ids = Vec::new();
    for at in 0..7_i64 {
        let stages = if at % 3 == 0 { 2 } else { 5 };
        let time = begin + TimeDelta::seconds(at);
        ids.push(world.passed(&format!("{{\"numbers\":[{at}]}}"), None, time, at, stages).await.to_string());
    }
    let under_way: Vec<String> = ids.iter().step_by(3).rev().cloned().collect();
    for (state, expected) in [("", ids.iter().rev().cloned().collect::<Vec<_>>()), ("&state=under_way", under_way)] {
        let (mut found, mut after) = (Vec::new(), String::new());
        loop {
            let (status, page) = world.get(&format!("/messages?limit=2{state}{after}")).await;
            assert_eq!(status, 200, "{page}");
            found.extend(page["messages"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()));
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(found, expected, "{state}");
    }
    let (_, page) = world.get("/messages?state=finished&limit=1").await;
    assert_eq!((&page["messages"][0]["state"], &page["messages"][0]["stage"]), (&json!("finished"), &json!(5)));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_messages_way_names_each_stages_input_output_and_times() {
    let world = World::new().await;
    let id = world.passed("{\"numbers\": [6, 28]}", Some("k"), Utc::now(), 3, 5).await;
    let (status, way) = world.get(&format!("/messages/{id}?characters=12")).await;
    assert_eq!(status, 200, "{way}");
    assert_eq!((&way["state"], &way["source"], &way["total_ms"]), (&json!("finished"), &json!("test"), &json!(55.0)));
    let steps = way["steps"].as_array().unwrap();
    assert_eq!(steps.iter().map(|step| step["stage"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(steps[0]["input"], "{\"numbers\": ");
    assert_eq!((&steps[0]["input_bytes"], &steps[0]["stage_ms"]), (&json!(20), &json!(5.0)));
    assert_eq!((&steps[1]["topic"], &steps[1]["offset"]), (&json!(world.topic("stage1")), &json!(3)));
    let (status, _) = world.get(&format!("/messages/{}", Uuid::now_v7())).await;
    assert_eq!(status, 404);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stages_tell_throughput_times_and_backlog() {
    let world = World::new().await;
    for at in 0..4_i64 {
        world.passed("{\"numbers\": [6]}", None, Utc::now() - TimeDelta::seconds(1), at, 5).await;
    }
    // Offsets 0 to 3 are done; Kafka has five more records of the first stage, three of them in the same partition.
    let message = |partition: i32| kafka::Message {
        topic: world.topic("start"),
        partition: Some(partition),
        value: Some(b"{\"numbers\": []}".to_vec()),
        ..kafka::Message::default()
    };
    let messages = [vec![message(0); 7], vec![message(1); 2]].concat();
    kafka::Producer::new(&world.kafka).unwrap().send_all(messages).await.unwrap();
    let (status, figures) = world.get("/stages?window_seconds=600").await;
    assert_eq!(status, 200, "{figures}");
    let stage = &figures["stages"][0];
    assert_eq!((&stage["name"], &stage["throughput"]["messages"]), (&json!("validate"), &json!(4)));
    assert_eq!((&stage["time_in_stage"]["p50_ms"], &stage["time_in_stage"]["p99_ms"]), (&json!(5.0), &json!(5.0)));
    assert_eq!(stage["time_computing"]["p95_ms"], 1.0);
    assert_eq!((&stage["backlog"]["records"], &figures["backlog_records"]), (&json!(5), &json!(5)));
    let oldest = stage["backlog"]["oldest_seconds"].as_f64().unwrap();
    assert!((0.0..60.0).contains(&oldest), "{oldest}");
    assert_eq!(figures["stages"][4]["backlog"], json!({"records": 0, "oldest_seconds": 0.0}));
    assert_eq!(
        (&figures["start_to_finish"]["messages"], &figures["start_to_finish"]["p95_ms"]),
        (&json!(4), &json!(55.0))
    );
    assert_eq!(world.get("/health").await.0, 200);
    assert_eq!(send(&nowhere(), "GET", "/health", None, "").await.0, 503);
    world.end().await;
}

/// The API before nothing at all.
fn nowhere() -> Router {
    static ROUTER: std::sync::OnceLock<kafka::Config> = std::sync::OnceLock::new();
    let kafka = ROUTER.get_or_init(|| kafka::Config::plaintext("127.0.0.1:1"));
    let router = numbers_api::router(numbers_api::Topics::default(), pg::testing::nowhere(), kafka.clone());
    kit::http::with_fallbacks(router.unwrap())
}

#[test]
fn any_body_that_is_no_message_is_a_400() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let router = runtime.block_on(async { nowhere() });
    proptest!(|(body: Vec<u8>, path in "/numbers|/replay|/dead-letters/redrive")| {
        let status = runtime.block_on(async { send(&router, "POST", &path, None, body).await.0 });
        prop_assert_eq!(status, 400);
    });
}
