//! The whole system on one page, and how it is in one answer.
//!
//! - Trigger: an HTTP API (`GET /`, `GET /status`, `GET /health`; for the page `GET /api/overview` and
//!   `POST /api/{part}/{action}`).
//! - Input: the other interfaces, whose addresses the template gives. A fixed list of calls is forwarded and nothing else;
//!   a button's call must carry the header `X-Millrace: dashboard`, which no page of another origin can send.
//! - Output: one page with its stylesheet and its script, all from here; JSON; errors as `application/problem+json`.
//! - Idempotency: reads, and start and stop, which say what should be.
//! - Failure: an interface that is away is told as away in its panel, and the page stays; a button's call that cannot be
//!   forwarded is 503.

mod assets;
mod calls;
mod overview;
mod status;

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use chrono::Utc;
use kit::Env;
use kit::http::{Problem, Query};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use calls::Addresses;
use calls::Calls;
pub use overview::{Overview, Panel};
pub use status::Status;

/// The header of a button's call, and what it says. Another origin's page may send a request without asking only when it
/// has no header of its own; this one makes the browser ask, and nobody says yes.
const ACTION_HEADER: (&str, &str) = ("x-millrace", "dashboard");

/// Reads the addresses (`REGISTRY_URL`, `PRODUCER_URL`, `STREAMING_URL`, `QUERY_URL`, `NUMBERS_URL`, `POSTS_SHARDS_URL`)
/// and builds the router.
///
/// # Errors
/// When a variable is missing or malformed.
pub async fn load() -> anyhow::Result<Router> {
    let mut env = Env::from_process();
    let addresses = Addresses::read(&mut env);
    env.finish()?;
    router(addresses)
}

/// The page over these interfaces.
///
/// # Errors
/// When the TLS library does not start.
pub fn router(addresses: Addresses) -> anyhow::Result<Router> {
    let api = OpenApiRouter::new()
        .routes(routes!(status))
        .routes(routes!(health))
        .routes(routes!(overview))
        .routes(routes!(act))
        .with_state(Arc::new(Calls::new(addresses)?));
    let description = "The whole system on one page, and how it is in one answer.";
    Ok(kit::http::documented("dashboard", description, api).merge(assets::router()))
}

/// How the whole system is, which version of it runs, and since when.
#[utoipa::path(get, path = "/status", responses((status = 200, body = Status),
    (status = 400, body = Problem, content_type = "application/problem+json")))]
async fn status(State(calls): State<Arc<Calls>>, RawQuery(query): RawQuery) -> Result<Json<Status>, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let services = calls.services().await;
    Ok(Json(Status::of(services.as_ref().ok(), Utc::now())))
}

/// The answer of `GET /health`.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `healthy`.
    status: &'static str,
    /// `dashboard`.
    service: &'static str,
}

/// Whether this function answers. It needs nobody else for that: the page shows who is away.
#[utoipa::path(get, path = "/health", responses((status = 200, body = Health),
    (status = 400, body = Problem, content_type = "application/problem+json")))]
async fn health(RawQuery(query): RawQuery) -> Result<Json<Health>, Problem> {
    Query::parse(query.as_deref(), &[])?;
    Ok(Json(Health { status: "healthy", service: "dashboard" }))
}

/// What the page shows, a panel an interface; one that is away is told as away.
#[utoipa::path(get, path = "/api/overview", responses((status = 200, body = Overview),
    (status = 400, body = Problem, content_type = "application/problem+json")))]
async fn overview(State(calls): State<Arc<Calls>>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let overview = overview::gather(&calls, Utc::now()).await;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(overview)).into_response())
}

/// Starts or stops a part of the pipeline.
#[utoipa::path(post, path = "/api/{part}/{action}", params(
        ("part" = String, Path, description = "`producer` or `streaming`"),
        ("action" = String, Path, description = "`start` or `stop`"),
        ("X-Millrace" = String, Header, description = "`dashboard`")),
    responses((status = 200, description = "What the interface answered", body = serde_json::Value),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn act(
    State(calls): State<Arc<Calls>>,
    target: Result<Path<(String, String)>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<serde_json::Value>, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let target = target.ok().and_then(|Path((part, action))| calls.action(&part, &action));
    let Some(url) = target else {
        return Err(Problem::not_found("there are /api/producer and /api/streaming, each with /start and /stop"));
    };
    of_this_page(&headers)?;
    let answer = calls.post(&url).await;
    answer.map(Json).map_err(|reason| {
        let detail = format!("it was not forwarded: {reason}");
        Problem::unavailable(detail)
    })
}

/// Refuses what another origin's page may have sent.
fn of_this_page(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (name, expected) = ACTION_HEADER;
    if text(name) != Some(expected) {
        return Err(Problem::bad_parameter(name, "is not this page's", expected));
    }
    // Programs do not send it; browsers always do, and no script can change it.
    match text("sec-fetch-site") {
        None | Some("same-origin") => Ok(()),
        Some(_) => Err(Problem::bad_parameter("sec-fetch-site", "is another site's", "same-origin")),
    }
}
