//! What a handler may know of the invocation that it serves.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

/// One invocation: its identity, its time, and how long it may still run.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Lambda's request id; every log line of the invocation carries it.
    pub request_id: String,
    /// ARN of the invoked function.
    pub function_arn: String,
    /// The time at which the invocation began. Handlers take the time from here, never from a clock of their own.
    pub now: DateTime<Utc>,
    deadline: Instant,
}

impl Invocation {
    /// Time until Lambda ends this invocation by force; zero once it is over.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// An invocation that ends in `remaining`, for tests and for driving a handler by hand.
    #[must_use]
    pub fn for_test(remaining: Duration) -> Self {
        Self {
            request_id: "test".into(),
            function_arn: "arn:aws:lambda:us-east-1:000000000000:function:test".into(),
            now: Utc::now(),
            deadline: Instant::now() + remaining,
        }
    }

    /// Reads Lambda's context.
    pub(crate) fn from_context(context: &lambda_runtime::Context) -> Self {
        let now = Utc::now();
        // The deadline is wall-clock time; a monotonic one does not jump when the clock is set.
        let now_ms = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        let left = Duration::from_millis(context.deadline.saturating_sub(now_ms));
        Self {
            request_id: context.request_id.clone(),
            function_arn: context.invoked_function_arn.clone(),
            now,
            deadline: Instant::now() + left,
        }
    }
}
