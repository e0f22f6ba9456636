//! Rows of one kind, many in a statement: quickly, when all of them are new, or passing over those that are there.

use std::collections::HashSet;

use anyhow::Context;
use chrono::{DateTime, Utc};
use domain::posts::{Id, Write};
use pg::{CopyRows, Value};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

/// A table of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Post,
    Comment,
    Like,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Post, Self::Comment, Self::Like];

    pub(crate) fn of(write: &Write) -> Self {
        match write {
            Write::Post(_) => Self::Post,
            Write::Comment(_) => Self::Comment,
            Write::Like(_) => Self::Like,
        }
    }

    /// The values are those of [`values`].
    fn copy(self) -> &'static str {
        match self {
            Self::Post => {
                "copy posts (partition, id, user_id, created_at, content, updated_at) from stdin (format binary)"
            }
            Self::Comment => {
                "copy comments (partition, id, user_id, created_at, content, updated_at, post_id)
                 from stdin (format binary)"
            }
            Self::Like => "copy likes (partition, id, user_id, created_at, post_id) from stdin (format binary)",
        }
    }

    fn insert(self) -> &'static str {
        match self {
            Self::Post => {
                "insert into posts (partition, id, user_id, created_at, content, updated_at)
                 select partition, id, user_id, created_at, content, created_at
                 from unnest($1::int[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[])
                      as new (partition, id, user_id, created_at, content)
                 on conflict do nothing returning partition, id"
            }
            Self::Comment => {
                "insert into comments (partition, id, user_id, created_at, content, updated_at, post_id)
                 select partition, id, user_id, created_at, content, created_at, post_id
                 from unnest($1::int[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::uuid[])
                      as new (partition, id, user_id, created_at, content, post_id)
                 on conflict do nothing returning partition, post_id"
            }
            Self::Like => {
                "insert into likes (partition, id, user_id, created_at, post_id)
                 select partition, id, user_id, created_at, post_id
                 from unnest($1::int[], $2::uuid[], $3::text[], $4::timestamptz[], $5::uuid[])
                      as new (partition, id, user_id, created_at, post_id)
                 on conflict do nothing returning partition, post_id"
            }
        }
    }
}

/// Partition and post of a row that was not there before.
pub(crate) type Added = (i32, Uuid);

/// Copies the rows, if all of them are new; `None`, and nothing has happened, when one was there. That one costs the work of
/// all before it, which vacuum must clear away, so the caller copies only what is probably new.
///
/// # Errors
/// When the database does not answer, or refuses one for another reason.
pub(crate) async fn copy(
    transaction: &mut PgConnection,
    kind: Kind,
    writes: &[&Write],
) -> anyhow::Result<Option<Vec<Added>>> {
    let writes = once(writes);
    let mut rows = CopyRows::default();
    for write in &writes {
        push(&mut rows, write)?;
    }
    let mut savepoint = transaction.begin().await.context("copy")?;
    match rows.copy(&mut savepoint, kind.copy()).await {
        Ok(copied) => {
            savepoint.commit().await.context("copy")?;
            anyhow::ensure!(copied == writes.len() as u64, "{copied} rows were copied of {}", writes.len());
            let added = |write: &&Write| (write.partition().number(), uuid(write.post_id()));
            Ok(Some(writes.iter().map(added).collect()))
        }
        Err(error) if error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation) => {
            savepoint.rollback().await.context("copy")?;
            Ok(None)
        }
        Err(error) => Err(error).context("copy"),
    }
}

/// Inserts those of the rows that are not there.
///
/// # Errors
/// When the database does not answer, or refuses one.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    kind: Kind,
    writes: &[&Write],
) -> Result<Vec<Added>, sqlx::Error> {
    let mut columns = Columns::default();
    for write in writes {
        let (user, time, content) = parts(write);
        columns.partitions.push(write.partition().number());
        columns.ids.push(uuid(write.id()));
        columns.users.push(user);
        columns.times.push(time);
        columns.contents.extend(content);
        columns.posts.push(uuid(write.post_id()));
    }
    let query = sqlx::query_as(kind.insert()).bind(columns.partitions).bind(columns.ids).bind(columns.users);
    let query = query.bind(columns.times);
    let query = if kind == Kind::Like { query } else { query.bind(columns.contents) };
    let query = if kind == Kind::Post { query } else { query.bind(columns.posts) };
    query.fetch_all(connection).await
}

#[derive(Default)]
struct Columns<'a> {
    partitions: Vec<i32>,
    ids: Vec<Uuid>,
    users: Vec<&'a str>,
    times: Vec<DateTime<Utc>>,
    contents: Vec<&'a str>,
    posts: Vec<Uuid>,
}

/// What of the writes of one kind would be stored, one after the other, in a shard that has none of them.
fn once<'a>(writes: &[&'a Write]) -> Vec<&'a Write> {
    let (mut ids, mut likes) = (HashSet::with_capacity(writes.len()), HashSet::new());
    let mut kept = Vec::with_capacity(writes.len());
    for write in writes {
        let id = write.id().to_bytes();
        let like = match write {
            Write::Like(like) => Some((like.post_id.to_bytes(), like.user_id.as_str())),
            Write::Post(_) | Write::Comment(_) => None,
        };
        // Both are asked before either learns of it: what is left out must not keep out others.
        if !ids.contains(&id) && !like.is_some_and(|like| likes.contains(&like)) {
            ids.insert(id);
            likes.extend(like);
            kept.push(*write);
        }
    }
    kept
}

fn push(rows: &mut CopyRows, write: &Write) -> anyhow::Result<()> {
    let (user, time, content) = parts(write);
    let (partition, id, post) = (write.partition().number(), uuid(write.id()), uuid(write.post_id()));
    let first = [Value::Int(partition), Value::Uuid(id), Value::Text(user), Value::Time(time)];
    let [partition, id, user, created] = first;
    match (Kind::of(write), content) {
        (Kind::Post, Some(content)) => rows.push(&[partition, id, user, created, Value::Text(content), created]),
        (_, Some(content)) => {
            rows.push(&[partition, id, user, created, Value::Text(content), created, Value::Uuid(post)])
        }
        (_, None) => rows.push(&[partition, id, user, created, Value::Uuid(post)]),
    }
}

/// User, time, and the content of what has one.
fn parts(write: &Write) -> (&str, DateTime<Utc>, Option<&str>) {
    match write {
        Write::Post(post) => (&post.user_id, post.created_at, Some(&post.content)),
        Write::Comment(comment) => (&comment.user_id, comment.created_at, Some(&comment.content)),
        Write::Like(like) => (&like.user_id, like.created_at, None),
    }
}

fn uuid(id: Id) -> Uuid {
    Uuid::from_bytes(id.to_bytes())
}

#[cfg(test)]
mod tests {
    use domain::posts::{Like, Post};

    use super::*;

    fn like(id: u8, post: u8, user: &str) -> Write {
        let (id, post_id) = (Id::from_bytes([id; 16]), Id::from_bytes([post; 16]));
        Write::Like(Like { id, post_id, user_id: user.into(), created_at: DateTime::UNIX_EPOCH })
    }

    fn kept(writes: &[Write]) -> Vec<usize> {
        let once = once(&writes.iter().collect::<Vec<_>>());
        let at = |kept: &&Write| writes.iter().position(|write| std::ptr::eq(write, *kept)).unwrap();
        once.iter().map(at).collect()
    }

    #[test]
    fn of_likes_the_first_by_id_and_by_post_and_user_is_kept() {
        let writes = [like(1, 9, "bob"), like(2, 9, "bob"), like(3, 8, "bob"), like(3, 9, "eve"), like(4, 9, "Bob")];
        assert_eq!(kept(&writes), [0, 2, 4]);
    }

    #[test]
    fn what_is_left_out_keeps_nothing_out() {
        assert_eq!(kept(&[like(1, 9, "bob"), like(1, 9, "eve"), like(2, 9, "eve")]), [0, 2]);
        assert_eq!(kept(&[like(1, 9, "bob"), like(2, 9, "bob"), like(2, 9, "eve")]), [0, 2]);
    }

    #[test]
    fn of_posts_the_first_by_id_is_kept() {
        let post = |id: u8| {
            let (user_id, content) = ("u".to_owned(), "c".to_owned());
            Write::Post(Post { id: Id::from_bytes([id; 16]), user_id, content, created_at: DateTime::UNIX_EPOCH })
        };
        assert_eq!(kept(&[post(1), post(2), post(1)]), [0, 1]);
    }
}
