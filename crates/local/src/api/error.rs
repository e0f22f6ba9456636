//! Errors as AWS's REST services write them: a status, the type in a header, and a message.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::json;

/// One error answer.
#[derive(Debug)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    pub(super) kind: &'static str,
    pub(super) message: String,
}

impl ApiError {
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, kind: "ResourceNotFoundException", message: message.into() }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, kind: "InvalidParameterValueException", message: message.into() }
    }

    pub(super) fn internal(error: &anyhow::Error) -> Self {
        let message = format!("{error:#}");
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, kind: "ServiceException", message }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let headers = [("x-amzn-errortype", self.kind)];
        // Services differ in the capital letter; SDKs look for either.
        let body = json!({"Type": "User", "__type": self.kind, "message": self.message, "Message": self.message});
        (self.status, headers, Json(body)).into_response()
    }
}

pub(super) async fn unknown(method: http::Method, uri: http::Uri) -> ApiError {
    ApiError {
        status: StatusCode::NOT_FOUND,
        kind: "UnknownOperationException",
        message: format!("{method} {} is not a call that the local runner answers", uri.path()),
    }
}
