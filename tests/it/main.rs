//! Tests of the whole, in one binary: each further one would link everything once more.
//!
//! `tidy` needs nothing but the tree. The others drive a running stack as a user would.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml frees #[test] functions only, not what they share"
)]

mod e2e;
mod tidy;
