//! What became of each record between the topic and the table, over HTTP.
//!
//! - Trigger: an HTTP API (`GET /table/info`, `GET /health`).
//! - Input: no parameters; one that is given is answered with 400 and its name.
//! - Output: JSON; errors as `application/problem+json`. `reconciliation` of `/table/info` is the account of all records:
//!   at rest the topic's are the table's rows, staged rows, duplicates, dead letters and failed ones, exactly.
//! - Idempotency: reads only.
//! - Failure: Kafka or Postgres away is 503; the next request tries again.
//!
//! It reads what writers and committers leave in Postgres, and asks Kafka how long the topic is; the table's files are
//! none of its business.

mod info;
mod state;
mod topic;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::routing::get;
use axum::{Json, Router};
use chrono::Utc;
use kit::Env;
use kit::http::{Problem, Query};
use serde::Serialize;
use sqlx::PgPool;

pub use info::{Info, RepeatLimits};
use topic::Topic;

/// The table, the topic that feeds it, and who reads that.
#[derive(Debug, Clone)]
pub struct Watched {
    /// `namespace.table`.
    pub table: String,
    /// The topic's name.
    pub topic: String,
    /// The consumer group of the writer's trigger.
    pub group: String,
}

impl Default for Watched {
    fn default() -> Self {
        Self { table: "github.events".into(), topic: "github-events".into(), group: "github-lake-writer".into() }
    }
}

struct Api {
    watched: Watched,
    limits: RepeatLimits,
    pool: PgPool,
    topic: Topic,
}

/// Reads the configuration (`DATABASE_URL` or `DATABASE_SECRET_ARN`, `KAFKA_BOOTSTRAP_SERVERS` or `MSK_CLUSTER_ARN`, and
/// the writer's `LAKE_REPEAT_HOURS` and `LAKE_REPEAT_IDS`) and builds the router. Nothing connects before the first
/// request.
///
/// # Errors
/// When a variable is missing or malformed, or a secret cannot be read.
pub async fn load() -> anyhow::Result<Router> {
    let mut env = Env::from_process();
    let hours: u32 = env.parsed_or("LAKE_REPEAT_HOURS", 24);
    let limits = RepeatLimits { hours, ids: env.parsed_or("LAKE_REPEAT_IDS", 20_000_000) };
    env.finish()?;
    let (postgres, kafka) = tokio::try_join!(pg::Config::load(), kafka::Config::load())?;
    let pool = pg::connect_lazy(&pg::Config { max_connections: 2, ..postgres })?;
    Ok(router(Watched::default(), limits, pool, kafka))
}

/// The API over this table.
pub fn router(watched: Watched, limits: RepeatLimits, pool: PgPool, kafka: kafka::Config) -> Router {
    let topic = Topic::new(kafka, &watched);
    Router::new().route("/table/info", get(table_info)).route("/health", get(health)).with_state(Arc::new(Api {
        watched,
        limits,
        pool,
        topic,
    }))
}

async fn table_info(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Info>, Problem> {
    Query::parse(query.as_deref(), &[])?;
    // Kafka before Postgres: what the group has committed by now is staged by then, or has failed.
    let topic = api.topic.read().await.map_err(|error| away("Kafka cannot be asked for the topic", error))?;
    let state = state::read(&api.pool, &api.watched.table, api.limits)
        .await
        .map_err(|error| away("Postgres cannot be asked for the table's state", error))?;
    Ok(Json(info::assemble(&api.watched.table, state, topic.as_ref(), api.limits, Utc::now())))
}

/// The answer of `GET /health`.
#[derive(Serialize)]
struct Health {
    status: &'static str,
    service: &'static str,
    /// Whether the topic exists.
    topic: bool,
    /// Whether the table has been committed to.
    committed: bool,
}

async fn health(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Health>, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let topic = tokio::time::timeout(Duration::from_secs(10), api.topic.exists())
        .await
        .map_err(anyhow::Error::from)
        .flatten()
        .map_err(|error| away("Kafka does not answer", error))?;
    let committed = state::is_committed(&api.pool, &api.watched.table)
        .await
        .map_err(|error| away("Postgres does not answer", error))?;
    Ok(Json(Health { status: "healthy", service: "github-streaming-api", topic, committed }))
}

/// Logged with its reason, answered without it.
fn away(what: &str, error: anyhow::Error) -> Problem {
    let _internal = Problem::from(error.context(what.to_owned()));
    Problem::unavailable(what)
}
