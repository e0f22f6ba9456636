//! `GET /api/posts/{id}` and its comments: one partition at one shard.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use domain::posts::{Id, Position, Token, partition_of};
use http::HeaderMap;
use kit::http::Problem;
use serde::de::DeserializeOwned;

use crate::cursor::{Cursor, List};
use crate::parameters::{self, Paging, Part};
use crate::question::Question;
use crate::refusal::Refusal;
use crate::views::{CommentRow, CommentsView, DetailRow, PostDetail};
use crate::{Api, rows};

/// Comments and likes in the answer for a post.
const FIRST: i64 = 100;

#[utoipa::path(
    get, path = "/api/posts/{id}",
    params(
        ("id" = String, Path, description = "A post's id", format = Uuid),
        ("X-Consistency-Token" = Option<String>, Header, description = "Tokens of writes that must be in the answer"),
    ),
    responses(
        (status = 200, body = PostDetail, description = "The post with its first comments and likes"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "A parameter is not usable"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "There is no such post"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "Its shard is away, or a write is not readable yet"),
    )
)]
pub(crate) async fn post(
    State(api): State<Arc<Api>>,
    part: Part,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<PostDetail>, Refusal> {
    parameters::none(query.as_deref())?;
    let (id, tokens) = (parameters::post_id(part)?, parameters::tokens(&headers)?);
    let (row, _) = one::<DetailRow>(&api, id, &Question::Post { id, most: FIRST }, &tokens).await?;
    Ok(Json(row.into()))
}

#[utoipa::path(
    get, path = "/api/posts/{id}/comments",
    params(
        ("id" = String, Path, description = "A post's id", format = Uuid),
        ("limit" = Option<usize>, Query, description = "Comments of a page", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of an earlier answer for this post"),
        ("X-Consistency-Token" = Option<String>, Header, description = "Tokens of writes that must be in the answer"),
    ),
    responses(
        (status = 200, body = CommentsView, description = "The post's comments, oldest first"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "A parameter is not usable"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "There is no such post"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "Its shard is away, or a write is not readable yet"),
    )
)]
pub(crate) async fn comments(
    State(api): State<Arc<Api>>,
    part: Part,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<CommentsView>, Refusal> {
    let id = parameters::post_id(part)?;
    let (paging, tokens) = (Paging::parse_single(query.as_deref())?, parameters::tokens(&headers)?);
    let list = List::Comments(id);
    let cursor = paging.cursor.as_deref().map(|text| api.signer.read(&list, text)).transpose()?;
    let after = cursor.map_or(Position::FIRST, |cursor| cursor.after);
    let most = i64::try_from(paging.limit + 1).unwrap_or(i64::MAX);
    let (mut found, epoch) =
        one::<Vec<CommentRow>>(&api, id, &Question::Comments { post: id, after, most }, &tokens).await?;
    let more = found.len() > paging.limit;
    found.truncate(paging.limit);
    let last = found.last().filter(|_| more).map(CommentRow::position);
    Ok(Json(CommentsView {
        next_cursor: last.map(|after| api.signer.sign(&list, Cursor { epoch, after })),
        comments: found.into_iter().map(Into::into).collect(),
    }))
}

/// What the post's shard says, and the map's epoch: 404 when it has no such post, 503 when it says nothing.
async fn one<T: DeserializeOwned>(
    api: &Api,
    id: Id,
    question: &Question,
    tokens: &[Token],
) -> Result<(T, i64), Refusal> {
    let gathered = api.gather(question, Some(partition_of(id)), tokens).await?;
    let Some(part) = gathered.parts.first() else { return Err(Refusal::lacks(&gathered.missing)) };
    let found: Option<T> = rows(part)?;
    match found {
        Some(found) => Ok((found, gathered.epoch)),
        None => Err(Problem::not_found(format!("no post {id}")).into()),
    }
}
