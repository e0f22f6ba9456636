//! Rows as shards give them, and as the API shows them.

use chrono::{DateTime, Utc};
use domain::posts::{Id, Position};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::missing::Missing;

/// A post in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PostView {
    #[schema(value_type = String, format = Uuid)]
    id: Id,
    user_id: String,
    content: String,
    created_at: DateTime<Utc>,
    /// Exact.
    comments_count: i64,
    /// Exact: a user's second like counts no more.
    likes_count: i64,
}

/// A comment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CommentView {
    #[schema(value_type = String, format = Uuid)]
    id: Id,
    user_id: String,
    content: String,
    created_at: DateTime<Utc>,
}

/// A like.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LikeView {
    user_id: String,
    created_at: DateTime<Utc>,
}

/// The answer of `GET /api/posts` and `GET /api/users/{id}/posts`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PostsView {
    /// Newest first.
    pub(crate) posts: Vec<PostView>,
    /// For the next page; null on the last one.
    pub(crate) next_cursor: Option<String>,
    /// Whether a shard's posts are lacking. A walk that goes on from here does not meet them again: ask for this page once
    /// more, with the cursor that led here.
    pub(crate) partial: bool,
    pub(crate) missing: Vec<Missing>,
}

/// The answer of `GET /api/posts/{id}`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PostDetail {
    #[serde(flatten)]
    pub(crate) post: PostView,
    /// The oldest hundred; `/api/posts/{id}/comments` has them all.
    pub(crate) comments: Vec<CommentView>,
    /// A hundred at most, by user.
    pub(crate) likes: Vec<LikeView>,
}

/// The answer of `GET /api/posts/{id}/comments`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CommentsView {
    /// Oldest first.
    pub(crate) comments: Vec<CommentView>,
    /// For the next page; null on the last one.
    pub(crate) next_cursor: Option<String>,
}

/// The answer of `GET /api/users/{id}/stats`. A user who has written nothing has zeros.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatsView {
    pub(crate) user_id: String,
    /// Posts that the user wrote.
    pub(crate) posts: i64,
    /// Comments that the user wrote.
    pub(crate) comments: i64,
    /// Posts that the user likes.
    pub(crate) likes: i64,
    /// Comments on the user's posts.
    pub(crate) comments_received: i64,
    /// Likes of the user's posts.
    pub(crate) likes_received: i64,
    pub(crate) first_post_at: Option<DateTime<Utc>>,
    pub(crate) last_post_at: Option<DateTime<Utc>>,
    /// Whether the figures of a shard are lacking.
    pub(crate) partial: bool,
    pub(crate) missing: Vec<Missing>,
}

/// A post as a shard gives it. Times are microseconds since 1970.
#[derive(Debug, Deserialize)]
pub(crate) struct PostRow {
    id: Id,
    user_id: String,
    content: String,
    created_at: i64,
    comments: i64,
    likes: i64,
}

/// A comment as a shard gives it.
#[derive(Debug, Deserialize)]
pub(crate) struct CommentRow {
    id: Id,
    user_id: String,
    content: String,
    created_at: i64,
}

/// A like as a shard gives it.
#[derive(Debug, Deserialize)]
pub(crate) struct LikeRow {
    user_id: String,
    created_at: i64,
}

/// A post with what belongs to it, as a shard gives it.
#[derive(Debug, Deserialize)]
pub(crate) struct DetailRow {
    post: PostRow,
    comments: Vec<CommentRow>,
    likes: Vec<LikeRow>,
}

/// A user's figures at one shard.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct StatsRow {
    posts: i64,
    comments: i64,
    likes: i64,
    comments_received: i64,
    likes_received: i64,
    first_post_at: Option<i64>,
    last_post_at: Option<i64>,
}

fn time(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

impl PostRow {
    pub(crate) fn position(&self) -> Position {
        Position { micros: self.created_at, id: self.id }
    }
}

impl CommentRow {
    pub(crate) fn position(&self) -> Position {
        Position { micros: self.created_at, id: self.id }
    }
}

impl From<PostRow> for PostView {
    fn from(row: PostRow) -> Self {
        let PostRow { id, user_id, content, created_at, comments, likes } = row;
        Self { id, user_id, content, created_at: time(created_at), comments_count: comments, likes_count: likes }
    }
}

impl From<CommentRow> for CommentView {
    fn from(row: CommentRow) -> Self {
        Self { id: row.id, user_id: row.user_id, content: row.content, created_at: time(row.created_at) }
    }
}

impl From<LikeRow> for LikeView {
    fn from(row: LikeRow) -> Self {
        Self { user_id: row.user_id, created_at: time(row.created_at) }
    }
}

impl From<DetailRow> for PostDetail {
    fn from(row: DetailRow) -> Self {
        Self {
            post: row.post.into(),
            comments: row.comments.into_iter().map(CommentView::from).collect(),
            likes: row.likes.into_iter().map(LikeView::from).collect(),
        }
    }
}

impl StatsView {
    /// A user's figures at all shards together.
    pub(crate) fn of(user_id: String, rows: &[StatsRow], missing: Vec<Missing>) -> Self {
        let sum = |of: fn(&StatsRow) -> i64| rows.iter().map(of).sum();
        Self {
            user_id,
            posts: sum(|row| row.posts),
            comments: sum(|row| row.comments),
            likes: sum(|row| row.likes),
            comments_received: sum(|row| row.comments_received),
            likes_received: sum(|row| row.likes_received),
            first_post_at: rows.iter().filter_map(|row| row.first_post_at).min().map(time),
            last_post_at: rows.iter().filter_map(|row| row.last_post_at).max().map(time),
            partial: !missing.is_empty(),
            missing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_shards_add_up() {
        let row = |posts, first, last| StatsRow {
            posts,
            comments: 1,
            likes_received: 10,
            first_post_at: first,
            last_post_at: last,
            ..StatsRow::default()
        };
        let rows = [row(0, None, None), row(2, Some(5), Some(9)), row(1, Some(3), Some(3))];
        let stats = StatsView::of("john".into(), &rows, Vec::new());
        assert_eq!((stats.posts, stats.comments, stats.likes_received, stats.partial), (3, 3, 30, false));
        assert_eq!((stats.first_post_at, stats.last_post_at), (Some(time(3)), Some(time(9))));
    }
}
