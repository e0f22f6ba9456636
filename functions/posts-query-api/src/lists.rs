//! `GET /api/posts` and `GET /api/users/{id}/posts`: pages of posts from all shards.

use std::cmp::Reverse;
use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use domain::posts::{Position, Token, merge};
use http::HeaderMap;
use kit::http::Problem;
use tracing::debug;

use crate::cursor::{Cursor, List};
use crate::parameters::{self, Paging, Part};
use crate::question::Question;
use crate::refusal::Refusal;
use crate::views::{PostRow, PostsView};
use crate::{Api, rows};

#[utoipa::path(
    get, path = "/api/posts",
    params(
        ("limit" = Option<usize>, Query, description = "Posts of a page", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of an earlier answer"),
        ("partial" = Option<bool>, Query, description = "false: 503 in place of a part of the answer"),
        ("X-Consistency-Token" = Option<String>, Header, description = "Tokens of writes that must be in the answer"),
    ),
    responses(
        (status = 200, body = PostsView, description = "Posts, newest first"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "A parameter is not usable"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "Shards are away, or a write is not readable yet"),
    )
)]
pub(crate) async fn posts(
    State(api): State<Arc<Api>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<PostsView>, Refusal> {
    let (paging, tokens) = (Paging::parse(query.as_deref())?, parameters::tokens(&headers)?);
    page(&api, &List::Posts, &paging, &tokens, |before, most| Question::Posts { before, most }).await
}

#[utoipa::path(
    get, path = "/api/users/{id}/posts",
    params(
        ("id" = String, Path, description = "A user", min_length = 1, max_length = 255),
        ("limit" = Option<usize>, Query, description = "Posts of a page", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of an earlier answer for this user"),
        ("partial" = Option<bool>, Query, description = "false: 503 in place of a part of the answer"),
        ("X-Consistency-Token" = Option<String>, Header, description = "Tokens of writes that must be in the answer"),
    ),
    responses(
        (status = 200, body = PostsView, description = "The user's posts, newest first; none for a user that nobody knows"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "A parameter is not usable"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "The user has a slash or backslash, with which a gateway begins a further part of the path"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "Shards are away, or a write is not readable yet"),
    )
)]
pub(crate) async fn user_posts(
    State(api): State<Arc<Api>>,
    part: Part,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<PostsView>, Refusal> {
    let user = parameters::user_id(part)?;
    let (paging, tokens) = (Paging::parse(query.as_deref())?, parameters::tokens(&headers)?);
    let question = |before, most| Question::UserPosts { user: user.clone(), before, most };
    page(&api, &List::UserPosts(&user), &paging, &tokens, question).await
}

async fn page(
    api: &Api,
    list: &List<'_>,
    paging: &Paging,
    tokens: &[Token],
    question: impl FnOnce(Position, i64) -> Question,
) -> Result<Json<PostsView>, Refusal> {
    let cursor = paging.cursor.as_deref().map(|text| api.signer.read(list, text)).transpose()?;
    let before = cursor.map_or(Position::LAST, |cursor| cursor.after);
    // One more than the page, to know whether there is another one.
    let most = i64::try_from(paging.limit + 1).unwrap_or(i64::MAX);
    let gathered = api.gather(&question(before, most), None, tokens).await?;
    if !gathered.missing.is_empty() && (!paging.partial || gathered.parts.is_empty()) {
        return Err(Refusal::lacks(&gathered.missing));
    }
    if let Some(cursor) = cursor.filter(|cursor| cursor.epoch != gathered.epoch) {
        debug!(epoch.cursor = cursor.epoch, epoch.map = gathered.epoch, "partitions have moved since the last page");
    }
    let runs = gathered.parts.iter().map(|part| rows(part)).collect::<anyhow::Result<Vec<Vec<PostRow>>>>()?;
    let page = merge(runs, paging.limit, |row| Reverse(row.position()));
    let last = page.rows.last().filter(|_| page.more).map(PostRow::position);
    Ok(Json(PostsView {
        next_cursor: last.map(|after| api.signer.sign(list, Cursor { epoch: gathered.epoch, after })),
        posts: page.rows.into_iter().map(Into::into).collect(),
        partial: !gathered.missing.is_empty(),
        missing: gathered.missing,
    }))
}
