//! The answers, made from the schedule and the poller's state. No I/O.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{change::MASK, schedule::Shown, state::State};

/// Whether polls begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Activity {
    /// The schedule is enabled.
    Running,
    /// The schedule is disabled, and the invocation that had begun still polls; it ends within a minute.
    Stopping,
    /// The schedule is disabled.
    Stopped,
}

/// The answer of `GET /status`, `POST /start` and `POST /stop`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Status {
    service: &'static str,
    status: Activity,
    schedule: ScheduleView,
    /// Whether an invocation polls at this moment. This and all below is null after a start or stop that could not ask
    /// Postgres for it.
    polling: Option<bool>,
    last_poll_at: Option<DateTime<Utc>>,
    next_poll_at: Option<DateTime<Utc>>,
    /// When the newest event that was ever seen happened.
    newest_event_at: Option<DateTime<Utc>>,
    /// Since when the feed has shown nothing newer; null while it moves.
    stale_since: Option<DateTime<Utc>>,
    /// Polls that failed since the last one that was answered.
    consecutive_errors: Option<i64>,
    last_error: Option<String>,
    last_error_at: Option<DateTime<Utc>>,
    token: Option<TokenView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ScheduleView {
    name: String,
    #[schema(example = "rate(1 minute)")]
    expression: String,
    enabled: bool,
}

/// What is known of the token.
#[derive(Debug, Serialize, ToSchema)]
struct TokenView {
    /// `none`, `unknown` (no request has carried it yet), `accepted`, `refused` (GitHub answered 401; polling goes on
    /// without it), `unreadable` (Secrets Manager does not give it; polling goes on without it).
    status: String,
    /// When one was stored here; null when none is.
    set_at: Option<DateTime<Utc>>,
}

/// The answer of `GET /stats`: sums since the tables were made.
#[derive(Debug, Serialize, ToSchema)]
pub struct Stats {
    polls: i64,
    /// Polls that GitHub answered with 304.
    not_modified: i64,
    /// Elements of the feed that were read.
    fetched: i64,
    /// Events that Kafka acknowledged.
    sent: i64,
    /// Elements that had been sent before.
    duplicates: i64,
    /// Elements without a usable id, in the dead-letter topic.
    dead_letters: i64,
    /// Polls that had nothing in common with the one before: events were missed.
    gaps: i64,
    /// Times that the feed stood still.
    stale: i64,
    /// Polls that failed, in whole or in part.
    errors: i64,
    rate_limit: RateLimit,
}

/// As GitHub last said; null before that.
#[derive(Debug, Serialize, ToSchema)]
struct RateLimit {
    /// Requests.
    remaining: Option<i64>,
    reset_at: Option<DateTime<Utc>>,
}

/// The answer of `GET /config` and `POST /config`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Config {
    /// Seconds between two polls, as set.
    fetch_interval_seconds: i64,
    /// What GitHub asks for (`X-Poll-Interval`); null before its first answer.
    github_interval_seconds: Option<i64>,
    /// The larger of the two: what holds, unless the rate limit or failures ask for more patience.
    effective_interval_seconds: i64,
    max_events_per_fetch: i64,
    /// A mask when there is a token, else null.
    #[schema(example = "********")]
    github_token: Option<&'static str>,
}

/// The answer of `GET /health`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    #[schema(example = "healthy")]
    pub(crate) status: &'static str,
    pub(crate) service: &'static str,
}

impl Status {
    /// `state` is what Postgres knows of the poller, when it answers.
    pub(crate) fn of(service: &'static str, schedule: Shown, state: Option<State>) -> Self {
        let polling = state.as_ref().map(|state| state.polling);
        let status = match (schedule.enabled, polling) {
            (true, _) => Activity::Running,
            // Where it is not known, an invocation may still poll.
            (false, Some(true) | None) => Activity::Stopping,
            (false, Some(false)) => Activity::Stopped,
        };
        let Shown { name, expression, enabled } = schedule;
        let known = state.as_ref();
        Self {
            service,
            status,
            schedule: ScheduleView { name, expression, enabled },
            polling,
            last_poll_at: known.and_then(|state| state.last_poll_at),
            next_poll_at: known.and_then(|state| state.next_poll_at),
            newest_event_at: known.and_then(|state| state.newest_created_at),
            stale_since: known.and_then(|state| state.stale_since),
            consecutive_errors: known.map(|state| state.consecutive_errors),
            last_error: known.and_then(|state| state.last_error.clone()),
            last_error_at: known.and_then(|state| state.last_error_at),
            token: state.map(|state| TokenView { status: state.token_status, set_at: state.token_set_at }),
        }
    }
}

impl Stats {
    pub(crate) fn of(state: &State) -> Self {
        Self {
            polls: state.polls,
            not_modified: state.not_modified,
            fetched: state.fetched,
            sent: state.sent,
            duplicates: state.duplicates,
            dead_letters: state.dead_letters,
            gaps: state.gaps,
            stale: state.stale,
            errors: state.errors,
            rate_limit: RateLimit { remaining: state.rate_limit_remaining, reset_at: state.rate_limit_reset_at },
        }
    }
}

impl Config {
    pub(crate) fn of(state: &State) -> Self {
        // One of the environment is known by what GitHub said of it.
        let has_token = state.token_set_at.is_some() || ["accepted", "refused"].contains(&state.token_status.as_str());
        Self {
            fetch_interval_seconds: state.fetch_interval_seconds,
            github_interval_seconds: state.poll_interval_seconds,
            effective_interval_seconds: state.fetch_interval_seconds.max(state.poll_interval_seconds.unwrap_or(0)),
            max_events_per_fetch: state.max_events_per_fetch,
            github_token: has_token.then_some(MASK),
        }
    }
}
