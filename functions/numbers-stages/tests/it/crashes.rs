//! A stage dies at each of its crash points; another process goes on.

use std::time::{Duration, Instant};

use domain::numbers::Stage;
use kafka::Message;
use kit::crash;
use kit::kafka::KafkaEvent;
use numbers_stages::POINTS;

use crate::world::{World, cut, deliver, pass};

/// Good messages in both partitions of `start`.
async fn fill(world: &World) {
    for partition in 0..2 {
        let values: Vec<String> = (0..20).map(|number| format!("{{\"numbers\":[{partition},{number}]}}")).collect();
        world.post("start", partition, &values.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
}

// A test a point, so that they run beside each other; the pattern in each says that none is left out.

#[tokio::test]
async fn a_stage_that_dies_behind_its_dead_letters_leaves_each_message_once() {
    let [dead_letters_sent, _, _, _] = POINTS;
    die_at(dead_letters_sent).await;
}

#[tokio::test]
async fn a_stage_that_dies_between_storing_and_publishing_leaves_each_message_once() {
    let [_, stored, _, _] = POINTS;
    die_at(stored).await;
}

#[tokio::test]
async fn a_stage_that_dies_when_it_has_published_leaves_each_message_once() {
    let [_, _, published, _] = POINTS;
    die_at(published).await;
}

#[tokio::test]
async fn a_stage_that_dies_before_its_answer_leaves_each_message_once() {
    let [_, _, _, marked] = POINTS;
    die_at(marked).await;
}

/// At this point each of the five stages dies, twice; another process goes on.
async fn die_at(point: &'static str) {
    let world = World::new().await;
    fill(&world).await;
    for stage in 1..=5 {
        // Behind them comes one that is no message.
        world.post(&Stage::of(stage).unwrap().input_topic(), 0, &["no message"]).await;
        let event = world.event(&world.input_of(stage));
        let context = format!("{point} of stage {stage}");
        // The process has done something before, and what comes again is cut differently.
        let process = world.process(stage);
        pass(&process, &cut(&event, 0..1)).await;
        let died = crash::at(point, deliver(&process, cut(&event, 0..12))).await;
        assert_eq!(died.is_none(), point != "stage.dead-letters-sent", "{context}");
        pass(&world.process(stage), &cut(&event, 0..15)).await;
        let died = crash::at(point, deliver(&world.process(stage), event.clone())).await;
        assert!(died.is_none(), "{context}, a new process");
        pass(&world.process(stage), &event).await;
    }
    world.assert_hold(40, 1, point).await;
    for topic in ["start", "stage1", "stage2", "stage3", "stage4"] {
        let letters = world.letters(topic);
        assert!((1..=2).contains(&letters.len()), "{point}: {} letters of {topic}", letters.len());
        assert!(letters.iter().all(|(rule, value)| rule == "json" && value == "no message"), "{point}");
    }
    world.end().await;
}

#[tokio::test]
async fn of_a_batch_that_is_published_in_part_the_rest_is_published() {
    let world = World::new().await;
    let values: Vec<String> = (0..6).map(|number| format!("{{\"numbers\":[{number}]}}")).collect();
    world.post("start", 0, &values.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let event = world.event(&world.input_of(1));
    pass(&world.process(1), &cut(&event, 0..1)).await;
    assert!(crash::at("stage.stored", deliver(&world.process(1), event.clone())).await.is_none());
    // What the dead process has got through: the first two of the five.
    let stored: Vec<(uuid::Uuid, String)> =
        sqlx::query_as("select message_id, output from stage1 order by \"offset\" offset 1 limit 2")
            .fetch_all(&world.database.pool)
            .await
            .unwrap();
    let messages = stored.into_iter().map(|(id, output)| Message {
        topic: world.output_of(1),
        partition: Some(0),
        value: Some(output.into_bytes()),
        headers: vec![("message-id".to_owned(), id.to_string().into_bytes())],
        key: None,
    });
    world.producer.send_all(messages.collect()).await.unwrap();
    pass(&world.process(1), &event).await;
    let outputs: Vec<String> = world.seen(&world.output_of(1), 0).into_iter().map(|record| record.value).collect();
    assert_eq!(outputs, values);
    world.end().await;
}

#[tokio::test]
async fn two_writers_of_the_same_partitions_leave_each_message_once() {
    let world = World::new().await;
    let (one, other) = (world.process(1), world.process(1));
    for round in 0..6 {
        let values: Vec<String> = (0..10).map(|number| format!("{{\"numbers\":[{round},{number}]}}")).collect();
        for partition in 0..2 {
            world.post("start", partition, &values.iter().map(String::as_str).collect::<Vec<_>>()).await;
        }
        let event = world.event(&world.input_of(1));
        let shorter = cut(&event, 0..round * 10 + 7);
        tokio::join!(pass(&one, &event), pass(&other, &shorter));
    }
    assert_eq!(world.count("select count(*) from stage1").await, 120);
    assert_eq!(world.event(&world.output_of(1)).records.len(), 120);
    world.end().await;
}

#[tokio::test]
async fn a_partition_whose_owner_is_still_at_work_is_left_alone() {
    let world = World::new().await;
    world.post("start", 0, &["{\"numbers\":[1]}"]).await;
    world.post("start", 1, &["{\"numbers\":[2]}"]).await;
    let event = world.event(&world.input_of(1));
    // An owner that has stored and stands still before it publishes: its session is open.
    let mut owner = world.database.pool.acquire().await.unwrap();
    assert!(crash::at("stage.stored", deliver(&world.process(1), cut_partition(&event, 0))).await.is_none());
    let deadline = Instant::now() + Duration::from_secs(10);
    let key = loop {
        assert!(Instant::now() < deadline, "the dead one's session does not end");
        if let Some(key) = take_lock(&world, &mut owner).await {
            break key;
        }
    };
    let response = deliver(&world.process(1), event.clone()).await.unwrap();
    let topic = world.input_of(1);
    assert_eq!((response.failed_from(&topic, 0), response.failed_from(&topic, 1)), (Some(0), None));
    assert_eq!(world.records(&world.output_of(1), 0).len(), 0, "only its owner may publish");
    assert_eq!(world.records(&world.output_of(1), 1).len(), 1, "the other partition goes on");
    sqlx::query("select pg_advisory_unlock($1)").bind(key).execute(&mut *owner).await.unwrap();
    pass(&world.process(1), &event).await;
    assert_eq!(world.records(&world.output_of(1), 0).len(), 1);
    drop(owner);
    world.end().await;
}

fn cut_partition(event: &KafkaEvent, partition: i32) -> KafkaEvent {
    let records = event.records.iter().filter(|record| record.partition == partition).cloned();
    KafkaEvent::from_records(records.collect())
}

/// Takes the lock of the one partition that has progress.
async fn take_lock(world: &World, owner: &mut sqlx::PgConnection) -> Option<i64> {
    let (cluster_id, topic_id): (String, String) =
        sqlx::query_as("select cluster_id, topic_id from number_progress where partition = 0")
            .fetch_one(&world.database.pool)
            .await
            .unwrap();
    let key = numbers_stages::lock_of(1, &cluster_id, &topic_id, 0);
    let taken: bool = sqlx::query_scalar("select pg_try_advisory_lock($1)").bind(key).fetch_one(owner).await.unwrap();
    taken.then_some(key)
}
