//! The Lambda host.

pub(crate) mod answers;
pub(crate) mod concurrency;
pub(crate) mod endings;
pub(crate) mod failures;
pub(crate) mod metrics;
