//! A function in a folder of its own, a host that runs it, and the one way to wait.

pub(crate) mod aws;
pub(crate) mod logins;
pub(crate) mod node;
pub(crate) mod project;
pub(crate) mod queue;
pub(crate) mod source;
pub(crate) mod topic;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use millrace::{
    host::{EventConfig, Function, Host, HostConfig, InvokeError, Origin, Outcome, Paths},
    template::{self, Options, spec::Application},
};
use serde_json::Value;
use tempfile::TempDir;

/// Long enough for a slow machine; nothing waits longer than it must.
const PATIENCE: Duration = Duration::from_secs(60);

/// Environments of a function without reserved concurrency.
pub(crate) const DEFAULT_CONCURRENCY: u32 = 3;

/// Asks again and again until there is an answer.
pub(crate) async fn until<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(Instant::now() < deadline, "after {} s still waiting for: {what}", PATIENCE.as_secs());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// An application with the one function `F` and a host for it.
pub(crate) struct App {
    pub(crate) host: Host,
    pub(crate) application: Application,
    config: HostConfig,
    folder: TempDir,
}

fn one_function(properties: &str) -> String {
    format!(
        "Resources:
               F:
                 Type: AWS::Serverless::Function
                 Properties: {{Runtime: provided.al2023, CodeUri: f/, {properties}}}
            "
    )
}

impl App {
    /// A function with these properties (`Timeout: 1, MemorySize: 256`), whose `handler.py` is `handler`.
    pub(crate) fn function(properties: &str, handler: &str) -> Self {
        Self::of(&one_function(properties), handler)
    }

    /// The application of a template whose functions have `CodeUri: f/`.
    pub(crate) fn of(template: &str, handler: &str) -> Self {
        Self::changed(template, handler, |_, _| {})
    }

    /// As [`App::of`], with something between the triggers and the functions.
    pub(crate) fn on(template: &str, handler: &str, paths: Paths) -> Self {
        Self::changed(template, handler, |config, _| config.paths = paths)
    }

    /// As [`App::function`], in a host of its own making.
    pub(crate) fn with(properties: &str, handler: &str, change: impl FnOnce(&mut HostConfig)) -> Self {
        Self::changed(&one_function(properties), handler, |config, _| change(config))
    }

    /// As [`App::of`], with a change to the host's settings or to what the template said.
    pub(crate) fn changed(
        template: &str,
        handler: &str,
        change: impl FnOnce(&mut HostConfig, &mut Application),
    ) -> Self {
        let application = template::parse(template, Path::new("template.yaml"), &Options::default());
        let application = application.unwrap_or_else(|error| panic!("{error}\n{template}"));
        let folder = TempDir::new().unwrap();
        let code = folder.path().join("f");
        std::fs::create_dir(&code).unwrap();
        let bootstrap = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/function/bootstrap");
        // A link and no copy: a file that was open for writing a moment ago may refuse to run.
        std::os::unix::fs::symlink(bootstrap, code.join("bootstrap")).unwrap();
        std::fs::write(code.join("handler.py"), handler).unwrap();
        let config = HostConfig {
            // Tests that name no resource of AWS need no emulator.
            environment: if template.contains("arn:aws:") {
                aws::variables()
            } else {
                BTreeMap::from([("AWS_REGION".to_owned(), "us-east-1".to_owned())])
            },
            default_concurrency: DEFAULT_CONCURRENCY,
            ..HostConfig::new(folder.path().join("no-programs"), folder.path().to_owned(), folder.path().to_owned())
        };
        let (mut application, mut config) = (application, config);
        change(&mut config, &mut application);
        let host = Host::new(application.functions.values().cloned().collect(), config.clone());
        Self { host, application, config, folder }
    }

    /// Another host for the same functions, with its own way to keep events: that of the next runner.
    pub(crate) fn next_host(&self, events: EventConfig) -> Host {
        let config = HostConfig { events, ..self.config.clone() };
        Host::new(self.application.functions.values().cloned().collect(), config)
    }

    /// The folder of everything.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its folder, the `LAMBDA_TASK_ROOT`.
    pub(crate) fn code(&self) -> PathBuf {
        self.folder.path().join("f")
    }

    /// Invokes `F`.
    pub(crate) async fn try_invoke(&self, payload: impl Into<Bytes>) -> Result<Outcome, InvokeError> {
        self.host.invoke(&Origin::caller(), "F", payload.into()).await
    }

    /// Invokes `F`, which can be.
    pub(crate) async fn invoke(&self, payload: &Value) -> Outcome {
        self.try_invoke(payload.to_string()).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Invokes `F`, which succeeds, and gives its answer.
    pub(crate) async fn answer(&self, payload: &Value) -> Value {
        let outcome = self.invoke(payload).await;
        assert!(outcome.is_success(), "{}\n{}", String::from_utf8_lossy(&outcome.payload), self.log());
        serde_json::from_slice(&outcome.payload).unwrap()
    }

    /// An invocation of `F` that goes on by itself.
    pub(crate) fn start_invocation(&self, payload: &Value) -> tokio::task::JoinHandle<Result<Outcome, InvokeError>> {
        let (host, payload) = (self.host.clone(), Bytes::from(payload.to_string()));
        tokio::spawn(async move { host.invoke(&Origin::caller(), "F", payload).await })
    }

    /// The function itself.
    pub(crate) fn f(&self) -> &Arc<Function> {
        self.host.find("F").unwrap()
    }

    /// Its log so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.f().log_path()).unwrap_or_default()
    }

    /// What it recorded so far.
    pub(crate) fn records(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.code().join("records.jsonl")).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits until it has recorded at least so much.
    pub(crate) async fn recorded(&self, count: usize) -> Vec<Value> {
        until(&format!("{count} records of the function"), async || {
            let records = self.records();
            (records.len() >= count).then_some(records)
        })
        .await
    }

    /// Raises a flag that handlers ask for.
    pub(crate) fn raise(&self, flag: &str) {
        std::fs::write(self.code().join(flag), "").unwrap();
    }
}

/// The template of a function `F`, whose code is in `f/`, with these events (`Tick: {Type: Schedule, ...}`).
pub(crate) fn with_events(events: &str) -> String {
    format!(
        "
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      CodeUri: f/
      Timeout: 60
      Events: {{{events}}}
"
    )
}

/// The error object of an invocation that failed.
pub(crate) fn error_of(outcome: &Outcome) -> Value {
    assert_eq!(outcome.function_error, Some("Unhandled"), "{}", String::from_utf8_lossy(&outcome.payload));
    serde_json::from_slice(&outcome.payload).unwrap()
}
