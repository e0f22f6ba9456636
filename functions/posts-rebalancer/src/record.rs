//! Moves in the master. Each change is one transaction that only the newest holder of the lease gets through.

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use domain::posts::moves::{Progress, Step};
use domain::posts::{Partition, ShardId};
use pg::Lease;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use crate::seat::Hopeless;
use crate::table::Place;

/// A move that is not over.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    pub(crate) id: i64,
    pub(crate) partition: Partition,
    pub(crate) from: ShardId,
    pub(crate) to: ShardId,
    /// The epoch in which the partition is at the source.
    pub(crate) from_epoch: i64,
    pub(crate) progress: Progress,
    pub(crate) place: Place,
    pub(crate) frozen_at: Option<DateTime<Utc>>,
}

/// Rows that a part of a step has had in hand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) copied: u64,
    pub(crate) verified: u64,
    pub(crate) deleted: u64,
}

/// The master, to the holder of a lease.
#[derive(Debug)]
pub(crate) struct Master<'a> {
    pub(crate) pool: &'a PgPool,
    pub(crate) lease: &'a Lease,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    partition: i32,
    from_shard: ShardId,
    to_shard: ShardId,
    from_epoch: i64,
    epoch: Option<i64>,
    step: String,
    place: Option<Json<Place>>,
    attempts: i32,
    failing_since: Option<DateTime<Utc>>,
    retry_at: Option<DateTime<Utc>>,
    thaws: i32,
    doomed: bool,
    frozen_at: Option<DateTime<Utc>>,
    switched_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Open {
    type Error = anyhow::Error;

    fn try_from(row: Row) -> anyhow::Result<Self> {
        let partition = Partition::new(row.partition).with_context(|| format!("partition {}", row.partition))?;
        let progress = Progress {
            step: row.step.parse()?,
            epoch: row.epoch,
            switched_at: row.switched_at,
            failing_since: row.failing_since,
            attempts: row.attempts,
            retry_at: row.retry_at,
            thaws: row.thaws,
            doomed: row.doomed,
        };
        let place = row.place.map(|Json(place)| place).unwrap_or_default();
        let Row { id, from_shard: from, to_shard: to, from_epoch, frozen_at, .. } = row;
        Ok(Self { id, partition, from, to, from_epoch, progress, place, frozen_at })
    }
}

impl Open {
    /// Since when writers wait, after `progress` follows at `now`.
    fn frozen_after(&self, progress: &Progress, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match (self.progress.step, progress.step) {
            (Step::Freeze, Step::Verify) => Some(now),
            (Step::Thaw, Step::Freeze | Step::Undo) => None,
            _ => self.frozen_at,
        }
    }
}

impl Master<'_> {
    /// The moves that are not over, in the order in which they were asked for.
    pub(crate) async fn open(&self) -> anyhow::Result<Vec<Open>> {
        let rows: Vec<Row> = sqlx::query_as(
            "select id, partition, from_shard, to_shard, from_epoch, epoch, step, place, attempts, failing_since,
                    retry_at, thaws, doomed, frozen_at, switched_at
             from posts_moves where finished_at is null order by id",
        )
        .fetch_all(self.pool)
        .await
        .context("read the moves")?;
        rows.into_iter().map(Open::try_from).collect::<Result<_, _>>().context("read the moves")
    }

    /// The newest epoch of the map.
    pub(crate) async fn map_epoch(&self) -> anyhow::Result<i64> {
        map_epoch(&mut *self.pool.acquire().await.context("reach the master")?).await
    }

    /// `progress` follows at `now`; with what was done for it, and why when something failed.
    pub(crate) async fn record(
        &self,
        open: &Open,
        (progress, place): (&Progress, &Place),
        counts: Counts,
        error: Option<&str>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let mut transaction = self.begin().await?;
        write(&mut transaction, open, (progress, place), counts, error, now).await?;
        transaction.commit().await.context("record a step")
    }

    /// Reserves the epoch after the map's for the target; the move is in the step `Admit` then.
    pub(crate) async fn reserve(&self, open: &Open, now: DateTime<Utc>) -> anyhow::Result<(Open, i64)> {
        let mut transaction = self.begin().await?;
        let epoch = map_epoch(&mut transaction).await? + 1;
        let progress = Progress { step: Step::Admit, epoch: Some(epoch), ..open.progress };
        write(&mut transaction, open, (&progress, &open.place), Counts::default(), None, now).await?;
        transaction.commit().await.context("reserve an epoch")?;
        Ok((Open { progress, ..open.clone() }, epoch))
    }

    /// Gives the partition to the target in the reserved epoch.
    pub(crate) async fn switch(&self, open: &Open, now: DateTime<Utc>) -> anyhow::Result<()> {
        let mut transaction = self.begin().await?;
        let newest = map_epoch(&mut transaction).await?;
        let epoch = open.progress.epoch.filter(|epoch| *epoch > newest).context("the map has passed the epoch")?;
        let switched = sqlx::query(
            "update posts_shard_map set shard_id = $4, epoch = $5, updated_at = now()
             where partition = $1 and shard_id = $2 and epoch = $3",
        )
        .bind(open.partition.number())
        .bind(open.from)
        .bind(open.from_epoch)
        .bind(open.to)
        .bind(epoch)
        .execute(&mut *transaction)
        .await
        .context("switch the map")?;
        if switched.rows_affected() != 1 {
            return Err(Hopeless(format!("shard {} has not partition {}", open.from, open.partition.number())).into());
        }
        let progress = open.progress.after(Step::Switch, now);
        write(&mut transaction, open, (&progress, &Place::default()), Counts::default(), None, now).await?;
        transaction.commit().await.context("switch the map")
    }

    async fn begin(&self) -> anyhow::Result<Transaction<'static, Postgres>> {
        let mut transaction = self.pool.begin().await.context("reach the master")?;
        self.lease.fence(&mut *transaction).await?;
        Ok(transaction)
    }
}

async fn map_epoch(connection: &mut PgConnection) -> anyhow::Result<i64> {
    let newest: Option<i64> = sqlx::query_scalar("select max(epoch) from posts_shard_map")
        .fetch_one(connection)
        .await
        .context("read the map's epoch")?;
    newest.context("there is no shard map")
}

async fn write(
    transaction: &mut Transaction<'_, Postgres>,
    open: &Open,
    (progress, place): (&Progress, &Place),
    counts: Counts,
    error: Option<&str>,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let written = sqlx::query(
        "update posts_moves set step = $3, epoch = $4, place = $5, attempts = $6, failing_since = $7, retry_at = $8,
                thaws = $9, doomed = $10, switched_at = $11, frozen_at = $12, rows_copied = rows_copied + $13,
                rows_verified = rows_verified + $14, rows_deleted = rows_deleted + $15,
                error = case when $6 = 0 and not $10 then null else coalesce($16, error) end,
                started_at = coalesce(started_at, $17), finished_at = case when $18 then $17 end
         where id = $1 and step = $2 and finished_at is null",
    )
    .bind(open.id)
    .bind(open.progress.step.to_string())
    .bind(progress.step.to_string())
    .bind(progress.epoch)
    .bind((*place != Place::default()).then_some(Json(place)))
    .bind(progress.attempts)
    .bind(progress.failing_since)
    .bind(progress.retry_at)
    .bind(progress.thaws)
    .bind(progress.doomed)
    .bind(progress.switched_at)
    .bind(open.frozen_after(progress, now))
    .bind(i64::try_from(counts.copied).unwrap_or(i64::MAX))
    .bind(i64::try_from(counts.verified).unwrap_or(i64::MAX))
    .bind(i64::try_from(counts.deleted).unwrap_or(i64::MAX))
    .bind(error)
    .bind(now)
    .bind(progress.step.is_over())
    .execute(&mut **transaction)
    .await
    .context("record a step")?;
    ensure!(written.rows_affected() == 1, "move {} is not in the step {} any more", open.id, open.progress.step);
    Ok(())
}
