//! GitHub events from the lake over HTTP: what is committed plus what is staged, each event once.
//!
//! - Trigger: an HTTP API (`GET /events`, `GET /events/{id}`, `GET /health`).
//! - Input: query parameters; one that is unknown or malformed is answered with 400 and its name.
//! - Output: JSON; errors as `application/problem+json`.
//! - Idempotency: reads only.
//! - Failure: Postgres or S3 away is 500 (`/health`: 503); the next request tries again.
//!
//! Not here yet: `/stats`, `/docs`, paging beyond the newest events.

mod event;
mod parameters;

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::routing::get;
use axum::{Json, Router};
use chrono::Utc;
use kit::http::Problem;
use lake::{Lake, Reader, github};
use serde::Serialize;

pub use event::EventView;
use parameters::Parameters;

/// Reads the configuration (`DATABASE_URL` or `DATABASE_SECRET_ARN`, and the lake's variables) and builds the router.
/// Nothing connects before the first request.
///
/// # Errors
/// When a variable is missing or malformed, or a secret cannot be read.
pub async fn load() -> anyhow::Result<Router> {
    let env = kit::Env::from_process();
    let config = lake::Config::read(github::NAMESPACE, github::TABLE, |name| env.optional(name));
    let pool = pg::connect_lazy(&pg::Config { max_connections: 4, ..pg::Config::load().await? })?;
    Ok(router(Lake::new(config, &github::SCHEMA, pool)))
}

/// The API over this lake.
pub fn router(lake: Lake) -> Router {
    Router::new()
        .route("/events", get(events))
        .route("/events/{id}", get(event_by_id))
        .route("/health", get(health))
        .with_state(Arc::new(Reader::new(lake)))
}

/// The answer of `GET /events`.
#[derive(Serialize)]
struct Events {
    /// Newest first.
    events: Vec<EventView>,
    count: usize,
    /// False when the search ended at its limit of work before it had seen all of the time asked for.
    complete: bool,
    hours_back: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_type: Option<String>,
    page_size: usize,
}

async fn events(State(reader): State<Arc<Reader>>, RawQuery(query): RawQuery) -> Result<Json<Events>, Problem> {
    let Parameters { hours_back, event_type, page_size } = Parameters::parse(query.as_deref())?;
    let since = Utc::now() - chrono::Duration::hours(i64::from(hours_back));
    let newest = lake::Newest {
        since: since.timestamp_micros(),
        equal: event_type.clone().map(|kind| (github::TYPE, kind)),
        limit: page_size,
    };
    let page = reader.newest(&newest).await?;
    let events: Vec<EventView> = page.rows.iter().map(EventView::of).collect();
    Ok(Json(Events { count: events.len(), complete: page.complete, events, hours_back, event_type, page_size }))
}

async fn event_by_id(
    State(reader): State<Arc<Reader>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<EventView>, Problem> {
    parameters::none(query.as_deref())?;
    let row = reader.by_key(&id).await?;
    row.map(|row| Json(EventView::of(&row))).ok_or_else(|| Problem::not_found(format!("no event {id:?}")))
}

/// The answer of `GET /health`.
#[derive(Serialize)]
struct Health {
    status: &'static str,
    service: &'static str,
    /// Segments that are staged and not committed yet.
    staged_segments: usize,
    /// Whether the table has been committed to.
    committed: bool,
}

async fn health(State(reader): State<Arc<Reader>>, RawQuery(query): RawQuery) -> Result<Json<Health>, Problem> {
    parameters::none(query.as_deref())?;
    let state = reader.state().await.map_err(|error| {
        // Logged with its reason, answered without it.
        let _internal = Problem::from(error);
        Problem::unavailable("the lake's state cannot be read")
    })?;
    Ok(Json(Health {
        status: "healthy",
        service: "github-query-api",
        staged_segments: state.staged_segments,
        committed: state.committed,
    }))
}
