//! Shards that are added, and moves that are asked for. Who carries them out is tested with posts-rebalancer.

use serde_json::{Value as Json, json};

use crate::lambda;
use crate::support::{World, get, post};

fn body(event: &str) -> Json {
    let event: Json = serde_json::from_str(event).unwrap();
    serde_json::from_str(event["body"].as_str().unwrap()).unwrap()
}

fn fourth() -> Json {
    body(include_str!("../../../../events/posts-shards-api/new-shard.json"))
}

#[tokio::test]
async fn a_further_shard_is_noted_once() {
    let world = World::new().await;
    let (status, added) = post(&world.api, "/shards", fourth()).await;
    assert_eq!((status, &added["id"], &added["name"]), (201, &json!(4), &json!("shard-4")));
    assert_eq!(post(&world.api, "/shards", fourth()).await, (200, added), "the same again");
    let mut elsewhere = fourth();
    elsewhere["port"] = json!(5437);
    let mut by_another_name = fourth();
    by_another_name["name"] = json!("shard-5");
    for (shard, words) in [(elsewhere, "shard-4 is at"), (by_another_name, "shard-4 is at")] {
        let (status, problem) = post(&world.api, "/shards", shard).await;
        assert!(status == 409 && problem["detail"].as_str().unwrap().contains(words), "{problem}");
    }
    assert_eq!(world.get("/status").await["shards"].as_array().unwrap().len(), 4);
    world.drop().await;
}

#[tokio::test]
async fn a_shard_that_cannot_be_is_refused_with_the_field() {
    let world = World::new().await;
    for (field, value) in [
        ("name", json!("Shard 4")),
        ("name", json!("")),
        ("name", json!("x".repeat(51))),
        ("host", json!("/tmp")),
        ("host", json!("a b")),
        ("port", json!(0)),
        ("port", json!(65_536)),
        ("port", json!("5432")),
        ("database", json!("a\"b")),
        ("user", json!("postgres")),
        ("password", json!("secret")),
    ] {
        let mut shard = fourth();
        shard[field] = value;
        let (status, problem) = post(&world.api, "/shards", shard).await;
        assert_eq!((status, &problem["parameter"]), (400, &json!(field)), "{problem}");
    }
    assert_eq!(world.get("/status").await["shards"].as_array().unwrap().len(), 3);
    world.drop().await;
}

#[tokio::test]
async fn moves_are_recorded_and_the_rebalancer_is_woken() {
    let mut world = World::new().await;
    let (address, invoked) = lambda::start().await;
    world.lambda = address;
    let api = world.instance("127.0.0.1:1");
    let (status, begun) =
        post(&api, "/moves", body(include_str!("../../../../events/posts-shards-api/move-these.json"))).await;
    assert_eq!((status, &begun["open"]), (202, &json!(2)), "{begun}");
    let first = &begun["moves"][0];
    let told = (&first["partition"], &first["from"], &first["to"], &first["step"], &first["error"]);
    assert_eq!(told, (&json!(3), &json!("shard-1"), &json!("shard-2"), &json!("prepare"), &json!(null)));
    assert_eq!(*invoked.lock().unwrap(), [("posts-rebalancer".to_owned(), "Event".to_owned())]);

    let again = post(&api, "/moves", json!({"partitions": [4, 5], "to": "shard-3"})).await;
    assert_eq!((again.0, &again.1["detail"]), (409, &json!("partition 4 is moving already")));
    assert_eq!(post(&api, "/moves", json!({"balance": true})).await.0, 409, "it is not known where they will be");
    let (status, third) =
        post(&api, "/moves", body(include_str!("../../../../events/posts-shards-api/move-a-third.json"))).await;
    assert_eq!((status, third["moves"].as_array().unwrap().len(), &third["open"]), (202, 16, &json!(18)));
    assert!(third["moves"].as_array().unwrap().iter().all(|one| one["to"] == "shard-3" && one["from"] != "shard-3"));

    let all = get(&api, "/moves?limit=17").await.2;
    assert_eq!((all["moves"].as_array().unwrap().len(), &all["moves"][0]["id"]), (17, &json!(18)), "newest first");
    assert_eq!(get(&api, "/moves/1").await.2, *first);
    assert_eq!(invoked.lock().unwrap().len(), 2, "none for what was refused");
    world.drop().await;
}

#[tokio::test]
async fn what_is_as_it_should_be_moves_nothing_and_without_lambda_the_schedule_does() {
    let world = World::new().await;
    let (status, none) = post(&world.api, "/moves", json!({"balance": true})).await;
    assert_eq!((status, &none["moves"]), (200, &json!([])));
    assert_eq!(post(&world.api, "/moves", json!({"partitions": [0], "to": "shard-1"})).await.0, 200);
    post(&world.api, "/shards", fourth()).await;
    let (status, begun) =
        post(&world.api, "/moves", body(include_str!("../../../../events/posts-shards-api/balance.json"))).await;
    assert_eq!((status, begun["moves"].as_array().unwrap().len()), (202, 12), "a quarter goes to the fourth");
    world.drop().await;
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_named() {
    let world = World::new().await;
    let bad = body(include_str!("../../../../events/posts-shards-api/bad-move.json"));
    for (asked, field) in [
        (bad, "partitions[1]"),
        (json!({"to": "nobody", "count": 1}), "to"),
        (json!({"to": "shard-1"}), "partitions"),
        (json!([]), "body"),
    ] {
        let (status, problem) = post(&world.api, "/moves", asked).await;
        assert_eq!((status, &problem["parameter"]), (400, &json!(field)), "{problem}");
    }
    sqlx::query("update shard_metadata set is_active = false where id = 2").execute(&world.master.pool).await.unwrap();
    assert_eq!(post(&world.api, "/moves", json!({"to": "shard-2", "count": 1})).await.0, 409);
    for (path, status) in [("/moves/7", 404), ("/moves/x", 400), ("/moves/1?a=1", 400), ("/moves?limit=0", 400)] {
        assert_eq!(get(&world.api, path).await.0, status, "{path}");
    }
    assert_eq!(world.get("/moves").await, json!({"moves": [], "open": 0}));
    world.master.pool.close().await;
    for path in ["/moves", "/moves/1"] {
        assert_eq!(get(&world.api, path).await.0, 503, "{path}");
    }
    assert_eq!(post(&world.api, "/shards", fourth()).await.0, 503);
    assert_eq!(post(&world.api, "/moves", json!({"balance": true})).await.0, 503);
    world.drop().await;
}
