//! Restart, stop, and the end of the host: nothing that runs is cut off.

use std::time::{Duration, Instant};

use millrace::host::{FunctionState, InvokeError};
use serde_json::json;

use crate::support::{App, DEFAULT_CONCURRENCY, until};

const PID: &str = "
import os
def handler(event, context):
    if event == 'hold':
        record('begun')
        await_flag('go')
    return os.getpid()
";

pub(crate) async fn a_restart_gives_a_new_process_and_lets_the_old_one_finish() {
    let app = App::function("Timeout: 60", PID);
    let first = app.answer(&json!({})).await;
    let running = app.start_invocation(&json!("hold"));
    app.recorded(1).await;
    app.f().restart().await;
    let second = app.answer(&json!({})).await;
    assert_ne!(first, second);
    app.raise("go");
    let outcome = running.await.unwrap().unwrap();
    assert!(outcome.is_success());
    assert_eq!(String::from_utf8_lossy(&outcome.payload), first.to_string(), "it ended where it had begun");
    assert_eq!(app.answer(&json!({})).await, second, "the old process is not used again");
}

pub(crate) async fn a_stopped_function_refuses_until_it_is_resumed() {
    let app = App::function("Timeout: 60", PID);
    assert_eq!(app.f().state(), FunctionState::Cold);
    let first = app.answer(&json!({})).await;
    assert_eq!(app.f().state(), FunctionState::Warm);
    app.f().stop().await;
    assert_eq!(app.f().state(), FunctionState::Stopped);
    assert_eq!(app.try_invoke("{}").await.unwrap_err(), InvokeError::Stopped("f".into()));
    app.f().resume();
    assert_ne!(app.answer(&json!({})).await, first);
}

pub(crate) async fn what_waits_for_its_turn_when_the_function_stops_is_refused() {
    let app = App::function("Timeout: 60", PID);
    let held: Vec<_> = (0..DEFAULT_CONCURRENCY).map(|_| app.start_invocation(&json!("hold"))).collect();
    app.recorded(DEFAULT_CONCURRENCY as usize).await;
    let waits = app.start_invocation(&json!("hold"));
    app.f().stop().await;
    app.raise("go");
    for invocation in held {
        assert!(invocation.await.unwrap().unwrap().is_success());
    }
    assert_eq!(waits.await.unwrap().unwrap_err(), InvokeError::Stopped("f".into()));
}

pub(crate) async fn the_end_of_the_host_lets_running_invocations_end() {
    let app = App::function("Timeout: 60", PID);
    let running = app.start_invocation(&json!("hold"));
    app.recorded(1).await;
    let host = app.host.clone();
    let end = tokio::spawn(async move { host.shut_down(Duration::from_secs(60)).await });
    until("refusals", async || (app.f().state() == FunctionState::Stopped).then_some(())).await;
    assert!(matches!(app.try_invoke("{}").await, Err(InvokeError::Stopped(_))));
    assert!(!end.is_finished() && !running.is_finished());
    app.raise("go");
    assert!(running.await.unwrap().unwrap().is_success());
    end.await.unwrap();
    assert!(app.f().idle_pids().is_empty());
}

pub(crate) async fn the_end_of_the_host_waits_no_longer_than_its_grace() {
    let app = App::function("Timeout: 60", PID);
    let _running = app.start_invocation(&json!("hold"));
    app.recorded(1).await;
    let started = Instant::now();
    app.host.shut_down(Duration::from_millis(200)).await;
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    app.raise("go");
}
