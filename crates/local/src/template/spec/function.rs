//! Functions.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use super::AsynchronousSpec;

/// One `AWS::Serverless::Function`.
#[derive(Debug, Clone)]
pub struct FunctionSpec {
    /// Logical id in the template, `GithubPoller`.
    pub logical_id: String,
    /// `FunctionName`, or the logical id in kebab-case: `github-poller`. Also the folder in `functions/` and `events/`.
    pub name: String,
    /// The program: the last component of `CodeUri` (`target/lambda/<binary>/`), or `BuildProperties.Binary`. A package in
    /// `CodeUri` with one program of another name has that one; empty when only it can say (`CodeUri: .`).
    pub binary: String,
    /// `CodeUri` as written, relative to the template.
    pub code_uri: PathBuf,
    /// `Handler`, for `_HANDLER`; a custom runtime may read it.
    pub handler: String,
    /// `LoggingConfig`.
    pub logging: LoggingSpec,
    /// `MemorySize`, MB; 128 when unset, as on Lambda.
    pub memory_mb: u32,
    /// `Timeout`; 3 s when unset, as on Lambda.
    pub timeout: Duration,
    /// `Environment.Variables`, the Globals' merged in.
    pub environment: BTreeMap<String, String>,
    /// `EventInvokeConfig` and `DeadLetterQueue`, or `AWS::Lambda::EventInvokeConfig`.
    pub asynchronous: AsynchronousSpec,
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

/// How a function logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggingSpec {
    /// `LogFormat: JSON`; the runner's own lines in the log are JSON then.
    pub json: bool,
    /// `ApplicationLogLevel`, passed on to the function; `INFO` when unset.
    pub application_level: String,
    /// `SystemLogLevel`: `DEBUG`, `INFO` or `WARN`.
    pub system_level: SystemLogLevel,
}

/// Which of the runner's own lines a JSON log has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SystemLogLevel {
    /// All.
    Debug,
    /// What began and what it came to.
    Info,
    /// Failures only.
    Warn,
}
