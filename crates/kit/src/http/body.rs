//! A request's JSON, read so that a fault names its field.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request, rejection::BytesRejection},
};
use http::header;
use serde::de::DeserializeOwned;

use super::Problem;

/// JSON of a request's body; in the place of [`axum::Json`], whose refusals are plain text.
///
/// The whole body must be one JSON object. 400 names the field at fault, 413 is a body above the router's limit (2 MB
/// unless `DefaultBodyLimit` says otherwise), 415 another media type. A request without `Content-Type` is taken as JSON.
#[derive(Debug, Clone, Copy)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Raw(bytes) = Raw::from_request(request, state).await?;
        parse(&bytes).map(Self)
    }
}

/// The bytes of a request's JSON, for what must be passed on as it came. Media type and size are judged as for [`Body`].
#[derive(Debug, Clone)]
pub struct Raw(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if let Some(kind) = request.headers().get(header::CONTENT_TYPE)
            && !kind.to_str().is_ok_and(is_json)
        {
            return Err(Problem::unsupported_media_type("application/json"));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| match rejection {
            BytesRejection::FailedToBufferBody(failure) if failure.status() == http::StatusCode::PAYLOAD_TOO_LARGE => {
                Problem::too_large("the body is larger than this resource accepts")
            }
            other => Problem::bad_parameter("body", &format!("cannot be read: {other}"), "a JSON object"),
        })?;
        Ok(Self(bytes))
    }
}

/// One JSON value that is no array; a fault names the field (`user_id`, `items[3].content`), or `body` when it is none of a field's.
///
/// # Errors
/// 400 as above.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // To serde an array of a struct's values is the struct.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(Problem::bad_parameter("body", "is an array", "a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let (path, error) = match serde_path_to_error::deserialize::<_, T>(&mut json) {
        Ok(value) => match json.end() {
            Ok(()) => return Ok(value),
            Err(error) => (String::new(), error),
        },
        // Only a value that does not fit is a field's fault; broken JSON is nobody's.
        Err(error) if error.inner().is_data() => (error.path().to_string(), error.into_inner()),
        Err(error) => (String::new(), error.into_inner()),
    };
    let field = field(path.trim_matches('.'), &error.to_string());
    Err(Problem::bad_parameter(&field, &format!("is not usable: {error}"), "what /docs says of it"))
}

/// The field at fault: one that is missing is only named in serde's message.
fn field(path: &str, message: &str) -> String {
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    match (path, missing) {
        ("", None) => "body".to_owned(),
        (path, None) => path.to_owned(),
        ("", Some(missing)) => missing.to_owned(),
        (path, Some(missing)) => format!("{path}.{missing}"),
    }
}

fn is_json(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the faults are looked at")]
    struct Order {
        user: String,
        items: Vec<Item>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only the faults are looked at")]
    struct Item {
        count: u8,
    }

    #[test]
    fn a_fault_names_its_field() {
        for (json, field) in [
            (r#"{"user":1,"items":[]}"#, "user"),
            (r#"{"user":"a","items":[{"count":1},{"count":300}]}"#, "items[1].count"),
            (r#"{"user":"a","items":[],"more":1}"#, "more"),
            (r#"{"user":"a"}"#, "items"),
            (r#"{"user":"a","items":[{}]}"#, "items[0].count"),
            (r#"{"user":"a""#, "body"),
            (r#"{"user":"a","items":[]} {}"#, "body"),
            (r#" ["a",[]]"#, "body"),
            ("", "body"),
        ] {
            let problem = serde_json::to_value(parse::<Order>(json.as_bytes()).unwrap_err()).unwrap();
            assert_eq!((&problem["parameter"], &problem["status"]), (&field.into(), &400.into()), "{json}: {problem}");
        }
    }

    #[test]
    fn json_by_any_of_its_names() {
        for kind in ["application/json", "application/json; charset=utf-8", "Application/Problem+JSON"] {
            assert!(is_json(kind), "{kind}");
        }
        assert!(!is_json("text/plain") && !is_json("application/x-www-form-urlencoded"));
    }
}
