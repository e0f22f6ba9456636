//! Shards that are away, slow, or come back; a master that is away.

use std::time::{Duration, Instant};

use domain::posts::partition_of;
use serde_json::json;

use crate::proxy::Proxy;
use crate::support::{World, get, ids};

#[tokio::test]
async fn each_shard_that_is_away_is_named_and_the_others_answer() {
    let world = World::new().await;
    let all = world.fill(60, 2).await;
    for lost in 1..=3 {
        let (mut there, mut gone) = (Vec::new(), Vec::new());
        for (_, id, user) in &all {
            let is_lost = world.shard_of(partition_of(*id)).await == lost;
            (if is_lost { &mut gone } else { &mut there }).push((id.to_string(), user));
        }
        world.lose(lost).await;
        let api = world.instance();
        for (path, user) in [("/api/posts?limit=100", None), ("/api/users/u1/posts?limit=100", Some("u1"))] {
            let answer = get(&api, path, &[]).await;
            assert_eq!((answer.status, &answer.body["partial"]), (200, &json!(true)), "{}", answer.body);
            let wanted = there.iter().filter(|(_, of)| user.is_none_or(|user| *of == user));
            assert_eq!(ids(&answer.body["posts"]), wanted.map(|(id, _)| id.clone()).collect::<Vec<_>>());
            let missing = answer.body["missing"].as_array().unwrap();
            assert_eq!((missing.len(), &missing[0]["shard"]), (1, &json!(format!("shard-{lost}"))));
            assert_eq!(missing[0]["partitions"].as_array().unwrap().len(), 16);
        }
        assert_eq!(get(&api, &format!("/api/posts/{}", there[0].0), &[]).await.status, 200);
        for path in [format!("/api/posts/{}", gone[0].0), format!("/api/posts/{}/comments", gone[0].0)] {
            let answer = get(&api, &path, &[]).await;
            assert_eq!((answer.status, &answer.headers["retry-after"]), (503, &"1".parse().unwrap()));
        }
        for path in ["/api/posts?partial=false", "/api/users/u1/stats?partial=false"] {
            let answer = get(&api, path, &[]).await;
            assert_eq!(answer.status, 503);
            assert!(answer.body["detail"].as_str().unwrap().contains(&format!("shard-{lost}")), "{}", answer.body);
        }
        let stats = get(&api, "/api/users/u1/stats", &[]).await.body;
        assert_eq!((&stats["partial"], stats["posts"].as_u64().unwrap() < 30), (&json!(true), true), "{stats}");
        assert_eq!(get(&api, "/health", &[]).await.body["status"], "degraded");
        world.find(lost).await;
    }
    world.drop().await;
}

#[tokio::test]
async fn a_shard_that_is_away_costs_its_deadline_once() {
    let world = World::new().await;
    world.fill(10, 1).await;
    world.lose(2).await;
    let api = world.instance();
    let first = get(&api, "/api/posts", &[]).await.body;
    assert_eq!(first["missing"][0]["reason"], "unreachable");
    let second = get(&api, "/api/posts", &[]).await.body;
    assert_eq!(second["missing"][0]["reason"], "resting", "it was asked again");
    assert_eq!(first["posts"], second["posts"]);
    world.drop().await;
}

#[tokio::test]
async fn a_slow_shard_holds_the_others_up_for_its_deadline_and_then_comes_back() {
    let world = World::new().await;
    let all = world.fill(30, 1).await;
    let mut lock = world.shard(3).pool.begin().await.unwrap();
    sqlx::query("lock table posts in access exclusive mode").execute(&mut *lock).await.unwrap();
    let began = Instant::now();
    let answer = world.get("/api/posts?limit=100").await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let missing = &answer["missing"][0];
    assert_eq!((&missing["shard"], &missing["reason"]), (&json!("shard-3"), &json!("slow")));
    assert!(answer["posts"].as_array().unwrap().len() < all.len());
    lock.rollback().await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let answer = world.get("/api/posts?limit=100").await;
        if answer["partial"] == json!(false) {
            assert_eq!(answer["posts"].as_array().unwrap().len(), all.len());
            break;
        }
        assert!(Instant::now() < deadline, "the shard does not come back: {answer}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    world.drop().await;
}

#[tokio::test]
async fn without_any_shard_or_a_map_there_is_no_answer() {
    let world = World::new().await;
    for shard in 1..=3 {
        world.lose(shard).await;
    }
    let api = world.instance();
    for path in ["/api/posts", "/api/users/u/stats", "/health"] {
        assert_eq!(get(&api, path, &[]).await.status, 503, "{path}");
    }
    sqlx::query("delete from posts_shard_map").execute(&world.master.pool).await.unwrap();
    let answer = get(&world.instance(), "/api/posts", &[]).await;
    assert_eq!((answer.status, &answer.headers["retry-after"]), (503, &"1".parse().unwrap()));
    world.drop().await;
}

#[tokio::test]
async fn a_master_that_is_away_takes_nothing_from_an_instance_that_knows_the_map() {
    let world = World::new().await;
    let all = world.fill(5, 1).await;
    world.get("/api/posts").await;
    world.master.pool.close().await;
    assert_eq!(ids(&world.get("/api/posts").await["posts"]).len(), all.len());
    world.drop().await;
}

#[tokio::test]
async fn a_shard_that_has_failed_over_silently_is_there_again_over_new_connections() {
    let world = World::new().await;
    let all = world.fill(20, 1).await;
    let place = pg::Config::new(kit::Secret::new(&world.shard(1).url)).place().unwrap();
    let proxy = Proxy::open(place.host, place.port).await;
    let update = sqlx::query("update shard_metadata set host = '127.0.0.1', port = $1 where id = 1");
    update.bind(i32::from(proxy.port)).execute(&world.master.pool).await.unwrap();
    let api = world.instance();
    // As many at once as an instance has connections, so that none is left that does not hang. No question comes twice: a
    // kept answer would do for it.
    let both = async |limit: u32| {
        let (posts, stats) = (format!("/api/posts?limit={limit}"), format!("/api/users/u{limit}/stats"));
        tokio::join!(get(&api, &posts, &[]), get(&api, &stats, &[]))
    };
    let (posts, stats) = both(1).await;
    assert_eq!((&posts.body["partial"], &stats.body["partial"]), (&json!(false), &json!(false)));
    // In the middle of both statements.
    let mut lock = world.shard(1).pool.begin().await.unwrap();
    sqlx::query("lock table posts in access exclusive mode").execute(&mut *lock).await.unwrap();
    let fail_over = async {
        let waiting =
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        let deadline = Instant::now() + Duration::from_secs(10);
        while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&world.shard(1).pool).await.unwrap() < 2 {
            assert!(Instant::now() < deadline, "the statements have not begun");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        proxy.fail_over();
    };
    let ((posts, stats), ()) = tokio::join!(both(2), fail_over);
    lock.rollback().await.unwrap();
    assert_eq!((&posts.body["partial"], &stats.body["partial"]), (&json!(true), &json!(true)));
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let answer = get(&api, "/api/posts?limit=100", &[]).await.body;
        if answer["partial"] == json!(false) {
            assert_eq!(answer["posts"].as_array().unwrap().len(), all.len());
            break;
        }
        assert!(Instant::now() < deadline, "the shard does not come back: {answer}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    world.drop().await;
}
