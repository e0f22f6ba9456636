//! The real `cargo lambda watch`.

use std::{
    collections::BTreeMap,
    process::{Child, Command, Stdio},
};

use millrace::host::{Origin, Outcome};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{to, tool};
use crate::support::{App, error_of, until};

const TEMPLATE: &str = "
Resources:
  Alpha:
    Type: AWS::Serverless::Function
    Properties: {Runtime: provided.al2023, CodeUri: target/lambda/alpha/, Timeout: 1, MemorySize: 128}
  Beta:
    Type: AWS::Serverless::Function
    Properties: {Runtime: provided.al2023, CodeUri: target/lambda/beta/, Timeout: 1, MemorySize: 128}
";

/// A package with the programs `alpha` and `beta`, and `cargo lambda watch` in it.
struct Watch {
    process: Child,
    address: String,
    folder: TempDir,
}

impl Watch {
    async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let programs = folder.path().join("src/bin");
        std::fs::create_dir_all(&programs).unwrap();
        let manifest = "[package]\nname = \"watched\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n";
        std::fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
        for name in ["alpha", "beta"] {
            std::fs::write(programs.join(format!("{name}.rs")), include_str!("../function/watched.rs")).unwrap();
        }
        let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(tool("cargo-lambda"));
        command
            .args(["lambda", "watch", "--ignore-changes", "-A", "127.0.0.1", "-P", &port.to_string()])
            .current_dir(folder.path())
            .env("CARGO_TARGET_DIR", folder.path().join("target"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let watch = Self { process: command.spawn().unwrap(), address: format!("http://127.0.0.1:{port}"), folder };
        until("cargo lambda watch", async || std::net::TcpStream::connect(("127.0.0.1", port)).ok()).await;
        watch
    }

    /// The two functions, which this host runs.
    async fn app(&self) -> App {
        App::on(TEMPLATE, "", to(&self.address, &["Alpha", "Beta"], &BTreeMap::new()).await)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let group = i32::try_from(self.process.id()).ok().and_then(rustix::process::Pid::from_raw);
        // With the functions that it started; all that could go wrong is that they are gone.
        let _ = group.map(|group| rustix::process::kill_process_group(group, rustix::process::Signal::KILL));
        let _ = self.process.wait();
    }
}

async fn invoke(app: &App, function: &str, event: &Value) -> Outcome {
    app.host.invoke(&Origin::caller(), function, event.to_string().into()).await.unwrap()
}

pub(crate) async fn two_functions_of_cargo_lambda_answer_at_once_and_none_is_started_here() {
    let watch = Watch::start().await;
    let app = watch.app().await;
    let (one, two) = (json!({"n": 1}), json!({"n": 2}));
    let (alpha, beta) = tokio::join!(invoke(&app, "Alpha", &one), invoke(&app, "Beta", &two));
    for (outcome, expected) in [
        (alpha, json!({"function": "alpha", "event": {"n": 1}})),
        (beta, json!({"function": "beta", "event": {"n": 2}})),
    ] {
        assert!(outcome.is_success(), "{}\n{}", String::from_utf8_lossy(&outcome.payload), watch.log());
        assert_eq!(serde_json::from_slice::<Value>(&outcome.payload).unwrap(), expected);
    }
    for function in app.host.functions() {
        let statistics = function.statistics();
        assert_eq!((statistics.invocations, statistics.cold_starts), (1, 0));
        assert_eq!(function.remote().unwrap().endpoint().to_string(), watch.address);
    }
}

pub(crate) async fn an_error_that_has_no_header_of_aws_is_a_function_error() {
    let watch = Watch::start().await;
    let app = watch.app().await;
    let outcome = invoke(&app, "Alpha", &json!("fail")).await;
    assert_eq!(error_of(&outcome), json!({"errorType": "Bad", "errorMessage": "as asked"}));
    assert_eq!(app.host.find("Alpha").unwrap().statistics().errors, 1);
    assert!(invoke(&app, "Alpha", &json!("work")).await.is_success());
}

pub(crate) async fn a_crash_there_is_a_timeout_here() {
    let watch = Watch::start().await;
    let app = watch.app().await;
    assert!(invoke(&app, "Alpha", &json!("work")).await.is_success(), "it is built now");
    let outcome = invoke(&app, "Alpha", &json!("crash")).await;
    let error = error_of(&outcome);
    assert_eq!(error["errorType"], "Sandbox.Timedout");
    assert!(error["errorMessage"].as_str().unwrap().ends_with("Task timed out after 1.00 seconds"), "{error}");
    assert!(outcome.duration.as_secs_f64() < 5.0, "{:?}", outcome.duration);
}
