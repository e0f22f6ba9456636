//! Function URLs that answer with the whole.

use serde_json::json;

use super::{ECHO, Site, answer, header, json as event_of};

pub(crate) async fn the_event_is_payload_2_with_the_path_as_it_came() {
    let site = Site::url("InvokeMode: BUFFERED", "Timeout: 20", ECHO).await;
    let event = event_of(site.client.put(site.at("/a%20b/c?x=1")).body("hi")).await;
    assert_eq!(
        (&event["version"], &event["routeKey"], &event["rawPath"]),
        (&json!("2.0"), &json!("$default"), &json!("/a%20b/c"))
    );
    let context = &event["requestContext"];
    assert_eq!(
        (&context["apiId"], &context["http"]["method"], &context["stage"]),
        (&json!("FUrl"), &json!("PUT"), &json!("$default"))
    );
    assert_eq!((&event["body"], &event["queryStringParameters"]), (&json!("hi"), &json!({"x": "1"})));
    assert!(event.get("pathParameters").is_none());
}

pub(crate) async fn an_answer_without_a_status_code_is_sent_as_it_came() {
    let site = Site::url(
        "",
        "Timeout: 20",
        "
def handler(event, context):
    return 'Hello, world!'
",
    )
    .await;
    let found = site.get("/").send().await.unwrap();
    assert_eq!((found.status().as_u16(), header(&found, "content-type")), (200, "application/json"));
    assert!(!header(&found, "x-amzn-requestid").is_empty());
    assert_eq!(found.text().await.unwrap(), "\"Hello, world!\"");
}

pub(crate) async fn a_function_error_is_502() {
    let site = Site::url(
        "",
        "Timeout: 1",
        "
import os, time
def handler(event, context):
    if event['rawPath'] == '/slow':
        # longer than the function's deadline
        time.sleep(10)
    if event['rawPath'] == '/exit':
        os._exit(1)
    if event['rawPath'] == '/nonsense':
        return {'statusCode': 'x'}
    raise ValueError('no')
",
    )
    .await;
    for path in ["/error", "/exit", "/nonsense", "/slow"] {
        assert_eq!(answer(site.get(path)).await, (502, "Internal Server Error".to_owned()), "{path}");
    }
}

pub(crate) async fn a_function_without_concurrency_is_429() {
    let site = Site::url("", "ReservedConcurrentExecutions: 0", ECHO).await;
    assert_eq!(answer(site.get("/")).await.0, 429);
}

pub(crate) async fn a_request_over_6_mb_is_413() {
    let site = Site::url("", "Timeout: 20", ECHO).await;
    for size in [6 * 1024 * 1024, 6 * 1024 * 1024 + 1] {
        assert_eq!(answer(site.client.post(site.at("/")).body(vec![b'x'; size])).await.0, 413, "{size}");
    }
}

pub(crate) async fn the_urls_cors_answers_preflights() {
    let site =
        Site::url("Cors: {AllowOrigins: ['*'], AllowMethods: [GET], AllowCredentials: true}", "Timeout: 20", ECHO)
            .await;
    let preflight = site.client.request(reqwest::Method::OPTIONS, site.at("/")).header("origin", "http://a");
    let found = preflight.header("access-control-request-method", "GET").send().await.unwrap();
    assert_eq!((found.status().as_u16(), header(&found, "access-control-allow-origin")), (200, "http://a"));
    assert_eq!(header(&found, "access-control-allow-credentials"), "true");
    assert_eq!(site.app.f().statistics().invocations, 0);
}
