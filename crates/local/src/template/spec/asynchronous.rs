//! What becomes of events that a function was left (invocation type `Event`).

use std::time::Duration;

use super::Destination;

/// `EventInvokeConfig` and `DeadLetterQueue` of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsynchronousSpec {
    /// `MaximumRetryAttempts`, 0 to 2; 2 when unset.
    pub maximum_retry_attempts: u32,
    /// `MaximumEventAgeInSeconds`, 60 to 21,600; 6 hours when unset.
    pub maximum_event_age: Duration,
    /// `DestinationConfig.OnSuccess`: a queue, SNS topic or function.
    pub on_success: Option<Destination>,
    /// `DestinationConfig.OnFailure`: one of these, or a bucket.
    pub on_failure: Option<Destination>,
    /// `DeadLetterQueue`: a queue or an SNS topic.
    pub dead_letter_queue: Option<Destination>,
}

impl Default for AsynchronousSpec {
    fn default() -> Self {
        Self {
            maximum_retry_attempts: 2,
            maximum_event_age: Duration::from_secs(6 * 3600),
            on_success: None,
            on_failure: None,
            dead_letter_queue: None,
        }
    }
}
