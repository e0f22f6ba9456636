//! Errors as `application/problem+json` (RFC 9457).

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode, header};
use serde::Serialize;
use tracing::error;
use utoipa::ToSchema;

/// An error answer: what the client may know. What only the log may know never gets in here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// Short and the same for every problem of its kind.
    title: &'static str,
    /// HTTP status, in the body too.
    status: u16,
    /// What is wrong with this request.
    detail: String,
    /// The parameter or field at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<String>,
    /// What would be accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted: Option<String>,
}

impl Problem {
    fn new(status: StatusCode, title: &'static str, detail: String) -> Self {
        Self { title, status: status.as_u16(), detail, parameter: None, accepted: None }
    }

    /// 400: a parameter or field whose value cannot be used, its fault, and what is accepted instead.
    #[must_use]
    pub fn bad_parameter(name: &str, fault: &str, accepted: &str) -> Self {
        let detail = format!("{name} {fault}; accepted: {accepted}");
        Self {
            parameter: Some(name.into()),
            accepted: Some(accepted.into()),
            ..Self::new(StatusCode::BAD_REQUEST, "Bad request", detail)
        }
    }

    /// 404.
    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not found", detail.into())
    }

    /// 405.
    #[must_use]
    pub fn method_not_allowed(method: &Method) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", format!("{method} is not allowed here"))
    }

    /// 409: the request contradicts what is there.
    #[must_use]
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "Conflict", detail.into())
    }

    /// 410: it was there, and is no more.
    #[must_use]
    pub fn gone(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, "Gone", detail.into())
    }

    /// 413.
    #[must_use]
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "Too large", detail.into())
    }

    /// 415: a body in another format than the accepted one.
    #[must_use]
    pub fn unsupported_media_type(accepted: &str) -> Self {
        let detail = format!("the body's Content-Type is not {accepted}");
        Self {
            accepted: Some(accepted.into()),
            ..Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported media type", detail)
        }
    }

    /// 503: something that this function needs does not answer now; `detail` says what. The reason goes to the log.
    #[must_use]
    pub fn away(detail: &str, reason: &anyhow::Error) -> Self {
        error!(error = format!("{reason:#}"), "{detail}");
        Self::unavailable(detail)
    }

    /// 503: something that this function needs does not answer now.
    #[must_use]
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Unavailable", detail.into())
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// 500: the chain goes to the log, the client learns nothing of it.
impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        error!(error = format!("{error:#}"), "request failed");
        let detail = "the request failed; the function's log has the reason".into();
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal error", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let content_type = [(header::CONTENT_TYPE, "application/problem+json")];
        (self.status(), content_type, Json(self)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_parameter_names_itself_its_fault_and_what_is_accepted() {
        let problem = Problem::bad_parameter("page_size", "is 0", "1 to 1000");
        assert_eq!(problem.status(), StatusCode::BAD_REQUEST);
        let json = serde_json::to_value(&problem).unwrap();
        assert_eq!(json["detail"], "page_size is 0; accepted: 1 to 1000");
        assert_eq!(json["parameter"], "page_size");
    }

    #[test]
    fn an_internal_error_keeps_its_reason_to_itself() {
        let problem = Problem::from(anyhow::anyhow!("password is hunter2"));
        assert!(!serde_json::to_string(&problem).unwrap().contains("hunter2"));
        assert_eq!(problem.into_response().headers()[header::CONTENT_TYPE], "application/problem+json");
    }
}
