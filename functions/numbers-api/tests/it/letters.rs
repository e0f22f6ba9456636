//! What a stage gave up, and back.

use serde_json::json;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_shown_and_sent_again_once() {
    let world = World::new().await;
    let topic = world.topic("start");
    let letter = |offset: i64, rule: &str| {
        let origin = kafka::Origin { topic: &topic, partition: 0, offset, timestamp_ms: 5 };
        let value = format!("{{\"numbers\": [{offset}.5]}}").into_bytes();
        kafka::dead_letter(origin, Some(b"k".to_vec()), Some(value), Vec::new(), rule, "number 0 is no integer")
    };
    let letters = [0, 1, 2].map(|offset| letter(offset, "integer")).into_iter().chain([letter(3, "size")]);
    kafka::Producer::new(&world.kafka).unwrap().send_all(letters.collect()).await.unwrap();

    let (status, shown) = world.get("/dead-letters?limit=2").await;
    assert_eq!(status, 200, "{shown}");
    let stage = &shown["stages"][0];
    assert_eq!(
        (&stage["letters"], &stage["waiting"], stage["oldest"].as_array().unwrap().len()),
        (&json!(4), &json!(4), 2)
    );
    assert_eq!(
        (&stage["oldest"][0]["rule"], &stage["oldest"][0]["reason"]),
        (&json!("integer"), &json!("number 0 is no integer"))
    );
    assert_eq!(shown["stages"].as_array().unwrap().len(), 1, "the other stages have no such topic");

    let redrive = |body: serde_json::Value| {
        let body = body.to_string();
        let world = &world;
        async move { world.post("/dead-letters/redrive", None, &body).await }
    };
    let (status, dry) = redrive(json!({"stage": "stage1", "rule": "integer", "dry_run": true})).await;
    assert_eq!((status, &dry["sent"][0]["letters"], &dry["others"]), (200, &json!(3), &json!(1)), "{dry}");
    assert!(world.records("start", 0).is_empty(), "a dry run sends nothing");
    let (_, few) = redrive(json!({"stage": "stage1", "limit": 3})).await;
    assert_eq!(few["sent"].as_array().unwrap().iter().map(|sent| sent["letters"].as_u64().unwrap()).sum::<u64>(), 3);
    let (_, rest) = redrive(json!({"stage": "stage1"})).await;
    assert_eq!(rest["sent"][0]["letters"], 1, "{rest}");
    let (_, none) = redrive(json!({"stage": "stage1"})).await;
    assert_eq!(none["sent"], json!([]));
    let records = world.records("start", 4);
    assert!(
        records.iter().all(|record| record.key.as_deref() == Some(b"k") && record.headers["redrive.attempt"] == "1")
    );
    assert_eq!(world.get("/dead-letters").await.1["stages"][0]["waiting"], 0);

    for (body, status, field) in [
        (json!({"stage": "stage7"}), 400, json!("stage")),
        (json!({"stage": "stage1", "limit": 0}), 400, json!("limit")),
        (json!({"stage": "stage1", "rule": "two words"}), 400, json!("rule")),
        (json!({"stage": "stage2"}), 404, json!(null)),
    ] {
        let (found, problem) = redrive(body.clone()).await;
        assert_eq!((found, &problem["parameter"]), (status, &field), "{body}: {problem}");
    }
    world.end().await;
}
