//! Where a mapping is, what a call may change of it, and what it did.

use serde::{Deserialize, Serialize};

/// AWS's words for where a mapping is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MappingState {
    /// Pollers are joining.
    Enabling,
    /// Pollers read.
    Enabled,
    /// Pollers end what they began.
    Disabling,
    /// Nothing reads.
    Disabled,
}

/// What `UpdateEventSourceMapping` may change here.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct MappingChange {
    /// Start or stop reading.
    pub enabled: Option<bool>,
    /// 1 to 10,000.
    pub batch_size: Option<usize>,
    /// 0 to 300.
    pub batching_window_seconds: Option<u64>,
}

/// What a mapping did since the runner started.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct MappingStatistics {
    /// Attempts to deliver a batch.
    pub invocations: u64,
    /// Attempts that failed, wholly or in part.
    pub failures: u64,
    /// Records that are done.
    pub records: u64,
    /// Records in all attempts together: by `invocations`, how full batches are.
    pub delivered: u64,
    /// Timestamp of the newest record that is done, in milliseconds since the epoch; 0 before the first.
    pub newest_done_ms: i64,
    /// Records that the filters did not let pass.
    pub filtered: u64,
    /// Records that went to the failure destination, or were dropped for want of one.
    pub given_up: u64,
}
