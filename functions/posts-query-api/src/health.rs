//! `GET /health`: whether there is a map, and which shards answer.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use kit::http::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;
use crate::missing::Reason;
use crate::parameters;
use crate::parts::Failure;
use crate::refusal::Refusal;

/// The answer of `GET /health`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `healthy`, or `degraded` while shards are away: lists are partial then.
    status: &'static str,
    service: &'static str,
    shards: Vec<ShardHealth>,
}

/// Whether a shard answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShardHealth {
    shard: String,
    reachable: bool,
    /// Why it does not answer.
    reason: Option<Reason>,
}

#[utoipa::path(
    get, path = "/health",
    responses(
        (status = 200, body = Health, description = "Questions are answered, wholly or in part"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "There are no parameters"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "There is no map, or no shard answers"),
    )
)]
pub(crate) async fn health(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Health>, Refusal> {
    parameters::none(query.as_deref())?;
    let probed = api.reader.probe().await.map_err(Failure::NoMap)?.into_iter();
    let shards: Vec<_> =
        probed.map(|(shard, reason)| ShardHealth { shard, reachable: reason.is_none(), reason }).collect();
    let away = shards.iter().filter(|shard| !shard.reachable).count();
    if away == shards.len() {
        return Err(Problem::unavailable("no shard answers").into());
    }
    let status = if away == 0 { "healthy" } else { "degraded" };
    Ok(Json(Health { status, service: "posts-query-api", shards }))
}
