//! Messages that can never pass, and services that are away.

use domain::numbers::{COUNT, DIGITS};
use kit::kafka::KafkaEvent;

use crate::world::{World, cut, deliver, pass};

#[tokio::test]
async fn what_is_no_message_is_a_dead_letter_with_its_bytes_and_its_rule_and_the_rest_passes() {
    let world = World::new().await;
    let long = format!("{{\"numbers\":[{}]}}", "9".repeat(DIGITS + 1));
    let many = format!("{{\"numbers\":[{}]}}", vec!["1"; COUNT + 1].join(","));
    let large = format!("{{\"numbers\":[1]}}{}", " ".repeat(1_048_576));
    let bad = [
        ("json", "{\"numbers\":[1,"),
        ("numbers", "{\"numbers\":\"1,2\"}"),
        ("integer", "{\"numbers\":[1,\"two\",3]}"),
        ("integer", "{\"numbers\":[1.5]}"),
        ("fields", "{\"numbers\":[1],\"factors\":[]}"),
        ("digits", &long),
        ("count", &many),
        ("size", &large),
    ];
    world.post("start", 0, &["{\"numbers\":[1]}"]).await;
    world.post("start", 0, &bad.map(|(_, value)| value)).await;
    world.post_with("start", "{\"numbers\":[5]}", &[("message-id", "7")]).await;
    world.post_with("start", "{\"numbers\":[5]}", &[("attempt", "-1")]).await;
    world.post("start", 0, &["{\"numbers\":[2]}"]).await;
    let (event, runner) = (world.event(&world.input_of(1)), world.process(1));
    for _ in 0..2 {
        pass(&runner, &event).await;
    }
    pass(&world.process(1), &event).await;
    let mut expected: Vec<(String, String)> =
        bad.iter().map(|(rule, value)| ((*rule).to_owned(), (*value).to_owned())).collect();
    expected.push(("message-id".into(), "{\"numbers\":[5]}".into()));
    expected.push(("attempt".into(), "{\"numbers\":[5]}".into()));
    assert!(world.letters("start") == expected, "each once, whole, in order");
    let letter = world.seen(&world.topic("start.dlq"), 0).remove(2);
    assert_eq!(letter.headers["error.reason"], "number 1 is \"two\", expected an integer");
    assert_eq!((letter.headers["origin.offset"].as_str(), letter.headers["origin.partition"].as_str()), ("3", "0"));
    assert_eq!(world.seen(&world.output_of(1), 0).len(), 2);
    assert_eq!(world.count("select count(*) from stage1").await, 2);
    assert_eq!(world.count("select count(*) from inputs1").await, 2);
    assert_eq!(world.count("select dead_letters from number_progress").await, 10);
    world.end().await;
}

#[tokio::test]
async fn a_batch_of_nothing_but_dead_letters_is_done_too() {
    let world = World::new().await;
    world.post("stage1", 0, &["x", "y"]).await;
    let event = world.event(&world.input_of(2));
    for _ in 0..2 {
        pass(&world.process(2), &event).await;
    }
    assert_eq!(world.letters("stage1").len(), 2);
    assert_eq!(world.count("select next_offset from number_progress").await, 2);
    world.end().await;
}

#[tokio::test]
async fn records_of_a_topic_that_was_made_again_are_put_aside_and_the_new_ones_pass() {
    let world = World::new().await;
    world.post("start", 0, &["{\"numbers\":[1]}"]).await;
    let event = world.event(&world.input_of(1));
    let mut old = event.clone();
    for record in &mut old.records {
        record.offset += 50;
    }
    pass(&world.process(1), &old).await;
    assert_eq!(world.letters("start"), [("topic".to_owned(), "{\"numbers\":[1]}".to_owned())]);
    pass(&world.process(1), &event).await;
    assert_eq!(world.count("select count(*) from stage1").await, 1);
    world.end().await;
}

#[tokio::test]
async fn a_batch_that_fails_half_way_is_delivered_again_and_passes_once() {
    let world = World::new().await;
    world.post("start", 0, &["{\"numbers\":[1]}", "{\"numbers\":[2]}", "{\"numbers\":[3]}"]).await;
    let (event, runner) = (world.event(&world.input_of(1)), world.process(1));
    pass(&runner, &cut(&event, 0..1)).await;
    for table in ["number_progress", "number_batches", "inputs1", "number_stages"] {
        sqlx::query(&format!("alter table {table} rename to away")).execute(&world.database.pool).await.unwrap();
        assert!(deliver(&runner, event.clone()).await.is_err(), "{table}");
        sqlx::query(&format!("alter table away rename to {table}")).execute(&world.database.pool).await.unwrap();
    }
    assert_eq!(world.records(&world.output_of(1), 0).len(), 1);
    pass(&runner, &event).await;
    assert_eq!(world.records(&world.output_of(1), 0).len(), 3);
    assert_eq!(world.count("select count(*) from stage1").await, 3);
    world.end().await;
}

#[tokio::test]
async fn the_samples_are_events() {
    let world = World::new().await;
    let samples = [
        (1, include_str!("../../../../events/numbers-stage1/batch.json"), 2),
        (2, include_str!("../../../../events/numbers-stage2/batch.json"), 1),
        (3, include_str!("../../../../events/numbers-stage3/batch.json"), 1),
        (4, include_str!("../../../../events/numbers-stage4/batch.json"), 1),
        (5, include_str!("../../../../events/numbers-stage5/batch.json"), 1),
    ];
    for (stage, sample, count) in samples {
        let mut event: KafkaEvent = serde_json::from_str(sample).unwrap();
        for record in &mut event.records {
            record.topic = world.input_of(stage).into();
        }
        pass(&world.process(stage), &event).await;
        let outputs = world.seen(&world.output_of(stage), 0);
        assert_eq!(outputs.len(), count, "stage {stage}");
        let next = samples.iter().find(|(number, _, _)| *number == stage + 1);
        if let Some((_, next, _)) = next {
            let next: KafkaEvent = serde_json::from_str(next).unwrap();
            assert_eq!(next.records[0].value.as_deref(), Some(outputs[0].value.as_bytes()), "stage {stage}");
        }
    }
    world.end().await;
}
