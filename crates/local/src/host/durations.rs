//! How long invocations take: quantiles of the last minutes for people, cumulative buckets for Prometheus.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// Upper bounds of the buckets, in milliseconds; the last bucket has none.
pub const BUCKET_BOUNDS_MS: [f64; 14] =
    [1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10_000.0, 30_000.0];

/// Quantiles are those of one to two such spans.
const SPAN: Duration = Duration::from_secs(60);

/// Lambda's longest timeout, in microseconds.
const LONGEST_US: u64 = 900_000_000;

/// Durations of one function's invocations.
#[derive(Debug, Clone)]
pub struct Durations {
    recent: Option<Histogram<u64>>,
    previous: Option<Histogram<u64>>,
    since: Instant,
    buckets: [u64; BUCKET_BOUNDS_MS.len() + 1],
    sum_ms: f64,
}

/// Two digits are a percent, in 18 kB. `None` never comes: these bounds are accepted.
fn empty() -> Option<Histogram<u64>> {
    Histogram::new_with_bounds(1, LONGEST_US, 2).ok()
}

impl Default for Durations {
    fn default() -> Self {
        Self {
            recent: empty(),
            previous: empty(),
            since: Instant::now(),
            buckets: [0; BUCKET_BOUNDS_MS.len() + 1],
            sum_ms: 0.0,
        }
    }
}

impl Durations {
    pub(super) fn record(&mut self, duration: Duration) {
        if self.since.elapsed() >= SPAN {
            self.previous = std::mem::replace(&mut self.recent, empty());
            self.since = Instant::now();
        }
        let us = u64::try_from(duration.as_micros()).unwrap_or(LONGEST_US).clamp(1, LONGEST_US);
        if let Some(recent) = &mut self.recent {
            recent.saturating_record(us);
        }
        let ms = duration.as_secs_f64() * 1000.0;
        self.sum_ms += ms;
        let bucket = BUCKET_BOUNDS_MS.iter().position(|bound| ms <= *bound).unwrap_or(BUCKET_BOUNDS_MS.len());
        if let Some(count) = self.buckets.get_mut(bucket) {
            *count += 1;
        }
    }

    /// The duration that a share of the last minute's invocations did not exceed, in milliseconds; `None` without any.
    #[must_use]
    pub fn quantile_ms(&self, share: f64) -> Option<f64> {
        let mut all = self.recent.clone()?;
        // Both have the same bounds, which is all that adding asks for.
        let _ = all.add(self.previous.as_ref()?);
        (!all.is_empty()).then(|| Duration::from_micros(all.value_at_quantile(share)).as_secs_f64() * 1000.0)
    }

    /// Invocations by bucket, not cumulated; one more than there are bounds.
    #[must_use]
    pub fn buckets(&self) -> &[u64] {
        &self.buckets
    }

    /// Milliseconds of all invocations together.
    #[must_use]
    pub fn sum_ms(&self) -> f64 {
        self.sum_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_and_buckets_tell_of_the_same_invocations() {
        let mut durations = Durations::default();
        assert_eq!(durations.quantile_ms(0.5), None);
        for ms in 1..=100 {
            durations.record(Duration::from_millis(ms));
        }
        let (p50, p99) = (durations.quantile_ms(0.5).unwrap(), durations.quantile_ms(0.99).unwrap());
        assert!((49.0..52.0).contains(&p50) && (98.0..101.0).contains(&p99), "{p50} {p99}");
        assert_eq!(durations.buckets().iter().sum::<u64>(), 100);
        assert_eq!(durations.buckets()[0], 1, "1 ms is within the first bucket");
        assert!((durations.sum_ms() - 5050.0).abs() < 0.01);
    }
}
