//! A circuit breaker for each shard. Its state is a row that all instances share; what it means, and what becomes of it,
//! is decided here.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// So many failures in a row, and the shard is left alone for a while.
pub const THRESHOLD: i32 = 3;
/// How long at first; each further failure doubles it.
pub const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// No longer than this, so that a shard that is back is found soon.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// How long one instance alone may try. One that dies meanwhile holds up the others no longer.
pub const PROBE: Duration = Duration::from_secs(10);

/// What all instances know of a shard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Breaker {
    /// Failures since the last success.
    pub failures: i32,
    /// Nobody asks the shard before this time.
    pub open_until: Option<DateTime<Utc>>,
    /// Until then one instance is trying whether it is back.
    pub probe_until: Option<DateTime<Utc>>,
}

/// Whether the shard may be asked now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Closed,
    /// It may not.
    Open,
    /// One may try: whoever can set `probe_until` first.
    HalfOpen,
}

impl Breaker {
    /// Whether the shard may be asked at `now`.
    pub fn verdict(&self, now: DateTime<Utc>) -> Verdict {
        match (self.open_until, self.probe_until) {
            (None, _) => Verdict::Closed,
            (Some(until), _) if now < until => Verdict::Open,
            (Some(_), Some(until)) if now < until => Verdict::Open,
            (Some(_), _) => Verdict::HalfOpen,
        }
    }

    /// After the shard failed to answer at `now`.
    #[must_use]
    pub fn failed(&self, now: DateTime<Utc>) -> Self {
        let failures = self.failures.saturating_add(1);
        let open_until = (failures >= THRESHOLD).then(|| now + pause(failures));
        Self { failures, open_until, probe_until: None }
    }

    /// After it answered.
    #[must_use]
    pub fn succeeded() -> Self {
        Self::default()
    }
}

fn pause(failures: i32) -> Duration {
    let doublings = u32::try_from(failures - THRESHOLD).unwrap_or(0).min(10);
    (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_three_failures_for_longer_each_time() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let mut breaker = Breaker::default();
        let mut pauses = Vec::new();
        for _ in 0..9 {
            breaker = breaker.failed(now);
            pauses.push(breaker.open_until.map(|until| (until - now).num_seconds()));
        }
        assert_eq!(pauses[..3], [None, None, Some(1)]);
        assert_eq!(pauses[3..], [Some(2), Some(4), Some(8), Some(15), Some(15), Some(15)]);
        assert_eq!(Breaker { failures: i32::MAX, ..breaker }.failed(now).failures, i32::MAX);
    }

    #[test]
    fn one_may_try_when_the_pause_is_over() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let (before, after) = (now - Duration::from_secs(1), now + Duration::from_secs(1));
        let breaker = |open_until, probe_until| Breaker { failures: 3, open_until, probe_until };
        for (state, verdict) in [
            (Breaker::succeeded(), Verdict::Closed),
            (breaker(Some(after), None), Verdict::Open),
            (breaker(Some(before), Some(after)), Verdict::Open),
            (breaker(Some(before), None), Verdict::HalfOpen),
            (breaker(Some(before), Some(before)), Verdict::HalfOpen),
        ] {
            assert_eq!(state.verdict(now), verdict, "{state:?}");
        }
    }
}
