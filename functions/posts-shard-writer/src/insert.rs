//! Posts, comments and likes of one transaction, and the counters with them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use domain::posts::{ShardId, Write};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::rows::{self, Added, Kind};

/// How many rows were new, by partition.
pub(crate) type Inserted = BTreeMap<i32, u64>;

/// How to insert.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode<'a> {
    /// Each kind in one statement, for this shard.
    Together(&'a Caution, ShardId),
    /// Each write by itself: for a batch that the database has refused, to find out which.
    Each,
}

/// Fewer rows of a kind are not copied: a statement needs one round trip, a copy four, and costs Postgres no more up to about
/// this many.
const FEW: usize = 20;

/// So many batches a kind is not copied after one in which a row was there already. Likes come twice by their nature, and a
/// copy that fails is work for nothing.
const BATCHES: u32 = 16;

/// Where a row was there already, and for how many batches that is remembered.
#[derive(Debug, Default)]
pub(crate) struct Caution(Mutex<BTreeMap<(ShardId, Kind), u32>>);

impl Caution {
    /// Whether the next batch may be copied. Asked once a batch.
    fn may_copy(&self, shard: ShardId, kind: Kind) -> bool {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match left.get_mut(&(shard, kind)).filter(|batches| **batches > 0) {
            Some(batches) => {
                *batches -= 1;
                false
            }
            None => true,
        }
    }

    fn learn(&self, shard: ShardId, kind: Kind) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((shard, kind), BATCHES);
    }
}

/// What was new.
#[derive(Default)]
struct New {
    inserted: Inserted,
    /// Partition, comments and likes by post, in the order in which their rows are locked.
    counters: BTreeMap<Uuid, (i32, i64, i64)>,
}

impl New {
    fn add(&mut self, kind: Kind, added: Vec<Added>) {
        for (partition, post) in added {
            *self.inserted.entry(partition).or_default() += 1;
            let (comments, likes) = match kind {
                Kind::Post => continue,
                Kind::Comment => (1, 0),
                Kind::Like => (0, 1),
            };
            let counter = self.counters.entry(post).or_insert((partition, 0, 0));
            counter.1 += comments;
            counter.2 += likes;
        }
    }

    /// Moves the counters, each once.
    async fn count(self, connection: &mut PgConnection) -> Result<Inserted, sqlx::Error> {
        if self.counters.is_empty() {
            return Ok(self.inserted);
        }
        sqlx::query(
            "insert into post_counters as c (post_id, partition, comments, likes)
             select * from unnest($1::uuid[], $2::int[], $3::bigint[], $4::bigint[])
             on conflict (post_id) do update set comments = c.comments + excluded.comments, likes = c.likes + excluded.likes",
        )
        .bind(self.counters.keys().copied().collect::<Vec<_>>())
        .bind(self.counters.values().map(|counter| counter.0).collect::<Vec<_>>())
        .bind(self.counters.values().map(|counter| counter.1).collect::<Vec<_>>())
        .bind(self.counters.values().map(|counter| counter.2).collect::<Vec<_>>())
        .execute(connection)
        .await?;
        Ok(self.inserted)
    }
}

/// Inserts the writes that are new, and moves the counters by them. Beside their number: with [`Mode::Each`], the positions
/// of those that the database refuses for what they are, with its reasons.
///
/// # Errors
/// When the database does not answer, or, with [`Mode::Together`], refuses one.
pub(crate) async fn all(
    transaction: &mut PgConnection,
    writes: &[&Write],
    mode: Mode<'_>,
) -> anyhow::Result<(Inserted, Vec<(usize, String)>)> {
    match mode {
        Mode::Together(caution, shard) => {
            Ok((together(transaction, writes, caution, shard).await.context("insert")?, Vec::new()))
        }
        Mode::Each => each(transaction, writes).await,
    }
}

async fn together(
    transaction: &mut PgConnection,
    writes: &[&Write],
    caution: &Caution,
    shard: ShardId,
) -> anyhow::Result<Inserted> {
    let mut new = New::default();
    for kind in Kind::ALL {
        let writes: Vec<&Write> = writes.iter().copied().filter(|write| Kind::of(write) == kind).collect();
        if writes.is_empty() {
            continue;
        }
        let copied = if writes.len() >= FEW && caution.may_copy(shard, kind) {
            let copied = rows::copy(transaction, kind, &writes).await?;
            if copied.is_none() {
                caution.learn(shard, kind);
            }
            copied
        } else {
            None
        };
        let added = match copied {
            Some(added) => added,
            None => rows::insert(transaction, kind, &writes).await?,
        };
        new.add(kind, added);
    }
    Ok(new.count(transaction).await?)
}

async fn each(transaction: &mut PgConnection, writes: &[&Write]) -> anyhow::Result<(Inserted, Vec<(usize, String)>)> {
    let (mut inserted, mut refused) = (Inserted::new(), Vec::new());
    for (position, write) in writes.iter().enumerate() {
        let mut savepoint = transaction.begin().await.context("insert one")?;
        match one(&mut savepoint, write).await {
            Ok(new) => {
                savepoint.commit().await.context("insert one")?;
                new.into_iter().for_each(|(partition, rows)| *inserted.entry(partition).or_default() += rows);
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

async fn one(connection: &mut PgConnection, write: &Write) -> Result<Inserted, sqlx::Error> {
    let (mut new, kind) = (New::default(), Kind::of(write));
    new.add(kind, rows::insert(connection, kind, &[write]).await?);
    new.count(connection).await
}

/// Whether the database refuses a value for what it is (SQLSTATE classes 22, data, and 23, constraints), now and always.
pub(crate) fn is_refusal(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_row_that_was_there_so_many_batches_of_its_shard_and_kind_are_not_copied() {
        let caution = Caution::default();
        assert!(caution.may_copy(1, Kind::Like));
        caution.learn(1, Kind::Like);
        assert!(caution.may_copy(2, Kind::Like) && caution.may_copy(1, Kind::Comment));
        assert!((0..BATCHES).all(|_| !caution.may_copy(1, Kind::Like)));
        assert!(caution.may_copy(1, Kind::Like));
    }

    #[test]
    fn a_post_is_counted_once_with_its_comments_and_likes() {
        let (a, b) = (Uuid::from_u128(2), Uuid::from_u128(1));
        let mut new = New::default();
        new.add(Kind::Post, vec![(5, a)]);
        new.add(Kind::Comment, vec![(5, a), (7, b), (5, a)]);
        new.add(Kind::Like, vec![(5, a)]);
        assert_eq!(new.inserted, Inserted::from([(5, 4), (7, 1)]));
        assert_eq!(new.counters.into_iter().collect::<Vec<_>>(), [(b, (7, 1, 0)), (a, (5, 2, 1))]);
    }
}
