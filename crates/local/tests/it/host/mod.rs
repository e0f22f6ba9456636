//! The Lambda host.

mod answers;
mod concurrency;
mod endings;
mod failures;
