//! Partitions that move while they are read: each row once, from the shard that has its partition.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::posts::{Id, Token, partition_of};
use serde_json::json;
use sqlx::types::Uuid;

use crate::support::{World, get, ids};

impl World {
    /// What a move does first: the new shard has the rows too. The map is still the old one.
    async fn copy(&self, partition: i32, from: i32, to: i32) {
        let rows: Vec<(Uuid, String, String, DateTime<Utc>)> =
            sqlx::query_as("select id, user_id, content, created_at from posts where partition = $1")
                .bind(partition)
                .fetch_all(&self.shard(from).pool)
                .await
                .unwrap();
        for (id, user, content, at) in rows {
            let insert = "insert into posts (id, partition, user_id, content, created_at) values ($1, $2, $3, $4, $5)";
            let insert = sqlx::query(insert).bind(id).bind(partition).bind(user).bind(content).bind(at);
            insert.execute(&self.shard(to).pool).await.unwrap();
        }
    }

    /// What it does then: both shards know the new epoch. Whoever has the old map is wrong from now on.
    async fn fence(&self, partition: i32, from: i32, to: i32, epoch: i64) {
        let upsert =
            "insert into posts_progress (topic, partition, next_offset, epoch) values ('posts-writes', $1, 1, $2)
             on conflict (topic, partition) do update set epoch = $2";
        for shard in [from, to] {
            sqlx::query(upsert).bind(partition).bind(epoch).execute(&self.shard(shard).pool).await.unwrap();
        }
    }

    async fn switch(&self, partition: i32, to: i32, epoch: i64) {
        let update = sqlx::query("update posts_shard_map set shard_id = $2, epoch = $3 where partition = $1");
        update.bind(partition).bind(to).bind(epoch).execute(&self.master.pool).await.unwrap();
    }

    async fn clean(&self, partition: i32, shard: i32) {
        let delete = sqlx::query("delete from posts where partition = $1");
        delete.bind(partition).execute(&self.shard(shard).pool).await.unwrap();
    }
}

#[tokio::test]
async fn a_walk_meets_each_post_once_though_partitions_move_between_its_pages() {
    let world = World::new().await;
    let all = world.fill(90, 1).await;
    let partitions: BTreeSet<i32> = all.iter().map(|(_, id, _)| partition_of(*id).number()).collect();
    let mut moving: Vec<i32> = partitions.into_iter().filter(|partition| *partition < 16).collect();
    let (mut walked, mut cursor, mut epoch) = (Vec::new(), String::new(), 1);
    loop {
        let page = world.get(&format!("/api/posts?limit=9{cursor}")).await;
        assert_eq!(page["partial"], json!(false), "{page}");
        walked.extend(ids(&page["posts"]));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
        let Some(partition) = moving.pop() else { continue };
        epoch += 1;
        world.copy(partition, 1, 2).await;
        let rest = world.get(&format!("/api/posts?limit=100{cursor}")).await;
        assert_eq!(walked.len() + ids(&rest["posts"]).len(), all.len(), "what is copied does not count yet");
        world.fence(partition, 1, 2, epoch).await;
        world.switch(partition, 2, epoch).await;
        world.clean(partition, 1).await;
    }
    let expected: Vec<String> = all.iter().map(|(_, id, _)| id.to_string()).collect();
    assert_eq!(walked, expected);
    assert!(epoch > 5, "partitions have moved");
    world.drop().await;
}

#[tokio::test]
async fn a_partition_between_two_shards_is_named_and_the_rest_is_read() {
    let world = World::new().await;
    let all = world.fill(60, 1).await;
    let moving = all.iter().map(|(_, id, _)| *id).find(|id| partition_of(*id).number() < 16).unwrap();
    let partition = partition_of(moving).number();
    world.get("/api/posts").await;
    world.fence(partition, 1, 2, 2).await;
    let page = world.get("/api/posts?limit=100").await;
    assert_eq!(page["missing"], json!([{"shard": "shard-1", "partitions": [partition], "reason": "moving"}]));
    let rest = all.iter().filter(|(_, id, _)| partition_of(*id).number() != partition);
    assert_eq!(ids(&page["posts"]), rest.map(|(_, id, _)| id.to_string()).collect::<Vec<_>>());
    let answer = get(&world.api, &format!("/api/posts/{moving}"), &[]).await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    world.copy(partition, 1, 2).await;
    world.switch(partition, 2, 2).await;
    assert_eq!(ids(&world.get("/api/posts?limit=100").await["posts"]).len(), all.len());
    assert_eq!(world.get(&format!("/api/posts/{moving}")).await["id"], json!(moving));
    world.drop().await;
}

#[tokio::test]
async fn a_shard_that_is_added_is_read_by_instances_that_run() {
    let mut world = World::new().await;
    let all = world.fill(30, 1).await;
    world.get("/api/posts").await;
    let fourth = world.add_shard().await;
    let partition = partition_of(all[0].1);
    let (number, from) = (partition.number(), world.shard_of(partition).await);
    world.copy(number, from, fourth).await;
    world.fence(number, from, fourth, 2).await;
    world.switch(number, fourth, 2).await;
    world.clean(number, from).await;
    assert_eq!(ids(&world.get("/api/posts?limit=100").await["posts"]).len(), all.len());
    world.drop().await;
}

#[tokio::test]
async fn a_write_is_waited_for_where_its_partition_is_by_then() {
    let world = World::new().await;
    let id = Id::v8(&[b"mine"]);
    let partition = partition_of(id);
    let (number, from) = (partition.number(), world.shard_of(partition).await);
    world.get("/api/posts").await;
    let to = from % 3 + 1;
    let token = Token { partition, offset: 7 }.to_string();
    // The source is not told yet: to an instance with the old map all looks as before.
    let upsert = "insert into posts_progress (topic, partition, next_offset, epoch) values ('posts-writes', $1, 8, 2)";
    sqlx::query(upsert).bind(number).execute(&world.shard(to).pool).await.unwrap();
    world.switch(number, to, 2).await;
    let answer = get(&world.api, "/api/posts", &[("x-consistency-token", &token)]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    world.drop().await;
}
