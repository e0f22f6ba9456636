//! The lake against real Postgres (`DATABASE_URL`), S3 (`AWS_ENDPOINT_URL`) and a REST catalog (`ICEBERG_REST_URI`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod aws_catalogs;
mod committing;
mod concurrent;
mod crashes;
mod files;
mod maintaining;
mod pyiceberg;
mod reading;
mod repeats;
mod rest;
mod rest_proxy;
mod staging;
mod tallying;
mod walking;
