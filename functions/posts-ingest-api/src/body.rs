//! What clients send, and how it becomes a write. No I/O.

use chrono::{DateTime, SubsecRound, Utc};
use domain::posts::{Comment, Fault, Id, Like, Post, Write, check_content, check_post_id, check_user};
use kit::http::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::accept::{Key, Kind};
use crate::described::AnyWrite;

/// Most writes of a bulk request.
const MOST: usize = 500;

/// A post.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPost {
    /// Who writes it: no control characters, not only spaces.
    #[schema(
        min_length = 1,
        max_length = 255,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$",
        example = "john"
    )]
    user_id: String,
    /// Its text: no NUL, not only spaces.
    #[schema(min_length = 1, max_length = 10_000, pattern = r"^[^\x00]*[^\s\x00][^\x00]*$", example = "Hello World!")]
    content: String,
}

/// A comment on a post.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewComment {
    /// The post's id, as its own answer had it.
    #[schema(format = Uuid)]
    post_id: String,
    /// Who writes it: no control characters, not only spaces.
    #[schema(
        min_length = 1,
        max_length = 255,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$",
        example = "jane"
    )]
    user_id: String,
    /// Its text: no NUL, not only spaces.
    #[schema(min_length = 1, max_length = 10_000, pattern = r"^[^\x00]*[^\s\x00][^\x00]*$", example = "Great post!")]
    content: String,
}

/// A like of a post.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLike {
    /// The post's id, as its own answer had it.
    #[schema(format = Uuid)]
    post_id: String,
    /// Who likes it: no control characters, not only spaces.
    #[schema(
        min_length = 1,
        max_length = 255,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$",
        example = "bob"
    )]
    user_id: String,
}

/// Many writes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bulk {
    /// They keep their order within each post.
    #[schema(min_items = 1, max_items = 500, value_type = Vec<AnyWrite>)]
    writes: Vec<NewWrite>,
}

/// One of many writes. Read as one struct, so that a fault can name its field; described as [`AnyWrite`], a shape for each type.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewWrite {
    #[serde(rename = "type")]
    kind: Kind,
    post_id: Option<String>,
    user_id: String,
    content: Option<String>,
}

impl NewPost {
    pub(crate) fn judge(self, key: Option<Key<'_>>, now: DateTime<Utc>) -> Result<Write, Problem> {
        post(self.user_id, self.content, key, now).map_err(|fault| problem(&fault, ""))
    }
}

impl NewComment {
    pub(crate) fn judge(self, key: Option<Key<'_>>, now: DateTime<Utc>) -> Result<Write, Problem> {
        comment(&self.post_id, self.user_id, self.content, key, now).map_err(|fault| problem(&fault, ""))
    }
}

impl NewLike {
    pub(crate) fn judge(self, key: Option<Key<'_>>, now: DateTime<Utc>) -> Result<Write, Problem> {
        like(&self.post_id, self.user_id, key, now).map_err(|fault| problem(&fault, ""))
    }
}

impl Bulk {
    /// All of them, or the first fault with the place of its field.
    pub(crate) fn judge(self, key: Option<Key<'_>>, now: DateTime<Utc>) -> Result<Vec<Write>, Problem> {
        let count = self.writes.len();
        if !(1..=MOST).contains(&count) {
            return Err(Problem::bad_parameter("writes", &format!("has {count} writes"), "1 to 500 writes"));
        }
        let judge = |(at, new): (usize, NewWrite)| {
            let place = format!("writes[{at}].");
            new.judge(key.map(|key| key.part(at)), now).map_err(|fault| problem(&fault, &place))
        };
        self.writes.into_iter().enumerate().map(judge).collect()
    }
}

impl NewWrite {
    fn judge(self, key: Option<Key<'_>>, now: DateTime<Utc>) -> Result<Write, Fault> {
        let (post_id, text) = (self.post_id.as_deref(), self.content);
        let surplus = |field: &'static str| Fault {
            field,
            fault: "does not belong to a write of this type".into(),
            accepted: "post: user_id, content; comment: post_id, user_id, content; like: post_id, user_id",
        };
        match (self.kind, post_id, text) {
            (Kind::Post, Some(_), _) => Err(surplus("post_id")),
            (Kind::Like, _, Some(_)) => Err(surplus("content")),
            (Kind::Post, None, text) => post(self.user_id, text.unwrap_or_default(), key, now),
            (Kind::Comment, id, text) => {
                comment(id.unwrap_or_default(), self.user_id, text.unwrap_or_default(), key, now)
            }
            (Kind::Like, id, None) => like(id.unwrap_or_default(), self.user_id, key, now),
        }
    }
}

fn post(user_id: String, content: String, key: Option<Key<'_>>, now: DateTime<Utc>) -> Result<Write, Fault> {
    check_user(&user_id)?;
    check_content(&content)?;
    let id = id(Kind::Post, &user_id, &[], key, now);
    Ok(Write::Post(Post { id, user_id, content, created_at: now.trunc_subsecs(6) }))
}

fn comment(
    post_id: &str,
    user_id: String,
    content: String,
    key: Option<Key<'_>>,
    now: DateTime<Utc>,
) -> Result<Write, Fault> {
    let post_id = check_post_id(post_id)?;
    check_user(&user_id)?;
    check_content(&content)?;
    let id = id(Kind::Comment, &user_id, &post_id.to_bytes(), key, now);
    Ok(Write::Comment(Comment { id, post_id, user_id, content, created_at: now.trunc_subsecs(6) }))
}

fn like(post_id: &str, user_id: String, key: Option<Key<'_>>, now: DateTime<Utc>) -> Result<Write, Fault> {
    let post_id = check_post_id(post_id)?;
    check_user(&user_id)?;
    let id = id(Kind::Like, &user_id, &post_id.to_bytes(), key, now);
    Ok(Write::Like(Like { id, post_id, user_id, created_at: now.trunc_subsecs(6) }))
}

/// The same kind, user, post and key: the same id. Without a key: a new one.
fn id(kind: Kind, user_id: &str, post_id: &[u8], key: Option<Key<'_>>, now: DateTime<Utc>) -> Id {
    match key {
        Some(key) => Id::v8(&[kind.name().as_bytes(), user_id.as_bytes(), post_id, key.text(), &key.place()]),
        None => Id::v7(now, rand::random()),
    }
}

fn problem(fault: &Fault, place: &str) -> Problem {
    Problem::bad_parameter(&format!("{place}{}", fault.field), &fault.fault, fault.accepted)
}
