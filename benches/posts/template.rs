//! The runner on functions of the posts: each with its trigger as in the repository's template.

use pg::testing::TestDatabase;

use crate::stack::Stack;

/// Starts the runner on these functions and databases.
pub(crate) fn start(
    template: &str,
    functions: &[&str],
    master: &TestDatabase,
    shards: &[TestDatabase],
) -> anyhow::Result<Stack> {
    let programs: Vec<_> = functions.iter().map(|function| (*function, *function)).collect();
    // The templates name three; with fewer, the map names none of the others.
    let shards = (1..=3)
        .zip(shards.iter().cycle())
        .map(|(number, shard)| (format!("POSTGRES_SHARD_{number}_URL"), shard.url.clone()));
    let variables: Vec<_> = shards.chain([("DATABASE_URL".to_owned(), master.url.clone())]).collect();
    Stack::start(template, &programs, &variables, &[])
}

/// `posts-shard-writer` on this topic.
#[allow(dead_code, reason = "each bench has one of them")]
pub(crate) fn writer(topic: &str) -> String {
    format!(
        "Transform: AWS::Serverless-2016-10-31
Globals: {{Function: {{Runtime: provided.al2023, LoggingConfig: {{LogFormat: JSON}}}}}}
Parameters:
  Brokers: {{Type: String}}
  DatabaseUrl: {{Type: String}}
  Shard1: {{Type: String}}
  Shard2: {{Type: String}}
  Shard3: {{Type: String}}
Metadata: {{Millrace: {{Parameters: {{Brokers: KAFKA_BOOTSTRAP_SERVERS, DatabaseUrl: DATABASE_URL, Shard1: POSTGRES_SHARD_1_URL,
  Shard2: POSTGRES_SHARD_2_URL, Shard3: POSTGRES_SHARD_3_URL}}}}}}
Resources:
  Writer:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: posts-shard-writer/
      MemorySize: 512
      Timeout: 60
      Environment:
        Variables: {{KAFKA_BOOTSTRAP_SERVERS: !Ref Brokers, DATABASE_URL: !Ref DatabaseUrl, POSTGRES_SHARD_1_URL: !Ref Shard1,
          POSTGRES_SHARD_2_URL: !Ref Shard2, POSTGRES_SHARD_3_URL: !Ref Shard3}}
  Writes:
    Type: AWS::Lambda::EventSourceMapping
    Metadata: {{Millrace: {{Allow: [M004], Topics: {{{topic}.dlq: {{Partitions: 1}}}}}}}}
    Properties:
      FunctionName: !Ref Writer
      SelfManagedEventSource: {{Endpoints: {{KafkaBootstrapServers: [!Ref Brokers]}}}}
      SelfManagedKafkaEventSourceConfig: {{ConsumerGroupId: {topic}}}
      Topics: [{topic}]
      StartingPosition: TRIM_HORIZON
      BatchSize: 10000
      MaximumRetryAttempts: -1
      MaximumRecordAgeInSeconds: -1
      FunctionResponseTypes: [ReportBatchItemFailures]
      ProvisionedPollerConfig: {{MinimumPollers: 1, MaximumPollers: 4}}
"
    )
}

/// `posts-ingest-api` behind its API.
#[allow(dead_code, reason = "each bench has one of them")]
pub(crate) fn ingest() -> String {
    "Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: provided.al2023, LoggingConfig: {LogFormat: JSON}}}
Parameters:
  Brokers: {Type: String}
Metadata: {Millrace: {Parameters: {Brokers: KAFKA_BOOTSTRAP_SERVERS}}}
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Metadata: {Millrace: {Port: 8081}}
  Ingest:
    Type: AWS::Serverless::Function
    Metadata: {Millrace: {Topics: {posts-writes: {Partitions: 48}}}}
    Properties:
      CodeUri: posts-ingest-api/
      MemorySize: 256
      Timeout: 29
      Environment: {Variables: {KAFKA_BOOTSTRAP_SERVERS: !Ref Brokers}}
      Events:
        Everything: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: ANY, Path: '/{proxy+}'}}
"
    .to_owned()
}

/// `posts-query-api` behind its API.
#[allow(dead_code, reason = "each bench has one of them")]
pub(crate) fn query() -> String {
    "Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: provided.al2023, LoggingConfig: {LogFormat: JSON}}}
Parameters:
  DatabaseUrl: {Type: String}
  Shard1: {Type: String}
  Shard2: {Type: String}
  Shard3: {Type: String}
Metadata: {Millrace: {Parameters: {DatabaseUrl: DATABASE_URL, Shard1: POSTGRES_SHARD_1_URL, Shard2: POSTGRES_SHARD_2_URL,
  Shard3: POSTGRES_SHARD_3_URL}}}
Resources:
  Api: {Type: AWS::Serverless::HttpApi}
  Query:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: posts-query-api/
      MemorySize: 256
      Timeout: 29
      Environment:
        Variables: {DATABASE_URL: !Ref DatabaseUrl, POSTGRES_SHARD_1_URL: !Ref Shard1, POSTGRES_SHARD_2_URL: !Ref Shard2,
          POSTGRES_SHARD_3_URL: !Ref Shard3, CURSOR_KEY: a-key-of-the-bench-alone}
      Events:
        Everything: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: ANY, Path: '/{proxy+}'}}
"
    .to_owned()
}

/// All five functions, as `template.yaml` of the repository has them.
#[allow(dead_code, reason = "each bench has one of them")]
pub(crate) fn system() -> String {
    "Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: provided.al2023, MemorySize: 256, Timeout: 29, LoggingConfig: {LogFormat: JSON}, Environment: {Variables: {
  KAFKA_BOOTSTRAP_SERVERS: !Ref Brokers, DATABASE_URL: !Ref DatabaseUrl, CURSOR_KEY: a-key-of-the-bench-alone,
  POSTGRES_SHARD_1_URL: !Ref Shard1, POSTGRES_SHARD_2_URL: !Ref Shard2, POSTGRES_SHARD_3_URL: !Ref Shard3}}}}
Parameters:
  Brokers: {Type: String}
  DatabaseUrl: {Type: String}
  Shard1: {Type: String}
  Shard2: {Type: String}
  Shard3: {Type: String}
Metadata: {Millrace: {Parameters: {Brokers: KAFKA_BOOTSTRAP_SERVERS, DatabaseUrl: DATABASE_URL, Shard1: POSTGRES_SHARD_1_URL,
  Shard2: POSTGRES_SHARD_2_URL, Shard3: POSTGRES_SHARD_3_URL}}}
Resources:
  IngestApi: {Type: AWS::Serverless::HttpApi}
  QueryApi: {Type: AWS::Serverless::HttpApi}
  ShardsApi: {Type: AWS::Serverless::HttpApi}
  Ingest:
    Type: AWS::Serverless::Function
    Metadata: {Millrace: {Topics: {posts-writes: {Partitions: 48}}}}
    Properties:
      CodeUri: posts-ingest-api/
      Events: {All: {Type: HttpApi, Properties: {ApiId: !Ref IngestApi, Method: ANY, Path: '/{proxy+}'}}}
  Query:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: posts-query-api/
      Events: {All: {Type: HttpApi, Properties: {ApiId: !Ref QueryApi, Method: ANY, Path: '/{proxy+}'}}}
  Shards:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: posts-shards-api/
      Environment: {Variables: {REBALANCER_FUNCTION: !Ref Rebalancer}}
      Events: {All: {Type: HttpApi, Properties: {ApiId: !Ref ShardsApi, Method: ANY, Path: '/{proxy+}'}}}
  Rebalancer:
    Type: AWS::Serverless::Function
    Metadata: {Millrace: {Allow: [M060]}}
    Properties:
      CodeUri: posts-rebalancer/
      Timeout: 300
      Events: {Moves: {Type: ScheduleV2, Properties: {Name: moves, ScheduleExpression: rate(1 minute)}}}
  Writer:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: posts-shard-writer/, MemorySize: 512, Timeout: 60}
  Writes:
    Type: AWS::Lambda::EventSourceMapping
    Metadata: {Millrace: {Allow: [M004], Topics: {posts-writes.dlq: {Partitions: 1}}}}
    Properties:
      FunctionName: !Ref Writer
      SelfManagedEventSource: {Endpoints: {KafkaBootstrapServers: [!Ref Brokers]}}
      SelfManagedKafkaEventSourceConfig: {ConsumerGroupId: bench-posts-moves}
      Topics: [posts-writes]
      StartingPosition: TRIM_HORIZON
      BatchSize: 10000
      MaximumRetryAttempts: -1
      MaximumRecordAgeInSeconds: -1
      FunctionResponseTypes: [ReportBatchItemFailures]
      ProvisionedPollerConfig: {MinimumPollers: 1, MaximumPollers: 4}
"
    .to_owned()
}
