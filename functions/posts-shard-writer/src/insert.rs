//! Rows of posts, comments and likes, many in a statement, and the counters with them.

use std::collections::BTreeMap;

use anyhow::Context;
use chrono::{DateTime, Utc};
use domain::posts::{Id, Write};
use sqlx::{Acquire, PgConnection, Postgres, Transaction};
use uuid::Uuid;

/// How many rows were new, by partition.
pub(crate) type Inserted = BTreeMap<i32, u64>;

/// How to insert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Each kind in one statement.
    Together,
    /// Each write by itself: for a batch that the database has refused, to find out which.
    Each,
}

const POSTS: &str = "with added as (
        insert into posts (id, user_id, content, created_at, updated_at, partition)
        select id, user_id, content, created_at, created_at, partition
        from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::int[])
             as new (id, user_id, content, created_at, partition)
        on conflict do nothing returning partition)
    select partition, count(*) from added group by partition";

const COMMENTS: &str = "with added as (
        insert into comments (id, user_id, content, created_at, updated_at, partition, post_id)
        select id, user_id, content, created_at, created_at, partition, post_id
        from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::int[], $6::uuid[])
             as new (id, user_id, content, created_at, partition, post_id)
        on conflict do nothing returning partition, post_id),
    counted as (
        insert into post_counters as c (post_id, partition, comments)
        select post_id, partition, count(*) from added group by post_id, partition
        on conflict (post_id) do update set comments = c.comments + excluded.comments)
    select partition, count(*) from added group by partition";

const LIKES: &str = "with added as (
        insert into likes (id, user_id, created_at, partition, post_id)
        select id, user_id, created_at, partition, post_id
        from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::int[], $5::uuid[])
             as new (id, user_id, created_at, partition, post_id)
        on conflict do nothing returning partition, post_id),
    counted as (
        insert into post_counters as c (post_id, partition, likes)
        select post_id, partition, count(*) from added group by post_id, partition
        on conflict (post_id) do update set likes = c.likes + excluded.likes)
    select partition, count(*) from added group by partition";

/// The columns of one kind.
#[derive(Default)]
struct Columns<'a> {
    ids: Vec<Uuid>,
    posts: Vec<Uuid>,
    users: Vec<&'a str>,
    contents: Vec<&'a str>,
    times: Vec<DateTime<Utc>>,
    partitions: Vec<i32>,
}

/// The columns of all kinds.
#[derive(Default)]
struct Rows<'a> {
    posts: Columns<'a>,
    comments: Columns<'a>,
    likes: Columns<'a>,
}

impl<'a> Rows<'a> {
    fn of(writes: &[&'a Write]) -> Self {
        let mut rows = Self::default();
        for write in writes {
            let partition = write.partition().number();
            let (columns, user, time) = match write {
                Write::Post(post) => {
                    rows.posts.contents.push(&post.content);
                    (&mut rows.posts, &post.user_id, post.created_at)
                }
                Write::Comment(comment) => {
                    rows.comments.contents.push(&comment.content);
                    (&mut rows.comments, &comment.user_id, comment.created_at)
                }
                Write::Like(like) => (&mut rows.likes, &like.user_id, like.created_at),
            };
            columns.ids.push(uuid(write.id()));
            columns.posts.push(uuid(write.post_id()));
            columns.users.push(user);
            columns.times.push(time);
            columns.partitions.push(partition);
        }
        rows
    }

    async fn insert(self, connection: &mut PgConnection) -> Result<Inserted, sqlx::Error> {
        let mut inserted = Inserted::new();
        let Self { posts, comments, likes } = self;
        if !posts.ids.is_empty() {
            let query = sqlx::query_as(POSTS).bind(posts.ids).bind(posts.users).bind(posts.contents);
            count(&mut inserted, query.bind(posts.times).bind(posts.partitions).fetch_all(&mut *connection).await?);
        }
        if !comments.ids.is_empty() {
            let query = sqlx::query_as(COMMENTS).bind(comments.ids).bind(comments.users).bind(comments.contents);
            let query = query.bind(comments.times).bind(comments.partitions).bind(comments.posts);
            count(&mut inserted, query.fetch_all(&mut *connection).await?);
        }
        if !likes.ids.is_empty() {
            let query = sqlx::query_as(LIKES).bind(likes.ids).bind(likes.users).bind(likes.times);
            let query = query.bind(likes.partitions).bind(likes.posts);
            count(&mut inserted, query.fetch_all(&mut *connection).await?);
        }
        Ok(inserted)
    }
}

/// Inserts the writes that are new, and moves the counters by them. Beside their number: with [`Mode::Each`], the positions
/// of those that the database refuses for what they are, with its reasons.
///
/// # Errors
/// When the database does not answer, or, with [`Mode::Together`], refuses one.
pub(crate) async fn all(
    transaction: &mut Transaction<'_, Postgres>,
    writes: &[&Write],
    mode: Mode,
) -> anyhow::Result<(Inserted, Vec<(usize, String)>)> {
    if mode == Mode::Together {
        let inserted = Rows::of(writes).insert(&mut *transaction).await.context("insert")?;
        return Ok((inserted, Vec::new()));
    }
    let (mut inserted, mut refused) = (Inserted::new(), Vec::new());
    for (position, write) in writes.iter().enumerate() {
        let mut savepoint = transaction.begin().await.context("insert one")?;
        match Rows::of(&[*write]).insert(&mut savepoint).await {
            Ok(one) => {
                savepoint.commit().await.context("insert one")?;
                count(
                    &mut inserted,
                    one.into_iter().map(|(partition, rows)| (partition, rows.cast_signed())).collect(),
                );
            }
            Err(error) if is_refusal(&error) => {
                savepoint.rollback().await.context("leave one out")?;
                refused.push((position, error.to_string()));
            }
            Err(error) => return Err(error).context("insert one"),
        }
    }
    Ok((inserted, refused))
}

/// Whether the database refuses a value for what it is (SQLSTATE classes 22, data, and 23, constraints), now and always.
pub(crate) fn is_refusal(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
}

fn count(inserted: &mut Inserted, rows: Vec<(i32, i64)>) {
    for (partition, rows) in rows {
        *inserted.entry(partition).or_default() += rows.cast_unsigned();
    }
}

fn uuid(id: Id) -> Uuid {
    Uuid::from_bytes(id.to_bytes())
}
