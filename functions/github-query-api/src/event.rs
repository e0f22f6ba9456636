//! An event as the API shows it.

use chrono::{DateTime, SecondsFormat};
use lake::{Row, github};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// One event. Times are RFC 3339 in UTC.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventView {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    /// `payload.action`.
    action: Option<String>,
    actor: Actor,
    repo: Repo,
    org: Option<Org>,
    public: Option<bool>,
    created_at: Option<String>,
    /// When it was taken from Kafka.
    ingested_at: Option<String>,
    /// The payload's JSON as it came.
    #[schema(value_type = Option<serde_json::Value>)]
    payload: Option<Box<RawValue>>,
    kafka: Kafka,
}

/// Who did it.
#[derive(Debug, Serialize, ToSchema)]
struct Actor {
    id: Option<i64>,
    login: Option<String>,
}

/// Where.
#[derive(Debug, Serialize, ToSchema)]
struct Repo {
    id: Option<i64>,
    /// `owner/name`.
    name: Option<String>,
}

/// The organisation, if any.
#[derive(Debug, Serialize, ToSchema)]
struct Org {
    id: Option<i64>,
    login: Option<String>,
}

/// Where it came from.
#[derive(Debug, Serialize, ToSchema)]
struct Kafka {
    topic: Option<String>,
    partition: Option<i64>,
    offset: Option<i64>,
}

impl EventView {
    /// The view of a row of [`github::SCHEMA`].
    pub fn of(row: &Row) -> Self {
        let text = |position| row.text(position).map(str::to_owned);
        let (org_id, org_login) = (row.long(github::ORG_ID), text(github::ORG_LOGIN));
        Self {
            id: text(github::ID).unwrap_or_default(),
            kind: text(github::TYPE).unwrap_or_default(),
            action: text(github::ACTION),
            actor: Actor { id: row.long(github::ACTOR_ID), login: text(github::ACTOR_LOGIN) },
            repo: Repo { id: row.long(github::REPO_ID), name: text(github::REPO_NAME) },
            org: (org_id.is_some() || org_login.is_some()).then_some(Org { id: org_id, login: org_login }),
            public: row.bool(github::PUBLIC),
            created_at: row.timestamp(github::CREATED_AT).and_then(rfc3339),
            ingested_at: row.timestamp(github::INGESTED_AT).and_then(rfc3339),
            // The writer took this text out of valid JSON, so this always succeeds.
            payload: text(github::PAYLOAD).and_then(|text| RawValue::from_string(text).ok()),
            kafka: Kafka {
                topic: text(github::KAFKA_TOPIC),
                partition: row.long(github::KAFKA_PARTITION),
                offset: row.long(github::KAFKA_OFFSET),
            },
        }
    }
}

/// Microseconds since 1970 as RFC 3339; none beyond what it can tell.
pub(crate) fn rfc3339(micros: i64) -> Option<String> {
    Some(DateTime::from_timestamp_micros(micros)?.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}
