//! The stages against real Kafka (`KAFKA_BOOTSTRAP_SERVERS`) and Postgres (`DATABASE_URL`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod crashes;
mod faults;
mod passing;
mod world;
