//! What the poller knows between polls: tables `github_poller_state` and `github_poller_seen`.

use crate::poll::Done;
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use domain::github::poll::{Freshness, Seen};
use pg::Lease;
use sqlx::{PgPool, Row as _, postgres::PgRow};
use std::time::Duration;

const FEED: &str = "public";
/// Ids that are remembered. A feed shows 300, so this is far more than a repetition can reach back.
const SEEN_MAX: u16 = 20_000;
/// An error's text in the state; the log has all of it.
const ERROR_CHARS_MAX: usize = 1_000;

/// What an operator may change while the poller runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// The least wait between two polls.
    pub(crate) interval: Duration,
    /// Most events to read a poll.
    pub(crate) events_max: u32,
}

/// Where polling stands.
#[derive(Debug, Clone)]
pub(crate) struct Position {
    pub(crate) etag: Option<String>,
    /// The last poll did not read all it wanted: the next one reads every page.
    pub(crate) incomplete: bool,
    pub(crate) freshness: Freshness,
    pub(crate) consecutive_errors: u32,
    pub(crate) next_poll_at: Option<DateTime<Utc>>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) position: Position,
    pub(crate) seen: Seen,
}

impl State {
    pub(crate) async fn load(pool: &PgPool) -> anyhow::Result<Self> {
        let row = sqlx::query("select * from github_poller_state where feed = $1")
            .bind(FEED)
            .fetch_one(pool)
            .await
            .context("load the poller's state")?;
        let ids: Vec<String> =
            sqlx::query_scalar("select event_id from github_poller_seen where feed = $1 order by position")
                .bind(FEED)
                .fetch_all(pool)
                .await
                .context("load the ids that were seen")?;
        let position = Position {
            etag: row.try_get("etag")?,
            incomplete: row.try_get("incomplete")?,
            freshness: Freshness {
                newest_created_at: row.try_get("newest_created_at")?,
                advanced_at: row.try_get("newest_advanced_at")?,
                stale_since: row.try_get("stale_since")?,
            },
            consecutive_errors: u32::try_from(row.try_get::<i64, _>("consecutive_errors")?).unwrap_or(u32::MAX),
            next_poll_at: row.try_get("next_poll_at")?,
        };
        Ok(Self { settings: settings(&row)?, position, seen: Seen::new(usize::from(SEEN_MAX), ids) })
    }

    /// Writes down what became of a poll, in one transaction that fails when the lease has passed on, and takes over the
    /// settings as they are now.
    pub(crate) async fn commit(&mut self, pool: &PgPool, lease: &Lease, done: &Done) -> anyhow::Result<()> {
        let mut transaction = pool.begin().await.context("begin to save the poller's state")?;
        lease.fence(&mut *transaction).await?;
        if !done.ids.is_empty() {
            sqlx::query(
                "insert into github_poller_seen (feed, event_id)
                 select $1, id from unnest($2::text[]) with ordinality as ids (id, place) order by place
                 on conflict do nothing",
            )
            .bind(FEED)
            .bind(&done.ids)
            .execute(&mut *transaction)
            .await
            .context("remember ids")?;
            sqlx::query(
                "delete from github_poller_seen where feed = $1
                 and position <= (select max(position) from github_poller_seen where feed = $1) - $2",
            )
            .bind(FEED)
            .bind(i64::from(SEEN_MAX))
            .execute(&mut *transaction)
            .await
            .context("forget the oldest ids")?;
        }
        let row = update(done).fetch_one(&mut *transaction).await.context("save the poller's state")?;
        transaction.commit().await.context("commit the poller's state")?;
        self.settings = settings(&row)?;
        self.position = done.position.clone();
        done.ids.iter().cloned().for_each(|id| self.seen.insert(id));
        Ok(())
    }
}

fn update(done: &Done) -> sqlx::query::Query<'_, sqlx::Postgres, sqlx::postgres::PgArguments> {
    let Done { counts, position, limits, token, failure, .. } = done;
    let Position { etag, incomplete, freshness, consecutive_errors, next_poll_at } = position;
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let error = failure.as_ref().map(|error| format!("{error:#}").chars().take(ERROR_CHARS_MAX).collect::<String>());
    sqlx::query(
        "update github_poller_state set
            etag = $2, incomplete = $3, next_poll_at = $4, last_poll_at = now(),
            newest_created_at = $5, newest_advanced_at = $6, stale_since = $7, consecutive_errors = $8,
            polls = polls + $9, not_modified = not_modified + $10, fetched = fetched + $11, sent = sent + $12,
            duplicates = duplicates + $13, dead_letters = dead_letters + $14, gaps = gaps + $15, stale = stale + $16,
            errors = errors + $17,
            rate_limit_remaining = coalesce($18, rate_limit_remaining),
            rate_limit_reset_at = coalesce($19, rate_limit_reset_at), token_status = $20,
            last_error = coalesce($21, last_error), last_error_at = case when $21 is null then last_error_at else now() end,
            updated_at = now()
         where feed = $1
         returning fetch_interval_seconds, max_events_per_fetch",
    )
    .bind(FEED)
    .bind(etag)
    .bind(incomplete)
    .bind(next_poll_at)
    .bind(freshness.newest_created_at)
    .bind(freshness.advanced_at)
    .bind(freshness.stale_since)
    .bind(i64::from(*consecutive_errors))
    .bind(count(counts.polls))
    .bind(count(counts.not_modified))
    .bind(count(counts.fetched))
    .bind(count(counts.sent))
    .bind(count(counts.duplicates))
    .bind(count(counts.dead_letters))
    .bind(count(counts.gaps))
    .bind(count(counts.stale))
    .bind(count(counts.errors))
    .bind(limits.remaining.map(count))
    .bind(limits.reset_at)
    .bind(token.as_str())
    .bind(error)
}

fn settings(row: &PgRow) -> anyhow::Result<Settings> {
    let interval: i64 = row.try_get("fetch_interval_seconds")?;
    let events_max: i64 = row.try_get("max_events_per_fetch")?;
    Ok(Settings {
        interval: Duration::from_secs(u64::try_from(interval).unwrap_or(1)),
        events_max: u32::try_from(events_max).unwrap_or(1),
    })
}
