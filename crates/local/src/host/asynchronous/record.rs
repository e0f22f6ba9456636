//! What a destination and a dead-letter queue get of an event that is settled. Pure.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    decide::Condition,
    event::{Delivery, Event},
};
use crate::{
    destination::{Attribute, Record},
    template::spec::AsynchronousSpec,
};

/// A dead letter carries the first KB of the error message.
const ERROR_MESSAGE_LIMIT: usize = 1024;

/// The function's last answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) payload: Vec<u8>,
    pub(super) function_error: Option<&'static str>,
}

/// Everything that is sent because of the event's end.
pub(super) fn deliveries(
    event: &Event,
    spec: &AsynchronousSpec,
    (function_name, function_arn): (&str, &str),
    condition: Condition,
    response: Option<&Response>,
    now: DateTime<Utc>,
) -> Vec<Delivery> {
    let success = condition == Condition::Success;
    let destination = if success { &spec.on_success } else { &spec.on_failure };
    let record = destination.iter().map(|to| {
        let body = invocation_record(event, function_arn, condition, response, now).to_string();
        Delivery {
            to: to.clone(),
            record: Record { body, attributes: Vec::new(), key: object_key(function_name, now) },
        }
    });
    let dead_letter = spec.dead_letter_queue.iter().filter(|_| !success).map(|to| {
        let attributes = attributes(event, condition, response);
        let record = Record { body: event.payload.clone(), attributes, key: String::new() };
        Delivery { to: to.clone(), record }
    });
    record.chain(dead_letter).collect()
}

fn invocation_record(
    event: &Event,
    function_arn: &str,
    condition: Condition,
    response: Option<&Response>,
    now: DateTime<Utc>,
) -> Value {
    let mut record = json!({
        "version": "1.0",
        "timestamp": now.to_rfc3339_opts(SecondsFormat::Millis, true),
        "requestContext": {
            "requestId": event.id,
            "functionArn": format!("{function_arn}:$LATEST"),
            "condition": condition.name(),
            "approximateInvokeCount": event.attempts,
        },
        "requestPayload": as_json(event.payload.as_bytes()),
    });
    if let (Some(fields), Some(response)) = (record.as_object_mut(), response) {
        let mut context = json!({"statusCode": 200, "executedVersion": "$LATEST"});
        if let (Some(context), Some(error)) = (context.as_object_mut(), response.function_error) {
            context.insert("functionError".into(), error.into());
        }
        fields.insert("responseContext".into(), context);
        fields.insert("responsePayload".into(), as_json(&response.payload));
    }
    record
}

/// What is not JSON stands in the record as text.
fn as_json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned().into())
}

/// `aws/lambda/async/<function-name>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<random UUID>`.
fn object_key(function_name: &str, now: DateTime<Utc>) -> String {
    let random = Uuid::new_v4();
    format!("aws/lambda/async/{function_name}/{}-{random}", now.format("%Y/%m/%d/%Y-%m-%dT%H.%M.%S"))
}

fn attributes(event: &Event, condition: Condition, response: Option<&Response>) -> Vec<Attribute> {
    let (code, message) = match (response, condition) {
        (Some(response), _) => {
            let answer = as_json(&response.payload);
            let message = answer.get("errorMessage").and_then(Value::as_str).map(str::to_owned);
            (200, message.unwrap_or_else(|| answer.to_string()))
        }
        (None, Condition::EventAgeExceeded) => (429, "the event is older than its maximum age".to_owned()),
        (None, _) => (429, "Rate Exceeded.".to_owned()),
    };
    let end = (0..=ERROR_MESSAGE_LIMIT.min(message.len())).rev().find(|end| message.is_char_boundary(*end));
    let message = message.get(..end.unwrap_or_default()).unwrap_or_default();
    vec![
        Attribute::text("RequestID", &event.id),
        Attribute::number("ErrorCode", code),
        Attribute::text("ErrorMessage", message),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::spec::Destination;

    fn event() -> Event {
        Event { attempts: 3, ..Event::new("id-1", "F", r#"{"a":1}"#, 0) }
    }

    fn spec() -> AsynchronousSpec {
        AsynchronousSpec {
            on_success: Some(Destination::SqsQueue("arn:success".into())),
            on_failure: Some(Destination::S3Bucket("failures".into())),
            dead_letter_queue: Some(Destination::SqsQueue("arn:dead".into())),
            ..AsynchronousSpec::default()
        }
    }

    fn sent(condition: Condition, response: Option<&Response>) -> Vec<Delivery> {
        let now = DateTime::from_timestamp_millis(5_000).unwrap();
        deliveries(&event(), &spec(), ("f", "arn:f"), condition, response, now)
    }

    #[test]
    fn a_success_goes_to_its_destination_alone() {
        let response = Response { payload: b"[1]".to_vec(), function_error: None };
        let sent = sent(Condition::Success, Some(&response));
        assert_eq!(sent.len(), 1);
        let expected = json!({
            "version": "1.0", "timestamp": "1970-01-01T00:00:05.000Z",
            "requestContext": {"requestId": "id-1", "functionArn": "arn:f:$LATEST", "condition": "Success",
                "approximateInvokeCount": 3},
            "requestPayload": {"a": 1},
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
            "responsePayload": [1],
        });
        assert_eq!(serde_json::from_str::<Value>(&sent[0].record.body).unwrap(), expected);
    }

    #[test]
    fn a_failure_goes_to_its_destination_and_as_it_came_to_the_dead_letter_queue() {
        let payload = json!({"errorMessage": "é".repeat(1000)}).to_string().into_bytes();
        let sent = sent(Condition::RetriesExhausted, Some(&Response { payload, function_error: Some("Unhandled") }));
        assert!(sent[0].record.key.starts_with("aws/lambda/async/f/1970/01/01/1970-01-01T00.00.05-"));
        let record: Value = serde_json::from_str(&sent[0].record.body).unwrap();
        assert_eq!(record["responseContext"]["functionError"], "Unhandled");
        assert_eq!(sent[1].record.body, r#"{"a":1}"#);
        let values: Vec<&str> = sent[1].record.attributes.iter().map(|attribute| attribute.value.as_str()).collect();
        assert_eq!(values, ["id-1", "200", &"é".repeat(512)], "the first KB of the message");
    }

    #[test]
    fn an_event_that_never_reached_the_function_has_no_response() {
        let sent = sent(Condition::EventAgeExceeded, None);
        let record: Value = serde_json::from_str(&sent[0].record.body).unwrap();
        assert_eq!((record.get("responseContext"), record.get("responsePayload")), (None, None));
        assert_eq!(sent[1].record.attributes[1].value, "429");
    }
}
