//! What follows an attempt to deliver an event: nothing more, or another one after a while. Pure.

use std::time::Duration;

use super::EventConfig;
use crate::template::spec::AsynchronousSpec;

/// The longest wait of an event for a function that has no room.
const LONGEST_BUSY_DELAY: Duration = Duration::from_secs(300);

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    Success,
    /// The function answered with an error, crashed, ran out of time, or could not be started.
    Error,
    /// It has no room, is stopped, or is not reached: Lambda's throttles and system errors, which use up no retry.
    Busy,
    /// It reserves no concurrency at all, so that waiting is of no use.
    NoConcurrency,
}

/// Why nothing more is tried, in Lambda's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    Success,
    RetriesExhausted,
    EventAgeExceeded,
    ZeroReservedConcurrency,
}

impl Condition {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Success => "Success",
            Self::RetriesExhausted => "RetriesExhausted",
            Self::EventAgeExceeded => "EventAgeExceeded",
            Self::ZeroReservedConcurrency => "ZeroReservedConcurrency",
        }
    }
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Settled(Condition),
    Again(Duration),
}

/// Decides after an attempt; `errors` and `busy` count the attempts of their kind, this one among them.
pub(super) fn after(
    attempt: Attempt,
    errors: u32,
    busy: u32,
    age: Duration,
    spec: &AsynchronousSpec,
    config: &EventConfig,
) -> Next {
    let left = spec.maximum_event_age.saturating_sub(age);
    match attempt {
        Attempt::Success => Next::Settled(Condition::Success),
        Attempt::NoConcurrency => Next::Settled(Condition::ZeroReservedConcurrency),
        Attempt::Error if errors > spec.maximum_retry_attempts => Next::Settled(Condition::RetriesExhausted),
        Attempt::Error => {
            let [first, second] = config.retry_delays;
            let delay = if errors <= 1 { first } else { second };
            // A retry that would come too late is not waited for.
            if delay > left { Next::Settled(Condition::EventAgeExceeded) } else { Next::Again(delay) }
        }
        Attempt::Busy if left.is_zero() => Next::Settled(Condition::EventAgeExceeded),
        Attempt::Busy => {
            let factor = 1_u32.checked_shl(busy.saturating_sub(1)).unwrap_or(u32::MAX);
            Next::Again(config.busy_delay.saturating_mul(factor).min(LONGEST_BUSY_DELAY).min(left))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(attempt: Attempt, count: u32, age_s: u64, spec: &AsynchronousSpec) -> Next {
        after(attempt, count, count, Duration::from_secs(age_s), spec, &EventConfig::default())
    }

    const fn again(seconds: u64) -> Next {
        Next::Again(Duration::from_secs(seconds))
    }

    #[test]
    fn an_error_is_retried_after_one_minute_and_after_two() {
        let spec = AsynchronousSpec::default();
        let found: Vec<Next> = (1..=3).map(|errors| decide(Attempt::Error, errors, 0, &spec)).collect();
        assert_eq!(found, [again(60), again(120), Next::Settled(Condition::RetriesExhausted)]);
        let none = AsynchronousSpec { maximum_retry_attempts: 0, ..spec };
        assert_eq!(decide(Attempt::Error, 1, 0, &none), Next::Settled(Condition::RetriesExhausted));
    }

    #[test]
    fn a_retry_that_would_come_too_late_is_not_waited_for() {
        let spec = AsynchronousSpec { maximum_event_age: Duration::from_secs(100), ..AsynchronousSpec::default() };
        assert_eq!(decide(Attempt::Error, 1, 30, &spec), again(60));
        assert_eq!(decide(Attempt::Error, 2, 91, &spec), Next::Settled(Condition::EventAgeExceeded));
    }

    #[test]
    fn a_busy_function_is_asked_again_from_one_second_to_five_minutes_until_the_maximum_age() {
        let spec = AsynchronousSpec::default();
        let found: Vec<Next> = [1, 2, 3, 9, 10, 60].map(|busy| decide(Attempt::Busy, busy, 0, &spec)).into();
        assert_eq!(found, [again(1), again(2), again(4), again(256), again(300), again(300)]);
        assert_eq!(decide(Attempt::Busy, 60, 21_590, &spec), again(10), "no longer than its age allows");
        assert_eq!(decide(Attempt::Busy, 60, 21_600, &spec), Next::Settled(Condition::EventAgeExceeded));
    }

    #[test]
    fn a_function_that_reserves_nothing_gets_no_retries() {
        let found = decide(Attempt::NoConcurrency, 1, 0, &AsynchronousSpec::default());
        assert_eq!(found, Next::Settled(Condition::ZeroReservedConcurrency));
    }
}
