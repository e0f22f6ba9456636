//! The lake against real Postgres (`DATABASE_URL`) and S3 (`AWS_ENDPOINT_URL`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod committing;
mod concurrent;
mod reading;
mod staging;
