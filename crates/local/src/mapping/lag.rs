//! How far a mapping is behind.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use chrono::Utc;
use serde::Serialize;
use tokio::sync::Mutex;

/// An answer is good for so long: a live view and Prometheus may both ask every second.
const FRESH: Duration = Duration::from_secs(2);

/// A broker that does not answer within this time is not waited for.
const LIMIT: Duration = Duration::from_secs(3);

/// Consumer lag.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Lag {
    /// Records that are not done.
    pub records: i64,
    /// Age of the newest record that is done, while others wait; 0 when none waits, `None` when none is done yet.
    pub seconds: Option<f64>,
}

impl Lag {
    fn new(records: i64, newest_done_ms: i64, now_ms: i64) -> Self {
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
pub(crate) struct LagCache(Mutex<Option<(Instant, Option<Lag>)>>);

impl LagCache {
    /// Asks the broker for the number of records that are not done, unless it was asked a moment ago; `None` when it does
    /// not answer.
    pub(crate) async fn get(&self, newest_done_ms: i64, ask: impl Future<Output = anyhow::Result<i64>>) -> Option<Lag> {
        let mut kept = self.0.lock().await;
        if let Some((at, lag)) = *kept
            && at.elapsed() < FRESH
        {
            return lag;
        }
        let records = tokio::time::timeout(LIMIT, ask).await.ok().and_then(Result::ok);
        let lag = records.map(|records| Lag::new(records, newest_done_ms, Utc::now().timestamp_millis()));
        *kept = Some((Instant::now(), lag));
        lag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_counts_only_while_something_waits() {
        let lag = |records, newest| Lag::new(records, newest, 10_000);
        assert_eq!(lag(0, 1), Lag { records: 0, seconds: Some(0.0) });
        assert_eq!(lag(6, 8_500), Lag { records: 6, seconds: Some(1.5) });
        assert_eq!(lag(2, 0), Lag { records: 2, seconds: None });
    }
}
