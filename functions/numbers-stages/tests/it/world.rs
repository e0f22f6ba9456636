//! A test's own topics and database, and what delivers records to a stage as Lambda does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::numbers::{STAGES, Stage};
use kafka::Message;
use kit::Invocation;
use kit::kafka::{BatchResponse, KafkaEvent, Record};
use numbers_stages::{Runner, handle};
use pg::testing::TestDatabase;
use rdkafka::Message as _;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Headers as _;
use rdkafka::{Offset, TopicPartitionList};
use uuid::Uuid;

/// Partitions of each topic.
pub(crate) const PARTITIONS: i32 = 2;

const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct World {
    pub(crate) database: TestDatabase,
    pub(crate) kafka: kafka::Config,
    pub(crate) producer: kafka::Producer,
    pub(crate) prefix: String,
    /// Kept: one takes 100 ms to end.
    consumer: BaseConsumer,
}

/// What of a record tests look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) headers: BTreeMap<String, String>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let servers = std::env::var("KAFKA_BOOTSTRAP_SERVERS").expect(
            "KAFKA_BOOTSTRAP_SERVERS is not set: run `make test`, or eval \"$(millrace env)\" of a running stack",
        );
        let kafka = kafka::Config::plaintext(servers);
        let prefix = format!("numbers-{}-", Uuid::new_v4());
        let config = BTreeMap::from([("max.message.bytes".to_owned(), "8388608".to_owned())]);
        let mut topics: Vec<String> = STAGES.iter().map(Stage::input_topic).collect();
        topics.push("finish".to_owned());
        for topic in &topics {
            let name = format!("{prefix}{topic}");
            kafka::admin::create_topic(&kafka, &name, PARTITIONS, &config).await.unwrap();
            kafka::admin::create_topic(&kafka, &format!("{name}.dlq"), 1, &config).await.unwrap();
        }
        let producer = kafka::Producer::new(&kafka).unwrap();
        let consumer = kafka
            .client()
            .set("group.id", "test")
            .set("enable.partition.eof", "true")
            .set("enable.auto.commit", "false")
            .set("fetch.wait.max.ms", "10")
            .create()
            .unwrap();
        Self { database: pg::testing::database().await, kafka, producer, prefix, consumer }
    }

    pub(crate) async fn end(self) {
        self.database.drop_database().await;
    }

    /// A process of a stage that has done nothing yet.
    pub(crate) fn process(&self, stage: u8) -> Runner {
        // Its own pool: a process keeps a session, for which the closing of a pool would wait.
        let database = pg::Config::new(kit::Secret::new(&self.database.url));
        let pool = pg::connect_lazy(&database).unwrap();
        Runner::new(Stage::of(stage).unwrap(), &self.prefix, pool, self.kafka.clone())
    }

    pub(crate) fn topic(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    pub(crate) fn input_of(&self, stage: u8) -> String {
        self.topic(&Stage::of(stage).unwrap().input_topic())
    }

    pub(crate) fn output_of(&self, stage: u8) -> String {
        self.topic(&Stage::of(stage).unwrap().output_topic())
    }

    /// Posts values into `topic`, as any tool does.
    pub(crate) async fn post(&self, topic: &str, partition: i32, values: &[&str]) {
        let message = |value: &&str| Message {
            topic: self.topic(topic),
            partition: Some(partition),
            value: Some(value.as_bytes().to_vec()),
            ..Message::default()
        };
        self.producer.send_all(values.iter().map(message).collect()).await.unwrap();
    }

    pub(crate) async fn post_with(&self, topic: &str, value: &str, headers: &[(&str, &str)]) {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        let (topic, value) = (self.topic(topic), Some(value.as_bytes().to_vec()));
        let message = Message { topic, partition: Some(0), value, headers, key: None };
        self.producer.send_all(vec![message]).await.unwrap();
    }

    /// All records of a topic, as the event that Lambda makes of them.
    pub(crate) fn event(&self, topic: &str) -> KafkaEvent {
        let mut records = Vec::new();
        for partition in 0..PARTITIONS {
            records.extend(self.records(topic, partition));
        }
        KafkaEvent::from_records(records)
    }

    pub(crate) fn records(&self, topic: &str, partition: i32) -> Vec<Record> {
        let mut wanted = TopicPartitionList::new();
        wanted.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
        let consumer = &self.consumer;
        consumer.assign(&wanted).unwrap();
        let (deadline, mut records) = (Instant::now() + PATIENCE, Vec::new());
        let shared: Arc<str> = topic.into();
        loop {
            assert!(Instant::now() < deadline, "{topic} cannot be read");
            match consumer.poll(Duration::from_millis(100)) {
                Some(Err(KafkaError::PartitionEOF(_))) => break,
                Some(Err(error)) => panic!("{topic}: {error}"),
                Some(Ok(message)) => records.push(Record {
                    topic: Arc::clone(&shared),
                    partition,
                    offset: message.offset(),
                    timestamp_ms: message.timestamp().to_millis().unwrap(),
                    key: message.key().map(<[u8]>::to_vec),
                    value: message.payload().map(<[u8]>::to_vec),
                    headers: message
                        .headers()
                        .into_iter()
                        .flat_map(|headers| headers.iter())
                        .map(|header| (header.key.to_owned(), header.value.unwrap().to_vec()))
                        .collect(),
                }),
                None => {}
            }
        }
        consumer.unassign().unwrap();
        records
    }

    pub(crate) fn seen(&self, topic: &str, partition: i32) -> Vec<Seen> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let seen = |record: Record| Seen {
            key: text(record.key.as_deref().unwrap_or_default()),
            value: text(record.value.as_deref().unwrap_or_default()),
            headers: record.headers.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
        };
        self.records(topic, partition).into_iter().map(seen).collect()
    }

    /// `error.rule` of the dead letters of a topic, with the values.
    pub(crate) fn letters(&self, topic: &str) -> Vec<(String, String)> {
        let letters = self.seen(&self.topic(&format!("{topic}.dlq")), 0);
        letters.into_iter().map(|letter| (letter.headers["error.rule"].clone(), letter.value)).collect()
    }

    pub(crate) async fn count(&self, query: &str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&self.database.pool).await.unwrap()
    }

    /// What each stage has, and what each topic has behind it: the same everywhere.
    pub(crate) async fn assert_all_hold(&self, count: usize, context: &str) {
        self.assert_hold(count, 0, context).await;
    }

    /// The same, with so many records beside them in all topics but the last.
    pub(crate) async fn assert_hold(&self, count: usize, bad: usize, context: &str) {
        for stage in &STAGES {
            let table = format!("select count(*) from stage{}", stage.number);
            assert_eq!(self.count(&table).await, count as i64, "{context}: table of stage {}", stage.number);
            let topic = self.output_of(stage.number);
            let bad = if stage.number == 5 { 0 } else { bad };
            assert_eq!(self.event(&topic).records.len(), count + bad, "{context}: {topic}");
        }
        let pending = "select count(*) from number_progress where pending is not null";
        assert_eq!(self.count(pending).await, 0, "{context}: something is pending");
        let unpublished = "select count(*) from number_batches where published_at is null";
        assert_eq!(self.count(unpublished).await, 0, "{context}: a batch is not known to be published");
    }
}

pub(crate) async fn deliver(runner: &Runner, event: KafkaEvent) -> anyhow::Result<BatchResponse> {
    handle(runner, event, &Invocation::for_test(Duration::from_secs(60))).await
}

/// Delivers until all of it is done, as Lambda does.
pub(crate) async fn pass(runner: &Runner, event: &KafkaEvent) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let delivered = deliver(runner, event.clone()).await;
        if delivered.as_ref().is_ok_and(BatchResponse::is_complete) {
            return;
        }
        assert!(Instant::now() < deadline, "not done in time: {delivered:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A part of an event: some of the records of each partition.
pub(crate) fn cut(event: &KafkaEvent, offsets: std::ops::Range<i64>) -> KafkaEvent {
    let records = event.records.iter().filter(|record| offsets.contains(&record.offset)).cloned();
    KafkaEvent::from_records(records.collect())
}
