//! Takes posts, comments and likes.
//!
//! - Trigger: an HTTP API (`POST /api/posts`, `/api/comments`, `/api/likes`, `/api/bulk`, `GET /health`).
//! - Input: JSON of one write, or of up to 500; what `domain::posts` does not accept is a 400 that names the field.
//! - Output: 202 when Kafka has acknowledged the write with all of its replicas: its id, and as a token for reading it the
//!   place of its record in the topic `posts-writes`. The partition is that of the post, so all writes of a post keep the
//!   order in which they were accepted.
//! - Idempotency: without `Idempotency-Key` each request is a write of its own. With it the id is a hash of kind, user, post
//!   and key: a repetition has the same id, whichever instance answers, and is stored once.
//! - Failure: Kafka away is 503 after at most 20 s; the write may have got through, so a client that repeats it gives a key.
//!   A bulk request is refused as a whole for one bad write; when Kafka fails half-way, 503, and some may have got through.
//!
//! Nothing is kept between requests but the producer.

mod accept;
mod body;
mod described;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use chrono::Utc;
use domain::posts::TOPIC;
use kit::http::{Body, Problem};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use accept::{Accepted, Kind};
use accept::{Key, Sink};
use body::{Bulk, NewComment, NewLike, NewPost};

/// Most bytes of a body: what Lambda takes, less what stands around it.
const BODY_BYTES: usize = 5_000_000;

/// How long `GET /health` waits for Kafka.
const HEALTH: Duration = Duration::from_secs(5);

/// The token of a single write, as a header too.
const TOKEN: HeaderName = HeaderName::from_static("x-consistency-token");

struct Api {
    sink: Sink,
    identifier: kafka::Identifier,
    topic: String,
}

/// Reads the configuration (`KAFKA_BOOTSTRAP_SERVERS` or `MSK_CLUSTER_ARN`) and builds the router.
///
/// # Errors
/// When it is missing or malformed.
pub async fn load() -> anyhow::Result<Router> {
    router(&kafka::Config::load().await?, TOPIC)
}

/// The API that writes to this topic; it must have 48 partitions.
///
/// # Errors
/// When librdkafka refuses the configuration.
pub fn router(kafka: &kafka::Config, topic: &str) -> anyhow::Result<Router> {
    let api = Api {
        sink: Sink::new(kafka::Producer::new(kafka)?, topic),
        identifier: kafka::Identifier::new(kafka)?,
        topic: topic.to_owned(),
    };
    let router = OpenApiRouter::new()
        .routes(routes!(post))
        .routes(routes!(comment))
        .routes(routes!(like))
        .routes(routes!(bulk))
        .routes(routes!(health))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(Arc::new(api));
    Ok(kit::http::documented(
        "posts-ingest-api",
        "Takes posts, comments and likes; Kafka has what is acknowledged.",
        router,
    ))
}

/// A single write's answer, with its token as a header.
impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        (StatusCode::ACCEPTED, [(TOKEN, self.token.clone())], Json(self)).into_response()
    }
}

/// Writes a post.
#[utoipa::path(post, path = "/api/posts", request_body = NewPost,
    params(("Idempotency-Key" = Option<String>, Header, description = "A repetition with the same key changes nothing", pattern = "^[!-~]{1,255}$")),
    responses(
        (status = 202, body = Accepted, description = "Kafka has it", headers(("X-Consistency-Token" = String, description = "As in the body"))),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "A field is not usable"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "More than 5 MB"),
        (status = 415, body = Problem, content_type = "application/problem+json", description = "Not JSON"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "Kafka does not answer"),
    ))]
async fn post(State(api): State<Arc<Api>>, headers: HeaderMap, Body(new): Body<NewPost>) -> Result<Accepted, Problem> {
    let key = Key::of(&headers)?;
    api.sink.one(new.judge(key, Utc::now())?).await
}

/// Writes a comment on a post. Whether there is such a post is not asked.
#[utoipa::path(post, path = "/api/comments", request_body = NewComment,
    params(("Idempotency-Key" = Option<String>, Header, description = "A repetition with the same key changes nothing", pattern = "^[!-~]{1,255}$")),
    responses(
        (status = 202, body = Accepted, description = "Kafka has it", headers(("X-Consistency-Token" = String, description = "As in the body"))),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "A field is not usable"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "More than 5 MB"),
        (status = 415, body = Problem, content_type = "application/problem+json", description = "Not JSON"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "Kafka does not answer"),
    ))]
async fn comment(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    Body(new): Body<NewComment>,
) -> Result<Accepted, Problem> {
    let key = Key::of(&headers)?;
    api.sink.one(new.judge(key, Utc::now())?).await
}

/// Likes a post. A user's second like of a post is accepted and changes nothing.
#[utoipa::path(post, path = "/api/likes", request_body = NewLike,
    params(("Idempotency-Key" = Option<String>, Header, description = "A repetition with the same key changes nothing", pattern = "^[!-~]{1,255}$")),
    responses(
        (status = 202, body = Accepted, description = "Kafka has it", headers(("X-Consistency-Token" = String, description = "As in the body"))),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "A field is not usable"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "More than 5 MB"),
        (status = 415, body = Problem, content_type = "application/problem+json", description = "Not JSON"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "Kafka does not answer"),
    ))]
async fn like(State(api): State<Arc<Api>>, headers: HeaderMap, Body(new): Body<NewLike>) -> Result<Accepted, Problem> {
    let key = Key::of(&headers)?;
    api.sink.one(new.judge(key, Utc::now())?).await
}

/// What became of the writes of a bulk request.
#[derive(Debug, Serialize, ToSchema)]
struct BulkAccepted {
    /// In the request's order.
    writes: Vec<Accepted>,
}

/// Many writes at once. One that is not usable, and none is written.
#[utoipa::path(post, path = "/api/bulk", request_body = Bulk,
    params(("Idempotency-Key" = Option<String>, Header, description = "A repetition with the same key changes nothing", pattern = "^[!-~]{1,255}$")),
    responses(
        (status = 202, body = BulkAccepted, description = "Kafka has them all"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "A field is not usable"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "More than 5 MB"),
        (status = 415, body = Problem, content_type = "application/problem+json", description = "Not JSON"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "Kafka does not answer"),
    ))]
async fn bulk(State(api): State<Arc<Api>>, headers: HeaderMap, Body(new): Body<Bulk>) -> Result<Response, Problem> {
    let key = Key::of(&headers)?;
    let writes = api.sink.all(new.judge(key, Utc::now())?).await?;
    Ok((StatusCode::ACCEPTED, Json(BulkAccepted { writes })).into_response())
}

/// The answer of `GET /health`.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `healthy`.
    status: &'static str,
    /// This function.
    service: &'static str,
    /// Where writes go.
    topic: String,
}

/// Whether writes can be taken: Kafka answers and has the topic.
#[utoipa::path(get, path = "/health", responses(
    (status = 200, body = Health),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "Kafka does not answer, or has no such topic"),
))]
async fn health(State(api): State<Arc<Api>>) -> Result<Json<Health>, Problem> {
    let asked = tokio::time::timeout(HEALTH, api.identifier.identify(&api.topic));
    let known = asked.await.map_err(anyhow::Error::from).flatten();
    known.map_err(|error| Problem::away("Kafka does not answer, or has no topic for writes", &error))?;
    Ok(Json(Health { status: "healthy", service: "posts-ingest-api", topic: api.topic.clone() }))
}
