//! The API over a real master, three real shards and a real topic.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod lambda;
mod moves;
mod support;

use serde_json::json;

use support::World;

#[tokio::test]
async fn each_shard_tells_what_it_has_and_how_far_it_is() {
    let world = World::new().await;
    world.produce(0, 5).await;
    world.produce(20, 2).await;
    world.progress(1, 0, 1, [3, 3, 1, 1]).await;
    world.post(1, 0).await;
    let status = world.get("/status").await;
    assert_eq!((&status["epoch"], &status["kafka"]), (&json!(1), &json!(true)));
    let first = &status["shards"][0];
    assert_eq!(
        (&first["shard"], &first["reachable"], &first["reason"]),
        (&json!("shard-1"), &json!(true), &json!(null))
    );
    assert_eq!(first["partitions"], json!((0..16).collect::<Vec<i32>>()));
    assert_eq!((&first["lag"], &first["outdated"], &first["active"]), (&json!(2), &json!([]), &json!(true)));
    assert_eq!(first["breaker"], json!({"state": "closed", "failures": 0, "open_until": null, "last_error": null}));
    assert_eq!((&status["shards"][1]["lag"], &status["shards"][2]["lag"]), (&json!(2), &json!(0)));
    let stats = world.get("/stats").await;
    let first = &stats["shards"][0];
    assert_eq!((&first["writes"], &first["duplicates"], &first["dead_letters"]), (&json!(1), &json!(1), &json!(1)));
    let partition =
        json!({"partition": 0, "shard": "shard-1", "epoch": 1, "next_offset": 3, "end_offset": 5, "lag": 2});
    assert_eq!((&stats["partitions"][0], stats["partitions"].as_array().unwrap().len()), (&partition, 48));
    assert_eq!((&stats["total"]["lag"], &stats["total"]["writes"]), (&json!(4), &json!(1)));
    assert_eq!(world.get("/health").await["status"], "healthy");
    world.drop().await;
}

#[tokio::test]
async fn a_shard_that_is_away_is_told_beside_the_others() {
    let world = World::new().await;
    world.lose(2).await;
    let breaker = "insert into posts_shard_breakers (shard_id, failures, open_until, last_error)
         values (2, 4, now() + interval '1 hour', 'connection refused')";
    sqlx::query(breaker).execute(&world.master.pool).await.unwrap();
    let health = world.get("/health").await;
    assert_eq!((&health["status"], &health["away"]), (&json!("degraded"), &json!(["shard-2"])));
    let shards = world.get("/status").await["shards"].clone();
    assert_eq!((&shards[1]["reachable"], &shards[1]["reason"]), (&json!(false), &json!("unreachable")));
    assert_eq!((&shards[1]["breaker"]["state"], &shards[1]["rows"]), (&json!("open"), &json!(null)));
    assert_eq!((&shards[0]["reachable"], &shards[2]["reachable"]), (&json!(true), &json!(true)));
    let stats = world.get("/stats").await;
    assert_eq!((&stats["total"]["lag"], &stats["shards"][0]["lag"]), (&json!(null), &json!(0)));
    world.drop().await;
}

#[tokio::test]
async fn without_kafka_no_lag_is_known_and_all_else_is() {
    let world = World::new().await;
    world.progress(1, 3, 1, [9, 9, 0, 0]).await;
    let api = world.instance("127.0.0.1:1");
    let status = support::get(&api, "/status").await.2;
    assert_eq!((&status["kafka"], &status["shards"][0]["lag"]), (&json!(false), &json!(null)));
    let stats = support::get(&api, "/stats").await.2;
    assert_eq!((&stats["partitions"][3]["next_offset"], &stats["partitions"][3]["lag"]), (&json!(9), &json!(null)));
    world.drop().await;
}

#[tokio::test]
async fn a_partition_on_its_way_is_named() {
    let world = World::new().await;
    world.progress(1, 5, 2, [9, 9, 0, 0]).await;
    world.progress(2, 5, 2, [9, 9, 0, 0]).await;
    assert_eq!(world.get("/status").await["shards"][0]["outdated"], json!([5]));
    let update = "update posts_shard_map set shard_id = 2, epoch = 2 where partition = 5";
    sqlx::query(update).execute(&world.master.pool).await.unwrap();
    let status = world.get("/status").await;
    assert_eq!(
        (&status["epoch"], &status["shards"][0]["outdated"]),
        (&json!(2), &json!([])),
        "as soon as it has moved"
    );
    assert_eq!(world.get("/stats").await["shards"][1]["writes"], json!(9));
    world.drop().await;
}

#[tokio::test]
async fn without_the_master_nothing_is_known_and_parameters_are_refused() {
    let world = World::new().await;
    for path in ["/health?a=1", "/status?verbose=1", "/stats?shard=1"] {
        let (status, _, body) = support::get(&world.api, path).await;
        assert_eq!((status, body["parameter"].is_string()), (400, true), "{path}");
    }
    let paths = world.get("/openapi.json").await["paths"].clone();
    assert!(["/health", "/status", "/stats"].iter().all(|path| paths[path].is_object()), "{paths}");
    world.master.pool.close().await;
    for path in ["/health", "/status", "/stats"] {
        let (status, headers, _) = support::get(&world.api, path).await;
        assert_eq!((status, &headers["retry-after"]), (503, &"1".parse().unwrap()), "{path}");
    }
    world.drop().await;
}
