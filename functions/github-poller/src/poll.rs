//! One poll: read the pages, decide what is new, send it. The caller writes down what became of it.

use crate::Deps;
use crate::github::{Answer, Error, TokenStatus};
use crate::state::{Position, State};
use anyhow::{Context as _, anyhow};
use chrono::{DateTime, TimeDelta, Utc};
use domain::github::poll::{Limits, NextPage, Outcome, Paging, Poll, Rejected, next_page, wait};
use kafka::Message;
use pg::Lease;
use serde::Serialize;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// What happened how often.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Polls, whatever became of them.
    pub polls: u64,
    /// Polls that were answered with 304.
    pub not_modified: u64,
    /// Elements of the feed that were read and dealt with.
    pub fetched: u64,
    /// Events that Kafka acknowledged.
    pub sent: u64,
    /// Elements that had been dealt with before.
    pub duplicates: u64,
    /// Elements without a usable id, acknowledged by the dead-letter topic.
    pub dead_letters: u64,
    /// Polls that had nothing in common with the one before: events were missed.
    pub gaps: u64,
    /// Times that the feed was found to stand still.
    pub stale: u64,
    /// Polls that failed, in whole or in part.
    pub errors: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, more: &Self) {
        self.polls += more.polls;
        self.not_modified += more.not_modified;
        self.fetched += more.fetched;
        self.sent += more.sent;
        self.duplicates += more.duplicates;
        self.dead_letters += more.dead_letters;
        self.gaps += more.gaps;
        self.stale += more.stale;
        self.errors += more.errors;
    }
}

/// What became of a poll, to be written down.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) counts: Counts,
    pub(crate) position: Position,
    /// Ids that are dealt with now, oldest first.
    pub(crate) ids: Vec<String>,
    pub(crate) limits: Limits,
    pub(crate) pause: Pause,
    pub(crate) token: TokenStatus,
    pub(crate) failure: Option<anyhow::Error>,
    /// The failure is that Kafka did not acknowledge.
    pub(crate) unsent: bool,
}

/// When to poll again: not before `earliest`, and the interval that is set after `from`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pause {
    pub(crate) from: DateTime<Utc>,
    /// By GitHub's wishes, and by patience after failures.
    pub(crate) earliest: DateTime<Utc>,
}

/// What GitHub had to say.
#[derive(Default)]
struct Read {
    poll: Poll,
    limits: Limits,
    etag: Option<String>,
    not_modified: bool,
    /// Some page that was wanted is missing.
    incomplete: bool,
    failure: Option<(Outcome, anyhow::Error)>,
}

/// Polls once, within `time_left`.
///
/// # Errors
/// When the lease is lost or Postgres does not answer. Failures of GitHub and Kafka are part of [`Done`].
pub(crate) async fn once(deps: &Deps, lease: &Lease, state: &State, time_left: Duration) -> anyhow::Result<Done> {
    lease.renew(&deps.pool).await?;
    let began = Utc::now();
    let deadline = Instant::now() + time_left;
    let read = match timeout_at(deadline, read(deps, state)).await {
        Ok(read) => read,
        Err(_) => Read {
            failure: Some((Outcome::Failed, anyhow!("github did not answer before the invocation's end"))),
            etag: state.position.etag.clone(),
            incomplete: state.position.incomplete,
            ..Read::default()
        },
    };
    let messages = messages(&deps.config.topic, &read.poll);
    let sent = if messages.is_empty() {
        Ok(())
    } else {
        let in_time = timeout_at(deadline, deps.producer.send_all(messages)).await;
        in_time.unwrap_or_else(|_| Err(anyhow!("kafka did not acknowledge before the invocation's end")))
    };
    let token = deps.github.token_status();
    Ok(match sent {
        Ok(()) => settle(state, read, token, began, deps.config.stale_after),
        Err(error) => unsent(state, &read, token, error),
    })
}

async fn read(deps: &Deps, state: &State) -> Read {
    let paging = Paging::new(state.settings.events_max);
    let read_all = state.position.incomplete;
    let known = state.position.etag.as_deref().filter(|_| !read_all);
    let mut read = Read { etag: state.position.etag.clone(), incomplete: read_all, ..Read::default() };
    let mut number = 1;
    loop {
        let (said, answer) = deps.github.page(paging.per_page, number, known.filter(|_| number == 1)).await;
        read.limits = latest(said, read.limits);
        let failure = match answer {
            Ok(Answer::NotModified) => {
                read.not_modified = true;
                return read;
            }
            Ok(Answer::Page { text, etag, has_next }) => match read.poll.add_page(&state.seen, &text) {
                Ok(outcome) => {
                    if number == 1 {
                        read.etag = etag;
                    }
                    read.incomplete = false;
                    match next_page(number, paging, outcome, has_next, read_all, read.limits.remaining) {
                        NextPage::Read => {
                            number += 1;
                            continue;
                        }
                        NextPage::Done => return read,
                        NextPage::OutOfBudget => {
                            read.incomplete = true;
                            return read;
                        }
                    }
                }
                Err(invalid) => (Outcome::Failed, anyhow::Error::new(invalid)),
            },
            Err(error @ Error::Refused(_)) => (Outcome::Refused, error.into()),
            Err(error) => (Outcome::Failed, error.into()),
        };
        // A first page that failed leaves everything as it was; after it, the pages that are missing must be read.
        read.incomplete |= number > 1;
        let (outcome, error) = failure;
        read.failure = Some((outcome, error.context(format!("page {number} of the feed"))));
        return read;
    }
}

/// The limits of the newest answer; what it does not mention is as it was. `Retry-After` is of one answer only.
fn latest(said: Limits, before: Limits) -> Limits {
    Limits {
        poll_interval: said.poll_interval.or(before.poll_interval),
        retry_after: said.retry_after,
        remaining: said.remaining.or(before.remaining),
        reset_at: said.reset_at.or(before.reset_at),
    }
}

/// Everything to send, oldest first as far as the feed tells.
fn messages(topic: &str, poll: &Poll) -> Vec<Message> {
    let events = poll.events.iter().rev().map(|event| Message {
        topic: topic.to_owned(),
        partition: None,
        key: event.repository.clone().map(String::into_bytes),
        value: Some(event.value.clone()),
        headers: Vec::new(),
    });
    let rejected = poll.rejected.iter().rev().map(|Rejected { rule, reason, value, .. }| Message {
        topic: format!("{topic}.dlq"),
        partition: None,
        key: None,
        value: Some(value.clone()),
        // There is no origin.topic: it never was in one.
        headers: [("error.rule", *rule), ("error.reason", *reason), ("origin.api", "GET /events")]
            .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
            .into(),
    });
    events.chain(rejected).collect()
}

/// All that was read is dealt with.
fn settle(state: &State, read: Read, token: TokenStatus, began: DateTime<Utc>, stale_after: Duration) -> Done {
    let Read { poll, limits, etag, not_modified, incomplete, failure } = read;
    let before = &state.position;
    let heard = not_modified || poll.fetched > 0 || failure.is_none();
    let stale_after = TimeDelta::from_std(stale_after).unwrap_or(TimeDelta::MAX);
    let freshness = match heard {
        true => before.freshness.observe(poll.newest_created_at, began, stale_after),
        false => before.freshness,
    };
    let counts = Counts {
        polls: 1,
        not_modified: u64::from(not_modified),
        fetched: poll.fetched,
        sent: poll.events.len() as u64,
        duplicates: poll.duplicates,
        dead_letters: poll.rejected.len() as u64,
        // What a missing page would have had in common is not known.
        gaps: u64::from(!incomplete && poll.is_gap(&state.seen)),
        stale: u64::from(freshness.became_stale(before.freshness)),
        errors: u64::from(failure.is_some()),
    };
    let (outcome, failure) = failure.map_or((Outcome::Answered, None), |(outcome, error)| (outcome, Some(error)));
    let consecutive_errors = if failure.is_some() { before.consecutive_errors.saturating_add(1) } else { 0 };
    // An answered poll's interval runs from its beginning, a failed one's from its end.
    let from = if outcome == Outcome::Answered { began } else { Utc::now() };
    let pause = Pause::of(outcome, &limits, consecutive_errors, from);
    let position = Position { etag: etag.filter(|_| !incomplete), incomplete, freshness, consecutive_errors };
    Done { counts, position, ids: poll.into_ids(), limits, pause, token, failure, unsent: false }
}

/// Nothing is dealt with: the next poll reads and sends it all again.
fn unsent(state: &State, read: &Read, token: TokenStatus, error: anyhow::Error) -> Done {
    let consecutive_errors = state.position.consecutive_errors.saturating_add(1);
    let pause = Pause::of(Outcome::Failed, &read.limits, consecutive_errors, Utc::now());
    let position = Position {
        // Had the page not changed until then, a tag would hide the events that are still to be sent.
        etag: None,
        incomplete: true,
        consecutive_errors,
        ..state.position.clone()
    };
    let counts = Counts { polls: 1, errors: 1, ..Counts::default() };
    let failure = Err::<(), _>(error).context("send events to kafka").err();
    Done { counts, position, ids: Vec::new(), limits: read.limits, pause, token, failure, unsent: true }
}

impl Pause {
    fn of(outcome: Outcome, limits: &Limits, errors: u32, from: DateTime<Utc>) -> Self {
        Self { from, earliest: from + wait(outcome, limits, Duration::ZERO, errors, from) }
    }
}
