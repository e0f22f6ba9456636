//! Crashes, timeouts, and what exceeds a limit.

use std::time::{Duration, Instant};

use millrace::host::{InvokeError, Origin, PAYLOAD_LIMIT};
use serde_json::json;

use crate::support::{App, error_of, until};

/// Far below the timeouts of these functions.
const AT_ONCE: Duration = Duration::from_secs(10);

const CRASHES: &str = "
import os, signal
def handler(event, context):
    if event == 'exit':
        os._exit(3)
    if event == 'kill':
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()
";

pub(crate) async fn a_crash_is_answered_at_once_and_the_next_invocation_is_cold() {
    for (how, said) in [("exit", "exit status: 3"), ("kill", "signal: 9")] {
        let app = App::function("Timeout: 60", CRASHES);
        let first = app.answer(&json!("work")).await;
        let started = Instant::now();
        let outcome = app.invoke(&json!(how)).await;
        assert!(started.elapsed() < AT_ONCE, "{how}: after {:?}", started.elapsed());
        let error = error_of(&outcome);
        assert_eq!(error["errorType"], "Runtime.ExitError", "{how}");
        let message = error["errorMessage"].as_str().unwrap();
        assert!(message.contains(said) && message.contains(&outcome.request_id), "{how}: {message}");
        assert_ne!(app.answer(&json!("work")).await, first, "{how}: a new process");
        assert_eq!(app.f().statistics().cold_starts, 2, "{how}");
    }
}

pub(crate) async fn a_process_that_died_while_idle_is_not_used() {
    let app = App::function("Timeout: 60", CRASHES);
    let first = app.answer(&json!("work")).await;
    let pid = rustix::process::Pid::from_raw(i32::try_from(first.as_i64().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    until("the end of the idle process", async || rustix::process::test_kill_process(pid).is_err().then_some(())).await;
    let outcome = app.invoke(&json!("work")).await;
    // The host may hear of the end only while it hands over the event: then it is an error like any other crash.
    if !outcome.is_success() {
        assert_eq!(error_of(&outcome)["errorType"], "Runtime.ExitError");
    }
    assert_ne!(app.answer(&json!("work")).await, first);
}

pub(crate) async fn a_timeout_kills_the_function_with_all_that_it_started() {
    let app = App::function(
        "Timeout: 1",
        "
import os, subprocess
def handler(event, context):
    if event == 'hang':
        child = subprocess.Popen(['sleep', '600'])
        record(child.pid)
        child.wait()
    return os.getpid()
",
    );
    let first = app.answer(&json!("work")).await;
    let outcome = app.invoke(&json!("hang")).await;
    let message = error_of(&outcome)["errorMessage"].as_str().unwrap().to_owned();
    assert_eq!(message, format!("RequestId: {} Error: Task timed out after 1.00 seconds", outcome.request_id));
    assert!(outcome.duration >= Duration::from_secs(1) && outcome.duration < AT_ONCE, "{:?}", outcome.duration);
    let child = i32::try_from(app.records()[0].as_i64().unwrap()).unwrap();
    let child = rustix::process::Pid::from_raw(child).unwrap();
    until("the end of the child", async || ended(child).then_some(())).await;
    let after = app.invoke(&json!("work")).await;
    assert!(after.init_duration.is_some(), "the next one is cold");
    assert_ne!(String::from_utf8_lossy(&after.payload), first.to_string());
    assert!(app.log().contains("\tStatus: timeout"), "{}", app.log());
}

/// Gone, or dead and not yet collected by its new parent.
fn ended(pid: rustix::process::Pid) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap_or_default();
    rustix::process::test_kill_process(pid).is_err() || status.contains("State:\tZ")
}

pub(crate) async fn an_error_of_the_init_phase_is_passed_on_at_once() {
    // A process that stays after it has reported its error holds nobody up.
    for stays in [false, true] {
        let app = App::function("Timeout: 60", "raise Init('DATABASE_URL is not set')");
        if stays {
            app.raise("stay");
        }
        let started = Instant::now();
        let outcome = app.invoke(&json!({})).await;
        assert!(started.elapsed() < AT_ONCE, "stays {stays}: after {:?}", started.elapsed());
        let error = error_of(&outcome);
        assert_eq!((&error["errorType"], &error["errorMessage"]), (&json!("Init"), &json!("DATABASE_URL is not set")));
        assert!(!outcome.request_id.is_empty());
        assert!(app.log().contains(&format!("END RequestId: {}", outcome.request_id)), "{}", app.log());
        assert!(app.f().idle_pids().is_empty());
    }
}

pub(crate) async fn an_exit_during_init_is_answered_at_once() {
    let app = App::function(
        "Timeout: 60",
        "
import os
if not raised('mended'):
    os._exit(7)
def handler(event, context):
    return 'works'
",
    );
    let started = Instant::now();
    let error = error_of(&app.invoke(&json!({})).await);
    assert!(started.elapsed() < AT_ONCE, "after {:?}", started.elapsed());
    assert_eq!(error["errorType"], "Runtime.ExitError");
    assert!(error["errorMessage"].as_str().unwrap().contains("exit status: 7"), "{error}");
    app.raise("mended");
    assert_eq!(app.answer(&json!({})).await, "works");
}

pub(crate) async fn an_answer_over_6_mb_is_an_error() {
    let app = App::function(
        "Timeout: 60",
        "
import os
def handler(event, context):
    return b'x' * event
",
    );
    let whole = app.invoke(&json!(PAYLOAD_LIMIT)).await;
    assert_eq!((whole.function_error, whole.payload.len()), (None, PAYLOAD_LIMIT));
    for size in [PAYLOAD_LIMIT + 1, 8 * PAYLOAD_LIMIT] {
        let error = error_of(&app.invoke(&json!(size)).await);
        assert_eq!(error["errorType"], "Function.ResponseSizeTooLarge", "{size}");
    }
    assert!(app.invoke(&json!(1)).await.is_success());
}

pub(crate) async fn a_payload_over_6_mb_is_refused() {
    let app = App::function(
        "Timeout: 60",
        "
def handler(event, context):
    return len(event)
",
    );
    let text = |size: usize| format!("\"{}\"", "x".repeat(size - 2));
    let outcome = app.try_invoke(text(PAYLOAD_LIMIT)).await.unwrap();
    assert_eq!(&outcome.payload[..], (PAYLOAD_LIMIT - 2).to_string().as_bytes());
    let refused = app.try_invoke(text(PAYLOAD_LIMIT + 1)).await.unwrap_err();
    assert_eq!(refused, InvokeError::PayloadTooLarge { size: PAYLOAD_LIMIT + 1, limit: PAYLOAD_LIMIT });
    let refused =
        app.host.invoke_asynchronously(&Origin::asynchronous(), "F", text(1024 * 1024 + 1).into()).unwrap_err();
    assert!(matches!(refused, InvokeError::PayloadTooLarge { limit: 1_048_576, .. }), "{refused}");
}

pub(crate) async fn a_program_that_is_missing_or_no_program_is_named() {
    let app = App::function("Timeout: 60", "");
    let bootstrap = app.code().join("bootstrap");
    std::fs::remove_file(&bootstrap).unwrap();
    let missing = app.try_invoke("{}").await.unwrap_err();
    assert!(matches!(missing, InvokeError::NotRunnable { .. }), "{missing:?}");
    assert!(missing.to_string().contains(&bootstrap.display().to_string()), "{missing}");
    std::fs::write(&bootstrap, "no program").unwrap();
    let refused = app.try_invoke("{}").await.unwrap_err().to_string();
    assert!(refused.contains(&bootstrap.display().to_string()) && refused.contains("ermission denied"), "{refused}");
}
