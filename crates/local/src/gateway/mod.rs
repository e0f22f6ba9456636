//! HTTP APIs and function URLs: which function answers a request ([`route`]), whether it may be asked ([`throttle`],
//! [`authorizer`] with the rules in [`jwt`] and the issuer's keys in [`keys`]), what it is sent and what its answer means
//! ([`payload`], [`payload_v1`], [`response`], [`prelude`]), CORS ([`cors`]), the server of one API ([`server`]) and of
//! one function URL ([`url`]).
//!
//! Deliberately absent: authorizers that are functions, IAM, custom domains, WebSockets.

pub mod authorizer;
pub mod cors;
pub mod jwt;
pub mod keys;
pub mod listener;
pub mod payload;
pub mod payload_v1;
pub mod prelude;
pub mod response;
pub mod route;
pub mod server;
pub mod throttle;
pub mod url;

use std::{future::Future, time::Duration};

use bytes::Bytes;
use futures::stream::BoxStream;
use http::{Method, StatusCode};
pub use listener::listen;
pub use server::serve;
pub use url::serve as serve_url;

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

    /// Runs the function and gives its answer as it comes. A part that is an error ends the answer half-way.
    fn stream(
        &self,
        origin: &Origin,
        function: &str,
        payload: Bytes,
    ) -> impl Future<Output = Result<Streaming, InvokeError>> + Send;

    /// What `GET /metrics` answers for this API with these functions, unless one of its own routes does.
    fn metrics(&self, api: &str, functions: &[&str]) -> Option<String>;

    /// Is told of each request that was answered, but for those of Prometheus.
    fn answered(&self, answered: &Answered<'_>);
}

/// A request that was answered.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// Logical id of the API or function URL.
    pub api: &'a str,
    /// Logical id of the function behind the route that fitted; `None` when none did.
    pub function: Option<&'a str>,
    /// The request's.
    pub method: &'a Method,
    /// The answer's.
    pub status: StatusCode,
    /// From the request's head to the answer's.
    pub took: Duration,
}

/// An answer that comes in parts.
pub struct Streaming {
    /// The type that the function gave it.
    pub content_type: Option<String>,
    /// Its parts.
    pub parts: BoxStream<'static, std::io::Result<Bytes>>,
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
