//! What becomes of records while nothing fails.

use domain::posts::Write;
use kit::kafka::{KafkaEvent, Record};

use crate::world::{FIRST, World, comment, five, handle_by, id, like, number, post, post_in};

/// Five writes in the first partition of each shard.
fn batch(world: &World) -> Vec<Record> {
    FIRST.iter().flat_map(|partition| world.records(*partition, 0, &five(*partition))).collect()
}

#[tokio::test]
async fn a_batch_is_in_its_shards_and_the_same_batch_again_changes_nothing() {
    let world = World::new().await;
    for _ in 0..2 {
        assert!(world.handle(batch(&world)).await.is_complete());
        for (table, rows) in [("posts", 1), ("comments", 2), ("likes", 2), ("post_counters", 1)] {
            assert_eq!(world.numbers(&format!("select count(*) from {table}")).await, [rows; 3], "{table}");
        }
        assert_eq!(world.numbers("select comments + 10 * likes from post_counters").await, [22; 3]);
        assert_eq!(world.numbers("select records from posts_progress").await, [5; 3]);
        assert_eq!(world.progress(16).await, Some(5));
    }
    world.assert_counters_are_exact().await;
    let stored: (uuid::Uuid, String, String, i32) = sqlx::query_as("select id, user_id, content, partition from posts")
        .fetch_one(&world.shards[1].pool)
        .await
        .unwrap();
    let id = uuid::Uuid::from_bytes(post_in(16, 0).to_bytes());
    assert_eq!(stored, (id, "user-0".to_owned(), "post 0".to_owned(), 16));
    world.end().await;
}

#[tokio::test]
async fn the_sample_events_are_taken_twice() {
    let world = World::new().await;
    let sample = |text: &str| -> KafkaEvent {
        serde_json::from_str(&text.replace("\"posts-writes", &format!("\"{}", world.topic))).unwrap()
    };
    let batch = sample(include_str!("../../../../events/posts-shard-writer/batch.json"));
    let bad = sample(include_str!("../../../../events/posts-shard-writer/bad-records.json"));
    for _ in 0..2 {
        assert!(world.handle(batch.records.clone()).await.is_complete());
        assert!(world.handle(bad.records.clone()).await.is_complete());
    }
    let sum = |numbers: Vec<i64>| numbers.iter().sum::<i64>();
    assert_eq!(sum(world.numbers("select count(*) from posts").await), 2, "one of each event");
    assert_eq!(sum(world.numbers("select count(*) from likes").await), 1);
    let letters = world.dead_letters(4);
    let rules: Vec<&str> = letters.iter().map(|(rule, _)| rule.as_str()).collect();
    assert_eq!(rules, ["body", "content", "partition", "value"]);
    world.end().await;
}

#[tokio::test]
async fn a_like_is_unique_a_user_and_post_and_repetitions_are_counted() {
    let world = World::new().await;
    let writes = [
        post(0, 0),
        like(0, 0, 1, "bob"),
        like(0, 0, 2, "bob"),
        like(0, 1, 3, "bob"),
        comment(0, 0, 4),
        comment(0, 0, 4),
    ];
    world.handle(world.records(0, 0, &writes)).await;
    world.handle(world.records(0, 6, &writes)).await;
    let shard = &world.shards[0].pool;
    assert_eq!(number(shard, "select count(*) from likes").await, 2);
    assert_eq!(number(shard, "select sum(likes)::bigint from post_counters").await, 2);
    assert_eq!(number(shard, "select records * 100 + duplicates from posts_progress").await, 408);
    world.assert_counters_are_exact().await;
    world.end().await;
}

#[tokio::test]
async fn overlapping_batches_cut_differently_leave_each_write_once() {
    let world = World::new().await;
    let writes: Vec<Write> = (0..30).map(|n| comment(0, n % 3, n)).collect();
    for range in [0..10, 4..14, 0..5, 12..30] {
        let first = i64::try_from(range.start).unwrap();
        assert!(world.handle(world.records(0, first, &writes[range])).await.is_complete());
    }
    assert_eq!((world.numbers("select count(*) from comments").await[0], world.progress(0).await), (30, Some(30)));
    world.assert_counters_are_exact().await;
    world.end().await;
}

#[tokio::test]
async fn two_writers_at_once_store_each_write_once() {
    let world = World::new().await;
    let other = world.another_writer();
    for round in 0..8 {
        let of = |count: usize| {
            let writes = |partition: i32| {
                (0..count).map(move |n| comment(partition, n % 4, round * 100 + n)).collect::<Vec<_>>()
            };
            let first = i64::try_from(round * 20).unwrap();
            FIRST.iter().flat_map(|partition| world.records(*partition, first, &writes(*partition))).collect::<Vec<_>>()
        };
        let (a, b) = tokio::join!(world.handle(of(20)), handle_by(&other, of(15)));
        assert!(a.is_complete() && b.is_complete());
    }
    assert_eq!(world.numbers("select count(*) from comments").await, [160; 3]);
    assert_eq!(world.numbers("select next_offset from posts_progress").await, [160; 3]);
    world.assert_counters_are_exact().await;
    world.end().await;
}

#[tokio::test]
async fn a_topic_made_again_begins_at_0_and_its_former_records_do_not_move_its_progress() {
    let world = World::new().await;
    world.handle(world.records(0, 0, &five(0))).await;
    sqlx::query("update posts_progress set topic_id = 'the former', next_offset = 900")
        .execute(&world.shards[0].pool)
        .await
        .unwrap();
    // Offset 500 is not in the topic as it is now.
    assert!(world.handle(world.records(0, 500, &[comment(0, 0, 77)])).await.is_complete());
    assert_eq!(world.progress(0).await, Some(0));
    assert!(world.handle(world.records(0, 0, &[comment(0, 0, 78)])).await.is_complete());
    assert_eq!(world.progress(0).await, Some(1));
    let shard = &world.shards[0].pool;
    assert_eq!(number(shard, "select count(*) from comments").await, 4, "both are stored");
    assert_ne!(id(0, 77), id(0, 78));
    world.end().await;
}

#[tokio::test]
async fn records_behind_a_hole_move_the_progress_when_the_topic_has_them() {
    let world = World::new().await;
    let writes = five(0);
    let message = |write: &Write| kafka::Message {
        topic: world.topic.clone(),
        partition: Some(0),
        value: Some(write.to_json()),
        ..kafka::Message::default()
    };
    let producer = kafka::Producer::new(&world.kafka).unwrap();
    producer.send_all(writes.iter().map(message).collect()).await.unwrap();
    assert!(world.handle(world.records(0, 3, &writes[3..])).await.is_complete());
    assert_eq!((world.numbers("select count(*) from posts").await[0], world.progress(0).await), (0, Some(5)));
    world.end().await;
}
