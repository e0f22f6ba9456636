//! A request as the JSON event of payload format 2.0.

use std::{borrow::Cow, collections::BTreeMap, net::IpAddr};

use chrono::{DateTime, Utc};
use http::{HeaderMap, header, request::Parts};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::route::Matched;

/// What is not in the request itself.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    /// Logical id of the API.
    pub api_id: &'a str,
    /// The account.
    pub account_id: &'a str,
    /// The local port.
    pub port: u16,
    /// Unique for the request.
    pub request_id: &'a str,
    /// The client's address.
    pub source_ip: IpAddr,
    /// When the request came.
    pub now: DateTime<Utc>,
    /// The path as the event has it.
    pub path: &'a str,
    /// `$default`, or the stage's name.
    pub stage: &'a str,
    /// The stage's variables.
    pub stage_variables: &'a BTreeMap<String, String>,
    /// What the JWT authorizer found: `claims` and `scopes`.
    pub jwt: Option<&'a Value>,
}

/// The path as routes and functions see it: HTTP APIs decode it.
pub fn decoded_path(path: &str) -> Cow<'_, str> {
    percent_decode_str(path).decode_utf8_lossy()
}

/// The event for a request and the route that answers it.
pub fn event(parts: &Parts, body: &[u8], matched: &Matched<'_>, context: &Context<'_>) -> Value {
    let path = context.path;
    let raw_query = parts.uri.query().unwrap_or_default();
    let route_key = super::route::route_key(matched.route);
    let mut event = Map::new();
    let mut put = |key: &str, value: Value| drop(event.insert(key.to_owned(), value));
    put("version", json!("2.0"));
    put("routeKey", json!(route_key));
    put("rawPath", json!(path));
    put("rawQueryString", json!(raw_query));
    let cookies = cookies(&parts.headers);
    if !cookies.is_empty() {
        put("cookies", json!(cookies));
    }
    put("headers", headers(&parts.headers, context));
    let query = query(raw_query);
    if !query.is_empty() {
        put("queryStringParameters", Value::Object(query));
    }
    if !matched.parameters.is_empty() {
        let parameters = matched.parameters.iter().map(|(name, value)| (name.clone(), json!(value)));
        put("pathParameters", Value::Object(parameters.collect()));
    }
    let domain = domain(&parts.headers);
    let mut request = json!({
        "accountId": context.account_id,
        "apiId": context.api_id,
        "domainName": domain,
        "domainPrefix": domain.split('.').next().unwrap_or_default(),
        "http": {
            "method": parts.method.as_str(),
            "path": path,
            "protocol": format!("{:?}", parts.version),
            "sourceIp": context.source_ip.to_string(),
            "userAgent": text(&parts.headers, header::USER_AGENT.as_str()),
        },
        "requestId": context.request_id,
        "routeKey": route_key,
        "stage": context.stage,
        "time": context.now.format("%d/%b/%Y:%H:%M:%S %z").to_string(),
        "timeEpoch": context.now.timestamp_millis(),
    });
    if let (Some(jwt), Some(request)) = (context.jwt, request.as_object_mut()) {
        request.insert("authorizer".to_owned(), json!({ "jwt": jwt }));
    }
    put("requestContext", request);
    if !context.stage_variables.is_empty() {
        put("stageVariables", json!(context.stage_variables));
    }
    let (body, encoded) = encode_body(body, &text(&parts.headers, header::CONTENT_TYPE.as_str()));
    if let Some(body) = body {
        put("body", json!(body));
    }
    put("isBase64Encoded", json!(encoded));
    Value::Object(event)
}

/// The host that was asked for, without its port.
pub(super) fn domain(headers: &HeaderMap) -> String {
    let host = text(headers, header::HOST.as_str());
    host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name).to_owned()
}

pub(super) fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(header::COOKIE).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let all: Vec<String> =
        lines.flat_map(|line| line.split(';').map(|cookie| cookie.trim().to_owned()).collect::<Vec<_>>()).collect();
    all.into_iter().filter(|cookie| !cookie.is_empty()).collect()
}

/// Lower-case names, several values joined by a comma, cookies apart, and what API Gateway adds.
fn headers(headers: &HeaderMap, context: &Context<'_>) -> Value {
    // Between the client and API Gateway only.
    let hop = [header::COOKIE, header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE];
    let mut all = Map::new();
    for name in headers.keys().filter(|name| !hop.contains(name)) {
        let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        all.insert(name.as_str().to_owned(), json!(values.collect::<Vec<_>>().join(",")));
    }
    for (name, value) in forwarded(headers, context) {
        all.insert(name.to_owned(), json!(value));
    }
    Value::Object(all)
}

/// What API Gateway adds to a request's headers.
pub(super) fn forwarded(headers: &HeaderMap, context: &Context<'_>) -> [(&'static str, String); 3] {
    let (before, ip) = (text(headers, "x-forwarded-for"), context.source_ip);
    let addresses = if before.is_empty() { ip.to_string() } else { format!("{before}, {ip}") };
    [
        ("x-forwarded-for", addresses),
        ("x-forwarded-port", context.port.to_string()),
        ("x-forwarded-proto", "http".to_owned()),
    ]
}

/// Decoded names and values; several values of a name joined by a comma.
fn query(raw: &str) -> Map<String, Value> {
    let mut all: Map<String, Value> = Map::new();
    for (name, value) in query_pairs(raw) {
        match all.get_mut(&name) {
            Some(Value::String(before)) => {
                before.push(',');
                before.push_str(&value);
            }
            _ => drop(all.insert(name, Value::String(value))),
        }
    }
    all
}

/// Decoded names and values in their order.
pub(super) fn query_pairs(raw: &str) -> impl Iterator<Item = (String, String)> {
    let decode = |part: &str| {
        let spaced = part.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    raw.split('&').filter(|pair| !pair.is_empty()).map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

/// The values of one name.
pub(super) fn query_values(raw: &str, name: &str) -> impl Iterator<Item = String> {
    query_pairs(raw).filter(move |(found, _)| found == name).map(|(_, value)| value)
}

/// Text stays text, everything else is base64; forms are base64 too, as on AWS. No body, no `body`.
pub(super) fn encode_body(body: &[u8], content_type: &str) -> (Option<String>, bool) {
    if body.is_empty() {
        return (None, false);
    }
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let textual = kind.is_empty()
        || kind.starts_with("text/")
        || matches!(kind.as_str(), "application/json" | "application/javascript" | "application/xml")
        || kind.ends_with("+json")
        || kind.ends_with("+xml");
    match std::str::from_utf8(body) {
        Ok(text) if textual => (Some(text.to_owned()), false),
        _ => (Some(base64_simd::STANDARD.encode_to_string(body)), true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::spec::RouteSpec;

    fn make(request: http::Request<&[u8]>, parameters: Vec<(String, String)>) -> Value {
        let route = RouteSpec::new("ANY", "/{proxy+}", "F");
        let path = decoded_path(request.uri().path()).into_owned();
        let context = Context {
            api_id: "Api",
            account_id: "000000000000",
            port: 8003,
            request_id: "r-1",
            source_ip: "127.0.0.1".parse().unwrap(),
            now: "2020-03-12T19:03:58.390Z".parse().unwrap(),
            path: &path,
            stage: "$default",
            stage_variables: &BTreeMap::new(),
            jwt: None,
        };
        let (parts, body) = request.into_parts();
        event(&parts, body, &Matched { route: &route, parameters }, &context)
    }

    #[test]
    fn the_whole_event() {
        let request = http::Request::builder()
            .method("POST")
            .uri("/my%20path/x?a=1&a=2&b=c%20d&e")
            .header("Host", "localhost:8003")
            .header("User-Agent", "agent")
            .header("X-Many", "1")
            .header("X-Many", "2")
            .header("Cookie", "c1=1; c2=2")
            .header("Content-Type", "application/json; charset=utf-8")
            .body(&b"{\"k\":1}"[..])
            .unwrap();
        let expected = json!({
            "version": "2.0",
            "routeKey": "ANY /{proxy+}",
            "rawPath": "/my path/x",
            "rawQueryString": "a=1&a=2&b=c%20d&e",
            "cookies": ["c1=1", "c2=2"],
            "headers": {
                "host": "localhost:8003",
                "user-agent": "agent",
                "x-many": "1,2",
                "content-type": "application/json; charset=utf-8",
                "x-forwarded-for": "127.0.0.1",
                "x-forwarded-port": "8003",
                "x-forwarded-proto": "http",
            },
            "queryStringParameters": {"a": "1,2", "b": "c d", "e": ""},
            "pathParameters": {"proxy": "my path/x"},
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "Api",
                "domainName": "localhost",
                "domainPrefix": "localhost",
                "http": {"method": "POST", "path": "/my path/x", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "agent"},
                "requestId": "r-1",
                "routeKey": "ANY /{proxy+}",
                "stage": "$default",
                "time": "12/Mar/2020:19:03:58 +0000",
                "timeEpoch": 1_584_039_838_390_i64,
            },
            "body": "{\"k\":1}",
            "isBase64Encoded": false,
        });
        let found = make(request, vec![("proxy".to_owned(), "my path/x".to_owned())]);
        assert_eq!(found, expected);
    }

    #[test]
    fn nothing_is_absent_not_null() {
        let event = make(http::Request::builder().uri("/").body(&b""[..]).unwrap(), Vec::new());
        for key in ["body", "cookies", "queryStringParameters", "pathParameters", "stageVariables"] {
            assert!(event.get(key).is_none(), "{key}");
        }
        assert_eq!(event["rawQueryString"], "");
    }

    #[test]
    fn bodies() {
        for (kind, body, expected) in [
            ("text/plain", &b"hi"[..], ("hi", false)),
            ("application/json", b"{}", ("{}", false)),
            ("application/problem+json", b"{}", ("{}", false)),
            ("application/x-www-form-urlencoded", b"a=1", ("YT0x", true)),
            ("application/octet-stream", b"hi", ("aGk=", true)),
            ("image/png", b"\xff", ("/w==", true)),
            ("text/plain", b"\xff", ("/w==", true)),
            ("", b"hi", ("hi", false)),
        ] {
            let (text, encoded) = encode_body(body, kind);
            assert_eq!((text.as_deref(), encoded), (Some(expected.0), expected.1), "{kind}");
        }
    }
}
