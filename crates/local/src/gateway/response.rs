//! What a function's answer means as an HTTP response.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::Value;

/// An answer that API Gateway makes itself: `{"message": ...}`.
pub fn message(status: StatusCode, text: &str) -> Response<Bytes> {
    let body = serde_json::json!({ "message": text }).to_string();
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Reads a function's answer.
///
/// With a `statusCode` it is a response; without one the whole answer is the body, with status 200 and type JSON.
///
/// # Errors
/// What is wrong with it; API Gateway answers 500 then.
pub fn read(answer: &[u8]) -> Result<Response<Bytes>, String> {
    let value: Value = serde_json::from_slice(answer).map_err(|error| format!("the answer is no JSON: {error}"))?;
    match value.get("statusCode") {
        Some(status) => formatted(&value, status),
        None => Ok(inferred(&value, answer)),
    }
}

fn inferred(value: &Value, answer: &[u8]) -> Response<Bytes> {
    // A text is sent without its quotes.
    let body =
        value.as_str().map_or_else(|| Bytes::copy_from_slice(answer), |text| Bytes::copy_from_slice(text.as_bytes()));
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn formatted(value: &Value, status: &Value) -> Result<Response<Bytes>, String> {
    let code = status.as_u64().or_else(|| status.as_str()?.parse().ok());
    let code = code.and_then(|code| u16::try_from(code).ok()).and_then(|code| StatusCode::from_u16(code).ok());
    let code = code.ok_or_else(|| format!("statusCode {status} is no HTTP status"))?;
    let body = match value.get("body") {
        None | Some(Value::Null) => Bytes::new(),
        Some(Value::String(text)) if value.get("isBase64Encoded").and_then(Value::as_bool) == Some(true) => {
            let decoded = base64_simd::STANDARD.decode_to_vec(text);
            Bytes::from(decoded.map_err(|error| format!("isBase64Encoded is true and the body is no base64: {error}"))?)
        }
        Some(Value::String(text)) => Bytes::copy_from_slice(text.as_bytes()),
        Some(_) => return Err("body must be a text".to_owned()),
    };
    let mut response = Response::new(body);
    *response.status_mut() = code;
    let headers = match value.get("headers") {
        None | Some(Value::Null) => None,
        Some(Value::Object(headers)) => Some(headers),
        Some(_) => return Err("headers must be an object".to_owned()),
    };
    for (name, value) in headers.into_iter().flatten() {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => return Err(format!("header {name} must be a text")),
        };
        let name: HeaderName = name.parse().map_err(|_| format!("\"{name}\" is no name of a header"))?;
        // The body's length is known here, whatever the function says.
        if name == header::CONTENT_LENGTH || name == header::TRANSFER_ENCODING || name == header::CONNECTION {
            continue;
        }
        let value =
            HeaderValue::from_str(&text).map_err(|_| format!("header {name} has characters that cannot be sent"))?;
        response.headers_mut().append(name, value);
    }
    for cookie in value.get("cookies").and_then(Value::as_array).into_iter().flatten() {
        let cookie = cookie.as_str().ok_or("cookies must be texts")?;
        let cookie = HeaderValue::from_str(cookie).map_err(|_| "a cookie has characters that cannot be sent")?;
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    if !response.body().is_empty() && !response.headers().contains_key(header::CONTENT_TYPE) {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=UTF-8"));
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(answer: &str) -> String {
        match read(answer.as_bytes()) {
            Ok(response) => {
                let headers =
                    response.headers().iter().map(|(name, value)| format!(" {name}={}", value.to_str().unwrap()));
                let headers: String = headers.collect();
                format!("{}{headers} {}", response.status().as_u16(), String::from_utf8_lossy(response.body()))
            }
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn answers() {
        for (answer, expected) in [
            (r#""Hello!""#, "200 content-type=application/json Hello!"),
            (r#"{"message":"hi"}"#, r#"200 content-type=application/json {"message":"hi"}"#),
            ("null", "200 content-type=application/json null"),
            (r#"{"statusCode":204}"#, "204 "),
            (r#"{"statusCode":"201","body":"x"}"#, "201 content-type=text/plain;charset=UTF-8 x"),
            (
                r#"{"statusCode":200,"body":"YQ==","isBase64Encoded":true,"headers":{"Content-Type":"a/b","X-N":1}}"#,
                "200 content-type=a/b x-n=1 a",
            ),
            (r#"{"statusCode":200,"cookies":["a=1","b=2"]}"#, "200 set-cookie=a=1 set-cookie=b=2 "),
            (r#"{"statusCode":200,"headers":{"content-length":"99"},"body":null}"#, "200 "),
        ] {
            assert_eq!(shown(answer), expected, "{answer}");
        }
    }

    #[test]
    fn nonsense_is_an_error() {
        for answer in [
            "",
            "nope",
            r#"{"statusCode":"x"}"#,
            r#"{"statusCode":99999}"#,
            r#"{"statusCode":200,"body":{}}"#,
            r#"{"statusCode":200,"body":"%","isBase64Encoded":true}"#,
            r#"{"statusCode":200,"headers":[]}"#,
            r#"{"statusCode":200,"headers":{"a b":"c"}}"#,
            r#"{"statusCode":200,"headers":{"a":"b\nc"}}"#,
        ] {
            assert!(shown(answer).starts_with("error: "), "{answer}");
        }
    }
}
