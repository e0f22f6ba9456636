//! What the poller knows between polls: tables `github_poller_state` and `github_poller_seen`.

use crate::poll::Done;
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use domain::github::poll::{Freshness, Seen, WAIT_MAX};
use pg::Lease;
use sqlx::{PgPool, Row as _, postgres::PgRow};

const FEED: &str = "public";
/// Ids that are remembered. A feed shows 300, so this is far more than a repetition can reach back.
const SEEN_MAX: u16 = 20_000;
/// An error's text in the state; the log has all of it.
const ERROR_CHARS_MAX: usize = 1_000;

/// What an operator may change while the poller runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// Most events to read a poll.
    pub(crate) events_max: u32,
    pub(crate) token: StoredToken,
}

/// What is known here of a token that was stored through the producer's interface; the token itself is a secret.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoredToken {
    /// Moves with each change.
    pub revision: i64,
    /// False when there is none, or none any more.
    pub is_set: bool,
}

/// Where polling stands.
#[derive(Debug, Clone)]
pub(crate) struct Position {
    pub(crate) etag: Option<String>,
    /// The last poll did not read all it wanted: the next one reads every page.
    pub(crate) incomplete: bool,
    pub(crate) freshness: Freshness,
    pub(crate) consecutive_errors: u32,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) position: Position,
    /// When the next poll is due; none before the first.
    pub(crate) next_poll_at: Option<DateTime<Utc>>,
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
        };
        let next_poll_at = row.try_get("next_poll_at")?;
        Ok(Self { settings: settings(&row)?, position, next_poll_at, seen: Seen::new(usize::from(SEEN_MAX), ids) })
    }

    /// Takes over what an operator has set meanwhile, and when the next poll is due by it.
    pub(crate) async fn refresh(&mut self, pool: &PgPool) -> anyhow::Result<()> {
        let row = sqlx::query(
            "select max_events_per_fetch, token_revision, token_set_at, next_poll_at
               from github_poller_state where feed = $1",
        )
        .bind(FEED)
        .fetch_one(pool)
        .await
        .context("read the poller's settings")?;
        self.settings = settings(&row)?;
        self.next_poll_at = row.try_get("next_poll_at")?;
        Ok(())
    }

    /// Writes down what became of a poll, in one transaction that fails when the lease has passed on.
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
        let revision = self.settings.token.revision;
        update(done, revision).execute(&mut *transaction).await.context("save the poller's state")?;
        transaction.commit().await.context("commit the poller's state")?;
        self.position = done.position.clone();
        done.ids.iter().cloned().for_each(|id| self.seen.insert(id));
        Ok(())
    }
}

fn update(done: &Done, token_revision: i64) -> sqlx::query::Query<'_, sqlx::Postgres, sqlx::postgres::PgArguments> {
    let Done { counts, position, limits, pause, token, failure, .. } = done;
    let Position { etag, incomplete, freshness, consecutive_errors } = position;
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let error = failure.as_ref().map(|error| format!("{error:#}").chars().take(ERROR_CHARS_MAX).collect::<String>());
    sqlx::query(
        "update github_poller_state set
            etag = $2, incomplete = $3, last_poll_at = now(), earliest_poll_at = $4,
            -- By the interval as it is now, which may have been set during the poll.
            next_poll_at = greatest($4, $24 + make_interval(secs => least(fetch_interval_seconds, $25))),
            newest_created_at = $5, newest_advanced_at = $6, stale_since = $7, consecutive_errors = $8,
            polls = polls + $9, not_modified = not_modified + $10, fetched = fetched + $11, sent = sent + $12,
            duplicates = duplicates + $13, dead_letters = dead_letters + $14, gaps = gaps + $15, stale = stale + $16,
            errors = errors + $17,
            rate_limit_remaining = coalesce($18, rate_limit_remaining),
            rate_limit_reset_at = coalesce($19, rate_limit_reset_at),
            -- Of another token than the one that is stored now, nothing is to be said.
            token_status = case when token_revision = $22 then $20 else token_status end,
            last_error = coalesce($21, last_error), last_error_at = case when $21 is null then last_error_at else now() end,
            poll_interval_seconds = coalesce($23, poll_interval_seconds), updated_at = now()
         where feed = $1",
    )
    .bind(FEED)
    .bind(etag)
    .bind(incomplete)
    .bind(pause.earliest)
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
    .bind(token_revision)
    .bind(limits.poll_interval.map(|interval| count(interval.as_secs())))
    .bind(pause.from)
    .bind(count(WAIT_MAX.as_secs()))
}

fn settings(row: &PgRow) -> anyhow::Result<Settings> {
    let events_max: i64 = row.try_get("max_events_per_fetch")?;
    Ok(Settings {
        events_max: u32::try_from(events_max).unwrap_or(1),
        token: StoredToken {
            revision: row.try_get("token_revision")?,
            is_set: row.try_get::<Option<DateTime<Utc>>, _>("token_set_at")?.is_some(),
        },
    })
}
