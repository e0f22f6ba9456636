//! What an invocation came to.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

/// An invocation that reached the function, whatever the function made of it.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Lambda's request id.
    pub request_id: String,
    /// The function's answer, or the error object.
    pub payload: Bytes,
    /// `Unhandled` when the payload is an error object: the value of `X-Amz-Function-Error`.
    pub function_error: Option<&'static str>,
    /// From the event's hand-over to the answer.
    pub duration: Duration,
    /// From the process's start to its first call for an event; `None` for a warm invocation.
    pub init_duration: Option<Duration>,
    /// The last 4 KB that the log got during this invocation, when the caller asked for them.
    pub log_tail: Option<Bytes>,
}

impl Outcome {
    /// An error object as Lambda writes it.
    pub(crate) fn error(request_id: &str, kind: &str, message: &str, duration: Duration) -> Self {
        let payload = json!({"errorType": kind, "errorMessage": message}).to_string();
        Self {
            request_id: request_id.to_owned(),
            payload: payload.into(),
            function_error: Some("Unhandled"),
            duration,
            init_duration: None,
            log_tail: None,
        }
    }

    /// An answer of `size` bytes, which is over Lambda's limit.
    pub(super) fn too_large(request_id: &str, size: usize, limit: usize, duration: Duration) -> Self {
        let message =
            format!("Response payload size ({size} bytes) exceeded maximum allowed payload size ({limit} bytes).");
        Self::error(request_id, "Function.ResponseSizeTooLarge", &message, duration)
    }

    /// Whether the function answered, and not with an error.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.function_error.is_none()
    }
}

/// Why an invocation did not reach the function.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    /// No function has this name.
    #[error("function {name} does not exist; there are {}", known.join(", "))]
    UnknownFunction {
        /// The name that was asked for.
        name: String,
        /// What could have been asked for.
        known: Vec<String>,
    },
    /// Its reserved concurrency is used up.
    #[error("rate exceeded: all of the function's reserved concurrency is in use")]
    Throttled,
    /// As many events wait as the host keeps.
    #[error("rate exceeded: too many events wait for their functions")]
    QueueFull,
    /// The payload is larger than Lambda takes.
    #[error("the payload has {size} bytes, {limit} are allowed")]
    PayloadTooLarge {
        /// Its bytes.
        size: usize,
        /// Allowed bytes.
        limit: usize,
    },
    /// It was stopped (`millrace stop`), or the host is ending.
    #[error("function {0} is stopped")]
    Stopped(String),
    /// Its program cannot be started.
    #[error("function {function} cannot start: {reason}")]
    NotRunnable {
        /// Name of the function.
        function: String,
        /// What is in the way.
        reason: String,
    },
    /// The host that runs it cannot be reached, or does not invoke it.
    #[error("function {function} cannot be reached: {reason}")]
    Unreachable {
        /// Name of the function.
        function: String,
        /// What the host says, or what is in the way.
        reason: String,
    },
}
