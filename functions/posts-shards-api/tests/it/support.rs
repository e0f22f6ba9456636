//! A master, three shards and a topic of a test's own.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use domain::posts::ShardMap;
use http_body_util::BodyExt;
use kit::Secret;
use pg::testing::{self, TestDatabase};
use posts_shards_api::{Rebalancer, Watched};
use serde_json::Value as Json;
use tower::ServiceExt;
use uuid::Uuid;

pub(crate) struct World {
    pub(crate) master: TestDatabase,
    shards: Vec<TestDatabase>,
    kafka: kafka::Config,
    topic: String,
    /// Where Lambda is; nobody, unless a test says so.
    pub(crate) lambda: String,
    pub(crate) api: Router,
}

impl World {
    /// Three shards, 16 partitions each, and an empty topic.
    pub(crate) async fn new() -> Self {
        let servers = std::env::var("KAFKA_BOOTSTRAP_SERVERS")
            .expect("KAFKA_BOOTSTRAP_SERVERS is not set: run `make test`, or eval \"$(millrace env)\" first");
        let (kafka, topic) = (kafka::Config::plaintext(servers), format!("posts-{}", Uuid::new_v4()));
        kafka::admin::create_topic(&kafka, &topic, 48, &BTreeMap::new()).await.unwrap();
        let (master, mut shards) = (testing::database().await, Vec::new());
        for number in 1..=3 {
            let shard = testing::shard(usize::try_from(number).unwrap()).await;
            let place = pg::Config::new(Secret::new(&shard.url)).place().unwrap();
            let insert =
                "insert into shard_metadata (id, shard_name, host, port, database_name) values ($1, $2, $3, $4, $5)";
            let insert = sqlx::query(insert).bind(number).bind(format!("shard-{number}"));
            let insert = insert.bind(place.host).bind(i32::from(place.port)).bind(place.database);
            insert.execute(&master.pool).await.unwrap();
            shards.push(shard);
        }
        for (partition, assignment) in ShardMap::first(&[1, 2, 3]).unwrap().iter() {
            let insert = sqlx::query("insert into posts_shard_map (partition, shard_id, epoch) values ($1, $2, $3)");
            let insert = insert.bind(partition.number()).bind(assignment.shard).bind(assignment.epoch);
            insert.execute(&master.pool).await.unwrap();
        }
        // Ids were given above, and the next one is to be the fourth.
        let next = "select setval('shard_metadata_id_seq', 3)";
        sqlx::query(next).execute(&master.pool).await.unwrap();
        let lambda = "http://127.0.0.1:1".to_owned();
        let world = Self { master, shards, kafka, topic, lambda, api: Router::new() };
        Self { api: world.instance(&world.kafka.bootstrap_servers), ..world }
    }

    /// The API with a Kafka at this address.
    pub(crate) fn instance(&self, kafka: &str) -> Router {
        let config = |shard: &TestDatabase| pg::Config::new(Secret::new(&shard.url));
        let credentials = (1..).zip(&self.shards).map(|(number, shard)| (format!("shard-{number}"), config(shard)));
        let watched = Watched { topic: self.topic.clone(), ..Watched::default() };
        let (master, kafka) = (self.master.pool.clone(), kafka::Config::plaintext(kafka));
        let rebalancer = Rebalancer::new(&crate::lambda::at(&self.lambda), "posts-rebalancer".into());
        kit::http::with_fallbacks(posts_shards_api::router(master, credentials.collect(), kafka, watched, rebalancer))
    }

    pub(crate) async fn drop(self) {
        kafka::admin::delete_topic(&self.kafka, &self.topic).await.unwrap();
        self.master.drop_database().await;
        for shard in self.shards {
            shard.drop_database().await;
        }
    }

    /// The shard cannot be reached from now on.
    pub(crate) async fn lose(&self, shard: i32) {
        let update = sqlx::query("update shard_metadata set host = '127.0.0.1', port = 1 where id = $1");
        update.bind(shard).execute(&self.master.pool).await.unwrap();
    }

    pub(crate) async fn produce(&self, partition: i32, records: usize) {
        let message = |_| kafka::Message {
            topic: self.topic.clone(),
            partition: Some(partition),
            key: None,
            value: Some(b"{}".to_vec()),
            headers: Vec::new(),
        };
        let producer = kafka::Producer::new(&self.kafka).unwrap();
        producer.send_all((0..records).map(message).collect()).await.unwrap();
    }

    /// A shard's state of a partition: next offset, records, duplicates, dead letters.
    pub(crate) async fn progress(&self, shard: usize, partition: i32, epoch: i64, counts: [i64; 4]) {
        let mut insert = sqlx::query(
            "insert into posts_progress (topic, partition, epoch, next_offset, records, duplicates, dead_letters)
             values ('posts-writes', $1, $2, $3, $4, $5, $6)",
        )
        .bind(partition)
        .bind(epoch);
        for count in counts {
            insert = insert.bind(count);
        }
        insert.execute(&self.shards[shard - 1].pool).await.unwrap();
    }

    pub(crate) async fn post(&self, shard: usize, partition: i32) {
        let insert = sqlx::query("insert into posts (user_id, content, partition) values ('u', 'c', $1)");
        insert.bind(partition).execute(&self.shards[shard - 1].pool).await.unwrap();
    }

    pub(crate) async fn get(&self, path: &str) -> Json {
        let (status, _, body) = get(&self.api, path).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }
}

/// Status, headers and body of an instance's answer.
pub(crate) async fn get(api: &Router, path: &str) -> (u16, HeaderMap, Json) {
    answer(api, Request::get(path).body(Body::empty()).unwrap()).await
}

/// Status and body of the answer to some JSON.
pub(crate) async fn post(api: &Router, path: &str, json: Json) -> (u16, Json) {
    let request = Request::post(path).header("content-type", "application/json").body(json.to_string().into());
    let (status, _, body) = answer(api, request.unwrap()).await;
    (status, body)
}

async fn answer(api: &Router, request: Request<Body>) -> (u16, HeaderMap, Json) {
    let path = request.uri().to_string();
    let response = api.clone().oneshot(request).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    if status >= 400 {
        assert_eq!(headers["content-type"], "application/problem+json", "{path}");
    }
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, headers, serde_json::from_slice(&body).unwrap())
}
