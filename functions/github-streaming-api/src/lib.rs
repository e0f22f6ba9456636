//! The stream from the topic into the table, over HTTP: started, stopped, configured, and what became of each record.
//!
//! - Trigger: an HTTP API (`POST /start`, `POST /stop`, `GET /config`, `POST /config`, `GET /status`, `GET /stats`,
//!   `GET /table/info`, `GET /health`; `GET /docs` describes them).
//! - Input: `POST /config` takes a partial JSON object; a field that cannot be used is answered with 400 and its name.
//! - Output: JSON; errors as `application/problem+json`. Start, stop and settings are those of the writer's event source
//!   mapping in Lambda. `reconciliation` of `/table/info` is the account of all records: at rest the topic's are the
//!   table's rows, staged rows, duplicates, dead letters and failed ones, exactly.
//! - Idempotency: each request says what should be, so the same again changes nothing; starting what runs is 200.
//! - Failure: Lambda, Kafka or Postgres away is 503 (start, stop and settings need Lambda alone), and a change that another one keeps waiting for too long is 409; the
//!   next request tries again.
//!
//! It reads what writers and committers leave in Postgres, and asks Kafka how long the topic is; the table's files are
//! none of its business.

mod answers;
mod change;
mod info;
mod state;
mod topic;
mod trigger;

use std::{sync::Arc, time::Duration};

use aws_config::SdkConfig;
use axum::{
    Json, Router,
    extract::{RawQuery, State},
};
use chrono::Utc;
use kit::{
    Env,
    http::{Body, Problem, Query},
};
use sqlx::PgPool;
use tracing::info;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use answers::{Config, Health, Stats, Status};
use change::Change;
pub use change::ConfigChange;
pub use info::{Info, RepeatLimits};
use topic::{LiveTopic, Topic};
use trigger::{Failure, Mapping, Trigger};

const SERVICE: &str = "github-streaming-api";

/// The broker is not waited for longer where the answer is to come soon.
const KAFKA_TIMEOUT: Duration = Duration::from_secs(10);
/// After a start or stop, whose answer does not need it.
const SWITCH_KAFKA_TIMEOUT: Duration = Duration::from_secs(2);

/// The table, the topic that feeds it, and who reads that.
#[derive(Debug, Clone)]
pub struct Watched {
    /// `namespace.table`.
    pub table: String,
    /// The topic's name.
    pub topic: String,
    /// The consumer group of the writer's trigger.
    pub group: String,
    /// Name of the writer's function.
    pub writer: String,
}

impl Watched {
    /// GitHub's events, written by the function of this name.
    pub fn github(writer: String) -> Self {
        let [table, topic, group] = ["github.events", "github-events", "github-lake-writer"].map(str::to_owned);
        Self { table, topic, group, writer }
    }
}

struct Api {
    watched: Watched,
    limits: RepeatLimits,
    pool: PgPool,
    topic: Topic,
    trigger: Trigger,
}

/// Reads the configuration (`DATABASE_URL` or `DATABASE_SECRET_ARN`, `KAFKA_BOOTSTRAP_SERVERS` or `MSK_CLUSTER_ARN`,
/// `LAKE_WRITER_FUNCTION`, and the writer's `LAKE_REPEAT_HOURS` and `LAKE_REPEAT_IDS`) and builds the router. Nothing
/// connects before the first request.
///
/// # Errors
/// When a variable is missing or malformed, or a secret cannot be read.
pub async fn load() -> anyhow::Result<Router> {
    let mut env = Env::from_process();
    let hours: u32 = env.parsed_or("LAKE_REPEAT_HOURS", 24);
    let limits = RepeatLimits { hours, ids: env.parsed_or("LAKE_REPEAT_IDS", 20_000_000) };
    let watched = Watched::github(env.required("LAKE_WRITER_FUNCTION"));
    env.finish()?;
    let (postgres, kafka) = tokio::try_join!(pg::Config::load(), kafka::Config::load())?;
    let pool = pg::connect_lazy(&pg::Config { max_connections: 2, ..postgres })?;
    Ok(router(watched, limits, pool, kafka, &aws_config::load_from_env().await))
}

/// The API over this table, with the trigger in the Lambda that `aws` names.
pub fn router(watched: Watched, limits: RepeatLimits, pool: PgPool, kafka: kafka::Config, aws: &SdkConfig) -> Router {
    let (topic, trigger) = (Topic::new(kafka, &watched), Trigger::new(aws, &watched));
    let router = OpenApiRouter::new()
        .routes(routes!(start))
        .routes(routes!(stop))
        .routes(routes!(show_config, change_config))
        .routes(routes!(status))
        .routes(routes!(stats))
        .routes(routes!(table_info))
        .routes(routes!(health))
        .with_state(Arc::new(Api { watched, limits, pool, topic, trigger }));
    kit::http::documented(SERVICE, "Starts, stops, configures and watches the stream from Kafka into the lake.", router)
}

/// Enables the writer's trigger. Running already is fine.
#[utoipa::path(post, path = "/start", responses(
    (status = 200, body = Status),
    (status = 400, description = "A query parameter, of which there is none", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Another change of the trigger is on its way", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Lambda does not answer", body = Problem, content_type = "application/problem+json"),
))]
async fn start(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Status>, Problem> {
    api.switch(query.as_deref(), true).await
}

/// Disables the writer's trigger: batches that have begun end, and nothing more is read. Stopped already is fine.
#[utoipa::path(post, path = "/stop", responses(
    (status = 200, body = Status),
    (status = 400, description = "A query parameter, of which there is none", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Another change of the trigger is on its way", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Lambda does not answer", body = Problem, content_type = "application/problem+json"),
))]
async fn stop(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Status>, Problem> {
    api.switch(query.as_deref(), false).await
}

/// The trigger's settings, as they are in force.
#[utoipa::path(get, path = "/config", responses(
    (status = 200, body = Config),
    (status = 400, description = "A query parameter, of which there is none", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Lambda does not answer", body = Problem, content_type = "application/problem+json"),
))]
async fn show_config(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Config>, Problem> {
    Query::parse(query.as_deref(), &[])?;
    Ok(Json(Config::of(&api.mapping().await?)))
}

/// Changes the trigger's settings; they hold from the next batch on.
#[utoipa::path(post, path = "/config", request_body = ConfigChange, responses(
    (status = 200, body = Config),
    (status = 400, description = "A field that cannot be used", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Another change of the trigger is on its way", body = Problem, content_type = "application/problem+json"),
    (status = 413, description = "A body of more than 2 MB", body = Problem, content_type = "application/problem+json"),
    (status = 415, description = "A body that is not JSON", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Lambda does not answer", body = Problem, content_type = "application/problem+json"),
))]
async fn change_config(
    State(api): State<Arc<Api>>,
    RawQuery(query): RawQuery,
    Body(change): Body<ConfigChange>,
) -> Result<Json<Config>, Problem> {
    Query::parse(query.as_deref(), &[])?;
    Ok(Json(Config::of(&api.change(&change.check()?).await?)))
}

/// Whether the topic is read, and how far the writer is behind.
#[utoipa::path(get, path = "/status", responses(
    (status = 200, body = Status),
    (status = 400, description = "A query parameter, of which there is none", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Lambda or Kafka does not answer", body = Problem, content_type = "application/problem+json"),
))]
async fn status(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Status>, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let mapping = api.mapping().await?;
    Ok(Json(Status::of(SERVICE, mapping, api.topic(KAFKA_TIMEOUT).await?.as_ref())))
}

/// What came through, and what did not.
#[utoipa::path(get, path = "/stats", responses(
    (status = 200, body = Stats),
    (status = 400, description = "A query parameter, of which there is none", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Kafka or Postgres does not answer", body = Problem, content_type = "application/problem+json"),
))]
async fn stats(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Stats>, Problem> {
    Query::parse(query.as_deref(), &[])?;
    Ok(Json(Stats::of(api.info().await?)))
}

/// The table: its last commit, what is staged beyond it, how far each partition has come, and the account of all records.
#[utoipa::path(get, path = "/table/info", responses(
    (status = 200, body = Info),
    (status = 400, description = "A query parameter, of which there is none", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Kafka or Postgres does not answer", body = Problem, content_type = "application/problem+json"),
))]
async fn table_info(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Info>, Problem> {
    Query::parse(query.as_deref(), &[])?;
    Ok(Json(api.info().await?))
}

/// Whether all that is needed answers.
#[utoipa::path(get, path = "/health", responses(
    (status = 200, body = Health),
    (status = 400, description = "A query parameter, of which there is none", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Lambda, Kafka or Postgres does not answer", body = Problem, content_type = "application/problem+json"),
))]
async fn health(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Health>, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let exists = tokio::time::timeout(KAFKA_TIMEOUT, api.topic.exists()).await;
    let topic = exists.map_err(anyhow::Error::from).flatten();
    let topic = topic.map_err(|error| Problem::away("Kafka does not answer", &error))?;
    let committed = state::is_committed(&api.pool, &api.watched.table).await;
    let committed = committed.map_err(|error| Problem::away("Postgres does not answer", &error))?;
    api.mapping().await?;
    Ok(Json(Health { status: "healthy", service: SERVICE, topic, committed }))
}

impl Api {
    async fn switch(&self, query: Option<&str>, enabled: bool) -> Result<Json<Status>, Problem> {
        Query::parse(query, &[])?;
        let mapping = self.change(&Change::switch(enabled)).await?;
        // It is done, whatever else is away: the problem is logged.
        let topic = self.topic(SWITCH_KAFKA_TIMEOUT).await.ok().flatten();
        Ok(Json(Status::of(SERVICE, mapping, topic.as_ref())))
    }

    async fn change(&self, change: &Change) -> Result<Mapping, Problem> {
        let changed = self.trigger.change(change).await.map_err(|failure| match failure {
            Failure::Busy(state) => Problem::conflict(format!("the trigger is still {state}; try again in a moment")),
            Failure::Missing(_) => away_trigger(&failure.into()),
            Failure::Away(error) => away_trigger(&error),
        })?;
        info!(
            enabled = change.enabled,
            batch_size = change.batch_size,
            window_seconds = change.window_seconds,
            state = changed.state,
            "trigger set"
        );
        Ok(changed)
    }

    async fn mapping(&self) -> Result<Mapping, Problem> {
        let mapping = self.trigger.read().await.map_err(|error| away_trigger(&error))?;
        mapping.ok_or_else(|| away_trigger(&Failure::Missing(self.watched.writer.clone()).into()))
    }

    async fn topic(&self, limit: Duration) -> Result<Option<LiveTopic>, Problem> {
        let read = tokio::time::timeout(limit, self.topic.read()).await.map_err(anyhow::Error::from).flatten();
        read.map_err(|error| Problem::away("Kafka cannot be asked for the topic", &error))
    }

    async fn info(&self) -> Result<Info, Problem> {
        // Kafka before Postgres: what the group has committed by now is staged by then, or has failed.
        let topic = self.topic(KAFKA_TIMEOUT).await?;
        let state = state::read(&self.pool, &self.watched.table, self.limits).await;
        let state = state.map_err(|error| Problem::away("Postgres cannot be asked for the table's state", &error))?;
        Ok(info::assemble(&self.watched.table, state, topic.as_ref(), self.limits, Utc::now()))
    }
}

fn away_trigger(error: &anyhow::Error) -> Problem {
    Problem::away("Lambda cannot be asked for the writer's trigger", error)
}
