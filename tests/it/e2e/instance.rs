//! An instance of the whole stack for one test: its own folder and free ports, beside whatever else runs.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// What `make test` says about its own services; an instance must start its own instead.
const NOT_INHERITED: [&str; 10] = [
    "KAFKA_BOOTSTRAP_SERVERS",
    "DATABASE_URL",
    "AWS_ENDPOINT_URL",
    "GITHUB_API_URL",
    "POSTGRES_SHARD_1_URL",
    "POSTGRES_SHARD_2_URL",
    "POSTGRES_SHARD_3_URL",
    "RABBITMQ_URL",
    "RABBITMQ_MANAGEMENT_URL",
    "MILLRACE_DIR",
];

/// A running stack. Dropping it stops it, also when the test fails.
pub(crate) struct Instance {
    folder: TempDir,
    program: PathBuf,
}

impl Instance {
    /// A folder, with nothing started yet. It lies in the repository's own `.millrace/`, where there is room.
    pub(crate) fn new() -> Self {
        let programs = std::env::var("MILLRACE_BIN_DIR").expect("MILLRACE_BIN_DIR is not set: run `make test`");
        let base = root().join(".millrace");
        std::fs::create_dir_all(&base).unwrap();
        let folder = tempfile::Builder::new().prefix("e2e-").tempdir_in(base).unwrap();
        Self { folder, program: Path::new(&programs).join("millrace") }
    }

    /// Starts the stack and waits until it is ready; what it said meanwhile.
    pub(crate) fn up(&self) -> String {
        // A quick commit keeps the test short; a user's default is 30 s.
        let arguments = ["up", "--detach", "--ports", "free", "--parameter", "LakeCommitAgeSeconds=1"];
        let output = self.millrace(&arguments);
        assert!(output.status.success(), "up failed:\n{}\n{}", text(&output.stdout), text(&output.stderr));
        let said = text(&output.stdout);
        assert!(said.contains("ready after"), "{said}");
        said
    }

    /// The runner's program.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// The instance's folder.
    pub(crate) fn dir(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn down(&self) {
        let output = self.millrace(&["down"]);
        assert!(output.status.success(), "down failed:\n{}", text(&output.stderr));
    }

    /// The runner's process.
    pub(crate) fn runner(&self) -> u32 {
        let text = std::fs::read(self.dir().join("instance.json")).unwrap();
        let running: Value = serde_json::from_slice(&text).unwrap();
        u32::try_from(running["pid"].as_u64().unwrap()).unwrap()
    }

    /// The process that runs a service's script.
    pub(crate) fn service(&self, name: &str) -> u32 {
        let text = std::fs::read_to_string(self.dir().join(format!("run/{name}.pid"))).unwrap();
        text.lines().next().unwrap().parse().unwrap()
    }

    /// Runs a command of `millrace` in this instance.
    pub(crate) fn millrace(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// As [`Instance::millrace`], with this on its standard input.
    pub(crate) fn millrace_with(&self, arguments: &[&str], input: &str) -> Output {
        let piped = std::process::Stdio::piped;
        let mut child = self.command(arguments).stdin(piped()).stdout(piped()).stderr(piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).arg("--dir").arg(self.folder.path()).current_dir(root());
        for name in NOT_INHERITED {
            command.env_remove(name);
        }
        for (name, _) in
            std::env::vars().filter(|(name, _)| name.starts_with("MILLRACE_PORT_") || name.starts_with("AWS_"))
        {
            command.env_remove(name);
        }
        command
    }

    /// As [`Instance::millrace`], for a command that must succeed and print JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.millrace(arguments);
        assert!(output.status.success(), "{arguments:?} failed:\n{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|e| panic!("{arguments:?}: {e}: {}", text(&output.stdout)))
    }

    /// Variables that `millrace env` prints.
    pub(crate) fn env(&self) -> Vec<(String, String)> {
        let env = self.json(&["env", "--json"]);
        env.as_object().unwrap().iter().map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned())).collect()
    }

    /// One variable of [`Instance::env`].
    pub(crate) fn variable(&self, name: &str) -> String {
        let found = self.env().into_iter().find(|(n, _)| n == name);
        found.unwrap_or_else(|| panic!("millrace env does not print {name}")).1
    }

    /// Logical id and address of every API.
    pub(crate) fn apis(&self) -> Vec<(String, String)> {
        let status = self.json(&["status", "--json"]);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        status["apis"].as_array().unwrap().iter().map(|api| (text(&api[0]), text(&api[1]))).collect()
    }

    /// Address of the API with this logical id.
    pub(crate) fn api(&self, name: &str) -> String {
        let apis = self.apis();
        let api = apis.iter().find(|(id, _)| id == name).unwrap_or_else(|| panic!("no api {name} in {apis:?}"));
        api.1.clone()
    }

    /// The status of one function.
    pub(crate) fn function(&self, name: &str) -> Value {
        let status = self.json(&["status", "--json"]);
        let functions = status["functions"].as_array().unwrap();
        functions.iter().find(|function| function["name"] == name).unwrap().clone()
    }

    /// Records that the topic of GitHub's events holds, and how many of them its trigger has not finished.
    pub(crate) fn records_and_lag(&self) -> (i64, i64) {
        let partitions = self.json(&["lag", "--json"]);
        let events = || partitions.as_array().unwrap().iter().filter(|partition| partition["topic"] == "github-events");
        let sum = |key: &str| events().map(|partition| partition[key].as_i64().unwrap()).sum();
        (sum("high"), sum("lag"))
    }

    /// The end of a log, for a failing test's message.
    pub(crate) fn log(&self, name: &str) -> String {
        text(&self.millrace(&["logs", name, "--tail", "40"]).stdout)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for name in [
                "millrace",
                "github-poller",
                "github-producer-api",
                "github-lake-writer",
                "lake-committer",
                "github-streaming-api",
                "github-query-api",
            ] {
                // Through the test's own capture, so that it stands with the failure.
                #[allow(clippy::print_stderr, reason = "a failing test shows why")]
                {
                    eprintln!("---- {name}\n{}", self.log(name));
                }
            }
        }
        let _ = self.millrace(&["down"]);
    }
}

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Asks until `look` finds something, and fails with `what` after `limit`.
pub(crate) fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {} s: {what}", limit.as_secs());
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
