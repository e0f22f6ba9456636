//! Why a request gets no answer, with the time after which it is worth asking again.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use kit::http::Problem;

use crate::missing::Missing;
use crate::parts::Failure;

/// Breakers rest a second at first, and writes come through in less.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// An error answer.
#[derive(Debug)]
pub(crate) struct Refusal {
    problem: Problem,
    again: bool,
}

impl Refusal {
    /// 503 with `Retry-After`.
    fn later(problem: Problem) -> Self {
        Self { problem, again: true }
    }

    /// 503: shards are away, and part of an answer will not do.
    pub(crate) fn lacks(missing: &[Missing]) -> Self {
        let shards: Vec<String> = missing.iter().map(Missing::says).collect();
        Self::later(Problem::unavailable(shards.join(", ")))
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { problem, again: false }
    }
}

/// 500.
impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        Problem::from(error).into()
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::later(match failure {
            Failure::NoMap(error) => Problem::away("the map of the shards cannot be read", &error),
            Failure::NotYet(token) => Problem::unavailable(format!("the write {token} is not readable yet")),
        })
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.problem.into_response();
        if self.again {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response
    }
}
