//! Where the records of events go.

use millrace::host::Origin;
use serde_json::{Value, json};

use super::{HANDLER, app, leave, quick};
use crate::support::{App, aws::Aws};

fn to(direction: &str, kind: &str, arn: &str) -> String {
    format!(
        "EventInvokeConfig: {{MaximumRetryAttempts: 0, DestinationConfig: \
         {{{direction}: {{Type: {kind}, Destination: '{arn}'}}}}}}"
    )
}

pub(crate) async fn a_success_goes_to_its_queue_with_event_and_answer() {
    let aws = Aws::connect().await;
    let queue = aws.queue().await;
    let app = app(&to("OnSuccess", "SQS", &queue.arn), quick(), |_| {});
    let id = leave(&app, &json!({"number": 7}));
    let mut record = aws.receive_json(&queue).await;
    let timestamp = record["timestamp"].take();
    assert!(timestamp.as_str().unwrap().ends_with('Z'), "{timestamp}");
    let expected = json!({
        "version": "1.0",
        "timestamp": null,
        "requestContext": {"requestId": id, "functionArn": format!("{}:$LATEST", app.f().arn()),
            "condition": "Success", "approximateInvokeCount": 1},
        "requestPayload": {"number": 7},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": {"done": true},
    });
    assert_eq!(record, expected);
}

pub(crate) async fn a_failure_goes_to_its_topic_with_the_functions_error() {
    let aws = Aws::connect().await;
    let queue = aws.queue().await;
    let app = app(&to("OnFailure", "SNS", &aws.topic(&queue).await), quick(), |_| {});
    leave(&app, &json!({"do": "fail"}));
    let message = aws.receive_json(&queue).await;
    let record: Value = serde_json::from_str(message["Message"].as_str().unwrap()).unwrap();
    assert_eq!(record["requestContext"]["condition"], "RetriesExhausted");
    assert_eq!(record["requestPayload"], json!({"do": "fail"}));
    assert_eq!(record["responseContext"]["functionError"], "Unhandled");
    assert_eq!(record["responsePayload"]["errorMessage"], "no");
}

pub(crate) async fn a_failure_goes_to_its_bucket_under_a_key_with_name_and_time() {
    let aws = Aws::connect().await;
    let bucket = aws.bucket().await;
    let app = app(&to("OnFailure", "S3Bucket", &format!("arn:aws:s3:::{bucket}")), quick(), |_| {});
    leave(&app, &json!({"do": "fail"}));
    let (key, record) = aws.object(&bucket).await;
    let rest = key.strip_prefix("aws/lambda/async/f/").unwrap_or_else(|| panic!("{key}"));
    let (day, file) = rest.rsplit_once('/').unwrap();
    assert!(file.starts_with(&day.replace('/', "-")) && file.len() == 19 + 1 + 36, "{key}");
    assert_eq!(record["requestContext"]["condition"], "RetriesExhausted");
}

pub(crate) async fn a_function_as_destination_gets_the_record_as_its_event() {
    let template = "Resources:
       F:
         Type: AWS::Serverless::Function
         Properties:
           Runtime: provided.al2023
           CodeUri: f/
           EventInvokeConfig:
             DestinationConfig: {OnSuccess: {Type: Lambda, Destination: !GetAtt Next.Arn}}
       Next:
         Type: AWS::Serverless::Function
         Properties: {Runtime: provided.al2023, CodeUri: f/}
    ";
    let app = App::changed(template, HANDLER, |config, _| config.events = quick());
    let id = app.host.invoke_asynchronously(&Origin::asynchronous(), "F", "{\"number\":7}".into()).unwrap();
    let records = app.recorded(2).await;
    let record = &records[1]["event"];
    assert_eq!(record["requestContext"]["requestId"], id);
    assert_eq!(record["responsePayload"], json!({"done": true}));
    assert_ne!(records[1]["id"], id, "an invocation of its own");
}

pub(crate) async fn a_dead_letter_queue_gets_the_event_as_it_came_with_three_attributes() {
    let aws = Aws::connect().await;
    let queue = aws.queue().await;
    let properties = format!(
        "DeadLetterQueue: {{Type: SQS, TargetArn: '{}'}}, EventInvokeConfig: {{MaximumRetryAttempts: 0}}",
        queue.arn
    );
    let app = app(&properties, quick(), |_| {});
    let id = app.host.invoke_asynchronously(&Origin::asynchronous(), "F", r#"{ "do" : "fail" }"#.into()).unwrap();
    let message = aws.receive(&queue).await;
    assert_eq!(message.body(), Some(r#"{ "do" : "fail" }"#), "byte for byte");
    let attribute = |name: &str| {
        let attribute = &message.message_attributes().unwrap()[name];
        (attribute.data_type().to_owned(), attribute.string_value().unwrap().to_owned())
    };
    assert_eq!(attribute("RequestID"), ("String".to_owned(), id));
    assert_eq!(attribute("ErrorCode"), ("Number".to_owned(), "200".to_owned()));
    assert_eq!(attribute("ErrorMessage"), ("String".to_owned(), "no".to_owned()));
}
