//! MiniStack's Lambda, which runs a `provided.al2023` zip as a process.

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use super::{to, tool};
use crate::support::{App, error_of};

const HANDLER: &str = "
def handler(event, context):
    print('at work')
    if event == 'fail':
        raise ValueError('as asked')
    return {'got': event}
";

/// A function that exists in MiniStack, and is deleted at the end.
struct There {
    name: String,
    address: String,
}

impl There {
    fn create() -> Self {
        let address = std::env::var("AWS_ENDPOINT_URL").unwrap_or_default();
        assert!(!address.is_empty(), "AWS_ENDPOINT_URL is not set: run the tests with `make test`");
        let there = Self { name: format!("runner-{}", Uuid::new_v4().simple()), address };
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("handler.py"), HANDLER).unwrap();
        let bootstrap = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/function/bootstrap");
        std::fs::copy(bootstrap, folder.path().join("bootstrap")).unwrap();
        let zip = "import shutil; shutil.make_archive('code', 'zip', '.')";
        assert!(Command::new("python3").args(["-c", zip]).current_dir(folder.path()).status().unwrap().success());
        let code = format!("fileb://{}", folder.path().join("code.zip").display());
        let role = "arn:aws:iam::000000000000:role/r";
        let created = there.aws(&[
            "create-function",
            "--function-name",
            &there.name,
            "--runtime",
            "provided.al2023",
            "--handler",
            "bootstrap",
            "--role",
            role,
            "--zip-file",
            &code,
        ]);
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
        there
    }

    fn aws(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(tool("aws"));
        command.env_remove("AWS_ENDPOINT_URL_LAMBDA").args(["--endpoint-url", &self.address, "lambda"]);
        command.args(arguments).output().unwrap()
    }

    fn credentials() -> BTreeMap<String, String> {
        std::env::vars().filter(|(name, _)| name.starts_with("AWS_")).collect()
    }

    /// `millrace invoke` of it.
    fn invoke(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_millrace"));
        command.args(["invoke", &self.name, "--endpoint", &self.address]).args(arguments).output().unwrap()
    }
}

impl Drop for There {
    fn drop(&mut self) {
        self.aws(&["delete-function", "--function-name", &self.name]);
    }
}

pub(crate) async fn a_function_of_ministack_answers_and_its_error_is_known_by_the_header() {
    let there = There::create();
    let template = format!(
        "{{Resources: {{F: {{Type: 'AWS::Serverless::Function', Properties:
            {{FunctionName: {}, Runtime: provided.al2023, CodeUri: f/, Timeout: 60}}}}}}}}",
        there.name
    );
    let app = App::on(&template, "", to(&there.address, &["F"], &There::credentials()).await);
    assert_eq!(app.answer(&json!({"n": 1})).await, json!({"got": {"n": 1}}));
    assert_eq!(error_of(&app.invoke(&json!("fail")).await)["errorMessage"], "as asked");
    assert_eq!(app.f().statistics().cold_starts, 0);
}

pub(crate) async fn invoke_asks_any_host_and_fails_with_the_function() {
    let there = There::create();
    let output = there.invoke(&["--log"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), json!({"got": {}}));
    let event = TempDir::new().unwrap();
    let file = event.path().join("event.json");
    std::fs::write(&file, "\"fail\"").unwrap();
    let output = there.invoke(&["--event", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap()["errorMessage"], "as asked");
}
