//! The writer against real Kafka (`KAFKA_BOOTSTRAP_SERVERS`), Postgres (`DATABASE_URL`) and S3 (`AWS_ENDPOINT_URL`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod crashes;
mod recreated;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use github_lake_writer::GithubEvents;
use ingest::Writer;
use kit::Invocation;
use kit::kafka::{BatchResponse, KafkaEvent};
use lake::testing::in_world_of;
use lake::{Newest, Reader, Row, github};
use rdkafka::Message as _;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Headers;
use rdkafka::producer::{FutureProducer, FutureRecord};
use uuid::Uuid;

/// A test's own topic with its dead-letter topic, and a lake.
struct World {
    writer: Writer<GithubEvents>,
    lake: lake::testing::World,
    kafka: kafka::Config,
    topic: String,
    /// Milliseconds; each offset's record is one later.
    began: i64,
}

fn in_world<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    in_world_of(github::NAMESPACE, github::TABLE, &github::SCHEMA, async |lake| {
        test(World::new(lake).await).await;
    });
}

impl World {
    async fn new(lake: lake::testing::World) -> Self {
        let servers = std::env::var("KAFKA_BOOTSTRAP_SERVERS").unwrap_or_else(|_| {
            panic!(
                "KAFKA_BOOTSTRAP_SERVERS is not set: run `make test`, or eval \"$(millrace env)\" of a running stack"
            )
        });
        let kafka = kafka::Config::plaintext(servers);
        let topic = format!("events-{}", Uuid::new_v4());
        for (name, partitions) in [(topic.clone(), 3), (format!("{topic}.dlq"), 1)] {
            kafka::admin::create_topic(&kafka, &name, partitions, &BTreeMap::new()).await.unwrap();
        }
        let writer = Writer::new(GithubEvents, lake.lake.clone(), kafka.clone());
        let world = Self { writer, lake, kafka, topic, began: chrono::Utc::now().timestamp_millis() };
        world.publish(world.batch(0, 0..100)).await;
        world
    }

    /// Produces a batch's records: the broker has what will be delivered.
    async fn publish(&self, event: KafkaEvent) {
        let producer: FutureProducer = self.kafka.client().create().unwrap();
        for record in event.records {
            let message = FutureRecord::<[u8], [u8]>::to(&self.topic)
                .partition(record.partition)
                .timestamp(record.timestamp_ms)
                .payload(record.value.as_deref().unwrap());
            let delivery = producer.send(message, Duration::from_secs(10)).await.unwrap();
            assert_eq!((delivery.partition, delivery.offset), (record.partition, record.offset));
        }
    }

    /// A sample event, moved to this test's topic.
    fn sample(&self, json: &str) -> KafkaEvent {
        serde_json::from_str(&json.replace("\"github-events", &format!("\"{}", self.topic))).unwrap()
    }

    /// A batch of offsets of one partition. The topic has the first hundred of partition 0.
    fn batch(&self, partition: i32, offsets: impl IntoIterator<Item = i64>) -> KafkaEvent {
        self.batch_of(0, partition, offsets)
    }

    fn batch_of(&self, incarnation: u32, partition: i32, offsets: impl IntoIterator<Item = i64>) -> KafkaEvent {
        let records = offsets.into_iter().map(|offset| kit::kafka::Record {
            topic: self.topic.as_str().into(),
            partition,
            offset,
            timestamp_ms: self.began + offset,
            key: None,
            value: Some(event(incarnation, partition, offset).into_bytes()),
            headers: Vec::new(),
        });
        KafkaEvent::from_records(records.collect())
    }

    async fn handle(&self, event: KafkaEvent) -> anyhow::Result<BatchResponse> {
        self.writer.handle(event, &Invocation::for_test(Duration::from_secs(30))).await
    }

    async fn rows(&self) -> Vec<Arc<Row>> {
        let newest = Newest { since: i64::MIN, equal: None, limit: 10_000 };
        Reader::new(self.lake.lake.clone()).newest(&newest).await.unwrap()
    }

    /// `(partition, offset)` of all rows, sorted.
    async fn places(&self) -> Vec<(i64, i64)> {
        let place =
            |row: &Arc<Row>| (row.long(github::KAFKA_PARTITION).unwrap(), row.long(github::KAFKA_OFFSET).unwrap());
        let mut places: Vec<_> = self.rows().await.iter().map(place).collect();
        places.sort_unstable();
        places
    }

    /// The headers `error.rule` and `origin.offset`, and the value, of the dead letters; waits for `count` of them and
    /// sees that no more come.
    fn dead_letters(&self, count: usize) -> Vec<(String, String, Option<Vec<u8>>)> {
        let consumer: BaseConsumer = self
            .kafka
            .client()
            .set("group.id", format!("test-{}", Uuid::new_v4()))
            .set("auto.offset.reset", "earliest")
            .set("enable.partition.eof", "true")
            .create()
            .unwrap();
        consumer.subscribe(&[&format!("{}.dlq", self.topic)]).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut letters = Vec::new();
        loop {
            assert!(Instant::now() < deadline, "{} dead letters instead of {count}", letters.len());
            match consumer.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => {
                    let headers = message.headers().unwrap();
                    let header = |name: &str| {
                        let found = headers.iter().find(|header| header.key == name).unwrap();
                        String::from_utf8(found.value.unwrap().to_vec()).unwrap()
                    };
                    letters.push((
                        header("error.rule"),
                        header("origin.offset"),
                        message.payload().map(<[u8]>::to_vec),
                    ));
                }
                // The end of the partition.
                Some(Err(_)) if letters.len() >= count => return letters,
                _ => {}
            }
        }
    }
}

fn event(incarnation: u32, partition: i32, offset: i64) -> String {
    let second = offset % 60;
    format!(
        r#"{{"id":"{incarnation}-{partition}-{offset:06}","type":"PushEvent","actor":{{"id":1,"login":"ada"}},"repo":{{"id":2,"name":"a/b"}},"payload":{{"push_id":{offset}}},"public":true,"created_at":"2026-03-03T08:00:{second:02}Z"}}"#
    )
}

#[test]
fn a_batch_becomes_rows_with_all_their_columns() {
    in_world(|world| async move {
        let response =
            world.handle(world.sample(include_str!("../../../../events/github-lake-writer/batch.json"))).await;
        assert!(response.unwrap().is_complete());
        let rows = world.rows().await;
        assert_eq!(rows.len(), 3);
        let issue = &rows[0];
        assert_eq!(issue.text(github::ID), Some("55000000003"));
        assert_eq!(issue.text(github::TYPE), Some("IssuesEvent"));
        assert_eq!(issue.text(github::ACTION), Some("opened"));
        assert_eq!((issue.long(github::ACTOR_ID), issue.text(github::ACTOR_LOGIN)), (Some(1), Some("mojombo")));
        assert_eq!(
            (issue.long(github::REPO_ID), issue.text(github::REPO_NAME)),
            (Some(724_712), Some("rust-lang/rust"))
        );
        assert_eq!((issue.long(github::ORG_ID), issue.text(github::ORG_LOGIN)), (Some(5_430_905), Some("rust-lang")));
        assert_eq!(issue.bool(github::PUBLIC), Some(true));
        assert_eq!(issue.timestamp(github::CREATED_AT), Some(1_772_611_203_000_000));
        assert!(issue.text(github::PAYLOAD).unwrap().contains(r#"\u00e4 and \"quotes\" survive"#), "as it came");
        assert_eq!(issue.text(github::KAFKA_TOPIC), Some(world.topic.as_str()));
        assert_eq!(rows[2].text(github::ORG_LOGIN), None);
    });
}

#[test]
fn bad_records_become_dead_letters_and_the_same_event_twice_changes_nothing() {
    in_world(|world| async move {
        let sample = world.sample(include_str!("../../../../events/github-lake-writer/bad-records.json"));
        for _ in 0..2 {
            assert!(world.handle(sample.clone()).await.unwrap().is_complete());
        }
        assert_eq!(world.places().await, [(2, 0)]);
        let mut letters = world.dead_letters(4);
        letters.sort_by(|a, b| a.1.cmp(&b.1));
        let found: Vec<_> = letters.iter().map(|(rule, offset, _)| (rule.as_str(), offset.as_str())).collect();
        assert_eq!(found, [("json", "1"), ("required.id", "2"), ("created_at.parse", "3"), ("value", "4")]);
        assert_eq!(letters[0].2.as_deref(), Some(&br#"{"id":"5"#[..]), "the original bytes");
        assert_eq!(letters[3].2, None);
        let counted: (i64, i64) = sqlx::query_as("select records, dead_letters from lake_watermarks")
            .fetch_one(&world.lake.pool)
            .await
            .unwrap();
        assert_eq!(counted, (1, 4));
        let rules: Vec<(String, i64)> = sqlx::query_as("select rule, records from lake_rule_counts order by rule")
            .fetch_all(&world.lake.pool)
            .await
            .unwrap();
        let rules: Vec<_> = rules.iter().map(|(rule, count)| (rule.as_str(), *count)).collect();
        assert_eq!(rules, [("created_at.parse", 1), ("json", 1), ("required.id", 1), ("value", 1)]);
    });
}

#[test]
fn overlapping_batches_cut_differently_leave_each_record_once() {
    in_world(|world| async move {
        for range in [0..10, 4..14, 0..5, 12..30] {
            assert!(world.handle(world.batch(0, range)).await.unwrap().is_complete());
        }
        assert_eq!(world.places().await, (0..30).map(|offset| (0, offset)).collect::<Vec<_>>());
    });
}

#[test]
fn two_writers_with_the_same_records_leave_each_once() {
    in_world(|world| async move {
        for round in 0..5 {
            let first = round * 20;
            let (a, b) = (world.batch(0, first..first + 20), world.batch(0, first..first + 15));
            let (a, b) = tokio::join!(world.handle(a), world.handle(b));
            assert!(a.unwrap().is_complete() && b.unwrap().is_complete());
        }
        assert_eq!(world.places().await, (0..100).map(|offset| (0, offset)).collect::<Vec<_>>());
    });
}

#[test]
fn a_batch_that_fails_half_way_is_delivered_again_and_lands_once() {
    in_world(|world| async move {
        world.handle(world.batch(0, 0..5)).await.unwrap();
        world.lake.execute("alter table lake_segment_ranges rename to away").await;
        assert!(world.handle(world.batch(0, 5..10)).await.is_err(), "its object is stored, its registration fails");
        assert_eq!(world.places().await.len(), 5);
        world.lake.execute("alter table away rename to lake_segment_ranges").await;
        world.handle(world.batch(0, 5..10)).await.unwrap();
        assert_eq!(world.places().await, (0..10).map(|offset| (0, offset)).collect::<Vec<_>>());
    });
}

#[test]
fn a_topic_that_is_not_known_fails_its_own_partitions_only() {
    in_world(|world| async move {
        let mut event = world.batch(0, 0..3);
        let mut foreign = world.batch(1, 7..9);
        let unknown = format!("unknown-{}", Uuid::new_v4());
        for record in &mut foreign.records {
            record.topic = unknown.as_str().into();
        }
        assert!(world.handle(foreign.clone()).await.is_err(), "nothing of the batch can be done");
        event.records.extend(foreign.records);
        let response = world.handle(event).await.unwrap();
        assert_eq!(response.failed_from(&unknown, 1), Some(7));
        assert_eq!(response.failed_from(&world.topic, 0), None);
        assert_eq!(world.rows().await.len(), 3);
    });
}

#[test]
fn an_event_of_4_mb_is_a_row_and_a_larger_one_a_dead_letter_with_all_its_bytes() {
    in_world(|world| async move {
        let of_size = |offset, size: usize| {
            let event = event(0, 0, offset);
            let fill = size - event.len() - r#""fill":"","#.len();
            event.replace(r#""push_id""#, &format!(r#""fill":"{}","push_id""#, "x".repeat(fill)))
        };
        for (offset, size) in [(1, 4_000_000), (2, 4_400_000)] {
            let mut batch = world.batch(0, offset - 1..=offset);
            batch.records[1].value = Some(of_size(offset, size).into_bytes());
            assert!(world.handle(batch).await.unwrap().is_complete());
        }
        let letters = world.dead_letters(1);
        assert_eq!((letters[0].0.as_str(), letters[0].1.as_str()), ("size", "2"));
        assert!(letters[0].2.as_deref() == Some(of_size(2, 4_400_000).as_bytes()), "the original bytes");
        world.handle(world.batch(0, 3..5)).await.unwrap();
        assert_eq!(world.places().await, [(0, 0), (0, 1), (0, 3), (0, 4)]);
        world.lake.commit(&world.lake.committer().await).await;
        let row = Reader::new(world.lake.lake.clone()).by_key("0-0-000001").await.unwrap().unwrap();
        assert!(row.text(github::PAYLOAD).unwrap().len() > 3_999_000, "whole, also after a commit");
    });
}
