//! The poller of GitHub's events over HTTP: started, stopped, configured, and what it does.
//!
//! - Trigger: an HTTP API (`POST /start`, `POST /stop`, `GET /config`, `POST /config`, `GET /status`, `GET /stats`,
//!   `GET /health`; `GET /docs` describes them).
//! - Input: `POST /config` takes a partial JSON object; a field that cannot be used is answered with 400 and its name.
//! - Output: JSON; errors as `application/problem+json`. Start and stop are the state of the poller's schedule in
//!   EventBridge Scheduler, settings are the poller's row in Postgres, the token is a secret in Secrets Manager. It is
//!   never shown and never logged.
//! - Idempotency: each request says what should be, so the same again changes nothing; starting what runs is 200.
//! - Failure: Scheduler, Secrets Manager or Postgres away is 503; start and stop need Scheduler alone. A token is stored before the poller is told of it: when
//!   the second fails, the same request again completes it.

mod answers;
mod change;
mod schedule;
mod state;

use std::sync::Arc;

use aws_config::SdkConfig;
use axum::{
    Json, Router,
    extract::{RawQuery, State},
};
use kit::{
    Env,
    http::{Body, Problem, Query},
};
use sqlx::PgPool;
use tracing::info;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use answers::{Config, Health, Stats, Status};
pub use change::ConfigChange;
use change::TokenChange;
use schedule::Schedule;

const SERVICE: &str = "github-producer-api";

/// What the interface acts on.
#[derive(Debug, Clone)]
pub struct Controlled {
    /// Name of the poller's schedule.
    pub schedule: String,
    /// Name of the secret for the token.
    pub token_secret: String,
}

struct Api {
    controlled: Controlled,
    schedule: Schedule,
    aws: SdkConfig,
    pool: PgPool,
}

/// Reads the configuration (`DATABASE_URL` or `DATABASE_SECRET_ARN`, `GITHUB_POLLER_SCHEDULE`, `GITHUB_TOKEN_SECRET_NAME`)
/// and builds the router. Postgres is not asked before the first request.
///
/// # Errors
/// When a variable is missing or malformed, or a secret cannot be read.
pub async fn load() -> anyhow::Result<Router> {
    let mut env = Env::from_process();
    let controlled = Controlled {
        schedule: env.required("GITHUB_POLLER_SCHEDULE"),
        token_secret: env.required("GITHUB_TOKEN_SECRET_NAME"),
    };
    env.finish()?;
    let pool = pg::connect_lazy(&pg::Config { max_connections: 2, ..pg::Config::load().await? })?;
    let aws = aws_config::load_from_env().await;
    Ok(router(controlled, &aws.clone(), aws, pool))
}

/// The API over this schedule (in the Scheduler that `scheduler` names), secret and database.
pub fn router(controlled: Controlled, scheduler: &SdkConfig, aws: SdkConfig, pool: PgPool) -> Router {
    let schedule = Schedule::new(scheduler, controlled.schedule.clone());
    let router = OpenApiRouter::new()
        .routes(routes!(start))
        .routes(routes!(stop))
        .routes(routes!(show_config, change_config))
        .routes(routes!(status))
        .routes(routes!(stats))
        .routes(routes!(health))
        .with_state(Arc::new(Api { controlled, schedule, aws, pool }));
    kit::http::documented(SERVICE, "Starts, stops and configures the poller of GitHub's public events.", router)
}

/// Enables the poller's schedule. Running already is fine.
#[utoipa::path(post, path = "/start", responses(
    (status = 200, body = Status),
    (status = 400, description = "A query parameter, of which there is none", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Scheduler does not answer", body = Problem, content_type = "application/problem+json"),
))]
async fn start(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Status>, Problem> {
    api.switch(query.as_deref(), true).await
}

/// Disables the poller's schedule. The invocation that has begun ends within a minute. Stopped already is fine.
#[utoipa::path(post, path = "/stop", responses(
    (status = 200, body = Status),
    (status = 400, description = "A query parameter, of which there is none", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Scheduler does not answer", body = Problem, content_type = "application/problem+json"),
))]
async fn stop(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Status>, Problem> {
    api.switch(query.as_deref(), false).await
}

/// The settings, and the interval that holds.
#[utoipa::path(get, path = "/config", responses(
    (status = 200, body = Config),
    (status = 400, description = "A query parameter, of which there is none", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Postgres does not answer", body = Problem, content_type = "application/problem+json"),
))]
async fn show_config(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Config>, Problem> {
    Query::parse(query.as_deref(), &[])?;
    Ok(Json(Config::of(&api.state().await?)))
}

/// Changes settings; they hold from the next poll on.
#[utoipa::path(post, path = "/config", request_body = ConfigChange, responses(
    (status = 200, body = Config),
    (status = 400, description = "A field that cannot be used", body = Problem, content_type = "application/problem+json"),
    (status = 413, description = "A body of more than 2 MB", body = Problem, content_type = "application/problem+json"),
    (status = 415, description = "A body that is not JSON", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Secrets Manager or Postgres does not answer", body = Problem, content_type = "application/problem+json"),
))]
async fn change_config(
    State(api): State<Arc<Api>>,
    RawQuery(query): RawQuery,
    Body(change): Body<ConfigChange>,
) -> Result<Json<Config>, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let change = change.check()?;
    let secret = &api.controlled.token_secret;
    let changed = match &change.token {
        Some(TokenChange::Store(token)) => kit::secrets::store(&api.aws, secret, token).await,
        Some(TokenChange::Remove) => kit::secrets::remove(&api.aws, secret).await,
        None => Ok(()),
    };
    changed.map_err(|error| Problem::away("Secrets Manager does not take the token", &error))?;
    let written = state::change(&api.pool, &change).await;
    written.map_err(|error| Problem::away("Postgres does not take the settings", &error))?;
    info!(
        interval_seconds = change.interval_seconds,
        events_max = change.events_max,
        token_changed = change.token.is_some(),
        "settings changed"
    );
    Ok(Json(Config::of(&api.state().await?)))
}

/// Whether the poller runs, and how its last poll went.
#[utoipa::path(get, path = "/status", responses(
    (status = 200, body = Status),
    (status = 400, description = "A query parameter, of which there is none", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Scheduler or Postgres does not answer", body = Problem, content_type = "application/problem+json"),
))]
async fn status(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Status>, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let schedule = api.schedule.read().await.map_err(|error| away_schedule(&error))?;
    Ok(Json(Status::of(SERVICE, schedule, Some(api.state().await?))))
}

/// What happened how often.
#[utoipa::path(get, path = "/stats", responses(
    (status = 200, body = Stats),
    (status = 400, description = "A query parameter, of which there is none", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Postgres does not answer", body = Problem, content_type = "application/problem+json"),
))]
async fn stats(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Stats>, Problem> {
    Query::parse(query.as_deref(), &[])?;
    Ok(Json(Stats::of(&api.state().await?)))
}

/// Whether all that is needed answers.
#[utoipa::path(get, path = "/health", responses(
    (status = 200, body = Health),
    (status = 400, description = "A query parameter, of which there is none", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Scheduler or Postgres does not answer", body = Problem, content_type = "application/problem+json"),
))]
async fn health(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Health>, Problem> {
    Query::parse(query.as_deref(), &[])?;
    api.state().await?;
    api.schedule.read().await.map_err(|error| away_schedule(&error))?;
    Ok(Json(Health { status: "healthy", service: SERVICE }))
}

impl Api {
    async fn switch(&self, query: Option<&str>, enabled: bool) -> Result<Json<Status>, Problem> {
        Query::parse(query, &[])?;
        let schedule = self.schedule.set(enabled).await.map_err(|error| away_schedule(&error))?;
        info!(schedule = schedule.name, enabled, "schedule set");
        // It is done, whatever else is away: the problem is logged.
        Ok(Json(Status::of(SERVICE, schedule, self.state().await.ok())))
    }

    async fn state(&self) -> Result<state::State, Problem> {
        let state = state::read(&self.pool).await;
        state.map_err(|error| Problem::away("Postgres cannot be asked for the poller's state", &error))
    }
}

fn away_schedule(error: &anyhow::Error) -> Problem {
    Problem::away("EventBridge Scheduler does not answer for the poller's schedule", error)
}
