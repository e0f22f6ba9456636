//! What becomes of records while something fails.

use std::time::{Duration, Instant};

use crate::world::{FIRST, World, comment, five, handle_by, like, number, post};

#[tokio::test]
async fn a_shard_that_is_away_fails_its_own_partitions_from_their_first_offset_and_no_others() {
    let world = World::new().await;
    let before: Vec<_> = FIRST.iter().flat_map(|partition| world.records(*partition, 0, &five(*partition))).collect();
    world.handle(before).await;
    for away in 0..3 {
        world.proxies[away].close().await;
        let round = 100 * (away + 1);
        let first = i64::try_from(5 + 3 * away).unwrap();
        let writes = |partition: i32| (0..3).map(|n| comment(partition, 0, round + n)).collect::<Vec<_>>();
        let batch: Vec<_> =
            FIRST.iter().flat_map(|partition| world.records(*partition, first, &writes(*partition))).collect();
        let response = world.handle(batch.clone()).await;
        for (shard, partition) in FIRST.iter().enumerate() {
            let (failed, progress) = (response.failed_from(&world.topic, *partition), world.progress(*partition).await);
            let expected = if shard == away { (Some(first), Some(first)) } else { (None, Some(first + 3)) };
            assert_eq!((failed, progress), expected, "shard {} of {}", shard + 1, away + 1);
        }
        world.proxies[away].reopen().await;
        world.deliver_until_done(&batch).await;
    }
    assert_eq!(world.numbers("select count(*) from comments").await, [2 + 9; 3]);
    world.assert_counters_are_exact().await;
    world.end().await;
}

#[tokio::test]
async fn a_breaker_is_shared_opens_after_three_failures_and_closes_when_the_shard_is_back() {
    let world = World::new().await;
    let other = world.another_writer();
    world.proxies[1].close().await;
    for _ in 0..3 {
        assert!(!world.handle(world.records(16, 0, &five(16))).await.is_complete());
    }
    let master = &world.master.pool;
    let open =
        "select count(*) from posts_shard_breakers where shard_id = 2 and open_until > now() and last_error <> ''";
    assert_eq!(number(master, open).await, 1);
    sqlx::query("update posts_shard_breakers set open_until = now() + interval '1 hour'")
        .execute(master)
        .await
        .unwrap();
    world.proxies[1].reopen().await;
    let began = Instant::now();
    let batch = || [world.records(0, 0, &five(0)), world.records(16, 0, &five(16))].concat();
    let response = handle_by(&other, batch()).await;
    assert_eq!(response.failed_from(&world.topic, 16), Some(0), "the other instance does not ask it either");
    assert!(response.failed_from(&world.topic, 0).is_none() && began.elapsed() < Duration::from_secs(5));
    assert_eq!(number(&world.shards[1].pool, "select count(*) from posts_progress").await, 0);

    // The pause is over, and somebody else is trying.
    let probe = "update posts_shard_breakers set open_until = now(), probe_until = now() + interval '1 hour'";
    sqlx::query(probe).execute(master).await.unwrap();
    assert!(!world.handle(batch()).await.is_complete());
    sqlx::query("update posts_shard_breakers set probe_until = now()").execute(master).await.unwrap();
    assert!(world.handle(batch()).await.is_complete());
    let closed =
        "select count(*) from posts_shard_breakers where failures = 0 and open_until is null and probe_until is null";
    assert_eq!(number(master, closed).await, 1);
    world.end().await;
}

#[tokio::test]
async fn a_shard_that_fails_half_way_keeps_nothing_of_the_batch_and_takes_it_later() {
    let world = World::new().await;
    let batch: Vec<_> = FIRST.iter().flat_map(|partition| world.records(*partition, 0, &five(*partition))).collect();
    let shard = &world.shards[2].pool;
    // Posts and comments are inserted when the likes fail; the progress is not there to be moved.
    for (break_it, mend_it) in [
        ("alter table likes rename to away", "alter table away rename to likes"),
        ("alter table posts_progress rename records to away", "alter table posts_progress rename away to records"),
    ] {
        sqlx::query(break_it).execute(shard).await.unwrap();
        let response = world.handle(batch.clone()).await;
        assert_eq!(response.failed_from(&world.topic, 32), Some(0));
        assert_eq!((response.failed_from(&world.topic, 0), response.failed_from(&world.topic, 16)), (None, None));
        assert_eq!(number(shard, "select count(*) from posts").await, 0);
        sqlx::query(mend_it).execute(shard).await.unwrap();
    }
    world.deliver_until_done(&batch).await;
    for table in ["comments", "likes"] {
        assert_eq!(world.numbers(&format!("select count(*) from {table}")).await, [2; 3]);
    }
    world.assert_counters_are_exact().await;
    world.end().await;
}

#[tokio::test]
async fn connections_that_end_in_the_middle_lose_and_double_nothing() {
    let world = World::new().await;
    let writes: Vec<_> = (0..1_600)
        .map(|n| if n % 2 == 0 { comment(0, n % 7, n) } else { like(0, n % 7, n, &format!("u{n}")) })
        .collect();
    let batches: Vec<_> = writes
        .chunks(40)
        .enumerate()
        .map(|(at, part)| world.records(0, i64::try_from(at * 40).unwrap(), part))
        .collect();
    let cut = async {
        let deadline = Instant::now() + Duration::from_millis(1_500);
        while Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(37)).await;
            world.proxies[0].close().await;
            world.proxies[0].reopen().await;
        }
    };
    let deliver = async {
        for batch in &batches {
            world.deliver_until_done(batch).await;
        }
    };
    tokio::join!(cut, deliver);
    assert_eq!((world.numbers("select count(*) from comments").await[0], world.progress(0).await), (800, Some(1_600)));
    assert_eq!(world.numbers("select count(*) from likes").await[0], 800);
    world.assert_counters_are_exact().await;
    world.end().await;
}

#[tokio::test]
async fn with_the_master_away_the_last_map_is_used() {
    let world = World::new().await;
    assert!(world.handle(world.records(0, 0, &five(0))).await.is_complete());
    world.master.pool.close().await;
    let batch = [world.records(0, 5, &[post(0, 1)]), world.records(32, 0, &five(32))].concat();
    assert!(world.handle(batch).await.is_complete());
    assert_eq!(world.numbers("select count(*) from posts").await, [2, 0, 1]);
    world.end().await;
}

#[tokio::test]
async fn what_the_database_refuses_is_a_dead_letter_and_the_rest_is_stored() {
    let world = World::new().await;
    sqlx::query("alter table comments add check (content <> 'comment 1')")
        .execute(&world.shards[0].pool)
        .await
        .unwrap();
    let batch = world.records(0, 0, &five(0));
    for _ in 0..2 {
        assert!(world.handle(batch.clone()).await.is_complete());
    }
    assert_eq!(world.dead_letters(1), [("database".to_owned(), "1".to_owned())]);
    let counts = "select records * 100 + duplicates * 10 + dead_letters from posts_progress";
    assert_eq!(
        (world.numbers("select count(*) from comments").await[0], number(&world.shards[0].pool, counts).await),
        (1, 401)
    );
    world.assert_counters_are_exact().await;
    world.end().await;
}
