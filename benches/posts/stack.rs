//! The runner on one function of the posts, as processes of their own: the function and its trigger as in the repository's
//! template.

use std::{
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, ensure};
use pg::testing::TestDatabase;
use uuid::Uuid;

/// The variable that says that this program is the runner.
const PART: &str = "BENCH_PART";

/// Whether this program is to be the runner.
pub(crate) fn is_runner() -> bool {
    std::env::var(PART).is_ok_and(|part| part == "runner")
}

/// A folder with a template, and the runner on it. Both go when it is dropped.
pub(crate) struct Stack {
    dir: PathBuf,
    runner: Child,
}

impl Stack {
    /// Starts the runner: this program once more.
    pub(crate) fn start(
        template: &str,
        functions: &[&str],
        master: &TestDatabase,
        shards: &[TestDatabase],
    ) -> anyhow::Result<Self> {
        let dir = std::env::temp_dir().join(format!("millrace-bench-{}", Uuid::new_v4().simple()));
        let programs =
            Path::new(env!("CARGO_BIN_EXE_bench-function")).parent().context("the build's folder is nowhere")?;
        for function in functions {
            let program = programs.join(function);
            ensure!(program.is_file(), "{} is missing; build it with the profile of this bench", program.display());
            std::fs::create_dir_all(dir.join(function))?;
            symlink(program, dir.join(function).join("bootstrap"))?;
        }
        std::fs::write(dir.join("template.yaml"), template)?;
        let output = std::fs::File::create(dir.join("output"))?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["--dir", "i", "up", "--services", "none", "--ports", "free", "--plain", "--no-build"])
            .env(PART, "runner")
            .env("DATABASE_URL", &master.url)
            .env_remove("MILLRACE_EXPORTS")
            .env_remove("MILLRACE_BIN_DIR")
            .current_dir(&dir)
            .stdin(Stdio::null())
            .stderr(output.try_clone()?)
            .stdout(output);
        for (number, shard) in (1..).zip(shards) {
            command.env(format!("POSTGRES_SHARD_{number}_URL"), &shard.url);
        }
        let runner = command.spawn().context("start the runner")?;
        Ok(Self { dir, runner })
    }

    /// What the runner has said.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.dir.join("output")).unwrap_or_default()
    }

    /// Fails when the runner has ended, with what it said.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        let ended = self.runner.try_wait()?;
        ensure!(ended.is_none(), "the runner has ended: {}", self.said());
        Ok(())
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let down = Command::new("kill").arg(self.runner.id().to_string()).status();
        if down.is_ok_and(|status| status.success()) {
            let _ = self.runner.wait();
        }
        if std::env::var_os("BENCH_KEEP").is_none() {
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

/// `posts-shard-writer` on this topic.
#[allow(dead_code, reason = "each bench has one of the two")]
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
#[allow(dead_code, reason = "each bench has one of the two")]
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
