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
use crate::host::{InvokeError, Origin, PAYLOAD_LIMIT};

pub(super) fn router() -> Router<Arc<Stack>> {
    Router::new()
        .route("/2015-03-31/functions/{name}/invocations", post(invoke))
        // Somewhat more than the limit, so that what is over it is refused with Lambda's words.
        .layer(DefaultBodyLimit::max(4 * PAYLOAD_LIMIT))
}

async fn invoke(
    State(stack): State<Arc<Stack>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    payload: Bytes,
) -> Result<Response, ApiError> {
    // Lambda takes no payload for an empty object.
    let payload = if payload.is_empty() { Bytes::from_static(b"{}") } else { payload };
    if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(&payload) {
        let message = format!("Could not parse request body into json: {error}");
        return Err(ApiError { status: StatusCode::BAD_REQUEST, kind: "InvalidRequestContentException", message });
    }
    let kind = headers.get("x-amz-invocation-type").and_then(|value| value.to_str().ok());
    match kind.unwrap_or("RequestResponse") {
        "RequestResponse" => {
            let outcome =
                stack.host.invoke(&Origin::caller(), &name, payload).await.map_err(|error| refused(&error))?;
            let mut answer =
                (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], outcome.payload).into_response();
            let headers = answer.headers_mut();
            headers.insert("x-amz-executed-version", http::HeaderValue::from_static("$LATEST"));
            if let Ok(id) = outcome.request_id.parse() {
                headers.insert("x-amzn-requestid", id);
            }
            if let Some(error) = outcome.function_error {
                headers.insert("x-amz-function-error", http::HeaderValue::from_static(error));
            }
            Ok(answer)
        }
        "Event" => {
            let id = stack
                .host
                .invoke_asynchronously(&Origin::asynchronous(), &name, payload)
                .map_err(|error| refused(&error))?;
            Ok((StatusCode::ACCEPTED, [("x-amzn-requestid", id)]).into_response())
        }
        "DryRun" => match stack.host.find(&name) {
            Some(_) => Ok(StatusCode::NO_CONTENT.into_response()),
            None => Err(ApiError::not_found(format!("Function not found: {name}"))),
        },
        other => Err(ApiError::invalid(format!(
            "X-Amz-Invocation-Type is {other:?}, accepted: RequestResponse, Event, DryRun"
        ))),
    }
}

fn refused(error: &InvokeError) -> ApiError {
    let (status, kind) = match error {
        InvokeError::UnknownFunction { .. } => (StatusCode::NOT_FOUND, "ResourceNotFoundException"),
        InvokeError::Throttled => (StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException"),
        InvokeError::PayloadTooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException"),
        InvokeError::Stopped(_) => (StatusCode::CONFLICT, "ResourceConflictException"),
        InvokeError::NotRunnable { .. } => (StatusCode::BAD_GATEWAY, "InvalidRuntimeException"),
    };
    ApiError { status, kind, message: error.to_string() }
}
