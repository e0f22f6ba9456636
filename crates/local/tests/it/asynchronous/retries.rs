//! How often and how long an event is tried.

use std::time::Duration;

use millrace::host::{InvokeError, Origin};
use serde_json::{Value, json};

use super::{app, leave, quick};
use crate::support::{App, aws::Aws, until};

/// The request ids of the attempts so far.
fn ids(app: &App) -> Vec<String> {
    app.records().iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect()
}

/// Waits until the record of the one event is in the queue.
async fn failure(aws: &Aws, queue: &crate::support::aws::Queue) -> Value {
    aws.receive_json(queue).await["requestContext"].take()
}

fn on_failure(queue: &crate::support::aws::Queue, more: &str) -> String {
    format!(
        "EventInvokeConfig: {{{more} DestinationConfig: {{OnFailure: {{Type: SQS, Destination: '{}'}}}}}}",
        queue.arn
    )
}

pub(crate) async fn a_function_error_is_tried_twice_more_with_the_same_request_id() {
    let aws = Aws::connect().await;
    let queue = aws.queue().await;
    let app = app(&on_failure(&queue, ""), quick(), |_| {});
    let id = leave(&app, &json!({"do": "fail"}));
    let context = failure(&aws, &queue).await;
    assert_eq!(ids(&app), [id.clone(), id.clone(), id.clone()]);
    assert_eq!((&context["condition"], &context["approximateInvokeCount"]), (&json!("RetriesExhausted"), &json!(3)));
    assert_eq!(context["requestId"], id);
}

pub(crate) async fn maximum_retry_attempts_limits_the_retries() {
    let aws = Aws::connect().await;
    let queue = aws.queue().await;
    let app = app(&on_failure(&queue, "MaximumRetryAttempts: 0,"), quick(), |_| {});
    leave(&app, &json!({"do": "fail"}));
    let context = failure(&aws, &queue).await;
    assert_eq!((context["approximateInvokeCount"].as_u64(), app.records().len()), (Some(1), 1));
}

pub(crate) async fn an_event_that_succeeds_at_a_later_attempt_is_done() {
    let app = app("MemorySize: 128", quick(), |_| {});
    let id = leave(&app, &json!({"do": "fail-once"}));
    app.recorded(2).await;
    assert_eq!(ids(&app), [id.clone(), id]);
    until("the end of the event", async || (app.f().statistics().invocations == 2).then_some(())).await;
}

pub(crate) async fn a_throttled_event_waits_and_uses_up_no_retry() {
    let aws = Aws::connect().await;
    let queue = aws.queue().await;
    let destination = format!(
        "ReservedConcurrentExecutions: 1, EventInvokeConfig: {{MaximumRetryAttempts: 0, DestinationConfig: \
         {{OnSuccess: {{Type: SQS, Destination: '{}'}}}}}}",
        queue.arn
    );
    let app = app(&destination, quick(), |_| {});
    let holder = app.start_invocation(&json!({"do": "wait"}));
    app.recorded(1).await;
    leave(&app, &json!({"do": "nothing"}));
    until("throttled attempts", async || (app.f().statistics().throttles >= 3).then_some(())).await;
    app.raise("go");
    assert!(holder.await.unwrap().unwrap().is_success());
    let context = failure(&aws, &queue).await;
    assert_eq!((&context["condition"], &context["approximateInvokeCount"]), (&json!("Success"), &json!(1)));
}

pub(crate) async fn an_event_that_grows_older_than_its_maximum_age_is_given_up() {
    let aws = Aws::connect().await;
    let queue = aws.queue().await;
    let properties = format!("ReservedConcurrentExecutions: 1, {}", on_failure(&queue, ""));
    let app = app(&properties, quick(), |spec| spec.maximum_event_age = Duration::from_millis(200));
    let holder = app.start_invocation(&json!({"do": "wait"}));
    app.recorded(1).await;
    leave(&app, &json!({"do": "nothing"}));
    let record = aws.receive_json(&queue).await;
    assert_eq!(record["requestContext"]["condition"], "EventAgeExceeded");
    assert_eq!((record.get("responseContext"), record.get("responsePayload")), (None, None), "it has no response");
    app.raise("go");
    assert!(holder.await.unwrap().unwrap().is_success());
    assert_eq!(app.records().len(), 1, "the function never saw it");
}

pub(crate) async fn a_reserved_concurrency_of_zero_gives_events_up_without_a_retry() {
    let aws = Aws::connect().await;
    let queue = aws.queue().await;
    let app = app(&format!("ReservedConcurrentExecutions: 0, {}", on_failure(&queue, "")), quick(), |_| {});
    leave(&app, &json!({}));
    let context = failure(&aws, &queue).await;
    assert_eq!(context["condition"], "ZeroReservedConcurrency");
    assert_eq!(app.f().statistics().throttles, 1);
}

pub(crate) async fn an_event_over_1_mb_is_refused() {
    let app = app("MemorySize: 128", quick(), |_| {});
    let payload = json!({"x": "x".repeat(1024 * 1024)}).to_string();
    let refused = app.host.invoke_asynchronously(&Origin::asynchronous(), "F", payload.into());
    assert!(matches!(refused, Err(InvokeError::PayloadTooLarge { limit: 1_048_576, .. })), "{refused:?}");
}
