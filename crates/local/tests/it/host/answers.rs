//! What a function sees, and what its caller gets back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use millrace::host::Origin;
use serde_json::json;

use crate::support::{App, error_of, until};

const ECHO: &str = "
def handler(event, context):
    return event
";

const PID: &str = "
import os
def handler(event, context):
    return os.getpid()
";

fn now_ms() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()
}

pub(crate) async fn the_answer_is_what_the_function_returned() {
    let app = App::function("Timeout: 10", ECHO);
    let event = json!({"text": "ü \" \n", "numbers": [1, -2.5, null], "nested": {"a": {}}});
    assert_eq!(app.answer(&event).await, event);
}

pub(crate) async fn a_function_is_found_by_id_name_and_arn() {
    let app = App::function("Timeout: 10, FunctionName: my-echo", ECHO);
    for name in ["F", "my-echo", "my-echo:$LATEST", app.f().arn().as_str()] {
        let outcome = app
            .host
            .invoke(&Origin::caller(), name, "1".into())
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(&outcome.payload[..], b"1", "{name}");
    }
    let unknown = app.host.invoke(&Origin::caller(), "other", "1".into()).await.unwrap_err();
    assert_eq!(unknown.to_string(), "function other does not exist; there are my-echo");
}

pub(crate) async fn the_context_has_deadline_arn_and_trace() {
    let app = App::function(
        "Timeout: 7, FunctionName: ctx",
        "
def handler(event, context):
    return context.headers
",
    );
    let before = now_ms();
    let outcome = app.invoke(&json!({})).await;
    let after = now_ms();
    let headers: serde_json::Value = serde_json::from_slice(&outcome.payload).unwrap();
    let header = |name: &str| headers[name].as_str().unwrap_or_else(|| panic!("{name} of {headers}")).to_owned();
    assert_eq!(header("lambda-runtime-aws-request-id"), outcome.request_id);
    let deadline: u128 = header("lambda-runtime-deadline-ms").parse().unwrap();
    assert!((before + 7000..=after + 7000).contains(&deadline), "{deadline} is not 7 s after {before}..{after}");
    assert_eq!(header("lambda-runtime-invoked-function-arn"), app.f().arn());
    assert!(app.f().arn().ends_with(":function:ctx"), "{}", app.f().arn());
    assert!(header("lambda-runtime-trace-id").starts_with("Root=1-"), "{headers}");
}

pub(crate) async fn the_environment_is_lambdas_and_the_templates_and_nothing_else() {
    let app = App::function(
        "Timeout: 10, FunctionName: env, MemorySize: 256, Environment: {Variables: {GREETING: hello, EMPTY: ''}}",
        "
import os
def handler(event, context):
    return {'variables': dict(os.environ), 'folder': os.getcwd()}
",
    );
    let seen = app.answer(&json!({})).await;
    let variable = |name: &str| seen["variables"][name].as_str();
    let root = app.code().display().to_string();
    for (name, expected) in [
        ("AWS_LAMBDA_FUNCTION_NAME", "env"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/env"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("_HANDLER", "bootstrap"),
        ("TZ", ":UTC"),
        ("AWS_REGION", "us-east-1"),
        ("LAMBDA_TASK_ROOT", root.as_str()),
        ("GREETING", "hello"),
        ("EMPTY", ""),
    ] {
        assert_eq!(variable(name), Some(expected), "{name}");
    }
    assert!(variable("AWS_LAMBDA_LOG_STREAM_NAME").is_some() && variable("AWS_LAMBDA_RUNTIME_API").is_some());
    assert_eq!(variable("CARGO_MANIFEST_DIR"), None, "the runner's own environment stays with it");
    // It starts where its code is, so that a custom runtime finds what lies beside it.
    let folder = std::path::PathBuf::from(seen["folder"].as_str().unwrap());
    assert_eq!(folder.canonicalize().unwrap(), app.code().canonicalize().unwrap());
}

pub(crate) async fn the_second_invocation_is_warm() {
    let app = App::function("Timeout: 10", PID);
    let (first, second) = (app.invoke(&json!({})).await, app.invoke(&json!({})).await);
    assert_eq!(first.payload, second.payload, "one process");
    assert_ne!(first.request_id, second.request_id);
    assert!(first.init_duration.is_some_and(|init| init > Duration::ZERO));
    assert_eq!(second.init_duration, None);
    let statistics = app.f().statistics();
    assert_eq!((statistics.invocations, statistics.errors, statistics.cold_starts), (2, 0, 1));
    let pid: u32 = String::from_utf8_lossy(&first.payload).parse().unwrap();
    assert_eq!(app.f().idle_pids(), [pid]);
}

pub(crate) async fn a_function_error_is_passed_on_and_the_process_stays() {
    let app = App::function(
        "Timeout: 10",
        "
import os
def handler(event, context):
    if event['fail']:
        raise ValueError('no such order')
    return os.getpid()
",
    );
    let pid = app.answer(&json!({"fail": false})).await;
    let error = error_of(&app.invoke(&json!({"fail": true})).await);
    assert_eq!(error, json!({"errorType": "ValueError", "errorMessage": "no such order", "stackTrace": []}));
    assert_eq!(app.answer(&json!({"fail": false})).await, pid);
    let statistics = app.f().statistics();
    assert_eq!((statistics.invocations, statistics.errors), (3, 1));
    assert!(statistics.last_error.unwrap().contains("no such order"));
}

pub(crate) async fn the_log_has_the_functions_lines_between_start_end_and_report() {
    let app = App::function(
        "Timeout: 10, MemorySize: 256",
        "
import sys
def handler(event, context):
    print('to stdout', flush=True)
    print('to stderr', file=sys.stderr, flush=True)
    if event == 2:
        raise ValueError('bad')
",
    );
    let mut ids = Vec::new();
    for event in [1, 2] {
        ids.push(app.invoke(&json!(event)).await.request_id);
    }
    let log = app.log();
    let lines: Vec<&str> = log.lines().collect();
    let [start, out, err, end, report, .., failed] = lines.as_slice() else { panic!("{log}") };
    assert_eq!(*start, format!("START RequestId: {} Version: $LATEST", ids[0]));
    assert_eq!((*out, *err), ("to stdout", "to stderr"));
    assert_eq!(*end, format!("END RequestId: {}", ids[0]));
    assert!(report.starts_with(&format!("REPORT RequestId: {}\tDuration: ", ids[0])), "{report}");
    assert!(report.contains("\tMemory Size: 256 MB\tMax Memory Used: "), "{report}");
    assert!(report.contains("\tInit Duration: ") && !report.contains("Status"), "{report}");
    assert!(failed.starts_with(&format!("REPORT RequestId: {}", ids[1])), "{failed}");
    assert!(failed.ends_with("\tStatus: error") && !failed.contains("Init Duration"), "{failed}");
}

pub(crate) async fn an_event_is_accepted_at_once_and_run_later() {
    let app = App::function(
        "Timeout: 30",
        "
def handler(event, context):
    await_flag('go')
    record(event)
",
    );
    app.host.invoke_asynchronously(&Origin::asynchronous(), "F", r#"{"n": 1}"#.into()).unwrap();
    assert!(app.records().is_empty(), "it waits for the flag, and its caller has gone on");
    app.raise("go");
    assert_eq!(app.recorded(1).await, [json!({"n": 1})]);
    until("a success", async || app.f().statistics().last_success).await;
}
