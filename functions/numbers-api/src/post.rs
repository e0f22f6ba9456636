//! `POST /numbers`: a message into `start`, after the first stage's own rules have passed it.

use std::sync::Arc;

use axum::{
    Json,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
};
use chrono::Utc;
use domain::numbers::{Fault, INPUT_BYTES, MessageId, STAGES, START, Tag};
use kafka::Message;
use kit::{
    http::{Problem, Query, Raw},
    metrics::Metrics,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Api, idempotency};

/// Who posted it, in the message's header.
const SOURCE: &str = "numbers-api";

/// What is posted.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes the body, which is passed on in the bytes that came")]
pub(crate) struct Numbers {
    /// Integers of any size, 100,000 at most, each of 100,000 digits at most.
    #[schema(schema_with = integers)]
    numbers: Vec<String>,
}

/// A message that Kafka has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accepted {
    /// Its id: `GET /messages/{id}` tells what became of it.
    id: Uuid,
    /// The topic that it is in.
    topic: String,
    /// Its partition.
    partition: i32,
    /// Its offset; absent when Kafka had it from an earlier attempt of this request.
    offset: Option<i64>,
}

/// A message into the pipeline. The same again with its `Idempotency-Key` is the same message.
/// Integers without bounds, for which no type of Rust stands.
fn integers() -> utoipa::openapi::schema::Array {
    use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};
    let integer = ObjectBuilder::new().schema_type(Type::Integer).build();
    let example = serde_json::json!([76_452, 61_211_234, 8_243_724]);
    ArrayBuilder::new().items(integer).max_items(Some(100_000)).examples([example]).build()
}

#[utoipa::path(post, path = "/numbers", request_body = Numbers,
    params(("Idempotency-Key" = Option<String>, Header, description = "A repetition with the same key and body is the same message", pattern = "^[!-~]{1,255}$")),
    responses(
        (status = 202, body = Accepted, description = "Kafka has it"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "What is no message of integers, with its field"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "More than 1 MB, as it came or written out"),
        (status = 415, body = Problem, content_type = "application/problem+json", description = "Not JSON"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "Kafka does not answer"),
    ))]
pub(crate) async fn numbers(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    Raw(body): Raw,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    Query::parse(query.as_deref(), &[])?;
    let key = idempotency::key(&headers)?;
    check(&body)?;
    let id = key.map_or_else(|| MessageId(Uuid::now_v7().into_bytes()), |key| idempotency::message_id(key, &body));
    let tag = Tag { id: Some(id), source: Some(SOURCE.to_owned()), ..Tag::default() };
    let topic = api.topics.name(START);
    let message =
        Message { topic: topic.clone(), value: Some(body.to_vec()), headers: tag.headers(), ..Message::default() };
    let written = api.producer.write_all(vec![message]).await;
    let written = written.map_err(|error| Problem::away("Kafka does not take messages now", &error))?;
    let Some(place) = written.into_iter().next() else {
        return Err(anyhow::anyhow!("one message was sent and none came back").into());
    };
    Metrics::new("Numbers", Utc::now()).count("posted_messages", 1).count("posted_bytes", body.len() as u64).emit();
    let offset = Some(place.offset).filter(|offset| *offset >= 0);
    let id = Uuid::from_bytes(id.0);
    Ok((StatusCode::ACCEPTED, Json(Accepted { id, topic, partition: place.partition, offset })))
}

/// What the first stage would give up is refused here, where somebody hears of it.
fn check(body: &[u8]) -> Result<(), Problem> {
    let [first, ..] = &STAGES;
    first.apply(body).map(drop).map_err(|fault| problem(&fault))
}

fn problem(fault: &Fault) -> Problem {
    let accepted = "{\"numbers\": [...]}, integers of any size";
    match fault.rule {
        "size" | "output" => Problem::too_large(format!("{}; a message has {INPUT_BYTES} bytes at most", fault.reason)),
        "json" => Problem::bad_parameter("body", &format!("cannot be used: {}", fault.reason), accepted),
        "fields" => Problem::bad_parameter("body", &format!("has other fields: {}", fault.reason), accepted),
        _ => Problem::bad_parameter("numbers", &format!("cannot be used: {}", fault.reason), accepted),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn refused(body: &str) -> (u16, Value) {
        let problem = check(body.as_bytes()).unwrap_err();
        (problem.status().as_u16(), serde_json::to_value(&problem).unwrap()["parameter"].clone())
    }

    #[test]
    fn a_fault_names_its_field() {
        for (body, field) in [
            ("", "body"),
            ("[1]", "body"),
            ("{\"numbers\": [1], \"more\": 2}", "body"),
            ("{}", "numbers"),
            ("{\"numbers\": 1}", "numbers"),
            ("{\"numbers\": [1, 1.5]}", "numbers"),
            ("{\"numbers\": [\"1\"]}", "numbers"),
        ] {
            assert_eq!(refused(body), (400, field.into()), "{body}");
        }
        assert_eq!(refused(&" ".repeat(INPUT_BYTES + 1)).0, 413);
        assert_eq!(refused(&format!("{{\"numbers\":[{}1e99999]}}", "1e99999,".repeat(11))).0, 413);
        check(b"{\"numbers\": []}").unwrap();
        check(format!("{{\"numbers\": [{}]}}", "7".repeat(100_000)).as_bytes()).unwrap();
    }

    proptest! {
        #[test]
        fn any_body_is_taken_or_refused(body: Vec<u8>, json in "\\PC{0,40}") {
            for body in [body, format!("{{\"numbers\": [{json}]}}").into_bytes()] {
                if let Err(problem) = check(&body) {
                    prop_assert!([400, 413].contains(&problem.status().as_u16()));
                }
            }
        }
    }
}
