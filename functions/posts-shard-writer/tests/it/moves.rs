//! What becomes of records while partitions move.

use crate::world::{World, five, number};

/// What a move leaves of partition 0: it is at shard 3, in epoch 2.
async fn move_partition_0(world: &World) {
    let row = "insert into posts_progress (topic, partition, next_offset, epoch) values ($1, 0, 2, 2)";
    sqlx::query(row).bind(&world.topic).execute(&world.shards[2].pool).await.unwrap();
    sqlx::query("update posts_shard_map set shard_id = 3, epoch = 2 where partition = 0")
        .execute(&world.master.pool)
        .await
        .unwrap();
    sqlx::query("update posts_progress set epoch = 2 where partition = 0")
        .execute(&world.shards[0].pool)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_writer_with_an_old_map_is_refused_and_finds_the_new_one() {
    let world = World::new().await;
    world.handle(world.records(0, 0, &five(0)[..2])).await;
    move_partition_0(&world).await;
    let batch = [world.records(0, 2, &five(0)[2..]), world.records(1, 0, &five(1))].concat();
    assert!(world.handle(batch).await.is_complete());
    assert_eq!(world.numbers("select count(*) from likes where partition = 0").await, [0, 0, 2]);
    assert_eq!(world.numbers("select count(*) from likes where partition = 1").await, [2, 0, 0]);
    let progress = "select next_offset from posts_progress where partition = 0";
    assert_eq!(number(&world.shards[2].pool, progress).await, 5);
    world.end().await;
}

#[tokio::test]
async fn a_partition_without_a_seat_is_begun_in_the_first_epoch_only() {
    let world = World::new().await;
    sqlx::query("update posts_shard_map set shard_id = 2, epoch = 2 where partition = 0")
        .execute(&world.master.pool)
        .await
        .unwrap();
    let response = world.handle([world.records(0, 0, &five(0)), world.records(16, 0, &five(16))].concat()).await;
    assert_eq!((response.failed_from(&world.topic, 0), response.failed_from(&world.topic, 16)), (Some(0), None));
    assert_eq!(world.numbers("select count(*) from posts").await, [0, 1, 0]);
    world.end().await;
}

#[tokio::test]
async fn a_frozen_partition_waits_and_its_neighbours_do_not() {
    let world = World::new().await;
    world.handle([world.records(0, 0, &five(0)[..2]), world.records(1, 0, &five(1)[..2])].concat()).await;
    let freeze = |frozen: bool| format!("update posts_progress set frozen = {frozen} where partition = 0");
    sqlx::query(&freeze(true)).execute(&world.shards[0].pool).await.unwrap();
    let batch = [world.records(0, 2, &five(0)[2..]), world.records(1, 2, &five(1)[2..])].concat();
    let response = world.handle(batch.clone()).await;
    assert_eq!((response.failed_from(&world.topic, 0), response.failed_from(&world.topic, 1)), (Some(2), None));
    assert_eq!(number(&world.master.pool, "select count(*) from posts_shard_breakers").await, 0, "nothing has failed");
    sqlx::query(&freeze(false)).execute(&world.shards[0].pool).await.unwrap();
    assert!(world.handle(batch).await.is_complete());
    assert_eq!((world.progress(0).await, world.progress(1).await), (Some(5), Some(5)));
    world.assert_counters_are_exact().await;
    world.end().await;
}
