//! The circuit breakers: a row a shard in the master, which all instances share.

use std::collections::BTreeMap;

use anyhow::Context;
use chrono::{DateTime, Utc};
use domain::posts::ShardId;
use domain::posts::breaker::{Breaker, PROBE, Verdict};
use sqlx::PgPool;

/// Most characters of an error that the row keeps.
const ERROR_CHARACTERS: usize = 500;

/// What of the breakers is known, at the master's time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Breakers {
    now: Option<DateTime<Utc>>,
    by_shard: BTreeMap<ShardId, Breaker>,
}

impl Breakers {
    /// Reads them all.
    ///
    /// # Errors
    /// When the master does not answer.
    pub(crate) async fn load(master: &PgPool) -> anyhow::Result<Self> {
        type Row = (ShardId, i32, Option<DateTime<Utc>>, Option<DateTime<Utc>>, DateTime<Utc>);
        let rows: Vec<Row> =
            sqlx::query_as("select shard_id, failures, open_until, probe_until, now() from posts_shard_breakers")
                .fetch_all(master)
                .await
                .context("read the circuit breakers")?;
        let now = rows.first().map(|row| row.4);
        let breaker =
            |(shard, failures, open_until, probe_until, _)| (shard, Breaker { failures, open_until, probe_until });
        Ok(Self { now, by_shard: rows.into_iter().map(breaker).collect() })
    }

    /// Whether this instance may ask the shard; where one may try, this one may if it is the first to say so.
    ///
    /// # Errors
    /// When the master does not answer.
    pub(crate) async fn admit(&self, master: &PgPool, shard: ShardId) -> anyhow::Result<bool> {
        let (Some(breaker), Some(now)) = (self.by_shard.get(&shard), self.now) else { return Ok(true) };
        match breaker.verdict(now) {
            Verdict::Closed => Ok(true),
            Verdict::Open => Ok(false),
            Verdict::HalfOpen => {
                let taken = sqlx::query(
                    "update posts_shard_breakers set probe_until = now() + make_interval(secs => $2), updated_at = now()
                     where shard_id = $1 and open_until <= now() and (probe_until is null or probe_until <= now())",
                )
                .bind(shard)
                .bind(PROBE.as_secs_f64())
                .execute(master)
                .await
                .context("try a shard that was away")?;
                Ok(taken.rows_affected() == 1)
            }
        }
    }

    /// Whether the shard had failed before.
    pub(crate) fn has_failed(&self, shard: ShardId) -> bool {
        self.by_shard.get(&shard).is_some_and(|breaker| breaker.failures > 0)
    }
}

/// Notes that the shard did not answer. The row is locked meanwhile, so that no failure is lost.
///
/// # Errors
/// When the master does not answer.
pub(crate) async fn failed(master: &PgPool, shard: ShardId, error: &anyhow::Error) -> anyhow::Result<()> {
    let mut transaction = master.begin().await.context("note a failure")?;
    sqlx::query("insert into posts_shard_breakers (shard_id) values ($1) on conflict do nothing")
        .bind(shard)
        .execute(&mut *transaction)
        .await
        .context("note a failure")?;
    let (failures, now): (i32, DateTime<Utc>) =
        sqlx::query_as("select failures, now() from posts_shard_breakers where shard_id = $1 for update")
            .bind(shard)
            .fetch_one(&mut *transaction)
            .await
            .context("note a failure")?;
    let next = Breaker { failures, ..Breaker::default() }.failed(now);
    let reason: String = format!("{error:#}").chars().take(ERROR_CHARACTERS).collect();
    sqlx::query(
        "update posts_shard_breakers
         set failures = $2, open_until = $3, probe_until = $4, last_error = $5, updated_at = now() where shard_id = $1",
    )
    .bind(shard)
    .bind(next.failures)
    .bind(next.open_until)
    .bind(next.probe_until)
    .bind(reason)
    .execute(&mut *transaction)
    .await
    .context("note a failure")?;
    transaction.commit().await.context("note a failure")
}

/// Notes that the shard answered; the last error stays to be read.
///
/// # Errors
/// When the master does not answer.
pub(crate) async fn succeeded(master: &PgPool, shard: ShardId) -> anyhow::Result<()> {
    let next = Breaker::succeeded();
    sqlx::query(
        "update posts_shard_breakers set failures = $2, open_until = $3, probe_until = $4, updated_at = now()
         where shard_id = $1",
    )
    .bind(shard)
    .bind(next.failures)
    .bind(next.open_until)
    .bind(next.probe_until)
    .execute(master)
    .await
    .context("note a success")?;
    Ok(())
}
