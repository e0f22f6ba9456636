//! A topic, a writer, a committer and the API of a test's own.

use std::collections::BTreeMap;
use std::future::Future;
use std::ops::Range;
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use chrono::{DateTime, Utc};
use github_streaming_api::{RepeatLimits, Watched};
use http_body_util::BodyExt;
use ingest::{Format, Rejection, Writer};
use kit::Invocation;
use kit::kafka::{KafkaEvent, Record};
use lake::testing::SCHEMA;
use lake::{RowKey, SegmentBuilder, Value};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::Value as Json;
use tower::ServiceExt;
use uuid::Uuid;

use crate::lambda::Lambda;

const GROUP: &str = "the-writers-group";

/// Records whose value is a number.
pub(crate) struct Numbers;

impl Format for Numbers {
    type Row<'a> = &'a str;

    const METRICS: &'static str = "Millrace/Test";

    fn read<'a>(&self, record: &'a Record, _: DateTime<Utc>) -> Result<&'a str, Rejection> {
        let text = std::str::from_utf8(record.value.as_deref().unwrap_or_default()).unwrap();
        match text.parse::<u64>() {
            Ok(_) => Ok(text),
            Err(_) if text.is_empty() => Err(Rejection { rule: "empty", reason: "nothing".to_owned() }),
            Err(error) => Err(Rejection { rule: "number", reason: error.to_string() }),
        }
    }

    fn key(&self, row: &&str) -> RowKey {
        RowKey::of(row.as_bytes())
    }

    fn time(&self, _: &&str) -> i64 {
        lake::testing::BEGIN
    }

    fn push(&self, row: &&str, _: &Record, _: DateTime<Utc>, segment: &mut SegmentBuilder) -> anyhow::Result<()> {
        let time = Value::Timestamp(lake::testing::BEGIN);
        segment.push(&[Value::Text(row), Value::Text("kind"), time, Value::Null, Value::Null])
    }
}

pub(crate) struct World {
    api: Router,
    writer: Writer<Numbers>,
    kafka: kafka::Config,
    pub(crate) lake: lake::testing::World,
    topic: String,
    pub(crate) lambda: Lambda,
    aws: SdkConfig,
}

pub(crate) fn in_world<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    lake::testing::in_world_of("test", "rows", &SCHEMA, async |lake| {
        test(World::new(lake).await).await;
    });
}

impl World {
    async fn new(lake: lake::testing::World) -> Self {
        let servers = std::env::var("KAFKA_BOOTSTRAP_SERVERS")
            .expect("KAFKA_BOOTSTRAP_SERVERS is not set: run `make test`, or eval \"$(millrace env)\" first");
        let kafka = kafka::Config::plaintext(servers);
        let topic = format!("events-{}", Uuid::new_v4());
        for (name, partitions) in [(topic.clone(), 3), (format!("{topic}.dlq"), 1)] {
            kafka::admin::create_topic(&kafka, &name, partitions, &BTreeMap::new()).await.unwrap();
        }
        let (lambda, aws) = Lambda::serve(&topic).await;
        let world = Self {
            api: Router::new(),
            writer: Writer::new(Numbers, lake.lake.clone(), kafka.clone()),
            kafka,
            lake,
            topic,
            lambda,
            aws,
        };
        Self { api: world.router(world.lake.pool.clone()), ..world }
    }

    fn router(&self, pool: sqlx::PgPool) -> Router {
        let (table, group, writer) = ("test.rows".into(), GROUP.into(), "the-writer".into());
        let watched = Watched { table, topic: self.topic.clone(), group, writer };
        let limits = RepeatLimits { hours: 24, ids: 20_000_000 };
        let router = github_streaming_api::router(watched, limits, pool, self.kafka.clone(), &self.aws);
        kit::http::with_fallbacks(router)
    }

    /// The same with a database that is not there.
    pub(crate) async fn without_postgres(&self) -> Self {
        let nobody = pg::Config::new(kit::Secret::new("postgres://postgres@127.0.0.1:1/none"));
        let (lake, kafka, topic) = (self.lake.clone(), self.kafka.clone(), self.topic.clone());
        let writer = Writer::new(Numbers, lake.lake.clone(), kafka.clone());
        let (lambda, aws) = (self.lambda.clone(), self.aws.clone());
        Self { api: self.router(pg::connect_lazy(&nobody).unwrap()), writer, kafka, lake, topic, lambda, aws }
    }

    /// The same with a broker that is not there.
    pub(crate) async fn without_kafka(&self) -> Self {
        let kafka = kafka::Config::plaintext("127.0.0.1:1");
        let writer = Writer::new(Numbers, self.lake.lake.clone(), kafka.clone());
        let (lambda, aws) = (self.lambda.clone(), self.aws.clone());
        let (lake, topic) = (self.lake.clone(), self.topic.clone());
        let world = Self { api: Router::new(), writer, kafka, lake, topic, lambda, aws };
        Self { api: world.router(world.lake.pool.clone()), ..world }
    }

    /// Sends records with these values.
    pub(crate) async fn produce(&self, partition: i32, values: &[&str]) {
        let message = |value: &&str| kafka::Message {
            topic: self.topic.clone(),
            partition: Some(partition),
            key: None,
            value: Some(value.as_bytes().to_vec()),
            headers: Vec::new(),
        };
        let producer = kafka::Producer::new(&self.kafka).unwrap();
        producer.send_all(values.iter().map(message).collect()).await.unwrap();
    }

    /// Hands these records of the topic to the writer, as its trigger does, and commits them for its group.
    pub(crate) async fn write(&self, partition: i32, offsets: Range<i64>) {
        let consumer: BaseConsumer = self.consumer();
        let mut assigned = TopicPartitionList::new();
        assigned.add_partition_offset(&self.topic, partition, Offset::Offset(offsets.start)).unwrap();
        consumer.assign(&assigned).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut records = Vec::new();
        while records.len() < usize::try_from(offsets.end - offsets.start).unwrap() {
            assert!(Instant::now() < deadline, "only {} records came", records.len());
            let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
            let message = message.unwrap();
            records.push(Record {
                topic: self.topic.as_str().into(),
                partition,
                offset: rdkafka::Message::offset(&message),
                // As Lambda has it: the writer compares records with what the broker has.
                timestamp_ms: rdkafka::Message::timestamp(&message).to_millis().unwrap(),
                key: None,
                value: rdkafka::Message::payload(&message).map(<[u8]>::to_vec),
                headers: Vec::new(),
            });
        }
        let event = KafkaEvent::from_records(records);
        let response = self.writer.handle(event, &Invocation::for_test(Duration::from_secs(30))).await.unwrap();
        assert!(response.is_complete());
        self.pass(partition, offsets.end).await;
    }

    /// The group goes on from `offset`, whatever became of what is before it.
    pub(crate) async fn pass(&self, partition: i32, offset: i64) {
        let mut offsets = TopicPartitionList::new();
        offsets.add_partition_offset(&self.topic, partition, Offset::Offset(offset)).unwrap();
        self.consumer().commit(&offsets, CommitMode::Sync).unwrap();
    }

    fn consumer(&self) -> BaseConsumer {
        self.kafka.client().set("group.id", GROUP).set("enable.auto.commit", "false").create().unwrap()
    }

    pub(crate) async fn commit(&self) {
        let committer = self.lake.committer().await;
        self.lake.commit(&committer).await;
    }

    /// Deletes the topic, and waits until the broker has.
    pub(crate) async fn delete_topic(&self) {
        kafka::admin::delete_topic(&self.kafka, &self.topic).await.unwrap();
        let identifier = kafka::Identifier::new(&self.kafka).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while identifier.identify(&self.topic).await.is_ok() {
            assert!(Instant::now() < deadline, "the topic is still there");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn make_topic_again(&self) {
        self.delete_topic().await;
        kafka::admin::create_topic(&self.kafka, &self.topic, 3, &BTreeMap::new()).await.unwrap();
    }

    pub(crate) async fn request(&self, method: &str, path: &str) -> (u16, Json) {
        self.send(method, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Option<Json>) -> Json {
        let (status, json) = self.send("POST", path, body.map(|body| body.to_string())).await;
        assert_eq!(status, 200, "{path}: {json}");
        json
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<String>) -> (u16, Json) {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let request = request.body(Body::from(body.unwrap_or_default())).unwrap();
        let response = self.api.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        if status >= 400 {
            assert_eq!(response.headers()["content-type"], "application/problem+json", "{path}");
        }
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> Json {
        let (status, json) = self.request("GET", path).await;
        assert_eq!(status, 200, "{path}: {json}");
        json
    }
}
