//! Streamed answers: function URLs, and callers of the host.

use millrace::host::{Origin, Reply};
use serde_json::json;

use super::{Site, answer, header};
use crate::support::{App, error_of, until};

const STREAMS: &str = "
import os, time
def parts(path):
    yield 'one '
    if path == '/flag':
        await_flag('go')
    if path == '/error':
        raise ValueError('half-way')
    if path == '/break':
        raise Break()
    if path == '/exit':
        os._exit(1)
    if path == '/slow':
        # longer than the function's deadline
        time.sleep(30)
    if path == '/large':
        for n in range(64):
            record(n)
            yield bytes(1024 * 1024)
    yield 'two'
def handler(event, context):
    path = event['rawPath']
    if path == '/first':
        raise ValueError('before')
    if path == '/whole':
        return {'statusCode': 200}
    if path == '/prelude':
        return Stream(parts(path), prelude={'statusCode': 201, 'headers': {'x-a': 'b', 'content-type': 'text/html'}, 'cookies': ['c=1', 'd=2']})
    if path == '/nonsense':
        return Stream([b'no prelude' + bytes(8)], content_type='application/vnd.awslambda.http-integration-response')
    return Stream(parts(path), content_type='text/event-stream' if path == '/sse' else None)
";

async fn site(properties: &str) -> Site {
    Site::url("InvokeMode: RESPONSE_STREAM", properties, STREAMS).await
}

pub(crate) async fn parts_arrive_before_the_function_ends() {
    let site = site("Timeout: 60").await;
    let mut found = site.get("/flag").send().await.unwrap();
    assert_eq!((found.status().as_u16(), header(&found, "content-type")), (200, "application/octet-stream"));
    assert_eq!(&found.chunk().await.unwrap().unwrap()[..], b"one ", "the function still waits for the flag");
    site.app.raise("go");
    assert_eq!(found.text().await.unwrap(), "two");
    assert_eq!(header(&site.get("/sse").send().await.unwrap(), "content-type"), "text/event-stream");
}

pub(crate) async fn the_prelude_is_the_responses_head() {
    let site = site("Timeout: 60").await;
    let found = site.get("/prelude").send().await.unwrap();
    assert_eq!(
        (found.status().as_u16(), header(&found, "x-a"), header(&found, "content-type")),
        (201, "b", "text/html")
    );
    assert_eq!(found.headers().get_all("set-cookie").iter().count(), 2);
    assert_eq!(found.text().await.unwrap(), "one two");
}

pub(crate) async fn what_fails_before_the_first_byte_is_502() {
    let site = site("Timeout: 60").await;
    for path in ["/first", "/nonsense"] {
        assert_eq!(answer(site.get(path)).await, (502, "Internal Server Error".to_owned()), "{path}");
    }
}

pub(crate) async fn what_fails_half_way_ends_the_answer_without_its_end() {
    let site = site("Timeout: 2").await;
    for path in ["/error", "/break", "/exit", "/slow"] {
        // A crash may come before the first part has left; then there is no answer, or one that says 502.
        let told = match site.get(path).send().await {
            Ok(answer) => answer.status().is_server_error() || answer.text().await.is_err(),
            Err(_) => true,
        };
        assert!(told, "{path}: the client can tell");
    }
    assert_eq!(answer(site.get("/sse")).await, (200, "one two".to_owned()), "and the next one is served");
}

pub(crate) async fn a_slow_reader_slows_the_function_down() {
    let site = site("Timeout: 60").await;
    let mut found = site.get("/large").send().await.unwrap();
    assert_eq!(&found.chunk().await.unwrap().unwrap()[..4], b"one ");
    // Sockets hold some megabytes; nothing holds 64. `until` has the deadline.
    let mut before = usize::MAX;
    let stuck = until("a function that waits for its reader", async || {
        let now = site.app.records().len();
        let same = now == before && now > 0;
        before = now;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        same.then_some(now)
    })
    .await;
    assert!(stuck < 60, "{stuck} MB were written to nobody");
    let mut size = 0;
    while let Some(chunk) = found.chunk().await.unwrap() {
        size += chunk.len();
    }
    assert!(size >= 64 * 1024 * 1024, "{size}");
}

pub(crate) async fn who_wants_the_whole_gets_it_collected() {
    let app = App::function("Timeout: 60", STREAMS);
    let outcome = app.invoke(&json!({"rawPath": "/"})).await;
    assert_eq!((outcome.function_error, &outcome.payload[..]), (None, &b"one two"[..]));
    let failed = error_of(&app.invoke(&json!({"rawPath": "/error"})).await);
    assert_eq!(failed, json!({"errorType": "ValueError", "errorMessage": "half-way", "stackTrace": []}));
    let large = error_of(&app.invoke(&json!({"rawPath": "/large"})).await);
    assert_eq!(large["errorType"], "Function.ResponseSizeTooLarge");
    let broken = error_of(&app.invoke(&json!({"rawPath": "/break"})).await);
    assert_eq!(broken["errorType"], "Runtime.TruncatedResponse");
}

pub(crate) async fn the_caller_learns_how_a_stream_ended() {
    let app = App::function("Timeout: 60", STREAMS);
    for (path, bytes, error) in
        [("/", "one two", None), ("/error", "one ", Some("Unhandled")), ("/whole", "{\"statusCode\": 200}", None)]
    {
        let event = json!({"rawPath": path}).to_string();
        let reply = app.host.invoke_streaming(&Origin::caller(), "F", event.into()).await.unwrap();
        let Reply::Stream(mut stream) = reply else { panic!("{path}: no stream") };
        assert_eq!(stream.head.streamed, path != "/whole");
        let mut all = Vec::new();
        while let Some(part) = stream.next().await {
            all.extend_from_slice(&part);
        }
        assert_eq!(String::from_utf8(all).unwrap(), bytes, "{path}");
        assert_eq!(stream.end().await.unwrap().function_error, error, "{path}");
    }
    let event = json!({"rawPath": "/first"}).to_string();
    let reply = app.host.invoke_streaming(&Origin::caller(), "F", event.into()).await.unwrap();
    assert!(matches!(reply, Reply::Ended(outcome) if outcome.function_error.is_some()));
}
