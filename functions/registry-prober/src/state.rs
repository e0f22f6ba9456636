//! The tables of the registry: what the round before found, and what this one finds.

use std::collections::HashMap;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use pg::Lease;
use sqlx::PgPool;
use sqlx::types::Json;

use crate::decide::{Finding, Previous};

/// Rounds that are further apart than this have a break between them: nobody looked.
const BREAK: TimeDelta = TimeDelta::minutes(1);
/// What is kept of the past.
const HISTORY_SECONDS: f64 = 3_600.0;

/// What the round before left.
pub(crate) struct State {
    pub(crate) previous: HashMap<String, Previous>,
    up_since: Option<DateTime<Utc>>,
    checked_at: Option<DateTime<Utc>>,
}

impl State {
    pub(crate) async fn load(pool: &PgPool) -> anyhow::Result<Self> {
        let rows: Vec<Previous> = sqlx::query_as(
            "select name, trigger, status, status_since, progress, last_success_at, expected_since from service_checks",
        )
        .fetch_all(pool)
        .await
        .context("load the last checks")?;
        let round: Option<(DateTime<Utc>, DateTime<Utc>)> =
            sqlx::query_as("select up_since, checked_at from registry_rounds")
                .fetch_optional(pool)
                .await
                .context("load the last round")?;
        Ok(Self {
            previous: rows.into_iter().map(|row| (row.name.clone(), row)).collect(),
            up_since: round.map(|(up_since, _)| up_since),
            checked_at: round.map(|(_, checked_at)| checked_at),
        })
    }

    /// After a break everything has just been started: nothing is late, and the system is up since now.
    pub(crate) fn forget_after_a_break(&mut self, now: DateTime<Utc>) {
        if self.checked_at.is_none_or(|at| now - at > BREAK) {
            self.up_since = None;
            for previous in self.previous.values_mut() {
                previous.expected_since = None;
            }
        }
    }

    /// Writes down a round, in one transaction that fails when the lease has passed on.
    pub(crate) async fn save(
        &self,
        pool: &PgPool,
        lease: &Lease,
        findings: &[Finding],
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let mut transaction = pool.begin().await.context("begin to save the checks")?;
        lease.fence(&mut *transaction).await?;
        // What the template names no more is forgotten, with its history.
        sqlx::query("delete from service_checks where name <> all($1)")
            .bind(findings.iter().map(|finding| finding.name.as_str()).collect::<Vec<_>>())
            .execute(&mut *transaction)
            .await
            .context("forget services")?;
        sqlx::query(
            "insert into service_checks select * from jsonb_populate_recordset(null::service_checks, $1)
             on conflict (name) do update set
                position = excluded.position, kind = excluded.kind, trigger = excluded.trigger,
                address = excluded.address, status = excluded.status, status_since = excluded.status_since,
                response_time_ms = excluded.response_time_ms, lag = excluded.lag, progress = excluded.progress,
                last_success_at = excluded.last_success_at, expected_since = excluded.expected_since,
                error = excluded.error, checked_at = excluded.checked_at",
        )
        .bind(Json(findings))
        .execute(&mut *transaction)
        .await
        .context("save the checks")?;
        sqlx::query(
            "insert into service_check_history (name, checked_at, status, response_time_ms, lag, progress)
             select name, checked_at, status, response_time_ms, lag, progress from service_checks
             on conflict do nothing",
        )
        .execute(&mut *transaction)
        .await
        .context("add to the history")?;
        sqlx::query("delete from service_check_history where checked_at < $1 - make_interval(secs => $2)")
            .bind(now)
            .bind(HISTORY_SECONDS)
            .execute(&mut *transaction)
            .await
            .context("forget old checks")?;
        sqlx::query(
            "insert into registry_rounds (up_since, checked_at) values ($1, $2)
             on conflict (only_row) do update set up_since = excluded.up_since, checked_at = excluded.checked_at",
        )
        .bind(self.up_since.unwrap_or(now))
        .bind(now)
        .execute(&mut *transaction)
        .await
        .context("save the round")?;
        lease.succeed(&mut *transaction).await?;
        transaction.commit().await.context("commit the checks")
    }
}
