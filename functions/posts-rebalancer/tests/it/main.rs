//! Moves between real Postgres shards, with a stand-in for Kafka and the writer: it follows the contract that
//! `migrations/posts-shard/` states, with a map as old as can be.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod crashes;
mod load;
mod outages;
mod simple;
mod world;
mod writer;
