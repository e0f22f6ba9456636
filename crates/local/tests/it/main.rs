//! The runner's Lambda host and Kafka source against real processes and a real broker, by its public API. Functions are
//! small Python programs that speak the Runtime API; a template in the test says how they are set up and triggered.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml frees #[test] functions only, not what they share"
)]

mod host;
mod kafka;
mod support;
