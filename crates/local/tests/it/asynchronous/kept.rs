//! Events outlive the runner.

use std::time::Duration;

use millrace::host::{EventConfig, Journal, Origin};
use serde_json::json;

use super::{app, leave, quick};
use crate::support::{App, aws, aws::Aws, until};

/// Events in a file of the test's folder.
fn kept(app: &App) -> EventConfig {
    let journal = Journal::open(&app.folder().join("events.jsonl")).unwrap_or_else(|error| panic!("{error:#}"));
    EventConfig { journal, ..quick() }
}

/// A first host whose retries wait for an hour, so that nothing but the next host can make them.
fn patient(app: &App) -> EventConfig {
    let hour = Duration::from_secs(3600);
    EventConfig { retry_delays: [hour, hour], ..kept(app) }
}

pub(crate) async fn an_event_that_waits_for_a_retry_is_taken_up_by_the_next_runner() {
    let app = app("MemorySize: 128", quick(), |_| {});
    let first = app.next_host(patient(&app));
    let id = first.invoke_asynchronously(&Origin::asynchronous(), "F", r#"{"do":"fail-once"}"#.into()).unwrap();
    app.recorded(1).await;
    // The attempt is noted right after its answer.
    until("the note of the first attempt", async || {
        let text = std::fs::read_to_string(app.folder().join("events.jsonl")).unwrap();
        text.contains("attempted").then_some(())
    })
    .await;
    first.shut_down(Duration::from_secs(10)).await;
    // The hour is over.
    let path = app.folder().join("events.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, after) = text.split_once("\"attempted\":{").unwrap();
    let due = after.split("not_before_ms\":").next().unwrap().to_owned();
    std::fs::write(&path, format!("{before}\"attempted\":{{{due}not_before_ms\":0}}}}\n")).unwrap();
    let next = app.next_host(kept(&app));
    assert_eq!(next.resume_events(), 1);
    let records = app.recorded(2).await;
    assert_eq!(records[1]["id"], id, "the same request id");
    until("the end of the event", async || {
        let text = std::fs::read_to_string(app.folder().join("events.jsonl")).unwrap();
        text.contains("\"done\"").then_some(())
    })
    .await;
    next.shut_down(Duration::from_secs(10)).await;
}

pub(crate) async fn a_runner_that_is_killed_loses_no_accepted_event() {
    let app = app("ReservedConcurrentExecutions: 2", quick(), |_| {});
    // A runtime that goes away with all its tasks at once, in the midst of two invocations.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = kept(&app);
    let specs = app.next_host(config);
    let inside = specs.clone();
    let accepted = runtime.spawn(async move {
        let event = |number: i32| json!({"do": "wait", "number": number}).to_string();
        let accept = |number| inside.invoke_asynchronously(&Origin::asynchronous(), "F", event(number).into()).unwrap();
        (0..20).map(accept).collect::<Vec<_>>()
    });
    let accepted = accepted.await.unwrap();
    app.recorded(2).await;
    runtime.shutdown_background();
    drop(specs);
    app.raise("go");
    let next = app.next_host(kept(&app));
    assert_eq!(next.resume_events(), 20);
    until("the end of all events", async || {
        let ids: std::collections::BTreeSet<String> =
            app.records().iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect();
        accepted.iter().all(|id| ids.contains(id)).then_some(())
    })
    .await;
    until("an empty journal", async || {
        let text = std::fs::read_to_string(app.folder().join("events.jsonl")).unwrap();
        (text.matches("\"done\"").count() >= 20).then_some(())
    })
    .await;
    next.shut_down(Duration::from_secs(10)).await;
}

pub(crate) async fn a_record_waits_until_its_destination_takes_it() {
    let aws = Aws::connect().await;
    let name = aws::name();
    let properties = format!(
        "EventInvokeConfig: {{DestinationConfig: {{OnSuccess: {{Type: SQS, Destination: \
         'arn:aws:sqs:us-east-1:000000000000:{name}'}}}}}}"
    );
    let app = app(&properties, quick(), |_| {});
    let first = app.next_host(kept(&app));
    let id = first.invoke_asynchronously(&Origin::asynchronous(), "F", "{}".into()).unwrap();
    until("a settled event", async || {
        let text = std::fs::read_to_string(app.folder().join("events.jsonl")).unwrap();
        text.contains("settled").then_some(())
    })
    .await;
    first.shut_down(Duration::from_secs(10)).await;
    let queue = aws.queue_named(&name).await;
    let next = app.next_host(kept(&app));
    assert_eq!(next.resume_events(), 1);
    assert_eq!(aws.receive_json(&queue).await["requestContext"]["requestId"], id);
    assert_eq!(app.records().len(), 1, "the function is not invoked again");
    next.shut_down(Duration::from_secs(10)).await;
}

pub(crate) async fn a_stopped_function_refuses_events_and_keeps_those_it_has() {
    let app = app("ReservedConcurrentExecutions: 1", quick(), |_| {});
    let holder = app.start_invocation(&json!({"do": "wait"}));
    app.recorded(1).await;
    leave(&app, &json!({"number": 1}));
    let stopping = {
        let f = app.f().clone();
        tokio::spawn(async move { f.stop().await })
    };
    until("a stopped function", async || {
        app.host.invoke_asynchronously(&Origin::asynchronous(), "F", "{}".into()).is_err().then_some(())
    })
    .await;
    app.raise("go");
    assert!(holder.await.unwrap().unwrap().is_success());
    stopping.await.unwrap();
    let before = app.records().len();
    app.f().resume();
    app.recorded(before + 1).await;
}
