//! A route's token bucket.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use crate::template::spec::ThrottleSpec;

/// Tokens come at the rate, up to the burst; a request takes one.
#[derive(Debug)]
pub struct Bucket {
    spec: ThrottleSpec,
    /// How many there were, and when.
    state: Mutex<(f64, Instant)>,
}

impl Bucket {
    /// A full one.
    #[must_use]
    pub fn new(spec: ThrottleSpec, now: Instant) -> Self {
        Self { spec, state: Mutex::new((f64::from(spec.burst), now)) }
    }

    /// Takes a token; false when there is none.
    pub fn take(&self, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (tokens, since) = *state;
        let passed = now.saturating_duration_since(since).as_secs_f64();
        let tokens = passed.mul_add(self.spec.rate, tokens).min(f64::from(self.spec.burst));
        let allowed = tokens >= 1.0;
        *state = (if allowed { tokens - 1.0 } else { tokens }, now);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_then_the_rate() {
        let start = Instant::now();
        let bucket = Bucket::new(ThrottleSpec { rate: 2.0, burst: 3 }, start);
        let at = |ms| start + Duration::from_millis(ms);
        let taken: Vec<bool> = [0, 0, 0, 0, 400, 500, 500, 1000].into_iter().map(|ms| bucket.take(at(ms))).collect();
        assert_eq!(taken, [true, true, true, false, false, true, false, true]);
        assert!((0..3).all(|_| bucket.take(at(60_000))) && !bucket.take(at(60_000)), "no more than the burst is saved");
        let closed = Bucket::new(ThrottleSpec { rate: 0.0, burst: 0 }, start);
        assert!(!closed.take(at(60_000)));
    }
}
