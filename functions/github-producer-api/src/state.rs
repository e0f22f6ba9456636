//! What the poller leaves in Postgres, and the settings that it takes from there.

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use sqlx::{PgPool, types::Json};

use crate::change::{Change, TokenChange};

const FEED: &str = "public";
/// The lease that a poller holds while it polls.
const LEASE: &str = "github-poller";

/// The poller's row, and whether a poller is at work.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct State {
    pub(crate) fetch_interval_seconds: i64,
    pub(crate) max_events_per_fetch: i64,
    pub(crate) poll_interval_seconds: Option<i64>,
    pub(crate) token_status: String,
    pub(crate) token_set_at: Option<DateTime<Utc>>,
    pub(crate) next_poll_at: Option<DateTime<Utc>>,
    pub(crate) last_poll_at: Option<DateTime<Utc>>,
    pub(crate) newest_created_at: Option<DateTime<Utc>>,
    pub(crate) stale_since: Option<DateTime<Utc>>,
    pub(crate) consecutive_errors: i64,
    pub(crate) last_error: Option<String>,
    pub(crate) last_error_at: Option<DateTime<Utc>>,
    pub(crate) polls: i64,
    pub(crate) not_modified: i64,
    pub(crate) fetched: i64,
    pub(crate) sent: i64,
    pub(crate) duplicates: i64,
    pub(crate) dead_letters: i64,
    pub(crate) gaps: i64,
    pub(crate) stale: i64,
    pub(crate) errors: i64,
    pub(crate) rate_limit_remaining: Option<i64>,
    pub(crate) rate_limit_reset_at: Option<DateTime<Utc>>,
    pub(crate) polling: bool,
}

/// Reads it.
pub(crate) async fn read(pool: &PgPool) -> anyhow::Result<State> {
    let state: Json<State> = sqlx::query_scalar(
        "select to_jsonb(s) || jsonb_build_object('polling', coalesce(
                    (select expires_at > now() from leases where name = $2), false))
           from github_poller_state s where feed = $1",
    )
    .bind(FEED)
    .bind(LEASE)
    .fetch_one(pool)
    .await
    .context("read the poller's state")?;
    Ok(state.0)
}

/// Changes the settings. The next poll becomes due by the new interval, but not before GitHub allows it. The poller
/// reads the token again when one was stored or removed; that has happened before this is called.
pub(crate) async fn change(pool: &PgPool, change: &Change) -> anyhow::Result<()> {
    let token_is_set = change.token.as_ref().map(|token| matches!(token, TokenChange::Store(_)));
    sqlx::query(
        "update github_poller_state set
            fetch_interval_seconds = coalesce($2, fetch_interval_seconds),
            max_events_per_fetch = coalesce($3, max_events_per_fetch),
            next_poll_at = case when $2 is null then next_poll_at else
                greatest(coalesce(earliest_poll_at, next_poll_at), last_poll_at + make_interval(secs => $2)) end,
            token_revision = token_revision + case when $4 is null then 0 else 1 end,
            token_set_at = case when $4 is null then token_set_at when $4 then now() end,
            token_status = case when $4 is null then token_status else 'unknown' end,
            updated_at = now()
         where feed = $1",
    )
    .bind(FEED)
    .bind(change.interval_seconds)
    .bind(change.events_max)
    .bind(token_is_set)
    .execute(pool)
    .await
    .context("change the poller's settings")?;
    Ok(())
}
