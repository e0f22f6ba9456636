//! Kafka and the writer. A record is told by its offset: every third is a post, the others comment on it and like it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use domain::posts::{FIRST_EPOCH, ShardId, TOPIC};
use sqlx::types::Uuid;
use sqlx::{PgPool, Postgres, Transaction};

use crate::world::World;

/// How long each partition is: all that clients were answered for.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<BTreeMap<i32, i64>>);

impl Log {
    pub(crate) fn produce(&self, partition: i32, records: i64) {
        *self.0.lock().unwrap().entry(partition).or_default() += records;
    }

    pub(crate) fn end(&self, partition: i32) -> i64 {
        self.0.lock().unwrap().get(&partition).copied().unwrap_or_default()
    }

    fn partitions(&self) -> Vec<i32> {
        self.0.lock().unwrap().keys().copied().collect()
    }
}

/// One instance of the writer, with the map that it has.
#[derive(Debug, Default)]
pub(crate) struct Writer(BTreeMap<i32, (ShardId, i64)>);

/// What became of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    Records(i64),
    /// Left in Kafka: the partition is moving, or the map was old.
    Left,
}

fn id(partition: i32, offset: i64) -> Uuid {
    Uuid::from_u128((u128::from(partition.unsigned_abs()) << 64) | u128::from(offset.unsigned_abs()))
}

fn user(partition: i32, offset: i64) -> String {
    format!("Ö'{}\\ {partition}", offset % 7)
}

impl Writer {
    /// Stores up to `most` records of a partition, in one transaction.
    pub(crate) async fn store(&mut self, world: &World, log: &Log, partition: i32, most: i64) -> sqlx::Result<Stored> {
        let (shard, epoch) = match self.0.get(&partition) {
            Some(at) => *at,
            None => *self.0.entry(partition).or_insert(world.at(partition).await),
        };
        let stored = store(world.shard(shard), log, partition, epoch, most).await?;
        if stored == Stored::Left {
            // Only now does it look whether its map is old.
            self.0.insert(partition, world.at(partition).await);
        }
        Ok(stored)
    }

    /// Stores all there is.
    pub(crate) async fn drain(&mut self, world: &World, log: &Log) {
        for partition in log.partitions() {
            for _ in 0..3 {
                self.store(world, log, partition, i64::MAX / 2).await.unwrap();
            }
        }
    }
}

async fn store(shard: &PgPool, log: &Log, partition: i32, epoch: i64, most: i64) -> sqlx::Result<Stored> {
    let mut transaction = shard.begin().await?;
    if epoch == FIRST_EPOCH {
        let begin = "insert into posts_progress (topic, partition, next_offset, epoch) values ($1, $2, 0, 1)
             on conflict do nothing";
        sqlx::query(begin).bind(TOPIC).bind(partition).execute(&mut *transaction).await?;
    }
    let next = "select next_offset from posts_progress where topic = $1 and partition = $2";
    let next = sqlx::query_scalar(next).bind(TOPIC).bind(partition);
    let Some(from): Option<i64> = next.fetch_optional(&mut *transaction).await? else { return Ok(Stored::Left) };
    let until = log.end(partition).min(from.saturating_add(most));
    for offset in from..until {
        if insert(&mut transaction, partition, offset).await.is_err() {
            // Another writer has stored it, or a mover has: the progress was old.
            transaction.rollback().await?;
            return Ok(Stored::Left);
        }
    }
    let set = "update posts_progress set next_offset = $3, records = records + $3 - $4
         where topic = $1 and partition = $2 and next_offset = $4 and epoch = $5 and not frozen";
    let set = sqlx::query(set).bind(TOPIC).bind(partition).bind(until.max(from)).bind(from).bind(epoch);
    if set.execute(&mut *transaction).await?.rows_affected() == 0 {
        transaction.rollback().await?;
        return Ok(Stored::Left);
    }
    transaction.commit().await?;
    Ok(Stored::Records(until - from))
}

async fn insert(transaction: &mut Transaction<'_, Postgres>, partition: i32, offset: i64) -> sqlx::Result<()> {
    let post = id(partition, offset - offset % 3);
    let (table, column, counter) = match offset % 3 {
        0 => ("posts", "content", None),
        1 => ("comments", "content", Some("comments")),
        _ => ("likes", "", Some("likes")),
    };
    let row = match table {
        "posts" => "insert into posts (id, partition, user_id, content) values ($1, $3, $4, $5 || $2::text)",
        "comments" => "insert into comments (id, post_id, partition, user_id, content) values ($1, $2, $3, $4, $5)",
        _ => "insert into likes (id, post_id, partition, user_id) select $1, $2, $3, $4 where $5 = ''",
    };
    let row = sqlx::query(row).bind(id(partition, offset)).bind(post).bind(partition).bind(user(partition, offset));
    row.bind(column).execute(&mut **transaction).await?;
    if let Some(counter) = counter {
        let count = format!(
            "insert into post_counters as c (post_id, partition, {counter}) values ($1, $2, 1)
             on conflict (post_id) do update set {counter} = c.{counter} + 1"
        );
        sqlx::query(&count).bind(post).bind(partition).execute(&mut **transaction).await?;
    }
    Ok(())
}

/// Every record of the log is at its partition's shard, once, and nowhere else.
pub(crate) async fn check(world: &World, log: &Log) {
    for partition in log.partitions() {
        let (owner, epoch) = world.at(partition).await;
        let (next, at_epoch, frozen, records): (i64, i64, bool, i64) = sqlx::query_as(
            "select next_offset, epoch, frozen, records from posts_progress where topic = $1 and partition = $2",
        )
        .bind(TOPIC)
        .bind(partition)
        .fetch_one(world.shard(owner))
        .await
        .unwrap();
        let end = log.end(partition);
        assert_eq!((next, at_epoch, frozen, records), (end, epoch, false, end), "partition {partition}");
        let mut ids: Vec<Uuid> = Vec::new();
        for table in ["posts", "comments", "likes"] {
            let select = format!("select id from {table} where partition = $1");
            let select = sqlx::query_scalar(&select).bind(partition);
            ids.extend::<Vec<Uuid>>(select.fetch_all(world.shard(owner)).await.unwrap());
        }
        ids.sort_unstable();
        assert_eq!(ids, (0..end).map(|offset| id(partition, offset)).collect::<Vec<_>>(), "partition {partition}");
        let counted = "select coalesce(sum(comments), 0)::bigint, coalesce(sum(likes), 0)::bigint
             from post_counters where partition = $1";
        let counted: (i64, i64) = sqlx::query_as(counted).bind(partition).fetch_one(world.shard(owner)).await.unwrap();
        assert_eq!(counted, ((end + 1) / 3, end / 3), "counters of partition {partition}");
        for other in (1..=4).filter(|shard| *shard != owner) {
            for table in ["posts", "comments", "likes", "post_counters"] {
                let exists: Option<String> = sqlx::query_scalar("select to_regclass($1)::text")
                    .bind(table)
                    .fetch_one(world.shard(other))
                    .await
                    .unwrap();
                if exists.is_some() {
                    assert_eq!(world.count(other, table, partition).await, 0, "{table} of {partition} at {other}");
                }
            }
        }
    }
}
