//! Lambda's Invoke: `RequestResponse`, `Event` and `DryRun`.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    response::{IntoResponse, Response},
    routing::post,
};
use http::{HeaderMap, StatusCode, header};

use super::{Stack, error::ApiError};
use crate::host::{Caller, InvokeError, Origin, PAYLOAD_LIMIT};

/// Lambda's limit for the encoded client context.
const CLIENT_CONTEXT_LIMIT: usize = 3583;

pub(super) fn router() -> Router<Arc<Stack>> {
    Router::new().route("/2015-03-31/functions/{name}/invocations", post(invoke)).layer(body_limit())
}

/// Somewhat more than Lambda's limit, so that what is over it is refused with Lambda's words.
pub(super) fn body_limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(4 * PAYLOAD_LIMIT)
}

async fn invoke(
    State(stack): State<Arc<Stack>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    payload: Bytes,
) -> Result<Response, ApiError> {
    let payload = checked(payload)?;
    let caller = caller(&headers)?;
    match invocation_type(&headers) {
        "RequestResponse" => {
            let origin = Origin::caller().with(caller);
            let outcome = stack.host.invoke(&origin, &name, payload).await.map_err(|error| refused(&error))?;
            let mut answer =
                (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], outcome.payload).into_response();
            let headers = answer.headers_mut();
            headers.insert("x-amz-executed-version", http::HeaderValue::from_static("$LATEST"));
            if let Ok(id) = outcome.request_id.parse() {
                headers.insert("x-amzn-requestid", id);
            }
            if let Some(tail) = &outcome.log_tail
                && let Ok(tail) = base64_simd::STANDARD.encode_to_string(tail).parse()
            {
                headers.insert("x-amz-log-result", tail);
            }
            if let Some(error) = outcome.function_error {
                headers.insert("x-amz-function-error", http::HeaderValue::from_static(error));
            }
            Ok(answer)
        }
        "Event" => {
            let id = stack
                .host
                .invoke_asynchronously(&Origin::asynchronous().with(caller), &name, payload)
                .map_err(|error| refused(&error))?;
            Ok((StatusCode::ACCEPTED, [("x-amzn-requestid", id)]).into_response())
        }
        "DryRun" => dry_run(&stack, &name),
        other => Err(ApiError::invalid(format!(
            "X-Amz-Invocation-Type is {other:?}, accepted: RequestResponse, Event, DryRun"
        ))),
    }
}

/// `RequestResponse` unless the call says otherwise.
pub(super) fn invocation_type(headers: &HeaderMap) -> &str {
    headers.get("x-amz-invocation-type").and_then(|value| value.to_str().ok()).unwrap_or("RequestResponse")
}

/// Says whether the function could be invoked.
pub(super) fn dry_run(stack: &Stack, name: &str) -> Result<Response, ApiError> {
    match stack.host.find(name) {
        Some(_) => Ok(StatusCode::NO_CONTENT.into_response()),
        None => Err(ApiError::not_found(format!("Function not found: {name}"))),
    }
}

/// What stands in the headers of a call, checked as Lambda does.
pub(super) fn caller(headers: &HeaderMap) -> Result<Caller, ApiError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let client_context = text("x-amz-client-context").map(client_context).transpose()?;
    let log_tail = match text("x-amz-log-type") {
        None | Some("None") => false,
        Some("Tail") => true,
        Some(other) => {
            return Err(ApiError::invalid(format!("X-Amz-Log-Type is {other:?}, accepted: None, Tail")));
        }
    };
    Ok(Caller { client_context, trace: text("x-amzn-trace-id").map(str::to_owned), log_tail })
}

/// A client context is JSON in base64, of at most 3,583 bytes; the function gets the JSON.
fn client_context(encoded: &str) -> Result<String, ApiError> {
    let invalid = |message: &str| ApiError {
        status: StatusCode::BAD_REQUEST,
        kind: "InvalidRequestContentException",
        message: message.to_owned(),
    };
    if encoded.len() > CLIENT_CONTEXT_LIMIT {
        return Err(invalid("Client context is over 3583 bytes."));
    }
    let decoded = base64_simd::STANDARD.decode_to_vec(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    // A header takes no line breaks; written anew, JSON has none.
    let value: Option<serde_json::Value> = decoded.and_then(|text| serde_json::from_str(&text).ok());
    value
        .map(|value| ascii(&value.to_string()))
        .ok_or_else(|| invalid("Client context must be a valid Base64-encoded JSON object."))
}

/// JSON with everything beyond ASCII escaped, as a header needs it.
fn ascii(json: &str) -> String {
    let mut units = [0; 2];
    json.chars().fold(String::with_capacity(json.len()), |mut text, c| {
        if c.is_ascii() {
            text.push(c);
        } else {
            text.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
        text
    })
}

/// The payload, which is JSON; Lambda takes no payload for an empty object.
pub(super) fn checked(payload: Bytes) -> Result<Bytes, ApiError> {
    let payload = if payload.is_empty() { Bytes::from_static(b"{}") } else { payload };
    match serde_json::from_slice::<serde::de::IgnoredAny>(&payload) {
        Ok(_) => Ok(payload),
        Err(error) => {
            let message = format!("Could not parse request body into json: {error}");
            Err(ApiError { status: StatusCode::BAD_REQUEST, kind: "InvalidRequestContentException", message })
        }
    }
}

pub(super) fn refused(error: &InvokeError) -> ApiError {
    let (status, kind) = match error {
        InvokeError::UnknownFunction { .. } => (StatusCode::NOT_FOUND, "ResourceNotFoundException"),
        InvokeError::Throttled | InvokeError::QueueFull => (StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException"),
        InvokeError::PayloadTooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException"),
        InvokeError::Stopped(_) => (StatusCode::CONFLICT, "ResourceConflictException"),
        InvokeError::Unreachable { .. } => (StatusCode::BAD_GATEWAY, "ServiceException"),
        InvokeError::NotRunnable { .. } => (StatusCode::BAD_GATEWAY, "InvalidRuntimeException"),
    };
    ApiError { status, kind, message: error.to_string() }
}
