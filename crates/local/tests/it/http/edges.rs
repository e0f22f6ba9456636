//! Limits, throttling, CORS, and requests that make no sense.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{ECHO, Site, answer, header};

pub(crate) async fn a_request_over_the_limit_is_413() {
    let site = Site::api("", "", &["Method: POST, Path: /a"], ECHO).await;
    for size in [6 * 1024 * 1024, 10 * 1024 * 1024 + 1] {
        let request = site.client.post(site.at("/a")).body(vec![b'x'; size]);
        assert_eq!(answer(request).await, (413, r#"{"message":"Request Entity Too Large"}"#.to_owned()), "{size}");
    }
}

pub(crate) async fn what_exceeds_the_burst_is_429() {
    let settings = "DefaultRouteSettings: {ThrottlingBurstLimit: 2, ThrottlingRateLimit: 0}, RouteSettings: {'GET /b': {ThrottlingBurstLimit: 1, ThrottlingRateLimit: 0}}";
    let events = [
        "Method: GET, Path: /a",
        "Method: GET, Path: /b",
        "Method: GET, Path: /c, RouteSettings: {ThrottlingBurstLimit: 0}",
    ];
    let site = Site::api(settings, "", &events, ECHO).await;
    let mut statuses = Vec::new();
    for path in ["/a", "/a", "/a", "/b", "/b", "/c"] {
        statuses.push(answer(site.get(path)).await);
    }
    let codes: Vec<u16> = statuses.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, [200, 200, 429, 200, 429, 429]);
    assert_eq!(statuses[2].1, r#"{"message":"Too Many Requests"}"#);
}

pub(crate) async fn a_preflight_needs_neither_route_nor_token() {
    let properties = "CorsConfiguration: {AllowOrigins: ['http://a'], AllowMethods: [GET], AllowHeaders: [x-a], MaxAge: 60}, Auth: {DefaultAuthorizer: X, Authorizers: {X: {JwtConfiguration: {issuer: 'http://127.0.0.1:9', audience: [a]}}}}";
    let site = Site::api(properties, "", &["Method: GET, Path: /a"], ECHO).await;
    for path in ["/a", "/nowhere"] {
        let preflight = site.client.request(reqwest::Method::OPTIONS, site.at(path)).header("origin", "http://a");
        let answer = preflight.header("access-control-request-method", "GET").send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), header(&answer, "access-control-allow-origin")),
            (204, "http://a"),
            "{path}"
        );
        assert_eq!(
            (header(&answer, "access-control-allow-methods"), header(&answer, "access-control-max-age")),
            ("GET", "60")
        );
    }
    let refused = site.get("/a").header("origin", "http://a").send().await.unwrap();
    assert_eq!((refused.status().as_u16(), header(&refused, "access-control-allow-origin")), (401, "http://a"));
}

pub(crate) async fn the_apis_cors_headers_replace_the_functions() {
    let handler = "
def handler(event, context):
    return {'statusCode': 200, 'headers': {'access-control-allow-origin': 'http://evil', 'access-control-max-age': '1'}}
";
    let site =
        Site::api("CorsConfiguration: {AllowOrigins: ['http://a']}", "", &["Method: GET, Path: /a"], handler).await;
    let allowed = site.get("/a").header("origin", "http://a").send().await.unwrap();
    assert_eq!(
        (header(&allowed, "access-control-allow-origin"), header(&allowed, "access-control-max-age")),
        ("http://a", "")
    );
    let other = site.get("/a").header("origin", "http://b").send().await.unwrap();
    assert_eq!((other.status().as_u16(), header(&other, "access-control-allow-origin")), (200, ""));
}

/// What a socket gets for these bytes, until the server closes or has answered.
async fn raw(port: u16, request: &[u8]) -> String {
    let mut socket = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    // A server that refuses early may close while this still writes.
    let _ = socket.write_all(request).await;
    let mut answer = Vec::new();
    // A request that is not whole gets no answer before its end; a whole one loses its answer when the end comes first.
    let first = std::time::Duration::from_millis(500);
    let _ = tokio::time::timeout(first, socket.read_buf(&mut answer)).await;
    let _ = socket.shutdown().await;
    let read = tokio::time::timeout(std::time::Duration::from_secs(30), socket.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "no end of the answer to {:?}", String::from_utf8_lossy(&request[..request.len().min(80)]));
    String::from_utf8_lossy(&answer).into_owned()
}

pub(crate) async fn requests_that_make_no_sense_are_answered_and_harm_nobody() {
    let events = ["Method: ANY, Path: '/{proxy+}'", "Path: $default"];
    let site = Site::api("CorsConfiguration: true", "", &events, ECHO).await;
    let port = site.port("Api");
    let long =
        |what: &str, size: usize| format!("GET {what} HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "y".repeat(size));
    let requests: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"\0\0\0\0\r\n\r\n".to_vec(),
        b"GET\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        b"GET http://[::1/ HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(),
        b"GET /%zz%ff%00%2f..%2f HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(),
        b"GET /a?%zz=%ff&&&==&=&a=%00 HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(),
        b"GET /a HTTP/1.1\r\nhost: \xff\xfe\r\ncookie: ;;;=;\xff\r\nx: \xff\r\n\r\n".to_vec(),
        b"GET /a HTTP/1.1\r\n\r\n".to_vec(),
        b"OPTIONS * HTTP/1.1\r\nhost: x\r\norigin: \xff\r\naccess-control-request-method: \xff\r\n\r\n".to_vec(),
        b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(),
        b"FOO /a HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(),
        b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n".to_vec(),
        b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc".to_vec(),
        b"POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_vec(),
        b"POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n".to_vec(),
        b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-type: \xff/\xff;\xff\r\ncontent-length: 2\r\n\r\n\xff\xff".to_vec(),
        long("/a", 11_000).into_bytes(),
        long(&format!("/{}", "z".repeat(70_000)), 1).into_bytes(),
        long("/a", 2_000_000).into_bytes(),
    ];
    for request in &requests {
        let found = raw(port, request).await;
        let shown = String::from_utf8_lossy(&request[..request.len().min(60)]).into_owned();
        assert!(found.is_empty() || found.starts_with("HTTP/1."), "{shown:?}: {found}");
        assert!(!found.starts_with("HTTP/1.1 500"), "{shown:?}: {found}");
    }
    assert!(raw(port, long("/a", 11_000).as_bytes()).await.starts_with("HTTP/1.1 431"));
    assert_eq!(answer(site.get("/a")).await.0, 200, "it still serves");
}
