//! HTTP APIs: which function answers a request ([`route`]), what it is sent and what its answer means ([`payload`],
//! [`response`]), CORS ([`cors`]), and the server of one API ([`server`]).
//!
//! Deliberately absent: authorizers, stages other than `$default`, throttling, payload format 1.0.

pub mod cors;
pub mod payload;
pub mod response;
pub mod route;
pub mod server;

use std::{future::Future, time::Duration};

use bytes::Bytes;
pub use server::{listen, serve};

use crate::host::Origin;

/// What runs functions.
pub trait Invoke: Clone + Send + Sync + 'static {
    /// Runs the function with the logical id `function` for `origin` and gives its answer.
    ///
    /// The future may be dropped when the client leaves or the time is over.
    fn invoke(
        &self,
        origin: &Origin,
        function: &str,
        payload: Bytes,
        timeout: Duration,
    ) -> impl Future<Output = Result<Bytes, InvokeError>> + Send;

    /// What `GET /metrics` answers for an API with these functions, unless one of its own routes does.
    fn metrics(&self, functions: &[&str]) -> Option<String>;
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    /// The function answered with an error, crashed, or ran into its own timeout.
    #[error("the function failed")]
    FunctionError,
    /// `timeout` is over.
    #[error("the time for an answer is over")]
    Timeout,
    /// All of the function's processes are busy.
    #[error("the function has no free process")]
    Throttled,
    /// The payload or the answer is larger than Lambda's 6 MB.
    #[error("the payload or the answer is over 6 MB")]
    TooLarge,
    /// The function cannot run now; the reason.
    #[error("the function is not ready: {0}")]
    NotReady(String),
}
