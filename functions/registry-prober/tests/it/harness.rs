//! A world for the prober: a database of its own, a topic, APIs that are well, ill or silent, and AWS's two answers.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use kit::Invocation;
use registry_prober::config::{Config, services};
use registry_prober::{Deps, Probes, Summary, handle};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// How long an API may take here.
const DEADLINE: Duration = Duration::from_millis(700);
/// Enough for one round, too little for a second one.
const ONE_ROUND: Duration = Duration::from_secs(15);

/// What AWS says, and how the API is.
#[derive(Default)]
pub(crate) struct Answers {
    pub(crate) mapping_enabled: bool,
    pub(crate) schedule_enabled: bool,
    pub(crate) ill: bool,
}

type Shared = (Arc<Mutex<Answers>>, String);

pub(crate) struct World {
    pub(crate) deps: Deps,
    pub(crate) database: pg::testing::TestDatabase,
    pub(crate) answers: Arc<Mutex<Answers>>,
    pub(crate) topic: String,
    kafka: kafka::Config,
}

impl World {
    /// Four services: an API, one that never answers, a Kafka function and a schedule's function.
    pub(crate) async fn new() -> Self {
        let Ok(bootstrap) = std::env::var("KAFKA_BOOTSTRAP_SERVERS") else {
            panic!("KAFKA_BOOTSTRAP_SERVERS is not set: run `make test`");
        };
        let database = pg::testing::database().await;
        let kafka = kafka::Config::plaintext(bootstrap);
        let topic = format!("prober-{}", uuid::Uuid::new_v4().simple());
        kafka::admin::create_topic(&kafka, &topic, 2, &BTreeMap::new()).await.unwrap();
        let answers = Answers { mapping_enabled: true, schedule_enabled: true, ill: false };
        let answers = Arc::new(Mutex::new(answers));
        let router = Router::new()
            .route("/well/health", get(health))
            .route("/silent/health", get(pending::<()>))
            .route("/2015-03-31/event-source-mappings", get(mappings))
            .route("/schedules/{name}", get(schedule))
            .with_state((Arc::clone(&answers), topic.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let list = json!({
            "an-api": {"http": format!("{url}/well")},
            "a-silent-api": {"http": format!("{url}/silent")},
            "a-writer": {"kafka": "AWriter"},
            "a-worker": {"schedule": "a-worker"},
        });
        let config = Config {
            services: services(&list.to_string()).unwrap(),
            interval: Duration::from_secs(10),
            deadline: DEADLINE,
            margin: Duration::from_secs(8),
        };
        let probes = Probes::new(&aws(&url), kafka.clone(), database.pool.clone()).unwrap();
        Self { deps: Deps { config, probes, pool: database.pool.clone() }, database, answers, topic, kafka }
    }

    /// One round, with the event that the schedule sends.
    pub(crate) async fn round(&self) -> Summary {
        self.invoke(ONE_ROUND).await.unwrap()
    }

    pub(crate) async fn invoke(&self, remaining: Duration) -> anyhow::Result<Summary> {
        let event = include_str!("../../../../events/registry-prober/schedule.json");
        handle(&self.deps, serde_json::from_str(event).unwrap(), &Invocation::for_test(remaining)).await
    }

    pub(crate) fn set(&self, change: impl FnOnce(&mut Answers)) {
        change(&mut self.answers.lock().unwrap());
    }

    /// The newest check of a service.
    pub(crate) async fn check(&self, name: &str) -> Value {
        let query = sqlx::query_scalar("select to_jsonb(c) from service_checks c where name = $1").bind(name);
        query.fetch_one(&self.database.pool).await.unwrap()
    }

    pub(crate) async fn count(&self, table: &str) -> i64 {
        sqlx::query_scalar(&format!("select count(*) from {table}")).fetch_one(&self.database.pool).await.unwrap()
    }

    pub(crate) async fn execute(&self, statement: &str) {
        sqlx::query(statement).execute(&self.database.pool).await.unwrap();
    }

    pub(crate) async fn produce(&self, records: usize) {
        let message = kafka::Message {
            topic: self.topic.clone(),
            partition: None,
            key: None,
            value: Some(b"value".to_vec()),
            headers: Vec::new(),
        };
        kafka::Producer::new(&self.kafka).unwrap().send_all(vec![message; records]).await.unwrap();
    }

    /// Commits, as the group of the trigger, up to the topic's end.
    pub(crate) async fn consume(&self) {
        use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
        let ends = kafka::admin::partitions(&self.kafka, &self.topic, "a-writer").await.unwrap();
        let mut client = self.kafka.client();
        let consumer: BaseConsumer = client.set("group.id", format!("group-{}", self.topic)).create().unwrap();
        let mut offsets = rdkafka::TopicPartitionList::new();
        for end in ends {
            let offset = rdkafka::Offset::Offset(end.high);
            offsets.add_partition_offset(&self.topic, end.partition, offset).unwrap();
        }
        consumer.commit(&offsets, CommitMode::Sync).unwrap();
    }

    /// Removes what the test made. A failed test leaves it behind to look at.
    pub(crate) async fn end(self) {
        kafka::admin::delete_topic(&self.kafka, &self.topic).await.unwrap();
        drop(self.deps);
        self.database.drop_database().await;
    }
}

async fn health(State((answers, _)): State<Shared>) -> (StatusCode, Json<Value>) {
    if answers.lock().unwrap().ill {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"detail": "Postgres does not answer"})));
    }
    (StatusCode::OK, Json(json!({"status": "healthy"})))
}

async fn mappings(State((answers, topic)): State<Shared>) -> Json<Value> {
    let state = if answers.lock().unwrap().mapping_enabled { "Enabled" } else { "Disabled" };
    Json(json!({"EventSourceMappings": [{
        "UUID": "0f0f0f0f-0000-0000-0000-000000000000", "State": state, "Topics": [topic],
        "SelfManagedKafkaEventSourceConfig": {"ConsumerGroupId": format!("group-{topic}")},
        "LastProcessingResult": "PROBLEM: Function call failed",
    }]}))
}

async fn schedule(State((answers, _)): State<Shared>, Path(name): Path<String>) -> Json<Value> {
    let state = if answers.lock().unwrap().schedule_enabled { "ENABLED" } else { "DISABLED" };
    Json(json!({"Name": name, "State": state, "ScheduleExpression": "rate(1 minute)"}))
}

fn aws(url: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
        .build()
}
