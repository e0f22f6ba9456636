//! The poller against the simulator, a real Postgres and a real Kafka.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod faults;
mod harness;
mod polling;
mod tokens;
