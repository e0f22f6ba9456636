//! The parts of the runner's status that the view shows.

use serde::Deserialize;

/// The stack at one moment.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Snapshot {
    pub(super) services: Vec<Service>,
    pub(super) functions: Vec<Function>,
    pub(super) mappings: Vec<Mapping>,
    pub(super) schedules: Vec<Schedule>,
    pub(super) apis: Vec<(String, String)>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) state: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) state: String,
    pub(super) invocations: u64,
    pub(super) errors: u64,
    pub(super) in_flight: u64,
    pub(super) p50_ms: Option<f64>,
    pub(super) p99_ms: Option<f64>,
    pub(super) cold_starts: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Mapping {
    pub(super) uuid: String,
    pub(super) function: String,
    /// Topic or queue.
    #[serde(alias = "queue")]
    pub(super) topic: String,
    pub(super) state: String,
    pub(super) batch_size: u64,
    pub(super) lag: Option<Lag>,
    pub(super) invocations: u64,
    pub(super) delivered: u64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Lag {
    pub(super) records: i64,
    pub(super) seconds: Option<f64>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Schedule {
    pub(super) name: String,
    pub(super) function: String,
    pub(super) expression: String,
    pub(super) enabled: bool,
}
