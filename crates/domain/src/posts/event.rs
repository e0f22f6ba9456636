//! The writes and their JSON, as the topic carries them.

use std::borrow::Cow;

use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Serialize};

use super::{Fault, Id, Partition, check_content, check_post_id, check_user, partition_of};

/// Something that a user wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Write {
    /// A post.
    Post(Post),
    /// A comment on a post.
    Comment(Comment),
    /// A like of a post; a user's second one changes nothing.
    Like(Like),
}

/// A post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Post {
    /// Its id, which decides its partition.
    pub id: Id,
    /// Who wrote it.
    pub user_id: String,
    /// Its text.
    pub content: String,
    /// When it was accepted; whole microseconds.
    pub created_at: DateTime<Utc>,
}

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comment {
    /// Its own id.
    pub id: Id,
    /// The post that it is on, which decides its partition.
    pub post_id: Id,
    /// Who wrote it.
    pub user_id: String,
    /// Its text.
    pub content: String,
    /// When it was accepted; whole microseconds.
    pub created_at: DateTime<Utc>,
}

/// A like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Like {
    /// Its own id.
    pub id: Id,
    /// The post that is liked, which decides its partition.
    pub post_id: Id,
    /// Who likes it.
    pub user_id: String,
    /// When it was accepted; whole microseconds.
    pub created_at: DateTime<Utc>,
}

/// What JSON may hold, before it is judged.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    id: Id,
    #[serde(default, borrow)]
    post_id: Option<Cow<'a, str>>,
    user_id: String,
    #[serde(default)]
    content: Option<String>,
    created_at: DateTime<Utc>,
}

impl Write {
    /// Reads a record's value.
    ///
    /// # Errors
    /// When it is not JSON of this shape (field `body`), or a field breaks a rule.
    pub fn parse(json: &[u8]) -> Result<Self, Fault> {
        let wire: Wire<'_> = serde_json::from_slice(json)
            .map_err(|error| Fault::new("body", format!("cannot be read: {error}"), "a write as JSON"))?;
        let post_id = || check_post_id(wire.post_id.as_deref().unwrap_or_default());
        let content = |content: Option<String>| {
            let content = content.unwrap_or_default();
            check_content(&content).map(|()| content)
        };
        check_user(&wire.user_id)?;
        // What RFC 3339 can write; Postgres can store more.
        if !(1970..=9999).contains(&wire.created_at.year()) {
            return Err(Fault::new("created_at", format!("is {}", wire.created_at), "a time from 1970 on"));
        }
        let (id, created_at) = (wire.id, wire.created_at);
        Ok(match &*wire.kind {
            "post" => Self::Post(Post { id, user_id: wire.user_id, content: content(wire.content)?, created_at }),
            "comment" => {
                let (post_id, content) = (post_id()?, content(wire.content)?);
                Self::Comment(Comment { id, post_id, user_id: wire.user_id, content, created_at })
            }
            "like" => Self::Like(Like { id, post_id: post_id()?, user_id: wire.user_id, created_at }),
            other => return Err(Fault::new("type", format!("is {other:?}"), "post, comment, like")),
        })
    }

    /// The write as a record's value.
    pub fn to_json(&self) -> Vec<u8> {
        // Text, numbers and times: nothing that serde_json could refuse.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// `post`, `comment` or `like`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Post(_) => "post",
            Self::Comment(_) => "comment",
            Self::Like(_) => "like",
        }
    }

    /// Its own id.
    pub fn id(&self) -> Id {
        match self {
            Self::Post(post) => post.id,
            Self::Comment(comment) => comment.id,
            Self::Like(like) => like.id,
        }
    }

    /// The post that it is, or is for.
    pub fn post_id(&self) -> Id {
        match self {
            Self::Post(post) => post.id,
            Self::Comment(comment) => comment.post_id,
            Self::Like(like) => like.post_id,
        }
    }

    /// Where its record goes.
    pub fn partition(&self) -> Partition {
        partition_of(self.post_id())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";

    #[test]
    fn the_json_of_each_kind() {
        let id: Id = ID.parse().unwrap();
        let created_at = DateTime::from_timestamp_micros(1_795_281_240_123_456).unwrap();
        let like = Write::Like(Like { id, post_id: id, user_id: "bob".into(), created_at });
        let json = format!(
            r#"{{"type":"like","id":"{ID}","post_id":"{ID}","user_id":"bob","created_at":"2026-11-21T17:14:00.123456Z"}}"#
        );
        assert_eq!(String::from_utf8(like.to_json()).unwrap(), json);
        assert_eq!((like.kind(), like.id(), like.post_id()), ("like", id, id));
    }

    #[test]
    fn a_record_that_breaks_a_rule_says_which() {
        let of = |kind: &str, rest: &str| {
            format!(r#"{{"type":"{kind}","id":"{ID}","created_at":"2026-11-21T17:14:00Z"{rest}}}"#)
        };
        for (json, field) in [
            ("{".to_owned(), "body"),
            (of("post", ""), "body"),
            (of("post", r#","user_id":"u""#), "content"),
            (of("post", r#","user_id":"","content":"c""#), "user_id"),
            (of("comment", r#","user_id":"u","content":"c""#), "post_id"),
            (of("like", r#","user_id":"u","post_id":"post-id""#), "post_id"),
            (of("share", r#","user_id":"u""#), "type"),
            (of("like", &format!(r#","user_id":"u","post_id":"{ID}""#)).replace("2026", "0001"), "created_at"),
        ] {
            assert_eq!(Write::parse(json.as_bytes()).unwrap_err().field, field, "{json}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(id: [u8; 16], post: [u8; 16], user in "[^\\p{Cc}]{1,255}", content in "[^\\x00]{1,500}", micros in 0_i64..4_000_000_000_000_000) {
            let (id, post_id) = (Id::from_bytes(id), Id::from_bytes(post));
            let created_at = DateTime::from_timestamp_micros(micros).unwrap();
            let (user_id, content) = (format!("u{user}").chars().take(255).collect::<String>(), format!("c{content}"));
            for write in [
                Write::Post(Post { id, user_id: user_id.clone(), content: content.clone(), created_at }),
                Write::Comment(Comment { id, post_id, user_id: user_id.clone(), content: content.clone(), created_at }),
                Write::Like(Like { id, post_id, user_id: user_id.clone(), created_at }),
            ] {
                prop_assert_eq!(Write::parse(&write.to_json()), Ok(write));
            }
        }

        #[test]
        fn any_bytes_are_judged(bytes: Vec<u8>) {
            let _judged = Write::parse(&bytes);
        }
    }
}
