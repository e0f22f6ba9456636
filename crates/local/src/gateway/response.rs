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

/// How an answer without a `statusCode` is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bare {
    /// It is the body; a text is sent without its quotes (HTTP APIs, payload format 2.0).
    Text,
    /// It is the body as it came (function URLs).
    AsItIs,
    /// It is an error (payload format 1.0).
    Refused,
}

/// Reads a function's answer.
///
/// With a `statusCode` it is a response; without one the whole answer is the body, with status 200 and type JSON, when
/// `bare` says so.
///
/// # Errors
/// What is wrong with it; API Gateway answers 500 then, a function URL 502.
pub fn read(answer: &[u8], bare: Bare) -> Result<Response<Bytes>, String> {
    let value: Value = serde_json::from_slice(answer).map_err(|error| format!("the answer is no JSON: {error}"))?;
    if value.get("statusCode").is_some() {
        return formatted(&value);
    }
    match bare {
        Bare::Refused => Err("the answer has no statusCode, which payload format 1.0 needs".to_owned()),
        Bare::Text | Bare::AsItIs => {
            let text = value.as_str().filter(|_| bare == Bare::Text).map_or(answer, str::as_bytes);
            let mut response = Response::new(Bytes::copy_from_slice(text));
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Ok(response)
        }
    }
}

fn formatted(value: &Value) -> Result<Response<Bytes>, String> {
    let body = match value.get("body") {
        None | Some(Value::Null) => Bytes::new(),
        Some(Value::String(text)) if value.get("isBase64Encoded").and_then(Value::as_bool) == Some(true) => {
            let decoded = base64_simd::STANDARD.decode_to_vec(text);
            Bytes::from(decoded.map_err(|error| format!("isBase64Encoded is true and the body is no base64: {error}"))?)
        }
        Some(Value::String(text)) => Bytes::copy_from_slice(text.as_bytes()),
        Some(_) => return Err("body must be a text".to_owned()),
    };
    let mut response = head(value)?.map(|()| body);
    if !response.body().is_empty() && !response.headers().contains_key(header::CONTENT_TYPE) {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=UTF-8"));
    }
    Ok(response)
}

/// Status, headers and cookies of a formatted answer, or of a stream's prelude.
///
/// # Errors
/// What is wrong with it.
pub fn head(value: &Value) -> Result<Response<()>, String> {
    let status = value.get("statusCode").unwrap_or(&Value::Null);
    let code = status.as_u64().or_else(|| status.as_str()?.parse().ok());
    // 1xx does not end a request, so the client would wait for ever.
    let code = code.and_then(|code| u16::try_from(code).ok()).filter(|code| (200..=599).contains(code));
    let code = code.and_then(|code| StatusCode::from_u16(code).ok());
    let code = code.ok_or_else(|| format!("statusCode {status} is no HTTP status from 200 to 599"))?;
    let mut response = Response::new(());
    *response.status_mut() = code;
    for (key, several) in [("headers", false), ("multiValueHeaders", true)] {
        let headers = match value.get(key) {
            None | Some(Value::Null) => continue,
            Some(Value::Object(headers)) => headers,
            Some(_) => return Err(format!("{key} must be an object")),
        };
        for (name, value) in headers {
            let values =
                if several { value.as_array().map_or(&[][..], Vec::as_slice) } else { std::slice::from_ref(value) };
            let single = if several { Some(name.as_str()) } else { None };
            // A name in both: the list of values holds.
            if let Some(name) = single.and_then(|name| name.parse::<HeaderName>().ok()) {
                response.headers_mut().remove(name);
            }
            for value in values {
                put(&mut response, name, value)?;
            }
        }
    }
    for cookie in value.get("cookies").and_then(Value::as_array).into_iter().flatten() {
        let cookie = cookie.as_str().ok_or("cookies must be texts")?;
        let cookie = HeaderValue::from_str(cookie).map_err(|_| "a cookie has characters that cannot be sent")?;
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

fn put(response: &mut Response<()>, name: &str, value: &Value) -> Result<(), String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => return Err(format!("header {name} must be a text")),
    };
    let name: HeaderName = name.parse().map_err(|_| format!("\"{name}\" is no name of a header"))?;
    // The body's length is known here, whatever the function says.
    if name == header::CONTENT_LENGTH || name == header::TRANSFER_ENCODING || name == header::CONNECTION {
        return Ok(());
    }
    let value =
        HeaderValue::from_str(&text).map_err(|_| format!("header {name} has characters that cannot be sent"))?;
    response.headers_mut().append(name, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(answer: &str) -> String {
        match read(answer.as_bytes(), Bare::Text) {
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
            r#"{"statusCode":101}"#,
            r#"{"statusCode":200,"multiValueHeaders":{"a":[{}]}}"#,
            r#"{"statusCode":200,"body":{}}"#,
            r#"{"statusCode":200,"body":"%","isBase64Encoded":true}"#,
            r#"{"statusCode":200,"headers":[]}"#,
            r#"{"statusCode":200,"headers":{"a b":"c"}}"#,
            r#"{"statusCode":200,"headers":{"a":"b\nc"}}"#,
        ] {
            assert!(shown(answer).starts_with("error: "), "{answer}");
        }
    }

    #[test]
    fn what_differs_for_urls_and_format_1() {
        let body = |answer: &str, bare| read(answer.as_bytes(), bare).map(|answer| answer.into_body());
        assert_eq!(body("\"hi\"", Bare::Text).unwrap(), "hi");
        assert_eq!(body("\"hi\"", Bare::AsItIs).unwrap(), "\"hi\"");
        assert!(body("{}", Bare::Refused).is_err());
        let answer = r#"{"statusCode":200,"headers":{"a":"0","b":"1"},"multiValueHeaders":{"A":["1","2"]}}"#;
        let answer = read(answer.as_bytes(), Bare::Refused).unwrap();
        let all: Vec<_> = answer.headers().get_all("a").iter().collect();
        assert_eq!(all, ["1", "2"]);
        assert_eq!(answer.headers()["b"], "1");
    }
}
