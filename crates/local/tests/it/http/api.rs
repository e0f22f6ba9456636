//! Routes, events, answers and failures of HTTP APIs.

use serde_json::json;

use super::{ECHO, Site, answer, header, json as get};

pub(crate) async fn the_most_specific_route_answers() {
    let events = [
        "Method: GET, Path: /a",
        "Method: ANY, Path: /a",
        "Method: GET, Path: '/a/{id}'",
        "Method: ANY, Path: '/{proxy+}'",
        "Path: $default",
    ];
    let site = Site::api("", "", &events, ECHO).await;
    for (method, path, key) in [
        ("GET", "/a", "GET /a"),
        ("PUT", "/a", "ANY /a"),
        ("GET", "/a/7", "GET /a/{id}"),
        ("POST", "/a/7", "ANY /{proxy+}"),
        ("GET", "/a/", "ANY /{proxy+}"),
        ("GET", "/", "$default"),
    ] {
        let event = get(site.client.request(method.parse().unwrap(), site.at(path))).await;
        assert_eq!(event["routeKey"], key, "{method} {path}");
    }
}

pub(crate) async fn a_path_without_a_route_is_404() {
    let site = Site::api("", "", &["Method: GET, Path: /a"], ECHO).await;
    for request in [site.get("/b"), site.get("/a/"), site.client.post(site.at("/a"))] {
        assert_eq!(answer(request).await, (404, r#"{"message":"Not Found"}"#.to_owned()));
    }
}

pub(crate) async fn the_event_has_the_shape_of_payload_2() {
    let site = Site::api("", "", &["Method: POST, Path: '/my/{id}/{rest+}'"], ECHO).await;
    let request =
        site.client.post(site.at("/my/a%20b/c/d?p=1&p=2&q=%C3%BC+x")).header("X-Two", "1").header("X-Two", "2");
    let event = get(request.header("cookie", "a=1; b=2").header("content-type", "application/json").body("{}")).await;
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["rawPath"], "/my/a b/c/d");
    assert_eq!(event["rawQueryString"], "p=1&p=2&q=%C3%BC+x");
    assert_eq!(event["queryStringParameters"], json!({"p": "1,2", "q": "ü x"}));
    assert_eq!(event["pathParameters"], json!({"id": "a b", "rest": "c/d"}));
    assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
    assert_eq!((&event["headers"]["x-two"], &event["headers"]["cookie"]), (&json!("1,2"), &json!(null)));
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("{}"), &json!(false)));
    let context = &event["requestContext"];
    assert_eq!(
        (&context["apiId"], &context["stage"], &context["http"]["method"]),
        (&json!("Api"), &json!("$default"), &json!("POST"))
    );
    assert!(event.get("stageVariables").is_none() && context.get("authorizer").is_none());
}

pub(crate) async fn payload_1_has_single_and_multi_values() {
    let events = ["Method: GET, Path: '/v1/{id}', PayloadFormatVersion: '1.0'"];
    let site = Site::api("", "", &events, ECHO).await;
    let event = get(site.get("/v1/7?p=1&p=2").header("X-Two", "1").header("X-Two", "2")).await;
    assert_eq!(
        (&event["version"], &event["resource"], &event["path"]),
        (&json!("1.0"), &json!("/v1/{id}"), &json!("/v1/7"))
    );
    assert_eq!((&event["httpMethod"], &event["body"]), (&json!("GET"), &json!(null)));
    assert_eq!((&event["headers"]["x-two"], &event["multiValueHeaders"]["x-two"]), (&json!("2"), &json!(["1", "2"])));
    assert_eq!(event["queryStringParameters"], json!({"p": "2"}));
    assert_eq!(event["multiValueQueryStringParameters"], json!({"p": ["1", "2"]}));
    assert_eq!(event["requestContext"]["identity"]["sourceIp"], "127.0.0.1");
}

pub(crate) async fn payload_1_needs_a_status_code() {
    let handler = "
def handler(event, context):
    return 'bare' if event['path'] == '/bare' else {'statusCode': 200, 'multiValueHeaders': {'x-a': ['1', '2']}}
";
    let site = Site::api("", "", &["Method: GET, Path: '/{proxy+}', PayloadFormatVersion: '1.0'"], handler).await;
    assert_eq!(answer(site.get("/bare")).await, (500, r#"{"message":"Internal Server Error"}"#.to_owned()));
    let full = site.get("/full").send().await.unwrap();
    assert_eq!((full.status().as_u16(), full.headers().get_all("x-a").iter().count()), (200, 2));
}

pub(crate) async fn a_body_that_is_no_text_is_base64() {
    let site = Site::api("", "", &["Method: POST, Path: /a"], ECHO).await;
    for (kind, body, expected, encoded) in [
        ("text/plain", &b"hi"[..], "hi", false),
        ("application/json", b"{}", "{}", false),
        ("application/x-www-form-urlencoded", b"a=1", "YT0x", true),
        ("application/octet-stream", b"\xff\0", "/wA=", true),
    ] {
        let event = get(site.client.post(site.at("/a")).header("content-type", kind).body(body.to_vec())).await;
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!(expected), &json!(encoded)), "{kind}");
    }
}

pub(crate) async fn a_named_stage_is_the_paths_first_segment() {
    let site = Site::api("StageName: Prod, StageVariables: {color: red}", "", &["Method: GET, Path: /a"], ECHO).await;
    let event = get(site.get("/Prod/a")).await;
    assert_eq!((&event["rawPath"], &event["routeKey"]), (&json!("/Prod/a"), &json!("GET /a")));
    assert_eq!(
        (&event["requestContext"]["stage"], &event["stageVariables"]),
        (&json!("Prod"), &json!({"color": "red"}))
    );
    for path in ["/a", "/Production/a", "/Prod"] {
        assert_eq!(answer(site.get(path)).await.0, 404, "{path}");
    }
}

const ANSWERS: &str = "
import json, time
def handler(event, context):
    path = event['rawPath']
    if path == '/full':
        return {'statusCode': 201, 'headers': {'X-A': 'b', 'content-type': 'image/png'}, 'cookies': ['a=1', 'b=2'], 'isBase64Encoded': True, 'body': '/wA='}
    if path == '/text':
        return 'plain'
    if path == '/object':
        return {'message': 'hi'}
    if path == '/error':
        raise ValueError('no')
    if path == '/exit':
        import os; os._exit(1)
    if path == '/slow':
        # longer than the route's deadline
        time.sleep(5)
    return {'/status': {'statusCode': 'x'}, '/body': {'statusCode': 200, 'body': {}}, '/early': {'statusCode': 101}, '/header': {'statusCode': 200, 'headers': {'a b': 'c'}}, '/bytes': b'no json'}[path]
";

pub(crate) async fn a_status_code_makes_the_answer_a_response() {
    let site = Site::api("", "", &["Method: GET, Path: '/{proxy+}'"], ANSWERS).await;
    let full = site.get("/full").send().await.unwrap();
    assert_eq!((full.status().as_u16(), header(&full, "x-a"), header(&full, "content-type")), (201, "b", "image/png"));
    assert_eq!(full.headers().get_all("set-cookie").iter().count(), 2);
    assert!(!header(&full, "apigw-requestid").is_empty());
    assert_eq!(&full.bytes().await.unwrap()[..], b"\xff\0");
}

pub(crate) async fn without_a_status_code_the_answer_is_the_body() {
    let site = Site::api("", "", &["Method: GET, Path: '/{proxy+}'"], ANSWERS).await;
    assert_eq!(answer(site.get("/text")).await, (200, "plain".to_owned()));
    let object = site.get("/object").send().await.unwrap();
    assert_eq!((object.status().as_u16(), header(&object, "content-type")), (200, "application/json"));
    assert_eq!(object.text().await.unwrap(), r#"{"message": "hi"}"#);
}

pub(crate) async fn errors_and_nonsense_are_500() {
    let site = Site::api("", "", &["Method: GET, Path: '/{proxy+}'"], ANSWERS).await;
    for path in ["/error", "/exit", "/status", "/body", "/early", "/header", "/bytes"] {
        assert_eq!(answer(site.get(path)).await, (500, r#"{"message":"Internal Server Error"}"#.to_owned()), "{path}");
    }
    assert_eq!(answer(site.get("/text")).await.0, 200, "and the next request is served");
}

pub(crate) async fn an_answer_after_the_routes_timeout_is_503() {
    let site = Site::api("", "", &["Method: GET, Path: '/{proxy+}', TimeoutInMillis: 100"], ANSWERS).await;
    assert_eq!(answer(site.get("/slow")).await, (503, r#"{"message":"Service Unavailable"}"#.to_owned()));
}

pub(crate) async fn a_function_without_concurrency_is_503() {
    let site = Site::api("", "ReservedConcurrentExecutions: 0", &["Method: GET, Path: /a"], ECHO).await;
    assert_eq!(answer(site.get("/a")).await, (503, r#"{"message":"Service Unavailable"}"#.to_owned()));
}
