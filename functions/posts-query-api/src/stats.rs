//! `GET /api/users/{id}/stats`: what a user has written and got, summed over all shards.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use http::HeaderMap;
use kit::http::Problem;

use crate::parameters::{self, Part};
use crate::question::Question;
use crate::refusal::Refusal;
use crate::views::{StatsRow, StatsView};
use crate::{Api, rows};

#[utoipa::path(
    get, path = "/api/users/{id}/stats",
    params(
        ("id" = String, Path, description = "A user", min_length = 1, max_length = 255),
        ("partial" = Option<bool>, Query, description = "false: 503 in place of a part of the answer"),
        ("X-Consistency-Token" = Option<String>, Header, description = "Tokens of writes that must be in the answer"),
    ),
    responses(
        (status = 200, body = StatsView, description = "Exact figures; zeros for a user that nobody knows"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "A parameter is not usable"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "The user has a slash or backslash, with which a gateway begins a further part of the path"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "Shards are away, or a write is not readable yet"),
    )
)]
pub(crate) async fn stats(
    State(api): State<Arc<Api>>,
    part: Part,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<StatsView>, Refusal> {
    let user = parameters::user_id(part)?;
    let (partial, tokens) = (parameters::partial(query.as_deref())?, parameters::tokens(&headers)?);
    let gathered = api.gather(&Question::Stats { user: user.clone() }, None, &tokens).await?;
    if !gathered.missing.is_empty() && (!partial || gathered.parts.is_empty()) {
        return Err(Refusal::lacks(&gathered.missing));
    }
    let figures = gathered.parts.iter().map(|part| rows(part)).collect::<anyhow::Result<Vec<StatsRow>>>()?;
    Ok(Json(StatsView::of(user, &figures, gathered.missing)))
}
