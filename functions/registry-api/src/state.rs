//! The registry's tables, as `registry-prober` leaves them.

use anyhow::Context;
use chrono::{DateTime, Utc};
use sqlx::PgPool;

/// Checks that a service's history shows.
const HISTORY_MAX: i64 = 360;

/// The newest check of a service.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) trigger: String,
    pub(crate) address: Option<String>,
    pub(crate) status: String,
    pub(crate) status_since: DateTime<Utc>,
    pub(crate) response_time_ms: Option<f64>,
    pub(crate) lag: Option<i64>,
    pub(crate) progress: Option<i64>,
    pub(crate) last_success_at: Option<DateTime<Utc>>,
    pub(crate) error: Option<String>,
    pub(crate) checked_at: DateTime<Utc>,
}

/// An earlier check.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Past {
    pub(crate) checked_at: DateTime<Utc>,
    pub(crate) status: String,
    pub(crate) response_time_ms: Option<f64>,
    pub(crate) lag: Option<i64>,
    pub(crate) progress: Option<i64>,
}

/// The last round.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub(crate) struct Round {
    pub(crate) up_since: DateTime<Utc>,
    pub(crate) checked_at: DateTime<Utc>,
}

const CHECKS: &str = "select name, kind, trigger, address, status, status_since, response_time_ms, lag, progress,
                             last_success_at, error, checked_at from service_checks";

/// All services in the template's order, and the last round; none before the first.
pub(crate) async fn all(pool: &PgPool) -> anyhow::Result<(Vec<Row>, Option<Round>)> {
    let rows = sqlx::query_as(&format!("{CHECKS} order by position, name"))
        .fetch_all(pool)
        .await
        .context("read the services")?;
    Ok((rows, round(pool).await?))
}

/// One service and its checks, the newest first.
pub(crate) async fn one(pool: &PgPool, name: &str) -> anyhow::Result<Option<(Row, Vec<Past>)>> {
    let row: Option<Row> = sqlx::query_as(&format!("{CHECKS} where name = $1"))
        .bind(name)
        .fetch_optional(pool)
        .await
        .context("read the service")?;
    let Some(row) = row else { return Ok(None) };
    let history = sqlx::query_as(
        "select checked_at, status, response_time_ms, lag, progress from service_check_history
          where name = $1 order by checked_at desc limit $2",
    )
    .bind(name)
    .bind(HISTORY_MAX)
    .fetch_all(pool)
    .await
    .context("read the service's history")?;
    Ok(Some((row, history)))
}

/// The last round.
pub(crate) async fn round(pool: &PgPool) -> anyhow::Result<Option<Round>> {
    sqlx::query_as("select up_since, checked_at from registry_rounds")
        .fetch_optional(pool)
        .await
        .context("read the last round")
}
