//! The runner and the two lake functions on a topic, as processes of their own: the way of the repository's template.

use std::{
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, ensure};
use uuid::Uuid;

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

    /// The folder of all programs: cargo's, of the profile that this bench was built with.
    pub(crate) fn programs() -> anyhow::Result<&'static Path> {
        Path::new(env!("CARGO_BIN_EXE_bench-lake-writer")).parent().context("the build's folder is nowhere")
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

/// A folder with a template, and the runner on it. Both go when it is dropped.
pub(crate) struct Stack {
    pub(crate) dir: PathBuf,
    pub(crate) runner: Child,
}

impl Stack {
    /// Starts the runner: this program once more, in the runner's part.
    pub(crate) fn start(functions: Functions, place: &Place) -> anyhow::Result<Self> {
        let dir = std::env::temp_dir().join(format!("millrace-bench-{}", Uuid::new_v4().simple()));
        for (folder, program) in [("writer", functions.writer), ("committer", functions.committer)] {
            let program = Functions::programs()?.join(program);
            ensure!(program.is_file(), "{} is missing; build it with the profile of this bench", program.display());
            std::fs::create_dir_all(dir.join(folder))?;
            symlink(program, dir.join(folder).join("bootstrap"))?;
        }
        std::fs::write(dir.join("template.yaml"), template(place))?;
        let output = std::fs::File::create(dir.join("output"))?;
        // How many writers work at once, when it is not the runner's default.
        let concurrency = std::env::var("BENCH_CONCURRENCY").ok();
        let runner = Command::new(std::env::current_exe()?)
            .args(["--dir", "i", "up", "--services", "none", "--ports", "free", "--plain", "--no-build"])
            .args(concurrency.iter().flat_map(|number| ["--concurrency", number]))
            .env(super::PART, "runner")
            .env("DATABASE_URL", &place.database_url)
            .env_remove("MILLRACE_EXPORTS")
            .env_remove("MILLRACE_BIN_DIR")
            .current_dir(&dir)
            .stdin(Stdio::null())
            .stderr(output.try_clone()?)
            .stdout(output)
            .spawn()
            .context("start the runner")?;
        Ok(Self { dir, runner })
    }

    /// Fails when the runner has ended, with what it said.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        let ended = self.runner.try_wait()?;
        let said = || std::fs::read_to_string(self.dir.join("output")).unwrap_or_default();
        ensure!(ended.is_none(), "the runner has ended: {}", said());
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
