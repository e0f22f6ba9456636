//! `github-poller`: GitHub's public events, each once, into Kafka.
//!
//! - **Trigger**: a schedule, once a minute; its event is not looked at. Within one invocation it polls on until its
//!   time is nearly over, as often as GitHub and the settings allow.
//! - **Input**: `GET /events` of the GitHub API. Settings and position: tables `github_poller_state` and
//!   `github_poller_seen`; settings hold from the next poll on. A token that was stored through the producer's interface
//!   is read from Secrets Manager when the state says that it has changed.
//! - **Output**: topic `github-events`, key = the repository's id, value = the event's JSON byte for byte. Types and
//!   fields that nobody knows pass through. What has no usable id goes to `github-events.dlq`.
//! - **Idempotency**: by event id over the newest 20,000. Events appear up to hours late with old ids, so neither the
//!   highest id nor the newest time would do. The ids move only after Kafka has acknowledged every event: a run that
//!   fails half-way sends the same events again, and none is lost.
//! - **Failure policy**: a poll that fails is counted, its reason kept in the state, and tried again with patience; the
//!   invocation fails only when Kafka or Postgres does. A token that GitHub refuses is reported and left out.
//! - **One at a time**: lease `github-poller`; an invocation that finds it taken returns at once.

pub mod config;
pub mod github;
mod poll;
mod state;
pub mod token;

pub use poll::Counts;
pub use state::StoredToken;

use crate::config::Config;
use crate::state::State;
use crate::token::Tokens;
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use domain::github::poll::WAIT_MAX;
use kafka::Producer;
use kit::Invocation;
use kit::metrics::Metrics;
use pg::Lease;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgPool;
use std::time::Duration;
use tokio::time::sleep;
use tracing::{error, info};

/// The lease that makes the poller single.
pub const LEASE: &str = "github-poller";
/// A poller that dies is succeeded after this long.
const LEASE_TTL: Duration = Duration::from_secs(30);
/// A wait is cut into such pieces: after each the lease is renewed, and what was set meanwhile is heard.
const NAP: Duration = Duration::from_secs(2);
/// Time kept at the end of an invocation to write down what happened and give the lease back.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What an invocation needs, built once a cold start.
#[derive(Debug)]
pub struct Deps {
    /// Settings from the environment.
    pub config: Config,
    /// The GitHub API.
    pub github: github::Client,
    /// Which token requests carry.
    pub tokens: Tokens,
    /// Kafka.
    pub producer: Producer,
    /// Postgres.
    pub pool: PgPool,
}

impl Deps {
    /// Reads the environment and connects.
    ///
    /// # Errors
    /// When a variable is missing or malformed, a secret cannot be read, or Postgres does not answer.
    pub async fn load() -> anyhow::Result<Self> {
        let config = Config::load().await?;
        let producer = Producer::new(&kafka::Config::load().await?)?;
        let pool = pg::connect(&pg::Config::load().await?).await?;
        Ok(Self { github: github::Client::new(&config)?, tokens: Tokens::new(&config), config, producer, pool })
    }
}

/// What an invocation did.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// True when another invocation is polling: then nothing else was done.
    pub lease_held_by_another: bool,
    /// Sums over the polls.
    #[serde(flatten)]
    pub counts: Counts,
}

/// Polls until the time is nearly over.
///
/// # Errors
/// When Postgres does not answer, the lease was lost, or the last poll could not be produced to Kafka.
pub async fn handle(deps: &Deps, _schedule: Value, invocation: &Invocation) -> anyhow::Result<Summary> {
    // A retry of the same invocation has the same request id and takes over the lease of the one that was killed.
    let Some(lease) = Lease::acquire(&deps.pool, LEASE, &invocation.request_id, LEASE_TTL).await? else {
        info!("another invocation holds the lease");
        return Ok(Summary { lease_held_by_another: true, ..Summary::default() });
    };
    let result = poll_on(deps, &lease, invocation).await;
    if let Err(error) = lease.release(&deps.pool).await {
        error!(error = format!("{error:#}"), "the lease was not given back, it ends by itself");
    }
    let counts = result?;
    Metrics::new("Millrace/Github", invocation.now)
        .count("polls", counts.polls)
        .count("sent_events", counts.sent)
        .count("duplicate_events", counts.duplicates)
        .count("gaps", counts.gaps)
        .count("poll_errors", counts.errors)
        .emit();
    info!(
        polls = counts.polls,
        sent = counts.sent,
        duplicates = counts.duplicates,
        gaps = counts.gaps,
        errors = counts.errors,
        "polled"
    );
    Ok(Summary { lease_held_by_another: false, counts })
}

async fn poll_on(deps: &Deps, lease: &Lease, invocation: &Invocation) -> anyhow::Result<Counts> {
    let mut state = State::load(&deps.pool).await?;
    let mut sum = Counts::default();
    let mut unsent = None;
    loop {
        state.refresh(&deps.pool).await?;
        let due_in = due_in(state.next_poll_at, Utc::now());
        if due_in + deps.config.margin > invocation.remaining() {
            break;
        }
        if !due_in.is_zero() {
            sleep(due_in.min(NAP)).await;
            lease.renew(&deps.pool).await?;
            continue;
        }
        deps.tokens.apply(&deps.github, state.settings.token).await;
        let time_left = invocation.remaining().saturating_sub(LAST_WORDS);
        let done = poll::once(deps, lease, &state, time_left).await?;
        if let Some(failure) = &done.failure {
            error!(error = format!("{failure:#}"), "poll failed");
        }
        sum.add(&done.counts);
        state.commit(&deps.pool, lease, &done).await?;
        if done.failure.is_none() {
            lease.succeed(&deps.pool).await?;
        }
        unsent = done.failure.filter(|_| done.unsent);
    }
    match unsent {
        Some(failure) => Err(failure).context("the last poll's events were not produced; the next run sends them"),
        None => {
            // An invocation may be too early for a poll: that is well, unless the last one was not.
            if state.position.consecutive_errors == 0 {
                lease.succeed(&deps.pool).await?;
            }
            Ok(sum)
        }
    }
}

/// How long to wait. One that is longer than any that is ever asked for was computed by a clock that was wrong, and is
/// over, so that it does not stop polling for ever.
fn due_in(next_poll_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Duration {
    let wait = next_poll_at.and_then(|at| (at - now).to_std().ok()).unwrap_or_default();
    if wait > 2 * WAIT_MAX { Duration::ZERO } else { wait }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_over_at_its_end_and_when_no_clock_that_is_right_can_have_asked_for_it() {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let wait = |seconds| due_in(Some(now + chrono::TimeDelta::seconds(seconds)), now).as_secs();
        assert_eq!((wait(-5), wait(0), wait(60), wait(3_600), wait(86_400)), (0, 0, 60, 3_600, 0));
        assert_eq!(due_in(None, now), Duration::ZERO);
    }
}
