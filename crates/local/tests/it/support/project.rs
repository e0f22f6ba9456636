//! A project that is not Millrace's: a cargo workspace of its own in a temporary folder, with a template, functions that
//! need no dependency, and `millrace up` over it as a process.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use super::until;

/// The Runtime API with nothing but the standard library. `answer` is a function from the event to the answer.
const FUNCTION: &str = r##"
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

fn call(method: &str, path: &str, body: &str) -> (Vec<String>, String) {
    let host = std::env::var("AWS_LAMBDA_RUNTIME_API").unwrap();
    let mut stream = TcpStream::connect(&host).unwrap();
    let length = body.len();
    write!(stream, "{method} /2018-06-01/runtime/{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").unwrap();
    let mut reader = BufReader::new(stream);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() { break; }
        headers.push(line.trim().to_owned());
    }
    let mut body = String::new();
    reader.read_to_string(&mut body).unwrap();
    (headers, body)
}

fn main() {
    loop {
        let (headers, event) = call("GET", "invocation/next", "");
        let id = headers.iter().find_map(|h| h.strip_prefix("lambda-runtime-aws-request-id: ")).unwrap().to_owned();
        call("POST", &format!("invocation/{id}/response"), &answer(&event));
    }
}
"##;

/// The files of a project.
pub(crate) struct Project {
    folder: TempDir,
}

impl Project {
    /// A folder with these files.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::Builder::new().prefix("millrace-project-").tempdir().unwrap();
        let project = Self { folder };
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    /// Functions `a` and `b` that use the crate `common`, and `c` that does not. `a` and `b` have their package in
    /// `CodeUri`, `c` the folder of a packaged program.
    pub(crate) fn of_three_functions() -> Self {
        let manifest = |name: &str, dependencies: &str| {
            format!(
                "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\n{dependencies}\n"
            )
        };
        let uses = manifest("a", "common = { path = \"../common\" }");
        Self::new(&[
            ("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"a\", \"b\", \"c\", \"common\"]\n"),
            ("a/Cargo.toml", &uses),
            ("a/src/main.rs", &function("format!(\"\\\"a {}\\\"\", common::word())")),
            ("b/Cargo.toml", &uses.replace("\"a\"", "\"b\"")),
            ("b/src/main.rs", &function("format!(\"\\\"b {}\\\"\", common::word())")),
            ("c/Cargo.toml", &manifest("c", "")),
            ("c/src/main.rs", &function("\"\\\"c\\\"\".to_owned()")),
            ("common/Cargo.toml", &manifest("common", "")),
            ("common/src/lib.rs", "pub fn word() -> &'static str { \"one\" }\n"),
            ("template.yaml", TEMPLATE),
        ])
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file as an editor does: another one beside it, then the name.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let beside = path.with_extension("tmp");
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(&beside, &path).unwrap();
    }

    /// A ready program in Python, as a custom runtime.
    pub(crate) fn write_bootstrap(&self, folder: &str, handler: &str) {
        let code = self.path().join(folder);
        std::fs::create_dir_all(&code).unwrap();
        let bootstrap = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/function/bootstrap");
        std::os::unix::fs::symlink(bootstrap, code.join("bootstrap")).unwrap();
        self.write(&format!("{folder}/handler.py"), handler);
    }

    /// `millrace` over this project, with an environment of its own.
    pub(crate) fn millrace(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_millrace"));
        command.args(arguments).arg("--dir").arg(self.path().join(".millrace")).current_dir(self.path());
        command.env_clear().envs(environment.iter().copied());
        // Not the target folder, the services and the credentials of whoever runs the tests.
        let kept = ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "TMPDIR"];
        command.envs(kept.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command
    }

    /// Starts the stack in front, on free ports unless the arguments say otherwise, and waits until it is ready.
    pub(crate) async fn up(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Up<'_> {
        let output = self.path().join("output");
        let file = File::create(&output).unwrap();
        let mut command = self.millrace(&["up"], environment);
        if !arguments.contains(&"--ports") {
            command.args(["--ports", "free"]);
        }
        command.args(arguments).stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        let mut up = Up { project: self, process: command.spawn().unwrap(), output };
        let ended = until("the stack to be ready or to end", async || {
            let ended = up.process.try_wait().unwrap();
            (ended.is_some() || up.said().contains("ready after")).then_some(ended)
        });
        let ended = ended.await;
        assert!(ended.is_none(), "{ended:?}\n{}", up.said());
        up
    }
}

/// The source of a function with this answer, an expression over `event`.
pub(crate) fn function(answer: &str) -> String {
    format!("{FUNCTION}\nfn answer(event: &str) -> String {{ let _ = event; {answer} }}\n")
}

const TEMPLATE: &str = "
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: provided.al2023, Handler: bootstrap, Timeout: 10}}
Resources:
  A: {Type: AWS::Serverless::Function, Metadata: {BuildMethod: rust-cargolambda}, Properties: {CodeUri: a/}}
  B: {Type: AWS::Serverless::Function, Metadata: {BuildMethod: rust-cargolambda}, Properties: {CodeUri: ./b}}
  C: {Type: AWS::Serverless::Function, Properties: {CodeUri: target/lambda/c/}}
";

/// A running stack; dropping it ends it.
pub(crate) struct Up<'p> {
    project: &'p Project,
    pub(crate) process: Child,
    output: PathBuf,
}

impl Up<'_> {
    /// What it printed.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap_or_default()
    }

    /// Waits until it has printed this.
    pub(crate) async fn says(&self, text: &str) {
        until(&format!("{text:?} in the output"), async || self.said().contains(text).then_some(())).await;
    }

    /// Runs a command of `millrace` on the stack.
    pub(crate) fn command(&self, arguments: &[&str]) -> Output {
        self.project.millrace(arguments, &[]).output().unwrap()
    }

    /// The address of the Invoke API.
    pub(crate) fn url(&self, path: &str) -> String {
        let text = std::fs::read(self.project.path().join(".millrace/instance.json")).unwrap();
        let instance: Value = serde_json::from_slice(&text).unwrap();
        format!("http://127.0.0.1:{}{path}", instance["invoke_port"])
    }

    /// Calls Invoke and gives the whole answer.
    pub(crate) async fn call(&self, function: &str, headers: &[(&str, &str)], event: &str) -> reqwest::Response {
        let url = self.url(&format!("/2015-03-31/functions/{function}/invocations"));
        let mut request = reqwest::Client::new().post(url).body(event.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    /// Invokes a function, and gives its answer or its error.
    pub(crate) async fn invoke(&self, function: &str, event: &str) -> Value {
        self.call(function, &[], event).await.json().await.unwrap()
    }

    /// A function's part of `millrace status`.
    pub(crate) async fn status(&self, function: &str) -> Value {
        let status: Value = reqwest::get(self.url("/_millrace/status")).await.unwrap().json().await.unwrap();
        let functions = status["functions"].as_array().unwrap();
        functions.iter().find(|f| f["name"] == function).unwrap_or_else(|| panic!("{status}")).clone()
    }
}

impl Drop for Up<'_> {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.process);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.process.wait();
    }
}
