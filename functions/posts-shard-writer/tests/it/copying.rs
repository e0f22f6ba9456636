//! Batches that are large enough to be copied, and what of them was there already.

use std::collections::BTreeSet;

use domain::posts::{Comment, Write};
use kit::crash;
use posts_shard_writer::POINTS;
use uuid::Uuid;

use crate::world::{World, comment, handle_by, id, like, number, post};

/// Rows that were not copied: a copy has a savepoint, so its rows are of another transaction than the progress.
const INSERTED: &str = "(select count(*) from likes where xmin in (select xmin from posts_progress))";

/// Posts, comments and likes, so many of each, numbered from `from` on.
fn many(from: usize, count: usize) -> Vec<Write> {
    (from..from + count)
        .flat_map(|n| [post(0, n), comment(0, n / 2, n), like(0, n / 2, 10_000 + n, &format!("user-{n}"))])
        .collect()
}

async fn counts(world: &World) -> (i64, i64, i64) {
    let rows = "select (select count(*) from posts) * 1000000 + (select count(*) from comments) * 1000
                       + (select count(*) from likes)";
    let rows = number(&world.shards[0].pool, rows).await;
    (rows / 1_000_000, rows / 1_000 % 1_000, rows % 1_000)
}

/// How many posts, comments and likes the last batch has inserted and not copied.
async fn inserted(world: &World) -> (i64, i64, i64) {
    let of = |table| format!("select {}", INSERTED.replace("likes", table));
    let pool = &world.shards[0].pool;
    (number(pool, &of("posts")).await, number(pool, &of("comments")).await, number(pool, &of("likes")).await)
}

/// As if the progress were lost: what is stored already is not known by its offset.
async fn forget_progress(world: &World) {
    sqlx::query("update posts_progress set next_offset = 0").execute(&world.shards[0].pool).await.unwrap();
}

#[tokio::test]
async fn what_is_new_is_copied_and_a_repetition_inside_the_batch_does_not_hinder_it() {
    let world = World::new().await;
    let mut writes = many(0, 20);
    let again = [post(0, 3), comment(0, 9, 3), like(0, 4, 10_004, "other"), like(0, 2, 555, "user-4")];
    writes.extend(again);
    assert!(world.handle(world.records(0, 0, &writes)).await.is_complete());
    assert_eq!((counts(&world).await, inserted(&world).await), ((20, 20, 20), (0, 0, 0)));
    let counted = "select records * 100 + duplicates from posts_progress";
    assert_eq!(number(&world.shards[0].pool, counted).await, 6_004);
    world.assert_counters_are_exact().await;
    world.end().await;
}

#[tokio::test]
async fn a_like_that_is_there_lets_the_likes_alone_be_inserted_for_some_batches() {
    let world = World::new().await;
    let mut offset = 0;
    for round in 0..20 {
        let mut writes = many(round * 20, 20);
        if round == 1 {
            writes.push(like(0, 2, 999, "user-4"));
        }
        assert!(world.handle(world.records(0, offset, &writes)).await.is_complete());
        offset += i64::try_from(writes.len()).unwrap();
        let expected = if (1..18).contains(&round) { (0, 0, 20) } else { (0, 0, 0) };
        assert_eq!(inserted(&world).await, expected, "batch {round}");
    }
    assert_eq!(counts(&world).await, (400, 400, 400));
    world.assert_counters_are_exact().await;
    world.end().await;
}

#[tokio::test]
async fn mixed_batches_delivered_twice_are_what_one_after_the_other_would_be() {
    let world = World::new().await;
    let (mut comments, mut likes, mut pairs) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut state = 7_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((state >> 33) % below).unwrap()
    };
    let mut writes = Vec::new();
    for n in 0..600 {
        let on = random(12);
        // Of later batches more is new; ids and users come again.
        let (n, user) = (if random(4) == 0 { random(600) } else { n }, random(60));
        if random(2) == 0 {
            writes.push(comment(0, on, n));
            comments.insert(id(0, n));
        } else {
            let write = like(0, on, n, &format!("user-{user}"));
            if !likes.contains(&id(0, n)) && pairs.insert((on, user)) {
                likes.insert(id(0, n));
            }
            writes.push(write);
        }
    }
    for _ in 0..2 {
        let mut offset = 0;
        for batch in writes.chunks(75) {
            assert!(world.handle(world.records(0, offset, batch)).await.is_complete());
            offset += i64::try_from(batch.len()).unwrap();
        }
        for (table, expected) in [("comments", &comments), ("likes", &likes)] {
            let query = format!("select id from {table} order by id");
            let found: Vec<Uuid> = sqlx::query_scalar(&query).fetch_all(&world.shards[0].pool).await.unwrap();
            let expected: Vec<Uuid> = expected.iter().map(|id| Uuid::from_bytes(id.to_bytes())).collect();
            assert_eq!(found, expected, "{table}");
        }
        world.assert_counters_are_exact().await;
        forget_progress(&world).await;
    }
    world.end().await;
}

#[tokio::test]
async fn text_is_kept_as_it_is() {
    let world = World::new().await;
    let texts =
        ["'", "\"", "\\", "\\N", "\\.", "a\nb\r\n\tc", "😀 ä\u{301}", "-- ;", "{\"a\":[1]}", "\u{1}", "end\n\\.\n"];
    // Twice, for so many rows that they are copied.
    let texts = texts.repeat(2);
    let user = |n: usize| format!("O'Hara\\ 😀 {n}");
    let write = |(n, text): (usize, &&str)| match comment(0, 0, n) {
        Write::Comment(before) => Write::Comment(Comment { content: (*text).to_owned(), user_id: user(n), ..before }),
        other => other,
    };
    let writes: Vec<Write> = texts.iter().enumerate().map(write).collect();
    let mut records = world.records(0, 0, &writes);
    let nul = String::from_utf8(writes[0].to_json()).unwrap().replace("\"content\":\"'\"", "\"content\":\"a\\u0000\"");
    records.push(world.record(0, 22, nul));
    assert!(world.handle(records).await.is_complete());
    let found: Vec<(String, String)> =
        sqlx::query_as("select content, user_id from comments where xmin not in (select xmin from posts_progress)")
            .fetch_all(&world.shards[0].pool)
            .await
            .unwrap();
    let expected = (0..).zip(texts).map(|(n, text)| (text.to_owned(), user(n))).collect();
    assert_eq!(BTreeSet::from_iter(found), expected);
    assert_eq!(world.dead_letters(1), [("content".to_owned(), "22".to_owned())]);
    world.end().await;
}

#[tokio::test]
async fn of_a_copy_that_the_database_refuses_each_write_is_tried() {
    let world = World::new().await;
    let shard = &world.shards[0].pool;
    sqlx::query("alter table comments add check (content not in ('comment 5', 'comment 11'))")
        .execute(shard)
        .await
        .unwrap();
    assert!(world.handle(world.records(0, 0, &[like(0, 0, 700, "user-1")])).await.is_complete());
    let writes = many(0, 20);
    for _ in 0..2 {
        assert!(world.handle(world.records(0, 1, &writes)).await.is_complete());
    }
    assert_eq!(counts(&world).await, (20, 18, 20));
    assert_eq!(world.dead_letters(2).len(), 2);
    let counted = "select records * 1000 + duplicates * 10 + dead_letters from posts_progress";
    assert_eq!(number(shard, counted).await, 58_012);
    world.assert_counters_are_exact().await;
    world.end().await;
}

#[tokio::test]
async fn whatever_the_writer_has_just_done_a_copied_batch_is_there_once() {
    for point in POINTS {
        let world = World::new().await;
        // One of the likes is there already, and one record is none.
        assert!(world.handle(world.records(0, 0, &[like(0, 1, 999, "user-3")])).await.is_complete());
        let mut records = world.records(0, 1, &many(0, 20));
        records.push(world.record(0, 61, "{"));
        let died = crash::at(point, world.handle(records.clone())).await;
        assert!(died.is_none(), "{point} is never reached");
        assert!(handle_by(&world.another_writer(), records).await.is_complete(), "{point}");
        assert_eq!((counts(&world).await, world.progress(0).await), ((20, 20, 20), Some(62)), "{point}");
        world.assert_counters_are_exact().await;
        world.end().await;
    }
}
