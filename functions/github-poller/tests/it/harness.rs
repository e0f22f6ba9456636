//! One test's world: a simulator whose clock the test moves, a database of its own, topics of its own.

use axum::routing::get;
use chrono::{DateTime, Utc};
use github_poller::{Deps, Summary, config::Config, github, handle, token::Tokens};
use github_simulator::{config::Config as SimulatorConfig, fault::Fault, server::Simulator};
use kafka::Producer;
use kit::{Invocation, Secret};
use pg::testing::TestDatabase;
use rdkafka::Message as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// No poll begins later than this before an invocation's end. Together with the simulator's poll interval of a minute it
/// makes every invocation of [`World::poll`] poll exactly once.
const MARGIN: Duration = Duration::from_secs(30);
const ONE_POLL: Duration = Duration::from_secs(60);

pub(crate) struct World {
    pub(crate) deps: Deps,
    pub(crate) database: TestDatabase,
    kafka: kafka::Config,
    topic: String,
    milliseconds: Arc<AtomicI64>,
    api_url: String,
}

pub(crate) struct Record {
    pub(crate) key: Option<String>,
    pub(crate) value: String,
    pub(crate) rule: Option<String>,
}

impl World {
    /// A world whose feed gets 5 events a second, none of them late, and is renewed once a minute.
    pub(crate) async fn new() -> Self {
        Self::with(simulator_config(), None).await
    }

    pub(crate) async fn with(simulator: SimulatorConfig, token: Option<&str>) -> Self {
        let milliseconds = Arc::new(AtomicI64::new(1_790_000_040_000));
        let clock = Arc::clone(&milliseconds);
        let now = move || DateTime::from_timestamp_millis(clock.load(Ordering::SeqCst)).unwrap();
        let router = Simulator::new(simulator, Arc::new(now)).unwrap().router();
        Self::over(router, milliseconds, token).await
    }

    /// A world whose API answers every request with this body.
    pub(crate) async fn answering(body: &'static str) -> Self {
        let headers = [("x-poll-interval", "60"), ("etag", "\"same\"")];
        let router = axum::Router::new().route("/events", get(async move || (headers, body)));
        Self::over(router, Arc::default(), None).await
    }

    async fn over(router: axum::Router, milliseconds: Arc<AtomicI64>, token: Option<&str>) -> Self {
        let Ok(bootstrap) = std::env::var("KAFKA_BOOTSTRAP_SERVERS") else {
            panic!(
                "KAFKA_BOOTSTRAP_SERVERS is not set: run `make test`, or eval \"$(millrace env)\" of a running stack first"
            );
        };
        let database = pg::testing::database().await;
        let kafka = kafka::Config::plaintext(bootstrap);
        let topic = format!("poller-{}", uuid::Uuid::new_v4().simple());
        for name in [topic.clone(), format!("{topic}.dlq")] {
            kafka::admin::create_topic(&kafka, &name, 3, &BTreeMap::new()).await.unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api_url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let config = Config {
            api_url: api_url.clone(),
            token: token.map(Secret::new),
            stored_token: Some(format!("test/github-token-{}", uuid::Uuid::new_v4().simple())),
            topic: topic.clone(),
            stale_after: Duration::from_secs(600),
            margin: MARGIN,
        };
        let deps = Deps {
            github: github::Client::new(&config).unwrap(),
            tokens: Tokens::new(&config),
            config,
            producer: Producer::new(&kafka).unwrap(),
            pool: database.pool.clone(),
        };
        Self { deps, database, kafka, topic, milliseconds, api_url }
    }

    /// One invocation with one poll, as if the wait that the last one asked for were over.
    pub(crate) async fn poll(&self) -> Summary {
        self.try_poll().await.unwrap()
    }

    pub(crate) async fn try_poll(&self) -> anyhow::Result<Summary> {
        self.forget_wait().await;
        let summary = self.invoke(ONE_POLL).await?;
        assert_eq!(summary.counts.polls, 1);
        Ok(summary)
    }

    /// One invocation of the given length, with the event that the schedule sends.
    pub(crate) async fn invoke(&self, remaining: Duration) -> anyhow::Result<Summary> {
        let event = include_str!("../../../../events/github-poller/schedule.json");
        handle(&self.deps, serde_json::from_str(event).unwrap(), &Invocation::for_test(remaining)).await
    }

    async fn forget_wait(&self) {
        sqlx::query("update github_poller_state set next_poll_at = null").execute(&self.database.pool).await.unwrap();
    }

    /// Moves the simulator's clock.
    pub(crate) fn wait(&self, seconds: i64) {
        self.milliseconds.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }

    pub(crate) async fn fault(&self, fault: Value) {
        let parsed: Fault = serde_json::from_value(fault).unwrap();
        let url = format!("{}/_simulator/faults", self.api_url);
        let answer = reqwest::Client::new().post(url).json(&parsed).send().await.unwrap();
        assert!(answer.status().is_success());
    }

    pub(crate) async fn stats(&self) -> Value {
        reqwest::get(format!("{}/_simulator/stats", self.api_url)).await.unwrap().json().await.unwrap()
    }

    /// The state row as JSON.
    pub(crate) async fn state(&self) -> Value {
        let query = sqlx::query_scalar("select to_jsonb(s) from github_poller_state s");
        query.fetch_one(&self.database.pool).await.unwrap()
    }

    /// How long the state says to wait, from now.
    pub(crate) async fn due_in_seconds(&self) -> i64 {
        let query = sqlx::query_scalar("select next_poll_at from github_poller_state");
        let at: DateTime<Utc> = query.fetch_one(&self.database.pool).await.unwrap();
        (at - Utc::now()).num_seconds()
    }

    pub(crate) async fn events(&self) -> Vec<Record> {
        self.read(&self.topic).await
    }

    pub(crate) async fn dead_letters(&self) -> Vec<Record> {
        self.read(&format!("{}.dlq", self.topic)).await
    }

    /// Every record of a topic up to its present end.
    async fn read(&self, topic: &str) -> Vec<Record> {
        let ends = kafka::admin::partitions(&self.kafka, topic, "poller-test").await.unwrap();
        let expected: i64 = ends.iter().map(|partition| partition.high).sum();
        let mut client = self.kafka.client();
        client.set("group.id", "poller-test").set("auto.offset.reset", "earliest").set("enable.auto.commit", "false");
        let consumer: BaseConsumer = client.create().unwrap();
        let mut list = rdkafka::TopicPartitionList::new();
        for partition in &ends {
            list.add_partition_offset(topic, partition.partition, rdkafka::Offset::Beginning).unwrap();
        }
        consumer.assign(&list).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut records = Vec::new();
        while (records.len() as i64) < expected {
            assert!(Instant::now() < deadline, "{} of {expected} records of {topic}", records.len());
            if let Some(message) = consumer.poll(Duration::from_millis(100)) {
                records.push(record(&message.unwrap()));
            }
        }
        records
    }

    /// A topic that does not exist, so that nothing can be produced; [`World::mend_kafka`] ends that.
    pub(crate) async fn break_kafka(&mut self) {
        self.deps.config.topic = format!("{}-missing", self.topic);
    }

    pub(crate) fn mend_kafka(&mut self) {
        self.deps.config.topic.clone_from(&self.topic);
    }

    /// Removes what the test made. A failed test leaves it behind to look at.
    pub(crate) async fn end(self) {
        for name in [self.topic.clone(), format!("{}.dlq", self.topic)] {
            kafka::admin::delete_topic(&self.kafka, &name).await.unwrap();
        }
        drop(self.deps);
        self.database.drop_database().await;
    }
}

pub(crate) fn simulator_config() -> SimulatorConfig {
    SimulatorConfig { poll_interval: 60, late_per_mille: 0, ..SimulatorConfig::for_test() }
}

fn record(message: &rdkafka::message::BorrowedMessage<'_>) -> Record {
    use rdkafka::message::Headers as _;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let headers = message.headers();
    let rule = headers.and_then(|headers| headers.iter().find(|header| header.key == "error.rule"));
    Record {
        key: message.key().map(text),
        value: text(message.payload().unwrap()),
        rule: rule.and_then(|header| header.value).map(text),
    }
}

/// The ids of the events, each of which must be there once.
pub(crate) fn distinct_ids(records: &[Record]) -> HashSet<String> {
    let id = |record: &Record| {
        let event: Value = serde_json::from_str(&record.value).unwrap();
        event["id"].as_str().unwrap().to_owned()
    };
    let ids: HashSet<String> = records.iter().map(id).collect();
    assert_eq!(ids.len(), records.len(), "an event twice");
    ids
}

pub(crate) fn retry_after(kind: &str, seconds: u64) -> Value {
    json!({"kind": kind, "retry_after_seconds": seconds})
}
