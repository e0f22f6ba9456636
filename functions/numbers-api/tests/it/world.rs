//! Topics and a database of a test's own, and the API before them.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use axum::{Router, body::Body, http::Request};
use chrono::{DateTime, TimeDelta, Utc};
use domain::numbers::{STAGES, Tag};
use http_body_util::BodyExt;
use numbers_api::Topics;
use pg::testing::TestDatabase;
use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::Headers as _,
};
use serde_json::Value;
use tower::ServiceExt;
use uuid::Uuid;

/// Partitions of each topic.
const PARTITIONS: i32 = 2;

pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) database: TestDatabase,
    pub(crate) kafka: kafka::Config,
    pub(crate) prefix: String,
}

/// A record of a topic.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Vec<u8>,
    pub(crate) tag: Tag,
    pub(crate) headers: BTreeMap<String, String>,
}

pub(crate) fn broker() -> kafka::Config {
    let servers = std::env::var("KAFKA_BOOTSTRAP_SERVERS").unwrap_or_else(|_| {
        panic!("KAFKA_BOOTSTRAP_SERVERS is not set: run `make test`, or eval \"$(millrace env)\" of a running stack")
    });
    kafka::Config::plaintext(servers)
}

impl World {
    pub(crate) async fn new() -> Self {
        let (kafka, database) = (broker(), pg::testing::database().await);
        let prefix = format!("numbers-{}-", Uuid::new_v4().simple());
        let world = Self { router: Router::new(), database, kafka, prefix };
        for topic in world.topics() {
            kafka::admin::create_topic(&world.kafka, &topic, PARTITIONS, &BTreeMap::new()).await.unwrap();
        }
        Self { router: world.router_to(world.kafka.clone()), ..world }
    }

    fn topics(&self) -> Vec<String> {
        let read = STAGES.iter().map(|stage| self.topic(&stage.input_topic()));
        read.chain([self.topic("finish"), self.topic("start.dlq")]).collect()
    }

    pub(crate) fn topic(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The same API before another broker.
    pub(crate) fn router_to(&self, kafka: kafka::Config) -> Router {
        let topics = Topics { prefix: self.prefix.clone() };
        kit::http::with_fallbacks(numbers_api::router(topics, self.database.pool.clone(), kafka).unwrap())
    }

    pub(crate) async fn end(self) {
        for topic in self.topics() {
            kafka::admin::delete_topic(&self.kafka, &topic).await.unwrap();
        }
        self.database.drop_database().await;
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        send(&self.router, "GET", path, None, "").await
    }

    pub(crate) async fn post(&self, path: &str, key: Option<&str>, body: &str) -> (u16, Value) {
        send(&self.router, "POST", path, key, body.to_owned()).await
    }

    /// Stores what `stages` stages make of a message, as they do it: one batch a stage, the message at `offset` of
    /// partition 0, a millisecond's work each.
    pub(crate) async fn passed(
        &self,
        input: &str,
        key: Option<&str>,
        at: DateTime<Utc>,
        offset: i64,
        stages: usize,
    ) -> Uuid {
        let id = Uuid::now_v7();
        let mut value = input.to_owned();
        for stage in STAGES.iter().take(stages) {
            let number = i16::from(stage.number);
            let received = at + TimeDelta::milliseconds(i64::from(number) * 10);
            let batch = self.batch(number, &self.topic(&stage.input_topic()), offset, received).await;
            if number == 1 {
                let query =
                    "insert into inputs1 (message_id, input, submitted_at, partition, \"offset\", source, batch)
                             values ($1, $2, $3, 0, $4, 'test', $5)";
                let query = sqlx::query(query).bind(id).bind(&value).bind(at).bind(offset).bind(batch);
                query.execute(&self.database.pool).await.unwrap();
            }
            let output = stage.apply(value.as_bytes()).unwrap();
            let query =
                "insert into number_stages (stage, message_id, attempt, input, output, submitted_at, received_at,
                         started_at, finished_at, key, times, \"offset\", batch)
                         values ($1, $2, 0, $3, $4, $5, $6, $6, $6 + interval '1 ms', $7, '1:1,1,1', $8, $9)";
            let query = sqlx::query(query).bind(number).bind(id).bind(&value).bind(&output).bind(at).bind(received);
            let query = query.bind(key.map(str::as_bytes)).bind(offset).bind(batch);
            query.execute(&self.database.pool).await.unwrap();
            value = output;
        }
        id
    }

    async fn batch(&self, stage: i16, topic: &str, offset: i64, received: DateTime<Utc>) -> i64 {
        let identity = kafka::Identifier::new(&self.kafka).unwrap().identify(topic).await.unwrap();
        let progress = "insert into number_progress (stage, cluster_id, topic_id, partition, topic, next_offset)
                        values ($1, $2, $3, 0, $4, $5) on conflict (stage, cluster_id, topic_id, partition)
                        do update set next_offset = greatest(number_progress.next_offset, excluded.next_offset)";
        let progress = sqlx::query(progress).bind(stage).bind(&identity.cluster_id).bind(&identity.topic_id);
        progress.bind(topic).bind(offset + 1).execute(&self.database.pool).await.unwrap();
        let query = "insert into number_batches (stage, cluster_id, topic, topic_id, partition, first_offset, next_offset,
                     records, duplicates, dead_letters, out_topic, out_partition, out_from, received_at, published_at)
                     values ($1, $2, $3, $4, 0, $5, $5 + 1, 1, 0, 0, 'next', 0, 0, $6, $6 + interval '5 ms') returning id";
        let query =
            sqlx::query_scalar(query).bind(stage).bind(&identity.cluster_id).bind(topic).bind(&identity.topic_id);
        query.bind(offset).bind(received).fetch_one(&self.database.pool).await.unwrap()
    }

    /// Every record of a topic, as many as are expected, and not one more.
    pub(crate) fn records(&self, topic: &str, expected: usize) -> Vec<Record> {
        let topic = self.topic(topic);
        let consumer: BaseConsumer =
            self.kafka.client().set("group.id", "test").set("enable.auto.commit", "false").create().unwrap();
        let mut assigned = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            assigned.add_partition_offset(&topic, partition, Offset::Beginning).unwrap();
        }
        consumer.assign(&assigned).unwrap();
        let mut records = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(20);
        let ends = |partition| consumer.fetch_watermarks(&topic, partition, Duration::from_secs(10)).unwrap().1;
        assert_eq!((0..PARTITIONS).map(ends).sum::<i64>(), i64::try_from(expected).unwrap(), "records of {topic}");
        while records.len() < expected {
            assert!(Instant::now() < deadline, "only {} records came of {topic}", records.len());
            let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
            let message = message.unwrap();
            let pairs = message.headers().into_iter().flat_map(|headers| headers.iter());
            let pairs: Vec<(&str, &[u8])> =
                pairs.map(|header| (header.key, header.value.unwrap_or_default())).collect();
            records.push(Record {
                key: message.key().map(<[u8]>::to_vec),
                value: message.payload().unwrap_or_default().to_vec(),
                tag: Tag::read(pairs.iter().copied()).unwrap(),
                headers: pairs
                    .iter()
                    .map(|(n, v)| ((*n).to_owned(), String::from_utf8_lossy(v).into_owned()))
                    .collect(),
            });
        }
        records
    }
}

/// A request as a client sends it.
pub(crate) async fn send(
    router: &Router,
    method: &str,
    path: &str,
    key: Option<&str>,
    body: impl Into<Body>,
) -> (u16, Value) {
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let response = router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    if status >= 400 {
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{path}");
    }
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}
