//! What the template means, resolved: no intrinsic, no condition and no parameter is left. The rest of the runner
//! sees these types only and never YAML.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use indexmap::IndexMap;

/// Everything that one SAM template asks for.
#[derive(Debug, Clone, Default)]
pub struct Application {
    /// By logical id, in the template's order.
    pub functions: IndexMap<String, FunctionSpec>,
    /// Kafka triggers, from raw `AWS::Lambda::EventSourceMapping` and from SAM's `MSK` and `SelfManagedKafka` events.
    pub kafka_mappings: Vec<KafkaMappingSpec>,
    /// `Schedule`, `ScheduleV2` events and raw `AWS::Scheduler::Schedule`.
    pub schedules: Vec<ScheduleSpec>,
    /// `AWS::Serverless::HttpApi`, by logical id.
    pub apis: IndexMap<String, ApiSpec>,
    /// Topics that are created before a trigger starts, by name.
    pub topics: BTreeMap<String, TopicSpec>,
    /// Names of the template's `AWS::S3::Bucket`s, which a deploy would make.
    pub buckets: Vec<String>,
    /// What is odd but not wrong, each with its line.
    pub warnings: Vec<String>,
}

/// One `AWS::Serverless::Function`.
#[derive(Debug, Clone)]
pub struct FunctionSpec {
    /// Logical id in the template, `GithubPoller`.
    pub logical_id: String,
    /// `FunctionName`, or the logical id in kebab-case: `github-poller`. Also the folder in `functions/` and `events/`.
    pub name: String,
    /// The program: the last component of `CodeUri` (`target/lambda/<binary>/`), or `BuildProperties.Binary`.
    pub binary: String,
    /// `CodeUri` as written, relative to the template.
    pub code_uri: PathBuf,
    /// `MemorySize`, MB; 128 when unset, as on Lambda.
    pub memory_mb: u32,
    /// `Timeout`; 3 s when unset, as on Lambda.
    pub timeout: Duration,
    /// `Environment.Variables`, the Globals' merged in.
    pub environment: BTreeMap<String, String>,
    /// `ReservedConcurrentExecutions`.
    pub reserved_concurrency: Option<u32>,
    /// `Metadata.Millrace.System`; `default` when unset.
    pub system: String,
    /// `Metadata.Millrace.Services`: what must run before this function can.
    pub services: Vec<String>,
    /// `Metadata.Millrace.RunOnUp`: invoked once, before any trigger starts (migrations).
    pub run_on_up: bool,
    /// Line of the resource in the template, from 1.
    pub line: usize,
}

/// A Kafka event source mapping.
#[derive(Debug, Clone)]
pub struct KafkaMappingSpec {
    /// Logical id of the mapping, or `<Function><Event>` for SAM's event form.
    pub logical_id: String,
    /// `Ref` of the mapping, the same at every start: [`super::names::mapping_uuid`].
    pub uuid: String,
    /// Logical id of the function.
    pub function: String,
    /// The one topic of the mapping.
    pub topic: String,
    /// `arn:aws:kafka:...` for MSK; `None` for self-managed.
    pub event_source_arn: Option<String>,
    /// `SelfManagedEventSource.Endpoints.KafkaBootstrapServers`; empty for MSK.
    pub bootstrap_servers: Vec<String>,
    /// `ConsumerGroupId`; `None` means that one is derived from the mapping's UUID.
    pub consumer_group_id: Option<String>,
    /// `StartingPosition`.
    pub starting_position: StartingPosition,
    /// `BatchSize`, 1 to 10,000; 100 when unset.
    pub batch_size: usize,
    /// `MaximumBatchingWindowInSeconds`; 500 ms when unset.
    pub batching_window: Duration,
    /// `MaximumRetryAttempts`; `None` is -1, without end.
    pub maximum_retry_attempts: Option<u32>,
    /// `MaximumRecordAgeInSeconds`; `None` is -1, any age.
    pub maximum_record_age: Option<Duration>,
    /// `BisectBatchOnFunctionError`.
    pub bisect_on_error: bool,
    /// `FunctionResponseTypes` contains `ReportBatchItemFailures`.
    pub report_batch_item_failures: bool,
    /// `DestinationConfig.OnFailure.Destination`.
    pub on_failure: Option<OnFailure>,
    /// `ProvisionedPollerConfig.MaximumPollers`; 1 when unset.
    pub maximum_pollers: usize,
    /// `Enabled`; true when unset.
    pub enabled: bool,
    /// Line of the mapping in the template.
    pub line: usize,
}

impl KafkaMappingSpec {
    /// The retries after the first attempt: with an on-failure destination, Lambda reads -1 as 10.
    pub fn effective_retry_attempts(&self) -> Option<u32> {
        let limited = self.on_failure.as_ref().map(|_| 10);
        self.maximum_retry_attempts.or(limited)
    }
}

/// Where a consumer group without committed offsets begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartingPosition {
    /// The oldest record that the broker still has.
    TrimHorizon,
    /// Records produced from now on.
    Latest,
    /// `AT_TIMESTAMP`: the first record at or after this time, milliseconds since the epoch.
    AtTimestamp(i64),
}

/// Where a batch goes when its retries or its age are used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnFailure {
    /// `kafka://<topic>`, on the mapping's own cluster.
    KafkaTopic(String),
}

/// One schedule of one function.
#[derive(Debug, Clone)]
pub struct ScheduleSpec {
    /// The name that `GetSchedule` answers to: `Name`, or `<function name>-<event id in kebab-case>`.
    pub name: String,
    /// Logical id of the function.
    pub function: String,
    /// `rate(1 minute)`, `cron(0 12 * * ? *)`, `at(2026-11-21T12:00:00)`, as written and checked.
    pub expression: String,
    /// `ScheduleExpressionTimezone`; `UTC` when unset.
    pub timezone: String,
    /// `Input`, as written. `None`: the default event of its kind.
    pub input: Option<String>,
    /// Which of the two services sends it.
    pub kind: ScheduleKind,
    /// `State: ENABLED` or `Enabled: true`; true when unset.
    pub enabled: bool,
    /// Line in the template.
    pub line: usize,
}

/// The two services that can send a schedule; they differ in the default event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScheduleKind {
    /// An EventBridge rule (`Schedule`): the `Scheduled Event` JSON.
    Rule,
    /// EventBridge Scheduler (`ScheduleV2`): the input, with `<aws.scheduler.*>` replaced.
    Scheduler,
}

/// One `AWS::Serverless::HttpApi`.
#[derive(Debug, Clone)]
pub struct ApiSpec {
    /// Logical id.
    pub logical_id: String,
    /// `Metadata.Millrace.Port`, moved by the port variable; the next one free from 3000 when neither says.
    pub port: u16,
    /// `MILLRACE_PORT_GITHUB_QUERY_API`: the variable that moves the port (from the logical id in upper snake case, a
    /// final `HttpApi` read as `Api`).
    pub port_variable: String,
    /// Every route, from the functions' `HttpApi` events.
    pub routes: Vec<RouteSpec>,
    /// `CorsConfiguration`, when there is one.
    pub cors: Option<CorsSpec>,
    /// `Metadata.Millrace.System`, or that of its first function.
    pub system: String,
    /// Line in the template.
    pub line: usize,
}

/// `CorsConfiguration` of an HTTP API; empty lists allow nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CorsSpec {
    /// `*`, `https://*`, `http://*`, or whole origins.
    pub allow_origins: Vec<String>,
    /// `*`, or methods.
    pub allow_methods: Vec<String>,
    /// `*`, or names of request headers.
    pub allow_headers: Vec<String>,
    /// Names of response headers that scripts may read.
    pub expose_headers: Vec<String>,
    /// Cookies are sent along; not with the origin `*`.
    pub allow_credentials: bool,
    /// How long a browser keeps the answer to a preflight.
    pub max_age_seconds: Option<u32>,
}

/// One route of an API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteSpec {
    /// `GET`, or `ANY`.
    pub method: String,
    /// `/events/{id}`, `/{proxy+}`, or `$default`.
    pub path: String,
    /// Logical id of the function.
    pub function: String,
    /// `TimeoutInMillis`; 30 s when unset, and never more.
    pub timeout: Duration,
}

/// A topic that the template names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Number of partitions.
    pub partitions: i32,
    /// Topic configuration (`retention.ms` ...).
    pub config: BTreeMap<String, String>,
}
