//! The writer against real Postgres servers (`DATABASE_URL`, `POSTGRES_SHARD_<n>_URL`) and Kafka (`KAFKA_BOOTSTRAP_SERVERS`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod copying;
mod crashes;
mod failures;
mod moves;
mod proxy;
mod storing;
mod world;
