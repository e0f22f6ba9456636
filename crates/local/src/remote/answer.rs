//! What an answer of an Invoke API means. Pure.

use base64_simd::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// An answer as it came.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// The answer of a function that was invoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// `None` when the host gives none (`cargo lambda watch`).
    pub request_id: Option<String>,
    /// `Unhandled` or `Handled` when the payload is an error object.
    pub function_error: Option<&'static str>,
    /// What the function returned; empty for an event.
    pub payload: Bytes,
    /// The end of its log, when it was asked for and the host has it.
    pub log: Option<String>,
}

/// Why there is no answer of a function.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The host has no room for the invocation now.
    #[error("the host throttles: {0}")]
    Throttled(String),
    /// The host takes no such payload.
    #[error("the host takes no payload of this size: {0}")]
    TooLarge(String),
    /// The invocation was handed over, or was about to be, and no answer came in time.
    #[error("no answer came in time")]
    TimedOut,
    /// The function was not invoked; the reason.
    #[error("{0}")]
    NotInvoked(String),
}

/// AWS answers 200 with `X-Amz-Function-Error` for an error of the function. `cargo lambda watch` answers 500 without
/// any header of AWS; AWS's own 500 has `X-Amzn-ErrorType` and did not reach the function.
pub(super) fn read(received: Received) -> Result<Answer, CallError> {
    let text = |name: &str| received.headers.get(name).and_then(|value| value.to_str().ok());
    let service_error = text("x-amzn-errortype");
    let function_error = match text("x-amz-function-error") {
        Some("Handled") => Some("Handled"),
        Some(_) => Some("Unhandled"),
        None => None,
    };
    let plain_error =
        received.status == StatusCode::INTERNAL_SERVER_ERROR && service_error.is_none() && !received.body.is_empty();
    if received.status.is_success() || function_error.is_some() || plain_error {
        let log = text("x-amz-log-result").and_then(|log| STANDARD.decode_to_vec(log).ok());
        return Ok(Answer {
            request_id: text("x-amzn-requestid").map(str::to_owned),
            function_error: function_error.or(plain_error.then_some("Unhandled")),
            log: log.map(|log| String::from_utf8_lossy(&log).into_owned()),
            payload: received.body,
        });
    }
    let reason = reason(&received.body);
    Err(match received.status {
        StatusCode::TOO_MANY_REQUESTS => CallError::Throttled(reason),
        StatusCode::PAYLOAD_TOO_LARGE => CallError::TooLarge(reason),
        status => {
            let kind = service_error.map(|kind| format!(" {kind}")).unwrap_or_default();
            CallError::NotInvoked(format!("the host answers {}{kind}: {reason}", status.as_u16()))
        }
    })
}

/// What a host says in its own error: AWS `message` or `Message`, `cargo lambda watch` `detail`.
fn reason(body: &[u8]) -> String {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let said = |key: &str| parsed.as_ref().and_then(|body| body.get(key)).and_then(Value::as_str).map(str::to_owned);
    let said = said("message").or_else(|| said("Message")).or_else(|| said("detail"));
    said.unwrap_or_else(|| String::from_utf8_lossy(body).trim().chars().take(300).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> Received {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Received { status: StatusCode::from_u16(status).unwrap(), headers, body: body.into() }
    }

    #[test]
    fn a_function_error_is_known_by_its_header_and_by_a_bare_500() {
        let of_aws = read(received(200, &[("x-amz-function-error", "Unhandled")], r#"{"errorType":"E"}"#)).unwrap();
        assert_eq!(of_aws.function_error, Some("Unhandled"));
        let of_cargo_lambda = read(received(500, &[], r#"{"errorType":"E","errorMessage":"m"}"#)).unwrap();
        assert_eq!(of_cargo_lambda.function_error, Some("Unhandled"));
        let success = read(received(200, &[("x-amzn-requestid", "r"), ("x-amz-log-result", "aGk=")], "1")).unwrap();
        assert_eq!((success.function_error, success.request_id.as_deref()), (None, Some("r")));
        assert_eq!(success.log.as_deref(), Some("hi"));
    }

    #[test]
    fn what_did_not_reach_the_function_is_no_function_error() {
        let service = read(received(500, &[("x-amzn-errortype", "ServiceException")], r#"{"message":"later"}"#));
        assert_eq!(
            service.unwrap_err(),
            CallError::NotInvoked("the host answers 500 ServiceException: later".to_owned())
        );
        let unknown = read(received(404, &[], r#"{"detail":"no such binary","title":"Missing function"}"#));
        assert_eq!(unknown.unwrap_err(), CallError::NotInvoked("the host answers 404: no such binary".to_owned()));
        let throttled = read(received(429, &[], r#"{"Message":"Rate Exceeded."}"#));
        assert_eq!(throttled.unwrap_err(), CallError::Throttled("Rate Exceeded.".to_owned()));
        assert!(matches!(read(received(413, &[], "")), Err(CallError::TooLarge(_))));
        assert!(matches!(read(received(502, &[], "bad gateway")), Err(CallError::NotInvoked(_))));
    }
}
