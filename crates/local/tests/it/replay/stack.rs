//! The program itself: `up` with what stands in between, `status`, `invoke` and `replay`.

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::{
    topic::{Topic, broker, rec},
    until, with_events,
};

const HANDLER: &str = "
import base64
calls = 0
def handler(event, context):
    global calls
    calls += 1
    if 'records' in event:
        values = [base64.b64decode(r['value']).decode() for rs in event['records'].values() for r in rs]
        record(values)
        return {'values': values}
    if event.get('fail'):
        raise ValueError('as asked')
    return {'got': event, 'calls': calls if event.get('counts') else 0}
";

/// A project with the function `f`, a Kafka trigger of it, and no services; and a stack that runs it.
struct Project {
    folder: TempDir,
    topic: Topic,
}

impl Project {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let name = format!("runner-{}", Uuid::new_v4().simple());
        let topic = Topic::create(name.clone(), 1).await;
        let servers = broker().bootstrap_servers;
        let template = with_events(&format!(
            "Records: {{Type: SelfManagedKafka, Properties: {{KafkaBootstrapServers: ['{servers}'], Topics: [{name}],
               ConsumerGroupId: {name}, BatchSize: 2, StartingPosition: TRIM_HORIZON}}}},
             Http: {{Type: HttpApi, Properties: {{Path: /x, Method: GET}}}}"
        ));
        let root = folder.path();
        std::fs::write(root.join("template.yaml"), template).unwrap();
        std::fs::create_dir(root.join("localstack")).unwrap();
        std::fs::write(root.join("localstack/services.yaml"), "services: {}\n").unwrap();
        std::fs::create_dir(root.join("f")).unwrap();
        std::fs::write(root.join("f/handler.py"), HANDLER).unwrap();
        let bootstrap = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/function/bootstrap");
        std::os::unix::fs::symlink(bootstrap, root.join("f/bootstrap")).unwrap();
        Self { folder, topic }
    }

    fn millrace(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_millrace"));
        command.current_dir(self.folder.path()).env_remove("MILLRACE_DIR").arg("--dir").arg("instance");
        command.args(arguments).output().unwrap()
    }

    /// Its output, when it ends with this code.
    fn run(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.millrace(arguments);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {out}{err}");
        out.into_owned()
    }

    fn up(&self, arguments: &[&str]) -> String {
        self.run(0, &[&["up", "--detach", "--ports", "free"], arguments].concat())
    }

    fn status(&self) -> Value {
        serde_json::from_str(&self.run(0, &["status", "--json"])).unwrap()
    }

    fn event(&self, event: &Value) -> String {
        let file = self.folder.path().join("event.json");
        std::fs::write(&file, event.to_string()).unwrap();
        file.display().to_string()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        self.millrace(&["down"]);
    }
}

pub(crate) async fn a_recorded_event_is_sent_again_and_its_answer_compared() {
    let project = Project::new().await;
    project.up(&["--record", "records"]);
    for (code, event) in [(0, json!({"n": 1})), (1, json!({"fail": true})), (0, json!({"counts": true}))] {
        project.run(code, &["invoke", "f", "--event", &project.event(&event)]);
    }
    let list = until("three records", async || {
        let list = project.run(0, &["replay", "--list"]);
        (list.lines().count() == 4).then_some(list)
    })
    .await;
    let ids: Vec<&str> = list.lines().skip(1).map(|line| line.split_whitespace().next().unwrap()).collect();
    let failed = project.run(0, &["replay", "--list", "--failed", "--function", "f"]);
    assert!(failed.contains(ids[1]) && failed.lines().count() == 2, "{failed}");

    let same = project.run(0, &["replay", ids[0]]);
    assert!(same.contains(r#"{"got": {"n": 1}, "calls": 0}"#) && same.ends_with("as recorded\n"), "{same}");
    let other = project.run(0, &["replay", ids[2]]);
    assert!(other.contains("- $.calls: 3\n") && other.contains("+ $.calls: 5\n"), "{other}");
    assert!(project.run(1, &["replay", ids[1]]).contains("as asked"), "it fails as recorded");
    let shown = project.run(0, &["replay", ids[0], "--dry-run"]);
    assert!(shown.contains(r#"{"n":1}"#), "{shown}");
    let folder = project.status()["records"]["folder"].as_str().unwrap().to_owned();
    assert!(folder.ends_with("/records"), "{folder}");
}

pub(crate) async fn a_function_is_replayed_from_an_offset_and_its_group_stays_where_it_is() {
    let project = Project::new().await;
    project.up(&[]);
    let records: Vec<_> = (0..5).map(|n| rec(0, n)).collect();
    project.topic.produce(&records).await;
    let committed = async || project.topic.committed(&project.topic.name).await;
    until("five records", async || (committed().await == [Some(5)]).then_some(())).await;
    let from = format!("{}-0:1", project.topic.name);
    let replay =
        |more: &[&str]| project.run(0, &[&["replay", "--function", "f", "--from-offset", &from], more].concat());
    let invocations = || project.status()["functions"][0]["invocations"].as_u64().unwrap();
    let before = invocations();

    let shown = replay(&["--dry-run"]);
    assert!(shown.contains("4 records in 2 batches would be sent"), "{shown}");
    assert_eq!(invocations(), before);
    let sent = replay(&["--to", "3"]);
    assert!(sent.contains(r#"{"values": ["1", "2"]}"#) && sent.contains(r#"{"values": ["3"]}"#), "{sent}");
    assert!(sent.contains("3 records in 2 batches sent; 0 failed"), "{sent}");
    assert_eq!((invocations(), committed().await), (before + 2, vec![Some(5)]));
    let all = project.run(0, &["replay", "--function", "f", "--from-time", "2020-01-01T00:00:00Z"]);
    assert!(all.contains("5 records in 3 batches sent"), "{all}");
}

pub(crate) async fn an_api_answers_500_to_an_injected_error_and_503_to_injected_throttling() {
    for (specification, expected) in [("error=1", 500), ("throttle=1", 503)] {
        let project = Project::new().await;
        project.up(&["--chaos", specification]);
        let address = project.status()["apis"][0][1].as_str().unwrap().to_owned();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(format!("{address}/x")).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), expected, "{specification}");
        let streams = project.status()["chaos"]["streams"].as_array().unwrap().clone();
        assert!(streams.iter().any(|stream| stream["trigger"].as_str().unwrap().starts_with("api ")), "{streams:?}");
    }
}

pub(crate) async fn status_says_where_functions_run_and_what_was_injected() {
    let project = Project::new().await;
    let wrong = project.millrace(&["up", "--chaos", "crash=often"]);
    let error = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(!wrong.status.success() && error.contains("crash=often: is not a number; accepted: "), "{error}");
    let unknown = project.millrace(&["up", "--ports", "free", "--function-endpoint", "g=http://127.0.0.1:9"]);
    let error = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(!unknown.status.success() && error.contains("there are f"), "{error}");

    let up = project.up(&[
        "--functions-endpoint",
        "http://127.0.0.1:9",
        "--chaos",
        "throttle=0.5,rebalance=1s",
        "--seed",
        "7",
    ]);
    assert!(up.contains("http://127.0.0.1:9 runs f") && up.contains("throttle=0.5"), "{up}");
    let status = until("a rebalance", async || {
        let status = project.status();
        let streams = status["chaos"]["streams"].as_array().cloned().unwrap_or_default();
        streams.iter().any(|stream| stream["injected"]["rebalance"].as_u64() > Some(0)).then_some(status)
    })
    .await;
    assert_eq!(status["functions"][0]["runs_at"], "http://127.0.0.1:9");
    assert_eq!((&status["chaos"]["seed"], &status["mappings"][0]["state"]), (&json!(7), &json!("Enabled")));
    let text = project.run(0, &["status"]);
    assert!(text.contains("CHAOS  throttle=0.5,rebalance=1000ms, seed 7"), "{text}");
    assert!(text.contains("http://127.0.0.1:9"), "{text}");
}
