//! The prober against a real Postgres and a real Kafka; the calls of AWS are answered here.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod harness;
mod looking;
