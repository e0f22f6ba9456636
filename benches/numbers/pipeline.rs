//! Topics and a database of a measurement's own, and the runner with the five stages on them.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use anyhow::{bail, ensure};
use domain::numbers::{FINISH, STAGES, START};
use pg::testing::{self, TestDatabase};
use rdkafka::{
    error::{KafkaError, RDKafkaErrorCode},
    producer::{BaseProducer, BaseRecord},
};
use uuid::Uuid;

use crate::{
    durable,
    stack::Stack,
    topic::{self, PARTITIONS},
};

/// Where the messages go through.
pub(crate) struct Pipeline {
    pub(crate) kafka: kafka::Config,
    pub(crate) database: TestDatabase,
    prefix: String,
}

impl Pipeline {
    /// Empty topics, as the repository's template makes them, and empty tables.
    pub(crate) async fn new() -> anyhow::Result<Self> {
        let kafka = topic::cluster()?;
        let database = testing::database().await;
        durable::ensure_durable(&database.pool, "the master").await?;
        let pipeline = Self { kafka, database, prefix: format!("bench-{}-", Uuid::new_v4().simple()) };
        let config = BTreeMap::from([("max.message.bytes".to_owned(), "8388608".to_owned())]);
        for (topic, partitions) in pipeline.topics() {
            kafka::admin::create_topic(&pipeline.kafka, &topic, partitions, &config).await?;
        }
        Ok(pipeline)
    }

    fn topics(&self) -> Vec<(String, i32)> {
        let inputs = STAGES.iter().map(|stage| format!("{}{}", self.prefix, stage.input_topic()));
        let letters = inputs.clone().map(|topic| (format!("{topic}.dlq"), 1));
        inputs.chain([self.finish()]).map(|topic| (topic, PARTITIONS)).chain(letters).collect()
    }

    pub(crate) fn finish(&self) -> String {
        format!("{}{FINISH}", self.prefix)
    }

    /// Starts the runner.
    pub(crate) fn start(&self) -> anyhow::Result<Stack> {
        let folders: Vec<String> = STAGES.iter().map(|stage| format!("stage{}", stage.number)).collect();
        let programs: Vec<_> = folders.iter().map(|folder| (folder.as_str(), "numbers-stages")).collect();
        Stack::start(&self.template(), &programs, &[("DATABASE_URL".to_owned(), self.database.url.clone())], &[])
    }

    /// A producer that waits for nothing.
    pub(crate) fn producer(&self, linger_ms: &str) -> anyhow::Result<Producer> {
        Ok(Producer { inner: topic::producer(&self.kafka, linger_ms)?, topic: format!("{}{START}", self.prefix) })
    }

    /// Every stage's table and `finish` must hold exactly so many, each once; nothing is left half done or put aside.
    pub(crate) async fn ensure_exactly(&self, messages: u64) -> anyhow::Result<()> {
        let count = |query: String| async move {
            let count: i64 = sqlx::query_scalar(&query).fetch_one(&self.database.pool).await?;
            anyhow::Ok(count.cast_unsigned())
        };
        let tables = STAGES.iter().map(|stage| format!("stage{}", stage.number)).chain(["inputs1".to_owned()]);
        for table in tables {
            let rows = count(format!("select count(*) from {table}")).await?;
            ensure!(rows == messages, "{table} holds {rows} rows, expected {messages}");
            let distinct = count(format!("select count(distinct message_id) from {table}")).await?;
            ensure!(distinct == messages, "{table} holds {distinct} messages, expected {messages}");
        }
        let unpublished = count("select count(*) from number_batches where published_at is null".to_owned()).await?;
        ensure!(unpublished == 0, "{unpublished} batches are not known to be published");
        for (topic, _) in self.topics() {
            let expected = if topic.ends_with(".dlq") { 0 } else { messages.cast_signed() };
            let partitions = kafka::admin::partitions(&self.kafka, &topic, "bench").await?;
            let held: i64 = partitions.iter().map(|partition| partition.high).sum();
            ensure!(held == expected, "{topic} holds {held} records, expected {expected}");
        }
        Ok(())
    }

    pub(crate) async fn end(self) -> anyhow::Result<()> {
        for (topic, _) in self.topics() {
            kafka::admin::delete_topic(&self.kafka, &topic).await?;
        }
        self.database.drop_database().await;
        Ok(())
    }

    /// The stages and their triggers as in the repository's template.
    fn template(&self) -> String {
        let mut template = "Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: provided.al2023, MemorySize: 512, LoggingConfig: {LogFormat: JSON}}}
Parameters:
  Brokers: {Type: String}
  DatabaseUrl: {Type: String}
Metadata: {Millrace: {Parameters: {Brokers: KAFKA_BOOTSTRAP_SERVERS, DatabaseUrl: DATABASE_URL}}}
Resources:
"
        .to_owned();
        let batch = std::env::var("BENCH_BATCH").unwrap_or_else(|_| "10000".to_owned());
        for stage in &STAGES {
            let (number, prefix) = (stage.number, &self.prefix);
            let topic = format!("{prefix}{}", stage.input_topic());
            // Writing to a text cannot fail.
            let _ = write!(
                template,
                "  Stage{number}:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: stage{number}/
      Timeout: 60
      Environment:
        Variables: {{STAGE: '{number}', NUMBERS_TOPIC_PREFIX: '{prefix}', KAFKA_BOOTSTRAP_SERVERS: !Ref Brokers, DATABASE_URL: !Ref DatabaseUrl}}
  Stage{number}Events:
    Type: AWS::Lambda::EventSourceMapping
    Metadata: {{Millrace: {{Allow: [M004], Topics: {{{topic}.dlq: {{Partitions: 1}}}}}}}}
    Properties:
      FunctionName: !Ref Stage{number}
      SelfManagedEventSource: {{Endpoints: {{KafkaBootstrapServers: [!Ref Brokers]}}}}
      SelfManagedKafkaEventSourceConfig: {{ConsumerGroupId: {topic}}}
      Topics: [{topic}]
      StartingPosition: TRIM_HORIZON
      BatchSize: {batch}
      MaximumBatchingWindowInSeconds: 0
      MaximumRetryAttempts: -1
      MaximumRecordAgeInSeconds: -1
      FunctionResponseTypes: [ReportBatchItemFailures]
      ProvisionedPollerConfig: {{MinimumPollers: 1, MaximumPollers: 1}}
"
            );
        }
        template
    }
}

/// What posts messages into `start`, as any tool would: plain JSON without headers.
pub(crate) struct Producer {
    inner: BaseProducer,
    topic: String,
}

/// The first number of the first message; each message's first number tells which it is.
const FIRST: u64 = 76_452;

/// The message of this position.
fn message(position: u64) -> String {
    format!("{{\"numbers\":[{},61211234,8243724]}}", FIRST + position)
}

/// Which message a value is that has come out.
pub(crate) fn position(value: &[u8]) -> Option<u64> {
    let rest = std::str::from_utf8(value).ok()?.split_once("\"numbers\":[")?.1;
    rest.split([',', ']']).next()?.parse::<u64>().ok()?.checked_sub(FIRST)
}

impl Producer {
    /// Queues a message.
    pub(crate) fn produce(&self, position: u64) -> anyhow::Result<()> {
        let (value, partition) = (message(position), i32::try_from(position % u64::try_from(PARTITIONS)?)?);
        let mut record = BaseRecord::<[u8], [u8]>::to(&self.topic).partition(partition).payload(value.as_bytes());
        loop {
            match self.inner.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    self.inner.poll(Duration::from_millis(50));
                }
                Err((error, _)) => bail!("produce to {}: {error}", self.topic),
            }
        }
        self.inner.poll(Duration::ZERO);
        Ok(())
    }

    /// Waits until Kafka has acknowledged all.
    pub(crate) fn flush(&self) -> anyhow::Result<()> {
        Ok(rdkafka::producer::Producer::flush(&self.inner, Duration::from_secs(60))?)
    }
}
