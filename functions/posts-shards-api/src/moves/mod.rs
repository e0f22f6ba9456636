//! Moves of partitions, asked for and looked at. posts-rebalancer carries them out.

mod store;
mod view;
mod wish;

use std::sync::Arc;

use anyhow::Context;
use axum::Json;
use axum::extract::{Path, RawQuery, State};
use domain::posts::moves::PlanError;
use domain::posts::{ShardId, moves};
use http::StatusCode;
use kit::http::{Body, Problem, Query};
use shards::Directory;

pub(crate) use view::{Move, Moves};
pub(crate) use wish::Asked;

use crate::{Api, Later, away};

/// Most moves of one answer.
const MOST: u32 = 500;

/// 202: the moves that were begun; posts-rebalancer is told, and finds them within a minute if that fails. 200: all is as it
/// should be, nothing moves.
#[utoipa::path(
    post, path = "/moves",
    request_body = Asked,
    responses(
        (status = 202, body = Moves, description = "These partitions move from now on"),
        (status = 200, body = Moves, description = "Nothing is to be moved"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "A field cannot be used"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "A partition is moving already, or the shard is not active"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "The body is too large"),
        (status = 415, body = Problem, content_type = "application/problem+json", description = "The body is not JSON"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "The master is away"),
    )
)]
pub(crate) async fn begin(
    State(api): State<Arc<Api>>,
    RawQuery(query): RawQuery,
    Body(asked): Body<Asked>,
) -> Result<(StatusCode, Json<Moves>), Later> {
    Query::parse(query.as_deref(), &[])?;
    let master = api.observer.master();
    let mut locked = store::lock(master).await.map_err(away)?;
    let directory = Directory::load(master).await.map_err(away)?;
    let wish = asked.check(|name| directory.shards.values().find(|shard| shard.name == name).map(|shard| shard.id))?;
    let active: Vec<ShardId> = directory.shards.values().filter(|shard| shard.active).map(|shard| shard.id).collect();
    let moving = locked.moving().await.map_err(away)?;
    let planned = moves::plan(&directory.map, &active, &moving, &wish).map_err(|error| conflict(&directory, error))?;
    let ids = locked.add(&planned, &directory.map).await.map_err(away)?;
    let moves = store::by_ids(master, &ids).await.map_err(away)?;
    if ids.is_empty() {
        return Ok((StatusCode::OK, Json(moves)));
    }
    // The moves are recorded, so they are made whether it hears of them now or not.
    if let Err(error) = api.rebalancer.start().await.context("start the rebalancer") {
        tracing::warn!(error = format!("{error:#}"), "the moves begin with the rebalancer's schedule");
    }
    Ok((StatusCode::ACCEPTED, Json(moves)))
}

#[utoipa::path(
    get, path = "/moves",
    params(("limit" = Option<u32>, Query, description = "Most moves of the answer; 1 to 500, else 100")),
    responses(
        (status = 200, body = Moves, description = "The newest moves, and how many are not over"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "A parameter cannot be used"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "The master is away"),
    )
)]
pub(crate) async fn list(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Moves>, Later> {
    let limit = Query::parse(query.as_deref(), &["limit"])?.number("limit", 100, 1..=MOST)?;
    Ok(Json(store::newest(api.observer.master(), limit).await.map_err(away)?))
}

#[utoipa::path(
    get, path = "/moves/{id}",
    params(("id" = i64, Path, description = "A move's id")),
    responses(
        (status = 200, body = Move, description = "How far it is"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "The id is no number, or a parameter stands there"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "There is no such move"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "The master is away"),
    )
)]
pub(crate) async fn one(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Move>, Later> {
    Query::parse(query.as_deref(), &[])?;
    let number: i64 = id.parse().map_err(|_| Problem::bad_parameter("id", "is no number", "a move's id"))?;
    let found = store::by_ids(api.observer.master(), &[number]).await.map_err(away)?.moves.pop();
    Ok(Json(found.ok_or_else(|| Problem::not_found(format!("there is no move {number}")))?))
}

fn conflict(directory: &Directory, error: PlanError) -> Problem {
    Problem::conflict(match error {
        PlanError::Inactive(id) => {
            let name = directory.shards.get(&id).map_or("the shard", |shard| shard.name.as_str());
            format!("{name} is not active, and gets no partitions")
        }
        PlanError::Moving(_) => error.to_string(),
    })
}
