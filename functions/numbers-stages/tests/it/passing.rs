//! Messages that pass: each once, in the order of their keys, whatever their size.

use std::collections::BTreeMap;

use domain::numbers::{COUNT, DIGITS, STAGES};
use kafka::Message;

use crate::world::{World, cut, deliver, pass};

#[tokio::test]
async fn each_message_is_once_in_each_table_and_in_finish_in_the_order_of_its_key() {
    let world = World::new().await;
    let messages = (0..300).map(|number| Message {
        topic: world.topic("start"),
        partition: None,
        key: Some(format!("key-{}", number % 7).into_bytes()),
        value: Some(format!("{{\"numbers\":[{number}]}}").into_bytes()),
        headers: vec![("traceparent".to_owned(), b"00-aa-bb-01".to_vec())],
    });
    world.producer.send_all(messages.collect()).await.unwrap();
    for stage in &STAGES {
        let event = world.event(&world.input_of(stage.number));
        let (one, other) = (world.process(stage.number), world.process(stage.number));
        // Cut differently, overlapping, and to another process; and all of it twice.
        for offsets in [0..20, 10..60, 0..60, 60..i64::MAX] {
            pass(&one, &cut(&event, offsets)).await;
        }
        pass(&other, &event).await;
        assert!(deliver(&one, event.clone()).await.unwrap().is_complete());
    }
    world.assert_all_hold(300, "300 messages").await;
    assert_eq!(world.count("select count(*) from inputs1").await, 300);
    let mut last: BTreeMap<String, u32> = BTreeMap::new();
    for partition in 0..2 {
        for record in world.seen(&world.topic("finish"), partition) {
            let value: serde_json::Value = serde_json::from_str(&record.value).unwrap();
            let number = u32::try_from(value["numbers"][0].as_u64().unwrap()).unwrap();
            assert_eq!(record.key, format!("key-{}", number % 7));
            let before = last.insert(record.key.clone(), number);
            assert!(before.is_none_or(|before| before < number), "{}: {number} after {before:?}", record.key);
            assert_eq!(record.headers["traceparent"], "00-aa-bb-01");
            assert_eq!(record.headers["stage-times"].split(';').count(), 5);
            assert!(value["digest"].as_str().unwrap().starts_with("sha256:"));
        }
    }
    let (one, all) = ("select count(distinct message_id) from number_stages", "select count(*) from number_stages");
    assert_eq!((world.count(one).await, world.count(all).await), (300, 1_500));
    let progress = "select sum(records * 1000000 + duplicates)::bigint from number_progress";
    assert_eq!(world.count(progress).await, 1_500 * 1_000_000);
    world.end().await;
}

#[tokio::test]
async fn the_smallest_and_the_largest_messages_pass_all_stages() {
    let world = World::new().await;
    let numbers: Vec<String> = (0..COUNT).map(|number| number.to_string()).collect();
    let values = [
        "{\"numbers\": []}".to_owned(),
        "{\"numbers\": [7]}".to_owned(),
        format!("{{\"numbers\": [{}]}}", "7".repeat(DIGITS)),
        format!("{{\"numbers\": [{}]}}", numbers.join(",")),
        format!("{{\"numbers\": [{}]}}", vec!["901800900"; COUNT].join(",")),
    ];
    world.post("start", 1, &values.each_ref().map(String::as_str)).await;
    for stage in &STAGES {
        let event = world.event(&world.input_of(stage.number));
        let runner = world.process(stage.number);
        // Each may be as large as Lambda's payload.
        for offset in 0..5 {
            pass(&runner, &cut(&event, offset..offset + 1)).await;
        }
    }
    world.assert_all_hold(5, "the smallest and the largest").await;
    let finished = world.seen(&world.topic("finish"), 1);
    for (record, count) in finished.iter().zip([0, 1, 1, COUNT, COUNT]) {
        assert!(record.value.contains(&format!("\"summary\":{{\"count\":{count},")));
    }
    let lengths = "select count(*) from stage5 where length(input) > 1000000";
    assert_eq!(world.count(lengths).await, 2);
    world.end().await;
}

#[tokio::test]
async fn one_message_under_two_offsets_is_stored_and_published_once() {
    let world = World::new().await;
    let id = ("message-id", "01a0c450-6c00-8627-97d0-d289abcdb71e");
    for value in ["{\"numbers\":[1]}", "{\"numbers\":[2]}", "{\"numbers\":[1]}"] {
        world.post_with("start", value, &[id]).await;
    }
    world.post("start", 0, &["{\"numbers\":[3]}"]).await;
    let (event, runner) = (world.event(&world.input_of(1)), world.process(1));
    pass(&runner, &cut(&event, 0..2)).await;
    pass(&runner, &event).await;
    let outputs = world.seen(&world.output_of(1), 0);
    let values: Vec<&str> = outputs.iter().map(|record| record.value.as_str()).collect();
    assert_eq!(values, ["{\"numbers\":[1]}", "{\"numbers\":[3]}"], "the first one counts");
    assert_eq!(outputs[0].headers["message-id"], id.1);
    assert_eq!(world.count("select count(*) from stage1").await, 2);
    assert_eq!(world.count("select count(*) from inputs1 where input like '%[2]%'").await, 0);
    assert_eq!(world.count("select sum(duplicates)::bigint from number_progress").await, 2);
    world.end().await;
}

#[tokio::test]
async fn a_replay_is_counted_and_stored_apart_and_passes_on_its_attempt() {
    let world = World::new().await;
    world.post("start", 0, &["{\"numbers\":[6]}"]).await;
    for stage in 1..=5 {
        pass(&world.process(stage), &world.event(&world.input_of(stage))).await;
    }
    let first = world.seen(&world.topic("stage2"), 0).remove(0);
    let headers = [
        ("message-id", first.headers["message-id"].as_str()),
        ("attempt", "1"),
        ("submitted-at", &first.headers["submitted-at"]),
    ];
    for _ in 0..2 {
        world.post_with("stage2", &first.value, &headers).await;
    }
    for stage in 3..=5 {
        pass(&world.process(stage), &world.event(&world.input_of(stage))).await;
    }
    let attempts = "select count(distinct attempt) * 10 + count(*) from number_stages where stage = $";
    for (stage, expected) in [(1, 11), (2, 11), (3, 22), (4, 22), (5, 22)] {
        assert_eq!(world.count(&attempts.replace('$', &stage.to_string())).await, expected, "stage {stage}");
    }
    let finished = world.seen(&world.topic("finish"), 0);
    assert_eq!(finished.len(), 2);
    assert_eq!(finished[0].value, finished[1].value);
    assert_eq!((finished[0].headers.get("attempt"), finished[1].headers["attempt"].as_str()), (None, "1"));
    assert_eq!(world.count("select count(*) from inputs1").await, 1);
    world.end().await;
}
