//! Each fault by itself.

use std::time::{Duration, Instant};

use millrace::host::{InvokeError, Origin};
use serde_json::json;

use super::{injected, with};
use crate::support::{App, error_of, until};

const TEMPLATE: &str = "{Resources: {F: {Type: 'AWS::Serverless::Function', Properties:
    {Runtime: provided.al2023, CodeUri: f/, Timeout: 60}}}}";

const WORKS: &str = "
import os
def handler(event, context):
    record(os.getpid())
    return os.getpid()
";

pub(crate) async fn a_crash_kills_the_process_while_it_has_the_event() {
    let (paths, chaos) = with("crash=1", 1);
    let hangs = format!("{}\n", WORKS.replace("return os.getpid()", "await_flag('never')"));
    let app = App::on(TEMPLATE, &hangs, paths);
    // A busy machine may take longer to begin than the fault leaves; then it is tried again.
    let pid = until("work that had begun when it crashed", async || {
        let outcome = app.invoke(&json!({})).await;
        let error = error_of(&outcome);
        assert_eq!(error["errorType"], "Runtime.ExitError");
        assert!(error["errorMessage"].as_str().unwrap().contains("signal: 9"), "{error}");
        app.records().pop()
    })
    .await;
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "process {pid} is still there");
    assert_eq!(injected(&chaos, "crash"), app.f().statistics().errors);
    assert_eq!(app.f().idle_pids(), Vec::<u32>::new());
}

pub(crate) async fn a_timeout_kills_the_process_although_it_has_done_its_work() {
    let (paths, chaos) = with("timeout=1", 1);
    let app = App::on(TEMPLATE, WORKS, paths);
    let began = Instant::now();
    let error = error_of(&app.invoke(&json!({})).await);
    assert_eq!(error["errorType"], "Sandbox.Timedout");
    assert!(error["errorMessage"].as_str().unwrap().ends_with("Task timed out after 60.00 seconds"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(30), "the whole timeout is not waited for");
    let pid = &app.records()[0];
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "process {pid} is still there");
    assert_eq!(injected(&chaos, "timeout"), 1);
}

pub(crate) async fn an_error_replaces_the_answer_to_work_that_was_done() {
    let (paths, chaos) = with("error=1", 1);
    let app = App::on(TEMPLATE, WORKS, paths);
    for _ in 0..2 {
        assert_eq!(error_of(&app.invoke(&json!({})).await)["errorType"], "Chaos.Error");
    }
    let records = app.records();
    assert_eq!(records.len(), 2, "both did their work");
    assert_eq!(records[0], records[1], "the process stays");
    assert_eq!((injected(&chaos, "error"), app.f().statistics().errors), (2, 2));
}

pub(crate) async fn a_throttled_invocation_does_not_reach_the_function() {
    let (paths, chaos) = with("throttle=1", 1);
    let app = App::on(TEMPLATE, WORKS, paths);
    let refused = app.host.invoke(&Origin::api("Api"), "F", "{}".into()).await;
    assert_eq!(refused.unwrap_err(), InvokeError::Throttled);
    let statistics = app.f().statistics();
    assert_eq!((statistics.throttles, statistics.cold_starts, injected(&chaos, "throttle")), (1, 0, 1));
}

pub(crate) async fn an_event_is_duplicated_and_a_request_is_not() {
    let (paths, chaos) = with("duplicate=1", 1);
    let app = App::on(TEMPLATE, WORKS, paths);
    for origin in [Origin::caller(), Origin::api("Api")] {
        assert!(app.host.invoke(&origin, "F", "{}".into()).await.unwrap().is_success());
    }
    assert_eq!((app.records().len(), injected(&chaos, "duplicate")), (2, 0));
    for origin in [Origin::mapping("M"), Origin::schedule("s"), Origin::asynchronous()] {
        assert!(app.host.invoke(&origin, "F", "{}".into()).await.unwrap().is_success());
    }
    assert_eq!((app.records().len(), injected(&chaos, "duplicate")), (8, 3));
}

pub(crate) async fn a_seed_gives_a_trigger_the_same_sequence_again_whatever_others_do() {
    let specification = "error=0.3,throttle=0.3";
    let mut sequences = Vec::new();
    for others in [0, 1] {
        let app = App::on(TEMPLATE, WORKS, with(specification, 42).0);
        let mut sequence = Vec::new();
        for _ in 0..30 {
            for _ in 0..others {
                drop(app.host.invoke(&Origin::schedule("s"), "F", "{}".into()).await);
            }
            let result = app.host.invoke(&Origin::mapping("M"), "F", "{}".into()).await;
            sequence.push(result.map(|outcome| outcome.is_success()));
        }
        sequences.push(sequence);
    }
    assert_eq!(sequences[0], sequences[1]);
    for expected in [Ok(true), Ok(false), Err(InvokeError::Throttled)] {
        assert!(sequences[0].contains(&expected), "{expected:?} is missing from {:?}", sequences[0]);
    }
}
