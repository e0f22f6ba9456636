//! How each function is, over HTTP, for programs and for people.
//!
//! - Trigger: an HTTP API (`GET /services`, `GET /services/{name}`, `GET /health`).
//! - Input: no parameters; one that is given is answered with 400 and its name. Tables of the registry, which
//!   `registry-prober` fills.
//! - Output: JSON, or a page for whom `Accept` prefers `text/html`; errors as `application/problem+json`. What was looked
//!   at more than a minute ago is `unknown`, with its age: this function never looks itself.
//! - Idempotency: reads only.
//! - Failure: Postgres away is 503; the next request tries again.

mod page;
mod state;
mod view;

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::Utc;
use kit::http::{Problem, Query};
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use view::{Check, Detail, Overall, Service, Services};

/// What a page may do: nothing but look as its stylesheet says.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// Reads the configuration (`DATABASE_URL` or `DATABASE_SECRET_ARN`) and builds the router. Nothing connects before the
/// first request.
///
/// # Errors
/// When a variable is missing or malformed, or a secret cannot be read.
pub async fn load() -> anyhow::Result<Router> {
    let postgres = pg::Config::load().await?;
    Ok(router(pg::connect_lazy(&pg::Config { max_connections: 2, ..postgres })?))
}

/// The API over the registry in this database.
pub fn router(pool: PgPool) -> Router {
    let api = OpenApiRouter::new()
        .routes(routes!(services))
        .routes(routes!(service))
        .routes(routes!(health))
        .with_state(Arc::new(pool));
    kit::http::documented("registry-api", "How each function is, and since when.", api)
        .route("/", get(|| async { Redirect::temporary("services") }))
        .route("/services.css", get(|| async { ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], page::STYLE) }))
}

/// All services, in the order of the template.
#[utoipa::path(get, path = "/services", responses(
    (status = 200, description = "What the last look at each found", content((Services = "application/json"), (String = "text/html"))),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn services(
    State(pool): State<Arc<PgPool>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let (rows, round) = state::all(&pool).await.map_err(|error| away(&error))?;
    let services = view::services(rows, round, Utc::now());
    Ok(if wants_page(&headers) { html(page::services(&services)) } else { json(&services) })
}

/// One service with its checks of the last hour.
#[utoipa::path(get, path = "/services/{name}", params(("name" = String, Path, description = "As /services has it")), responses(
    (status = 200, description = "The last look at it, and those before", content((Detail = "application/json"), (String = "text/html"))),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn service(
    State(pool): State<Arc<PgPool>>,
    name: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    // A name that cannot be decoded is nobody's.
    let Ok(Path(name)) = name else { return Err(Problem::not_found("no service has such a name")) };
    // Postgres takes no text with a zero in it.
    let found =
        if name.contains('\0') { None } else { state::one(&pool, &name).await.map_err(|error| away(&error))? };
    let Some((row, history)) = found else {
        return Err(Problem::not_found(format!("no service is called {name:?}; GET /services names all")));
    };
    let detail = view::detail(row, history, Utc::now());
    Ok(if wants_page(&headers) { html(page::detail(&detail)) } else { json(&detail) })
}

/// The answer of `GET /health`.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `healthy`.
    status: &'static str,
    /// `registry-api`.
    service: &'static str,
    /// Seconds since the last round; none before the first.
    age_seconds: Option<f64>,
}

/// Whether this API can read the registry.
#[utoipa::path(get, path = "/health", responses((status = 200, body = Health),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn health(State(pool): State<Arc<PgPool>>, RawQuery(query): RawQuery) -> Result<Json<Health>, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let round = state::round(&pool).await.map_err(|error| away(&error))?;
    let age_seconds = round.map(|round| view::age_seconds(round.checked_at, Utc::now()));
    Ok(Json(Health { status: "healthy", service: "registry-api", age_seconds }))
}

/// Whether `Accept` names a page before it names JSON: browsers do, programs do not.
fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let place = |kind: &str| accept.find(kind);
    place("text/html").is_some_and(|html| place("application/json").is_none_or(|json| html < json))
}

fn json(body: &impl Serialize) -> Response {
    ([(header::VARY, "accept"), (header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

fn html(page: String) -> Response {
    let headers = [
        (header::VARY, "accept"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, Html(page)).into_response()
}

fn away(error: &anyhow::Error) -> Problem {
    Problem::away("Postgres cannot be asked for the registry", error)
}
