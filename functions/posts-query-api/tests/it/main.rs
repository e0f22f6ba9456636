//! The API over a real master and three real shards (`DATABASE_URL`, `POSTGRES_SHARD_<n>_URL`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod away;
mod consistency;
mod moves;
mod proxy;
mod reads;
mod support;
