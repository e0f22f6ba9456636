//! The lake against real Postgres (`DATABASE_URL`) and S3 (`AWS_ENDPOINT_URL`).

mod committing;
mod concurrent;
mod reading;
mod staging;
mod support;
