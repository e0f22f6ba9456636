//! A master and three shards of a test's own, and a stand-in for the writer of the shards.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use chrono::{DateTime, Utc};
use domain::posts::{Id, Partition, ShardId, ShardMap, Token, partition_of};
use http_body_util::BodyExt;
use kit::Secret;
use pg::testing::{self, TestDatabase};
use posts_query_api::{Limits, Settings};
use serde_json::Value as Json;
use sqlx::types::Uuid;
use tower::ServiceExt;

/// Short, so that tests of what is away end soon.
const LIMITS: Limits = Limits {
    shard: Duration::from_millis(1_500),
    wait: Duration::from_millis(1_200),
    cache_entries: 100,
    cache_bytes: 1 << 20,
};

pub(crate) struct World {
    pub(crate) master: TestDatabase,
    pub(crate) shards: Vec<TestDatabase>,
    pub(crate) api: Router,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Json,
}

impl World {
    /// Three shards, 16 partitions each, as db-migrator leaves them.
    pub(crate) async fn new() -> Self {
        let master = testing::database().await;
        let mut shards = Vec::new();
        for number in 1..=3 {
            shards.push(testing::shard(number).await);
        }
        for (number, shard) in (1..).zip(&shards) {
            note(&master, number, shard).await;
        }
        for (partition, assignment) in ShardMap::first(&[1, 2, 3]).unwrap().iter() {
            let insert = sqlx::query("insert into posts_shard_map (partition, shard_id, epoch) values ($1, $2, $3)");
            let insert = insert.bind(partition.number()).bind(assignment.shard).bind(assignment.epoch);
            insert.execute(&master.pool).await.unwrap();
        }
        let api = api(&master, &shards);
        Self { master, shards, api }
    }

    /// Another instance of the API: it has seen nothing yet.
    pub(crate) fn instance(&self) -> Router {
        api(&self.master, &self.shards)
    }

    /// One more shard, without partitions.
    pub(crate) async fn add_shard(&mut self) -> ShardId {
        let shard = testing::shard(1).await;
        let id = ShardId::try_from(self.shards.len()).unwrap() + 1;
        note(&self.master, id, &shard).await;
        self.shards.push(shard);
        id
    }

    pub(crate) async fn drop(self) {
        self.master.drop_database().await;
        for shard in self.shards {
            shard.drop_database().await;
        }
    }

    pub(crate) fn shard(&self, shard: ShardId) -> &TestDatabase {
        &self.shards[usize::try_from(shard).unwrap() - 1]
    }

    pub(crate) async fn shard_of(&self, partition: Partition) -> ShardId {
        let query = sqlx::query_scalar("select shard_id from posts_shard_map where partition = $1");
        query.bind(partition.number()).fetch_one(&self.master.pool).await.unwrap()
    }

    /// The shard cannot be reached from now on, for whoever reads the map anew.
    pub(crate) async fn lose(&self, shard: ShardId) {
        let update = sqlx::query("update shard_metadata set host = '127.0.0.1', port = 1 where id = $1");
        update.bind(shard).execute(&self.master.pool).await.unwrap();
    }

    /// The shard is where it was.
    pub(crate) async fn find(&self, shard: ShardId) {
        let place = pg::Config::new(Secret::new(&self.shard(shard).url)).place().unwrap();
        let update = sqlx::query("update shard_metadata set host = $2, port = $3 where id = $1");
        let update = update.bind(shard).bind(place.host).bind(i32::from(place.port));
        update.execute(&self.master.pool).await.unwrap();
    }

    /// Stores a write as the writer does, in one transaction with the partition's progress.
    async fn store(&self, post: Id, statement: &str, bind: &[&str], at: DateTime<Utc>) -> Token {
        let partition = partition_of(post);
        let shard = self.shard(self.shard_of(partition).await);
        let mut transaction = shard.pool.begin().await.unwrap();
        let mut query =
            sqlx::query(statement).bind(Uuid::from_bytes(post.to_bytes())).bind(partition.number()).bind(at);
        for value in bind {
            query = query.bind(*value);
        }
        query.execute(&mut *transaction).await.unwrap();
        let progress = "insert into posts_progress as p (topic, partition, next_offset, epoch)
             values ('posts-writes', $1, 1, 1)
             on conflict (topic, partition) do update set next_offset = p.next_offset + 1 returning next_offset";
        let next: i64 =
            sqlx::query_scalar(progress).bind(partition.number()).fetch_one(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
        Token { partition, offset: next - 1 }
    }

    pub(crate) async fn post(&self, id: Id, user: &str, content: &str, at: DateTime<Utc>) -> Token {
        let insert = "insert into posts (id, partition, created_at, user_id, content) values ($1, $2, $3, $4, $5)";
        self.store(id, insert, &[user, content], at).await
    }

    pub(crate) async fn comment(&self, post: Id, user: &str, content: &str, at: DateTime<Utc>) -> Token {
        let insert = "with row as (insert into comments (post_id, partition, created_at, user_id, content)
                                   values ($1, $2, $3, $4, $5))
             insert into post_counters as c (post_id, partition, comments) values ($1, $2, 1)
             on conflict (post_id) do update set comments = c.comments + 1";
        self.store(post, insert, &[user, content], at).await
    }

    pub(crate) async fn like(&self, post: Id, user: &str, at: DateTime<Utc>) -> Token {
        let insert = "with row as (insert into likes (post_id, partition, created_at, user_id) values ($1, $2, $3, $4)
                                   on conflict do nothing returning 1)
             insert into post_counters as c (post_id, partition, likes) values ($1, $2, (select count(*) from row))
             on conflict (post_id) do update set likes = c.likes + excluded.likes";
        self.store(post, insert, &[user], at).await
    }

    /// Posts of users `u0`, `u1` ...; some of them have the same time. Newest first.
    pub(crate) async fn fill(&self, posts: u32, users: u32) -> Vec<(DateTime<Utc>, Id, String)> {
        let mut all = Vec::new();
        for n in 0..posts {
            let at = DateTime::from_timestamp_micros(1_795_000_000_000_000 + i64::from(n / 3)).unwrap();
            let (id, user) = (Id::v8(&[b"post", &n.to_be_bytes()]), format!("u{}", n % users));
            self.post(id, &user, &format!("post {n}"), at).await;
            all.push((at, id, user));
        }
        all.sort_by_key(|post| std::cmp::Reverse((post.0, post.1)));
        all
    }

    pub(crate) async fn get(&self, path: &str) -> Json {
        let answer = get(&self.api, path, &[]).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }
}

async fn note(master: &TestDatabase, id: ShardId, shard: &TestDatabase) {
    let place = pg::Config::new(Secret::new(&shard.url)).place().unwrap();
    let insert = "insert into shard_metadata (id, shard_name, host, port, database_name) values ($1, $2, $3, $4, $5)";
    let insert = sqlx::query(insert).bind(id).bind(format!("shard-{id}"));
    let insert = insert.bind(place.host).bind(i32::from(place.port)).bind(place.database);
    insert.execute(&master.pool).await.unwrap();
}

fn api(master: &TestDatabase, shards: &[TestDatabase]) -> Router {
    let credentials: BTreeMap<String, pg::Config> = (1..)
        .zip(shards)
        .map(|(number, shard)| (format!("shard-{number}"), pg::Config::new(Secret::new(&shard.url))))
        .collect();
    let settings = Settings { cursor_key: Secret::new("the test's key"), limits: LIMITS };
    kit::http::with_fallbacks(posts_query_api::router(master.pool.clone(), credentials, settings))
}

/// The answer of an instance; what is none of the API's own shape fails the test.
pub(crate) async fn get(api: &Router, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = api.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    if status >= 400 {
        assert_eq!(headers["content-type"], "application/problem+json", "{path}");
    }
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Answer { status, headers, body: serde_json::from_slice(&body).unwrap() }
}

/// The ids of a list.
pub(crate) fn ids(list: &Json) -> Vec<String> {
    list.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}
