//! How far a mapping's consumer group is behind.

use std::time::{Duration, Instant};

use chrono::Utc;
use kafka::admin::PartitionState;
use serde::Serialize;
use tokio::sync::Mutex;

/// An answer is good for so long: a live view and Prometheus may both ask every second.
const FRESH: Duration = Duration::from_secs(2);

/// A broker that does not answer within this time is not waited for.
const LIMIT: Duration = Duration::from_secs(3);

/// Consumer lag.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Lag {
    /// Records that are not done, over all partitions.
    pub records: i64,
    /// Age of the newest record that is done, while others wait; 0 when none waits, `None` when none is done yet.
    pub seconds: Option<f64>,
}

impl Lag {
    fn new(partitions: &[PartitionState], newest_done_ms: i64, now_ms: i64) -> Self {
        let records = partitions.iter().map(PartitionState::lag).sum();
        #[expect(clippy::cast_precision_loss, reason = "a difference of timestamps in milliseconds")]
        let seconds = match (records, newest_done_ms) {
            (0, _) => Some(0.0),
            (_, 0) => None,
            _ => Some((now_ms - newest_done_ms).max(0) as f64 / 1000.0),
        };
        Self { records, seconds }
    }
}

/// The newest answer.
#[derive(Debug, Default)]
pub(super) struct LagCache(Mutex<Option<(Instant, Option<Lag>)>>);

impl LagCache {
    /// Asks the broker unless it was asked a moment ago; `None` when it does not answer.
    pub(super) async fn get(
        &self,
        kafka: &kafka::Config,
        topic: &str,
        group: &str,
        newest_done_ms: i64,
    ) -> Option<Lag> {
        let mut kept = self.0.lock().await;
        if let Some((at, lag)) = *kept
            && at.elapsed() < FRESH
        {
            return lag;
        }
        let asked = tokio::time::timeout(LIMIT, kafka::admin::partitions(kafka, topic, group)).await;
        let partitions = asked.ok().and_then(Result::ok);
        let lag = partitions.map(|p| Lag::new(&p, newest_done_ms, Utc::now().timestamp_millis()));
        *kept = Some((Instant::now(), lag));
        lag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_counts_only_while_something_waits() {
        let state = |high, committed| PartitionState {
            topic: "t".into(),
            partition: 0,
            low: 0,
            high,
            committed: Some(committed),
        };
        let lag = |partitions: &[PartitionState], newest| Lag::new(partitions, newest, 10_000);
        assert_eq!(lag(&[state(5, 5)], 1), Lag { records: 0, seconds: Some(0.0) });
        assert_eq!(lag(&[state(5, 3), state(9, 5)], 8_500), Lag { records: 6, seconds: Some(1.5) });
        assert_eq!(lag(&[state(5, 3)], 0), Lag { records: 2, seconds: None });
    }
}
