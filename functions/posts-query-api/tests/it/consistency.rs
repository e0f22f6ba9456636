//! Read-your-writes, and a cache that no write gets past.

use chrono::Utc;
use domain::posts::{Id, Token, partition_of};
use serde_json::json;

use crate::support::{World, get};

const TOKEN: &str = "x-consistency-token";

#[tokio::test]
async fn a_write_that_is_on_its_way_is_waited_for() {
    let world = World::new().await;
    let id = Id::v8(&[b"mine"]);
    let token = Token { partition: partition_of(id), offset: 0 }.to_string();
    for path in [format!("/api/posts/{id}"), "/api/posts?limit=1".to_owned(), "/api/users/u/stats".to_owned()] {
        let answer = get(&world.api, &path, &[(TOKEN, &token)]).await;
        assert_eq!((answer.status, &answer.headers["retry-after"]), (503, &"1".parse().unwrap()), "{}", answer.body);
        assert!(answer.body["detail"].as_str().unwrap().contains(&token), "{}", answer.body);
    }
    let (path, headers) = (format!("/api/posts/{id}"), [(TOKEN, token.as_str())]);
    let (answer, stored) = tokio::join!(get(&world.api, &path, &headers), world.post(id, "u", "mine", Utc::now()));
    assert_eq!((answer.status, &answer.body["content"]), (200, &json!("mine")), "{}", answer.body);
    assert_eq!(stored.to_string(), token);
    world.drop().await;
}

#[tokio::test]
async fn a_write_in_another_partition_is_not_waited_for() {
    let world = World::new().await;
    let id = Id::v8(&[b"mine"]);
    world.post(id, "u", "mine", Utc::now()).await;
    let other = (partition_of(id).number() + 1) % 48;
    let token = format!("posts-writes-{other}-1000000");
    let answer = get(&world.api, &format!("/api/posts/{id}"), &[(TOKEN, &token)]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    world.drop().await;
}

#[tokio::test]
async fn a_write_at_a_shard_that_is_away_is_503() {
    let world = World::new().await;
    let token = world.post(Id::v8(&[b"mine"]), "u", "mine", Utc::now()).await;
    world.lose(world.shard_of(token.partition).await).await;
    let api = world.instance();
    for _ in 0..2 {
        let answer = get(&api, "/api/posts", &[(TOKEN, &token.to_string())]).await;
        assert_eq!(answer.status, 503, "a part of the answer cannot hold it: {}", answer.body);
    }
    world.drop().await;
}

#[tokio::test]
async fn an_answer_is_kept_until_something_is_written_to_its_partitions() {
    let world = World::new().await;
    let id = Id::v8(&[b"p"]);
    world.post(id, "u", "first", Utc::now()).await;
    let (post, list) = (format!("/api/posts/{id}"), "/api/posts?limit=5");
    for path in [&post, list] {
        world.get(path).await;
    }
    // Behind the writer's back: nothing that moves the progress.
    let shard = world.shard(world.shard_of(partition_of(id)).await);
    sqlx::query("update posts set content = 'changed'").execute(&shard.pool).await.unwrap();
    assert_eq!(world.get(&post).await["content"], "first", "the kept answer");
    assert_eq!(world.get(list).await["posts"][0]["content"], "first", "the kept answer");
    world.like(id, "bob", Utc::now()).await;
    assert_eq!(world.get(&post).await["content"], "changed");
    assert_eq!(world.get(list).await["posts"][0]["likes_count"], 1);
    world.drop().await;
}

#[tokio::test]
async fn every_write_is_in_the_next_answer_that_asks_for_it() {
    let world = World::new().await;
    for n in 0..40_u32 {
        let id = Id::v8(&[&n.to_be_bytes()]);
        let token = world.post(id, "u", &format!("post {n}"), Utc::now()).await.to_string();
        let answer = get(&world.api, "/api/posts?limit=1", &[(TOKEN, &token)]).await;
        assert_eq!(answer.body["posts"][0]["id"], json!(id), "{}", answer.body);
        let stats = get(&world.api, "/api/users/u/stats", &[(TOKEN, &token)]).await;
        assert_eq!(stats.body["posts"], json!(n + 1));
    }
    world.drop().await;
}
