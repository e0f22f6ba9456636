//! Moves in the master.

use std::collections::BTreeSet;

use anyhow::Context;
use domain::posts::{Partition, ShardMap, moves};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Postgres, Row, Transaction};

use super::view::{Move, Moves};

/// The master's moves while nobody else can add any.
pub(super) struct Locked(Transaction<'static, Postgres>);

/// Who asks at the same time waits: each plan knows of the moves of the one before.
pub(super) async fn lock(master: &PgPool) -> anyhow::Result<Locked> {
    let mut transaction = master.begin().await.context("reach the master")?;
    sqlx::query("lock table posts_moves in share row exclusive mode")
        .execute(&mut *transaction)
        .await
        .context("wait for who else asks for moves")?;
    Ok(Locked(transaction))
}

impl Locked {
    /// The partitions whose move is not over.
    pub(super) async fn moving(&mut self) -> anyhow::Result<BTreeSet<Partition>> {
        let numbers: Vec<i32> = sqlx::query_scalar("select partition from posts_moves where finished_at is null")
            .fetch_all(&mut *self.0)
            .await
            .context("read the moves")?;
        Ok(numbers.into_iter().filter_map(Partition::new).collect())
    }

    /// Adds the moves, and lets others in.
    pub(super) async fn add(mut self, planned: &[domain::posts::Move], map: &ShardMap) -> anyhow::Result<Vec<i64>> {
        let column = |of: fn(&domain::posts::Move) -> i32| planned.iter().map(of).collect::<Vec<i32>>();
        let epochs: Vec<i64> = planned.iter().map(|step| map.at(step.partition).epoch).collect();
        let ids = sqlx::query_scalar(
            "insert into posts_moves (partition, from_shard, to_shard, from_epoch, step)
             select *, $5 from unnest($1::int[], $2::int[], $3::int[], $4::bigint[]) returning id",
        )
        .bind(column(|step| step.partition.number()))
        .bind(column(|step| step.from))
        .bind(column(|step| step.to))
        .bind(epochs)
        .bind(moves::Progress::new().step.to_string())
        .fetch_all(&mut *self.0)
        .await
        .context("record the moves")?;
        self.0.commit().await.context("record the moves")?;
        Ok(ids)
    }
}

/// These moves, in the order of their ids.
pub(super) async fn by_ids(master: &PgPool, ids: &[i64]) -> anyhow::Result<Moves> {
    read(master, sqlx::query(&select("where m.id = any($1) order by m.id")).bind(ids)).await
}

/// The newest moves first.
pub(super) async fn newest(master: &PgPool, limit: u32) -> anyhow::Result<Moves> {
    read(master, sqlx::query(&select("order by m.id desc limit $1")).bind(i64::from(limit))).await
}

fn select(which: &str) -> String {
    format!(
        "select m.*, a.shard_name as from_name, b.shard_name as to_name,
                (extract(epoch from m.switched_at - m.frozen_at) * 1000)::bigint as pause_ms
         from posts_moves m join shard_metadata a on a.id = m.from_shard join shard_metadata b on b.id = m.to_shard
         {which}"
    )
}

async fn read(
    master: &PgPool,
    query: sqlx::query::Query<'_, Postgres, sqlx::postgres::PgArguments>,
) -> anyhow::Result<Moves> {
    let rows = query.fetch_all(master).await.context("read the moves")?;
    let moves = rows.iter().map(one).collect::<sqlx::Result<_>>().context("read the moves")?;
    let open = sqlx::query_scalar("select count(*) from posts_moves where finished_at is null")
        .fetch_one(master)
        .await
        .context("count the moves")?;
    Ok(Moves { moves, open })
}

fn one(row: &PgRow) -> sqlx::Result<Move> {
    Ok(Move {
        id: row.try_get("id")?,
        partition: row.try_get("partition")?,
        from: row.try_get("from_name")?,
        to: row.try_get("to_name")?,
        step: row.try_get("step")?,
        epoch: row.try_get("epoch")?,
        rows_copied: row.try_get("rows_copied")?,
        rows_verified: row.try_get("rows_verified")?,
        rows_deleted: row.try_get("rows_deleted")?,
        attempts: row.try_get("attempts")?,
        error: row.try_get("error")?,
        retry_at: row.try_get("retry_at")?,
        thaws: row.try_get("thaws")?,
        created_at: row.try_get("created_at")?,
        started_at: row.try_get("started_at")?,
        frozen_at: row.try_get("frozen_at")?,
        switched_at: row.try_get("switched_at")?,
        pause_ms: row.try_get("pause_ms")?,
        finished_at: row.try_get("finished_at")?,
    })
}
