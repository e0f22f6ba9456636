//! A run that its function does not take.

use serde_json::{Value, json};

use super::app;
use crate::support::{aws::Aws, until};

pub(crate) async fn a_run_that_is_not_taken_is_tried_again_with_the_next_attempt_number() {
    let input = r#"Input: '{"attempt":"<aws.scheduler.attempt-number>","id":"<aws.scheduler.execution-id>"}'"#;
    let (app, source) = app("ScheduleV2", &format!("ScheduleExpression: rate(1 hour), {input}"));
    app.f().stop().await;
    source.start();
    until("the first run", async || source.times().1).await;
    app.f().resume();
    let event = app.recorded(1).await.remove(0);
    source.stop();
    assert_eq!(event["attempt"], "2");
}

pub(crate) async fn a_run_whose_retries_are_used_up_goes_to_the_dead_letter_queue_with_its_attributes() {
    let aws = Aws::connect().await;
    let queue = aws.queue().await;
    let retry = format!("RetryPolicy: {{MaximumRetryAttempts: 0}}, DeadLetterConfig: {{Arn: '{}'}}", queue.arn);
    let (app, source) = app("ScheduleV2", &format!("ScheduleExpression: rate(1 hour), Input: '{{\"a\":1}}', {retry}"));
    app.f().stop().await;
    source.start();
    let message = aws.receive(&queue).await;
    source.stop();
    let body: Value = serde_json::from_str(message.body().unwrap()).unwrap();
    let expected = json!({"FunctionName": app.f().arn(), "InvocationType": "Event", "Payload": "{\"a\":1}"});
    assert_eq!(body, expected, "the call that was tried");
    let attribute = |name: &str| message.message_attributes().unwrap()[name].string_value().unwrap().to_owned();
    assert_eq!(attribute("ERROR_CODE"), "ResourceConflictException");
    assert_eq!(attribute("EXHAUSTED_RETRY_CONDITION"), "MaximumRetryAttempts");
    assert_eq!(attribute("RETRY_ATTEMPTS"), "0");
    assert_eq!(attribute("IS_PAYLOAD_TRUNCATED"), "false");
    assert_eq!(attribute("SCHEDULE_ARN"), source.spec().arn);
    assert_eq!(attribute("TARGET_ARN"), app.f().arn());
    assert!(attribute("SCHEDULED_TIME").ends_with('Z') && !attribute("EXECUTION_ID").is_empty());
    assert!(app.records().is_empty());
}
