//! The numbers pipeline over HTTP: messages in, their way through the stages, how the stages do, and messages once more.
//!
//! - Trigger: an HTTP API (`POST /numbers`, `GET /messages`, `GET /messages/{id}`, `POST /messages/{id}/replay`,
//!   `POST /replay`, `GET /stages`, `GET /dead-letters`, `POST /dead-letters/redrive`, `GET /health`; `GET /docs`
//!   describes them).
//! - Input: JSON; a field or parameter that cannot be used is answered with 400 and its name, a message above 1 MB with 413.
//! - Output: JSON; errors as `application/problem+json`. Messages and replays are records in the stages' topics.
//! - Idempotency: with an `Idempotency-Key` the same request again is the same message or the same replay, whose records
//!   the stages drop. Without one each request is another one.
//! - Failure: Kafka or Postgres away is 503. Attempts of a replay are numbered and stored before they are sent, so that the
//!   request sent again with its key sends the same; dead letters are passed by when Kafka has them.

mod backlog;
mod cursor;
mod figures;
mod idempotency;
mod letters;
mod messages;
mod post;
mod replay;
mod stages;

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, RawQuery, State},
};
use backlog::Backlogs;
use domain::numbers::{INPUT_BYTES, STAGES, START, Stage};
use kafka::Producer;
use kit::{
    Env,
    http::{Problem, Query},
};
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

const SERVICE: &str = "numbers-api";

/// No question to Postgres takes longer.
const STATEMENT: Duration = Duration::from_secs(15);

/// The names of the topics.
#[derive(Debug, Clone, Default)]
pub struct Topics {
    /// Stands before each of them; empty but for several pipelines at one broker.
    pub prefix: String,
}

impl Topics {
    pub(crate) fn name(&self, topic: &str) -> String {
        format!("{}{topic}", self.prefix)
    }
}

pub(crate) struct Api {
    topics: Topics,
    pool: PgPool,
    kafka: kafka::Config,
    producer: Producer,
    backlogs: Backlogs,
}

/// Reads the configuration (where Kafka and Postgres are, and `NUMBERS_TOPIC_PREFIX`, none) and builds the router. Nothing
/// connects before the first request.
///
/// # Errors
/// When a variable is missing or malformed, or a secret cannot be read.
pub async fn load() -> anyhow::Result<Router> {
    let prefix = Env::from_process().optional("NUMBERS_TOPIC_PREFIX").unwrap_or_default();
    let (postgres, kafka) = tokio::try_join!(pg::Config::load(), kafka::Config::load())?;
    let postgres = pg::Config { max_connections: 4, statement_timeout: Some(STATEMENT), ..postgres };
    router(Topics { prefix }, pg::connect_lazy(&postgres)?, kafka)
}

/// The API over these topics and this database.
///
/// # Errors
/// When librdkafka refuses the configuration.
pub fn router(topics: Topics, pool: PgPool, kafka: kafka::Config) -> anyhow::Result<Router> {
    let producer = Producer::new(&kafka)?;
    let backlogs = Backlogs::new(&kafka).context("ask for backlogs")?;
    let router = OpenApiRouter::new()
        .routes(routes!(post::numbers))
        .routes(routes!(messages::list))
        .routes(routes!(messages::one))
        .routes(routes!(replay::one))
        .routes(routes!(replay::many))
        .routes(routes!(stages::stages))
        .routes(routes!(letters::list))
        .routes(routes!(letters::redrive))
        .routes(routes!(health))
        .layer(DefaultBodyLimit::max(INPUT_BYTES))
        .with_state(Arc::new(Api { topics, pool, kafka, producer, backlogs }));
    Ok(kit::http::documented(
        SERVICE,
        "Sets of numbers through five stages: post, follow, measure, send again.",
        router,
    ))
}

/// The answer of `GET /health`.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `healthy`.
    status: &'static str,
    /// This function.
    service: &'static str,
}

/// Whether Kafka has the first topic, and Postgres the tables.
#[utoipa::path(get, path = "/health", responses(
    (status = 200, body = Health),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "A query parameter, of which there is none"),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "Kafka or Postgres does not answer"),
))]
async fn health(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Health>, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let known = api.backlogs.knows(&api.topics.name(START)).await;
    known.map_err(|error| Problem::away("Kafka does not answer, or has no topic for messages", &error))?;
    sqlx::query("select from number_stages limit 1").execute(&api.pool).await.map_err(away)?;
    Ok(Json(Health { status: "healthy", service: SERVICE }))
}

/// 503 for a question that Postgres has not answered.
pub(crate) fn away(error: sqlx::Error) -> Problem {
    Problem::away("Postgres does not answer", &error.into())
}

/// The stage that a parameter names: `stage3`.
pub(crate) fn stage(name: &str, text: &str) -> Result<&'static Stage, Problem> {
    let number = text.strip_prefix("stage").filter(|number| number.len() == 1).and_then(|number| number.parse().ok());
    number.and_then(Stage::of).ok_or_else(|| {
        Problem::bad_parameter(name, &format!("is {text:?}"), &format!("stage1 to stage{}", STAGES.len()))
    })
}
