//! When to ask again: GitHub's own wishes first, then the configured interval, then patience after failures.

use chrono::{DateTime, Utc};
use std::time::Duration;

/// No wait is longer, whatever a header says: the rate limit is an hourly one.
pub const WAIT_MAX: Duration = Duration::from_secs(3_600);

/// The first wait after a refusal without `Retry-After`, as GitHub's best practices ask for; doubled each time.
const REFUSED_FIRST: Duration = Duration::from_secs(60);
/// The first wait after a failure; doubled each time.
const FAILED_FIRST: Duration = Duration::from_secs(1);
const FAILED_MAX: Duration = Duration::from_secs(300);

/// How a poll ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Events, or "not modified".
    Answered,
    /// 403 or 429: GitHub wants fewer requests.
    Refused,
    /// No usable answer, or what it brought could not be sent.
    Failed,
}

/// What the headers of the last answer say. All absent when there was none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// `X-Poll-Interval`.
    pub poll_interval: Option<Duration>,
    /// `Retry-After`.
    pub retry_after: Option<Duration>,
    /// `X-RateLimit-Remaining`: requests.
    pub remaining: Option<u64>,
    /// `X-RateLimit-Reset`.
    pub reset_at: Option<DateTime<Utc>>,
}

impl Limits {
    /// Reads the headers through `header`, which looks one up by its lower-case name. What is malformed counts as absent.
    pub fn parse<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Self {
        let number = |name: &str| header(name).and_then(|text| text.trim().parse::<u64>().ok());
        let reset = number("x-ratelimit-reset").and_then(|seconds| i64::try_from(seconds).ok());
        Self {
            poll_interval: number("x-poll-interval").map(Duration::from_secs),
            retry_after: number("retry-after").map(Duration::from_secs),
            remaining: number("x-ratelimit-remaining"),
            reset_at: reset.and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
        }
    }

    fn until_reset(&self, now: DateTime<Utc>) -> Option<Duration> {
        // A second more, because the header has whole seconds.
        self.reset_at.map(|reset| (reset - now).to_std().unwrap_or_default() + Duration::from_secs(1))
    }
}

/// The wait until the next poll.
///
/// After an answer it is the larger of `X-Poll-Interval` and the configured interval; what is left of the rate limit is
/// spread over the time until its reset. After a refusal it is `Retry-After`, or the reset when nothing is left, or a
/// minute and more. `errors` counts the polls in a row that did not end well, this one included.
pub fn wait(outcome: Outcome, limits: &Limits, interval: Duration, errors: u32, now: DateTime<Utc>) -> Duration {
    let least = limits.poll_interval.unwrap_or_default().max(interval);
    let doubled = |first: Duration| first.saturating_mul(2_u32.saturating_pow(errors.saturating_sub(1).min(16)));
    let spent = limits.remaining == Some(0);
    let asked = match outcome {
        Outcome::Answered => match (limits.remaining, limits.until_reset(now)) {
            (Some(remaining), Some(left)) => left / u32::try_from(remaining.max(1)).unwrap_or(u32::MAX),
            _ => Duration::ZERO,
        },
        Outcome::Refused => match (limits.retry_after, limits.until_reset(now).filter(|_| spent)) {
            (Some(retry_after), _) => retry_after,
            (None, Some(until_reset)) => until_reset,
            (None, None) => doubled(REFUSED_FIRST),
        },
        Outcome::Failed => limits.retry_after.unwrap_or_else(|| doubled(FAILED_FIRST).min(FAILED_MAX)),
    };
    asked.max(least).min(WAIT_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(10);

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap()
    }

    fn seconds(outcome: Outcome, limits: Limits, errors: u32) -> u64 {
        wait(outcome, &limits, INTERVAL, errors, now()).as_secs()
    }

    fn limits() -> Limits {
        Limits { poll_interval: Some(Duration::from_secs(60)), ..Limits::default() }
    }

    fn budget(remaining: u64, reset_in: i64) -> Limits {
        let reset_at = Some(now() + chrono::TimeDelta::seconds(reset_in));
        Limits { remaining: Some(remaining), reset_at, ..Limits::default() }
    }

    #[test]
    fn the_larger_of_githubs_and_the_configured_interval_holds() {
        assert_eq!(seconds(Outcome::Answered, limits(), 0), 60);
        assert_eq!(seconds(Outcome::Answered, Limits::default(), 0), 10);
    }

    #[test]
    fn what_is_left_of_the_rate_limit_is_spread_until_its_reset() {
        assert_eq!(seconds(Outcome::Answered, budget(5_000, 3_600), 0), 10, "plenty left");
        assert_eq!(seconds(Outcome::Answered, budget(10, 1_799), 0), 180);
        assert_eq!(seconds(Outcome::Answered, budget(0, 1_799), 0), 1_800);
        assert_eq!(seconds(Outcome::Answered, budget(0, -5), 0), 10, "a reset that is over");
    }

    #[test]
    fn a_refusal_waits_as_long_as_it_says_then_until_the_reset_then_a_minute_and_more() {
        let told = Limits { retry_after: Some(Duration::from_secs(30)), ..budget(0, 900) };
        assert_eq!(seconds(Outcome::Refused, told, 1), 30);
        assert_eq!(seconds(Outcome::Refused, budget(0, 899), 1), 900);
        assert_eq!(seconds(Outcome::Refused, budget(7, 899), 1), 60, "a secondary limit");
        assert_eq!(seconds(Outcome::Refused, Limits::default(), 3), 240);
    }

    #[test]
    fn failures_are_retried_soon_and_then_less_and_less_often() {
        assert_eq!(seconds(Outcome::Failed, Limits::default(), 1), 10);
        assert_eq!(seconds(Outcome::Failed, Limits::default(), 5), 16);
        assert_eq!(seconds(Outcome::Failed, Limits::default(), u32::MAX), 300);
    }

    #[test]
    fn no_header_makes_it_wait_longer_than_an_hour() {
        let absurd = Limits { retry_after: Some(Duration::MAX), ..Limits::default() };
        assert_eq!(seconds(Outcome::Refused, absurd, 1), 3_600);
        assert_eq!(seconds(Outcome::Refused, Limits::default(), u32::MAX), 3_600);
    }

    #[test]
    fn headers_are_read_and_malformed_ones_count_as_absent() {
        let parsed = Limits::parse(|name| match name {
            "x-poll-interval" => Some("60"),
            "x-ratelimit-remaining" => Some("4999"),
            "x-ratelimit-reset" => Some("1790000000"),
            "retry-after" => Some("Fri, 31 Dec 1999 23:59:59 GMT"),
            _ => None,
        });
        assert_eq!(parsed, Limits { remaining: Some(4_999), reset_at: Some(now()), ..limits() });
        assert_eq!(Limits::parse(|_| Some("-1")), Limits::default());
        assert_eq!(Limits::parse(|_| Some("18446744073709551615")).reset_at, None);
    }
}
