//! How the shards of the posts are: what each of them has, how far its writer has come, and who rests.
//!
//! - Trigger: an HTTP API (`GET /health`, `/status`, `/stats`, `/moves`, `/moves/{id}`, `/docs`; `POST /shards`, `/moves`).
//! - Input: a further shard, or which partitions are to move, as JSON; what cannot be used is answered with 400 and its name.
//! - Output: JSON; errors as `application/problem+json`. A shard or a Kafka that is away is told as such, beside the figures
//!   of all others.
//! - Idempotency: a shard that is known is answered with 200; a partition is in one unfinished move only, so the same
//!   moves asked for again are 409 while they last, and none after it.
//! - Failure: without the master nothing is known: 503 with `Retry-After`; the next request tries again. A move that is
//!   answered with 202 is recorded; when posts-rebalancer cannot be woken, its schedule does.

mod look;
mod moves;
mod rebalancer;
mod register;
mod report;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use chrono::Utc;
use http::{HeaderValue, header};
use kit::Env;
use kit::http::{Problem, Query};
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use look::Observer;
pub use look::Watched;
pub use rebalancer::Rebalancer;
use report::{StatsView, StatusView};

/// An answer of a shard, or of the master.
const PATIENCE: Duration = Duration::from_secs(2);

struct Api {
    observer: Observer,
    rebalancer: Rebalancer,
}

/// Reads the configuration: the master (`DATABASE_URL` or `DATABASE_SECRET_ARN`), credentials of the shards
/// (`POSTGRES_SHARD_<n>_URL` or `_SECRET_ARN`), `KAFKA_BOOTSTRAP_SERVERS` or `MSK_CLUSTER_ARN`, and the name of
/// posts-rebalancer (`REBALANCER_FUNCTION`). Nothing connects before the first request.
///
/// # Errors
/// When a variable is missing or malformed, or a secret cannot be read.
pub async fn load() -> anyhow::Result<Router> {
    let mut env = Env::from_process();
    let rebalancer = env.required("REBALANCER_FUNCTION");
    env.finish()?;
    let rebalancer = Rebalancer::new(&aws_config::load_from_env().await, rebalancer);
    let (master, shards) = tokio::try_join!(pg::Config::load(), pg::Config::load_shards())?;
    let kafka = kafka::Config::load().await?;
    let master = pg::connect_lazy(&pg::Config { max_connections: 2, acquire_timeout: PATIENCE, ..master })?;
    Ok(router(master, shards, kafka, Watched::default(), rebalancer))
}

/// The API over the shards that this master names.
pub fn router(
    master: PgPool,
    credentials: BTreeMap<String, pg::Config>,
    kafka: kafka::Config,
    watched: Watched,
    rebalancer: Rebalancer,
) -> Router {
    let limits = shards::Limits { connections: 2, acquire: PATIENCE, statement: PATIENCE };
    let observer = Observer::new(shards::Shards::new(master, credentials, limits), kafka, watched, PATIENCE);
    let router = OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(status))
        .routes(routes!(stats))
        .routes(routes!(register::register))
        .routes(routes!(moves::list, moves::begin))
        .routes(routes!(moves::one))
        .with_state(Arc::new(Api { observer, rebalancer }));
    kit::http::documented(
        "posts-shards-api",
        "How the shards of the posts are, and moves of partitions between them.",
        router,
    )
}

/// The answer of `GET /health`.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `healthy`, or `degraded` while a shard is away.
    status: &'static str,
    service: &'static str,
    /// Shards that answer.
    reachable: usize,
    /// Names of those that do not.
    away: Vec<String>,
}

#[utoipa::path(
    get, path = "/health",
    responses(
        (status = 200, body = Health, description = "There is a map; shards may be away"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "There are no parameters"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "The master is away"),
    )
)]
async fn health(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Health>, Later> {
    Query::parse(query.as_deref(), &[])?;
    let shards = api.observer.shards().await.map_err(away)?;
    let gone = shards.iter().filter(|shard| shard.seen.is_err());
    let away: Vec<String> = gone.map(|shard| shard.shard.name.clone()).collect();
    let status = if away.is_empty() { "healthy" } else { "degraded" };
    Ok(Json(Health { status, service: "posts-shards-api", reachable: shards.len() - away.len(), away }))
}

#[utoipa::path(
    get, path = "/status",
    responses(
        (status = 200, body = StatusView, description = "Each shard: whether it answers, what it has, how far behind it is"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "There are no parameters"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "The master is away"),
    )
)]
async fn status(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<StatusView>, Later> {
    Query::parse(query.as_deref(), &[])?;
    let seen = api.observer.look().await.map_err(away)?;
    Ok(Json(report::status(&seen, Utc::now())))
}

#[utoipa::path(
    get, path = "/stats",
    responses(
        (status = 200, body = StatsView, description = "Writes by shard, dead letters, and how far each partition is"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "There are no parameters"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "The master is away"),
    )
)]
async fn stats(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<StatsView>, Later> {
    Query::parse(query.as_deref(), &[])?;
    let seen = api.observer.look().await.map_err(away)?;
    Ok(Json(report::stats(&seen)))
}

/// A problem, with `Retry-After` when it is worth asking again.
struct Later(Problem);

impl From<Problem> for Later {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for Later {
    fn into_response(self) -> Response {
        let is_away = self.0.status() == http::StatusCode::SERVICE_UNAVAILABLE;
        let mut response = self.0.into_response();
        if is_away {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn away(error: anyhow::Error) -> Later {
    Problem::away("the master does not say where the shards are", &error).into()
}
