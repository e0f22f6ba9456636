//! The runner and the two lake functions on a topic: the way of the repository's template.

use uuid::Uuid;

use crate::stack::Stack;

/// Which functions work on a payload, and on which table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Functions {
    pub(crate) writer: &'static str,
    pub(crate) committer: &'static str,
    pub(crate) table: &'static str,
}

impl Functions {
    pub(crate) fn of(payload: &str) -> Self {
        match payload {
            "narrow" => Self { writer: "bench-lake-writer", committer: "bench-lake-committer", table: "bench.narrow" },
            _ => Self { writer: "github-lake-writer", committer: "lake-committer", table: "github.events" },
        }
    }
}

/// What is run on.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) topic: String,
    pub(crate) database_url: String,
    pub(crate) warehouse: String,
    /// `MaximumBatchingWindowInSeconds`, when it is set.
    pub(crate) window: Option<String>,
    /// `LAKE_COMMIT_AGE_SECONDS`.
    pub(crate) commit_age: String,
}

/// Starts the runner.
pub(crate) fn start(functions: Functions, place: &Place) -> anyhow::Result<Stack> {
    // How many writers work at once, when it is not the runner's default.
    let concurrency = std::env::var("BENCH_CONCURRENCY").ok();
    let up: Vec<&str> = concurrency.iter().flat_map(|number| ["--concurrency", number]).collect();
    let programs = [("writer", functions.writer), ("committer", functions.committer)];
    Stack::start(&template(place), &programs, &[("DATABASE_URL".to_owned(), place.database_url.clone())], &up)
}

/// The writer's trigger and both functions as in the repository's template.
fn template(place: &Place) -> String {
    let Place { topic, warehouse, commit_age, .. } = place;
    let window = place.window.as_ref().map(|window| format!("      MaximumBatchingWindowInSeconds: {window}"));
    let window = window.unwrap_or_default();
    format!(
        "Transform: AWS::Serverless-2016-10-31
Globals: {{Function: {{Runtime: provided.al2023, MemorySize: 1024, LoggingConfig: {{LogFormat: JSON}}}}}}
Parameters:
  Brokers: {{Type: String}}
  DatabaseUrl: {{Type: String}}
Metadata: {{Millrace: {{Parameters: {{Brokers: KAFKA_BOOTSTRAP_SERVERS, DatabaseUrl: DATABASE_URL}}}}}}
Resources:
  Writer:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: writer/
      Timeout: 60
      Environment:
        Variables: {{KAFKA_BOOTSTRAP_SERVERS: !Ref Brokers, DATABASE_URL: !Ref DatabaseUrl, LAKE_WAREHOUSE: '{warehouse}'}}
  Records:
    Type: AWS::Lambda::EventSourceMapping
    Metadata:
      Millrace: {{Topics: {{{topic}.failed: {{Partitions: 1}}, {topic}.dlq: {{Partitions: 1}}}}}}
    Properties:
      FunctionName: !Ref Writer
      SelfManagedEventSource: {{Endpoints: {{KafkaBootstrapServers: [!Ref Brokers]}}}}
      SelfManagedKafkaEventSourceConfig: {{ConsumerGroupId: bench-{group}}}
      Topics: [{topic}]
      StartingPosition: TRIM_HORIZON
      BatchSize: 10000
{window}      MaximumRetryAttempts: 10000
      MaximumRecordAgeInSeconds: 604800
      FunctionResponseTypes: [ReportBatchItemFailures]
      ProvisionedPollerConfig: {{MinimumPollers: 1, MaximumPollers: 4}}
      DestinationConfig: {{OnFailure: {{Destination: 'kafka://{topic}.failed'}}}}
  Committer:
    Type: AWS::Serverless::Function
    Metadata: {{Millrace: {{Allow: [M060]}}}}
    Properties:
      CodeUri: committer/
      Timeout: 120
      Environment:
        Variables: {{DATABASE_URL: !Ref DatabaseUrl, LAKE_COMMIT_AGE_SECONDS: '{commit_age}', LAKE_WAREHOUSE: '{warehouse}'}}
      Events:
        Commit: {{Type: ScheduleV2, Properties: {{ScheduleExpression: rate(1 minute)}}}}
",
        group = Uuid::new_v4().simple(),
    )
}
