//! The Lambda host.

pub(crate) mod answers;
pub(crate) mod api;
pub(crate) mod concurrency;
pub(crate) mod endings;
pub(crate) mod failures;
pub(crate) mod foreign;
pub(crate) mod limits;
pub(crate) mod metrics;
pub(crate) mod reload;
