//! What a handler may know of the invocation that it serves.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::ending::Ending;

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
    ending: Ending,
}

impl Invocation {
    /// Time until Lambda ends this invocation by force; zero once it is over, or once the process is asked to end.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        if self.ending.is_near() {
            return Duration::ZERO;
        }
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
            ending: Ending::default(),
        }
    }

    /// Reads Lambda's context.
    pub(crate) fn from_context(context: &lambda_runtime::Context, ending: Ending) -> Self {
        let now = Utc::now();
        // The deadline is wall-clock time; a monotonic one does not jump when the clock is set.
        let now_ms = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        let left = Duration::from_millis(context.deadline.saturating_sub(now_ms));
        Self {
            request_id: context.request_id.clone(),
            function_arn: context.invoked_function_arn.clone(),
            now,
            deadline: Instant::now() + left,
            ending,
        }
    }
}
