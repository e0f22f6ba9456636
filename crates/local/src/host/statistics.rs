//! What can be asked about a function while it runs.

use std::time::SystemTime;

use super::durations::Durations;

/// What happened to a function since the runner started.
#[derive(Debug, Clone, Default)]
pub struct Statistics {
    /// Invocations that ended.
    pub invocations: u64,
    /// Of these, with a function error.
    pub errors: u64,
    /// Invocations refused for want of concurrency.
    pub throttles: u64,
    /// How long invocations took.
    pub durations: Durations,
    /// Processes started.
    pub cold_starts: u64,
    /// The newest error, as its error object.
    pub last_error: Option<String>,
    /// When the newest success ended.
    pub last_success: Option<SystemTime>,
}

/// Whether a function would serve an invocation now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionState {
    /// It has not been needed yet.
    Cold,
    /// A process waits or works.
    Warm,
    /// It was stopped by hand.
    Stopped,
}
