//! CORS as HTTP APIs answer it: preflights by the gateway itself, and the gateway's headers instead of the function's.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};

use crate::template::spec::CorsSpec;

/// What a function URL answers to a preflight; an HTTP API answers [`StatusCode::NO_CONTENT`].
pub const URL_PREFLIGHT: StatusCode = StatusCode::OK;

const HEADERS: [HeaderName; 6] = [
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
    header::ACCESS_CONTROL_ALLOW_HEADERS,
    header::ACCESS_CONTROL_ALLOW_METHODS,
    header::ACCESS_CONTROL_EXPOSE_HEADERS,
    header::ACCESS_CONTROL_MAX_AGE,
];

/// The answer to a preflight; `None` when the request is none.
pub fn preflight(cors: &CorsSpec, method: &Method, headers: &HeaderMap, status: StatusCode) -> Option<Response<Bytes>> {
    let origin = headers.get(header::ORIGIN)?.to_str().ok()?;
    if method != Method::OPTIONS || !headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    if let Some(allowed) = allowed_origin(cors, origin) {
        let out = response.headers_mut();
        put(out, header::ACCESS_CONTROL_ALLOW_ORIGIN, &allowed);
        put(out, header::ACCESS_CONTROL_ALLOW_METHODS, &cors.allow_methods.join(","));
        put(out, header::ACCESS_CONTROL_ALLOW_HEADERS, &cors.allow_headers.join(","));
        if cors.allow_credentials {
            put(out, header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
        }
        if let Some(seconds) = cors.max_age_seconds {
            put(out, header::ACCESS_CONTROL_MAX_AGE, &seconds.to_string());
        }
    }
    Some(response)
}

/// Puts the API's headers in place of the function's; `origin` is the request's.
pub fn apply(cors: &CorsSpec, origin: Option<&str>, headers: &mut HeaderMap) {
    for name in HEADERS {
        headers.remove(name);
    }
    let Some(allowed) = origin.and_then(|origin| allowed_origin(cors, origin)) else { return };
    put(headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, &allowed);
    put(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, &cors.expose_headers.join(","));
    if cors.allow_credentials {
        put(headers, header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    if allowed != "*" {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
}

fn allowed_origin(cors: &CorsSpec, origin: &str) -> Option<String> {
    cors.allow_origins.iter().find_map(|allowed| match allowed.as_str() {
        // A browser sends no credentials to "*"; only function URLs accept the two together.
        "*" if cors.allow_credentials => Some(origin.to_owned()),
        "*" => Some("*".to_owned()),
        "https://*" | "http://*" if origin.starts_with(allowed.trim_end_matches('*')) => Some(origin.to_owned()),
        allowed if allowed.eq_ignore_ascii_case(origin) => Some(origin.to_owned()),
        _ => None,
    })
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Some(value) = HeaderValue::from_str(value).ok().filter(|value| !value.is_empty()) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cors(origins: &[&str]) -> CorsSpec {
        CorsSpec {
            allow_origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
            allow_methods: vec!["GET".to_owned(), "POST".to_owned()],
            max_age_seconds: Some(60),
            ..CorsSpec::default()
        }
    }

    fn request(origin: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, origin.parse().unwrap());
        headers.insert(header::ACCESS_CONTROL_REQUEST_METHOD, "GET".parse().unwrap());
        headers
    }

    #[test]
    fn preflights() {
        let answer =
            preflight(&cors(&["http://a"]), &Method::OPTIONS, &request("http://a"), StatusCode::NO_CONTENT).unwrap();
        assert_eq!(answer.status(), 204);
        assert_eq!(answer.headers()["access-control-allow-origin"], "http://a");
        assert_eq!(answer.headers()["access-control-allow-methods"], "GET,POST");
        assert_eq!(answer.headers()["access-control-max-age"], "60");
        let other =
            preflight(&cors(&["http://a"]), &Method::OPTIONS, &request("http://b"), StatusCode::NO_CONTENT).unwrap();
        assert!(other.headers().is_empty(), "204 without headers: the browser refuses");
        assert!(preflight(&cors(&["*"]), &Method::GET, &request("http://a"), StatusCode::NO_CONTENT).is_none());
        assert!(preflight(&cors(&["*"]), &Method::OPTIONS, &HeaderMap::new(), StatusCode::NO_CONTENT).is_none());
    }

    #[test]
    fn the_functions_own_headers_are_replaced() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, "http://evil".parse().unwrap());
        apply(&cors(&["https://*"]), Some("http://a"), &mut headers);
        assert!(headers.is_empty());
        apply(&cors(&["https://*"]), Some("https://a"), &mut headers);
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://a");
    }
}
