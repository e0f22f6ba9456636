//! GitHub events from the lake over HTTP: what is committed plus what is staged, each event once.
//!
//! - Trigger: an HTTP API (`GET /events`, `GET /events/{id}`, `GET /stats`, `GET /health`, `GET /docs`).
//! - Input: query parameters; one that is unknown or malformed is answered with 400 and its name.
//! - Output: JSON with an `ETag` (304 for who has it); errors as `application/problem+json`. A walk by cursors sees the
//!   table as it was when the walk began, each event once; a cursor whose state is kept no more is 410.
//! - Idempotency: reads only.
//! - Failure: Postgres or S3 away is 503; the next request tries again.
//!
//! A request reads at most [`Limits::read_bytes`] from storage, for at most [`Limits::read_time`] (and what it takes to get
//! on at all); an answer that ends there says `complete: false`. Figures: `cache_hits`, `cache_misses`, `bytes_read`, `took` by `resource`.

mod answer;
mod cursor;
mod event;
mod events;
mod explain;
mod parameters;
mod stats;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{RawQuery, State};
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use kit::http::Problem;
use kit::metrics::Metrics;
use lake::{Budget, Figures, Lake, Reader, github};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use answer::Answers;
pub use event::EventView;

/// How much a request may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes read from storage, `QUERY_READ_MEGABYTES`.
    pub read_bytes: u64,
    /// How long a request reads on, well below the function's time.
    pub read_time: Duration,
    /// Bytes of the events' values in an answer: Lambda's answers have at most 6 MB, written as JSON within JSON.
    pub answer_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { read_bytes: 256 << 20, read_time: Duration::from_secs(15), answer_bytes: 3 << 20 }
    }
}

impl Limits {
    /// The budget of a request that begins now.
    fn budget(&self) -> Budget {
        Budget { bytes: self.read_bytes, until: Instant::now().checked_add(self.read_time) }
    }
}

/// What the handlers share.
struct Api {
    reader: Reader,
    answers: Answers,
    limits: Limits,
}

/// Reads the configuration (`DATABASE_URL` or `DATABASE_SECRET_ARN`, the lake's variables, and `QUERY_READ_MEGABYTES`)
/// and builds the router. Nothing connects before the first request.
///
/// # Errors
/// When a variable is missing or malformed, or a secret cannot be read.
pub async fn load() -> anyhow::Result<Router> {
    let mut env = kit::Env::from_process();
    let megabytes: u32 = env.parsed_or("QUERY_READ_MEGABYTES", 256);
    let config = lake::Config::read(github::NAMESPACE, github::TABLE, |name| env.optional(name));
    env.finish()?;
    let limits = Limits { read_bytes: u64::from(megabytes) << 20, ..Limits::default() };
    let pool = pg::connect_lazy(&pg::Config { max_connections: 4, ..pg::Config::load().await? })?;
    Ok(router(Lake::new(config, &github::SCHEMA, pool), limits))
}

/// The API over this lake.
pub fn router(lake: Lake, limits: Limits) -> Router {
    let api = Api { reader: Reader::new(lake), answers: Answers::default(), limits };
    let routes = OpenApiRouter::new()
        .routes(routes!(events::events))
        .routes(routes!(events::event_by_id))
        .routes(routes!(stats::stats))
        .routes(routes!(health))
        .with_state(Arc::new(api));
    kit::http::documented("github-query-api", "GitHub events, a second after they came, and counts of them.", routes)
}

/// 503; the reason is logged.
fn away(error: &anyhow::Error) -> Problem {
    Problem::away("the lake cannot be read", error)
}

/// Counts what a request took.
fn measured(resource: &'static str, began: DateTime<Utc>, hit: bool, figures: Option<&Figures>) {
    let now = Utc::now();
    Metrics::new("Millrace/Query", now)
        .dimension("resource", resource)
        .count("cache_hits", u64::from(hit))
        .count("cache_misses", u64::from(!hit))
        .bytes("bytes_read", figures.map_or(0, |figures| figures.bytes_read))
        .duration("took", (now - began).to_std().unwrap_or_default())
        .emit();
}

/// The answer of `GET /health`.
#[derive(Serialize, ToSchema)]
struct Health {
    #[schema(example = "healthy")]
    status: &'static str,
    service: &'static str,
    /// Segments that are staged and not committed yet.
    staged_segments: usize,
    /// Whether the table has been committed to.
    committed: bool,
}

/// Whether Postgres and S3 answer.
#[utoipa::path(get, path = "/health", responses(
    (status = 200, body = Health),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
async fn health(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Health>, Problem> {
    parameters::none(query.as_deref())?;
    let view = api.reader.view().await.map_err(|error| away(&error))?;
    Ok(Json(Health {
        status: "healthy",
        service: "github-query-api",
        staged_segments: view.staged_segments(),
        committed: view.is_committed(),
    }))
}
