//! The API against a real Kafka (`KAFKA_BOOTSTRAP_SERVERS`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use domain::posts::{Id, PARTITIONS, Token, Write, partition_of};
use http_body_util::BodyExt;
use kafka::{Found, Lookup};
use proptest::prelude::*;
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

/// A test's own topic, and the API before it.
struct World {
    router: Router,
    kafka: kafka::Config,
    topic: String,
}

impl World {
    async fn new() -> Self {
        let Ok(servers) = std::env::var("KAFKA_BOOTSTRAP_SERVERS") else {
            panic!(
                "KAFKA_BOOTSTRAP_SERVERS is not set: run `make test`, or eval \"$(millrace env)\" of a running stack"
            )
        };
        let kafka = kafka::Config::plaintext(servers);
        let topic = format!("writes-{}", Uuid::new_v4());
        kafka::admin::create_topic(&kafka, &topic, i32::from(PARTITIONS), &BTreeMap::new()).await.unwrap();
        let router = kit::http::with_fallbacks(posts_ingest_api::router(&kafka, &topic).unwrap());
        Self { router, kafka, topic }
    }

    async fn send(&self, path: &str, key: Option<&str>, body: impl Into<Body>) -> (StatusCode, HeaderMap, Value) {
        send(&self.router, path, key, body).await
    }

    /// What Kafka has at the place that a token names.
    async fn at(&self, token: &str) -> Write {
        let token: Token = token.parse().unwrap();
        let lookup = Lookup::new(&self.kafka).unwrap();
        match lookup.at(&self.topic, token.partition.number(), token.offset).await.unwrap() {
            Found::Record { value, key, .. } => {
                let write = Write::parse(&value.unwrap()).unwrap();
                assert_eq!(key.unwrap(), write.post_id().to_string().into_bytes());
                write
            }
            other => panic!("{other:?}"),
        }
    }

    async fn drop_topic(self) {
        kafka::admin::delete_topic(&self.kafka, &self.topic).await.unwrap();
    }
}

async fn send(router: &Router, path: &str, key: Option<&str>, body: impl Into<Body>) -> (StatusCode, HeaderMap, Value) {
    let mut request = Request::post(path).header("content-type", "application/json");
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let (parts, body) = router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, serde_json::from_slice(&bytes).unwrap_or_default())
}

/// The body of a sample event.
fn sample(event: &str) -> String {
    let event: Value = serde_json::from_str(event).unwrap();
    event["body"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_kind_of_write_is_in_kafka_at_its_token_in_its_posts_partition() {
    let world = World::new().await;
    let (status, headers, post) =
        world.send("/api/posts", None, sample(include_str!("../../../events/posts-ingest-api/post.json"))).await;
    assert_eq!((status, &post["type"]), (StatusCode::ACCEPTED, &json!("post")));
    assert_eq!(headers["x-consistency-token"], post["token"].as_str().unwrap());
    let id = post["id"].as_str().unwrap();
    let comment = json!({"post_id": id, "user_id": "jane", "content": "Great post!"}).to_string();
    let like = json!({"post_id": id, "user_id": "bob"}).to_string();
    let (_, _, comment) = world.send("/api/comments", None, comment).await;
    let (_, _, like) = world.send("/api/likes", None, like).await;

    let partition = partition_of(id.parse().unwrap());
    let mut offsets = Vec::new();
    for answer in [&post, &comment, &like] {
        let token = answer["token"].as_str().unwrap();
        let write = world.at(token).await;
        assert_eq!(
            (write.kind(), write.id().to_string()),
            (answer["type"].as_str().unwrap(), answer["id"].as_str().unwrap().to_owned())
        );
        assert_eq!(write.post_id().to_string(), id);
        let token: Token = token.parse().unwrap();
        assert_eq!(token.partition, partition);
        offsets.push(token.offset);
    }
    assert!(offsets.is_sorted(), "the order in which they were accepted: {offsets:?}");
    world.drop_topic().await;
}

#[tokio::test]
async fn the_same_key_gives_the_same_id_and_another_user_or_post_another_one() {
    let world = World::new().await;
    let of = |user: &str| json!({"user_id": user, "content": "Hello World!"}).to_string();
    let mut ids = Vec::new();
    for (user, key) in [("john", "key-1"), ("john", "key-1"), ("jane", "key-1"), ("john", "key-2")] {
        let (status, _, answer) = world.send("/api/posts", Some(key), of(user)).await;
        assert_eq!(status, StatusCode::ACCEPTED);
        ids.push(answer["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids[0], ids[1]);
    assert_eq!(ids[0].as_bytes()[14], b'8', "a UUIDv8");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 3);
    let comment = |post: &str| json!({"post_id": post, "user_id": "john", "content": "Hello World!"}).to_string();
    let (_, _, one) = world.send("/api/comments", Some("key-1"), comment(&ids[0])).await;
    let (_, _, two) = world.send("/api/comments", Some("key-1"), comment(&ids[2])).await;
    assert!(one["id"] != two["id"] && one["id"] != json!(ids[0]), "one key for different things");
    let (_, _, new) = world.send("/api/posts", None, of("john")).await;
    assert_eq!(new["id"].as_str().unwrap().as_bytes()[14], b'7', "a UUIDv7");
    world.drop_topic().await;
}

#[tokio::test]
async fn many_writes_are_taken_together_or_not_at_all() {
    let world = World::new().await;
    let post = Id::v8(&[b"a post"]).to_string();
    let good = json!({"writes": [
        {"type": "post", "user_id": "john", "content": "one"},
        {"type": "comment", "post_id": post, "user_id": "jane", "content": "two"},
        {"type": "like", "post_id": post, "user_id": "bob"},
        {"type": "post", "user_id": "john", "content": "one"},
    ]});
    let mut seen = Vec::new();
    for _ in 0..2 {
        let (status, _, answer) = world.send("/api/bulk", Some("bulk"), good.to_string()).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
        let writes = answer["writes"].as_array().unwrap().clone();
        for write in &writes {
            assert_eq!(
                world.at(write["token"].as_str().unwrap()).await.id().to_string(),
                write["id"].as_str().unwrap()
            );
        }
        seen.push(writes.iter().map(|write| write["id"].clone()).collect::<Vec<_>>());
    }
    assert_eq!(seen[0], seen[1], "the same key");
    assert_ne!(seen[0][0], seen[0][3], "two writes of one request");

    for (field, value, named) in [
        ("post_id", json!("post-id"), "writes[2].post_id"),
        ("user_id", json!(" "), "writes[2].user_id"),
        ("user_id", json!(7), "writes[2].user_id"),
        ("content", json!("a like has none"), "writes[2].content"),
        ("type", json!("share"), "writes[2].type"),
    ] {
        let mut bad = good.clone();
        bad["writes"][2][field] = value;
        let (status, _, problem) = world.send("/api/bulk", None, bad.to_string()).await;
        assert_eq!((status, problem["parameter"].as_str()), (StatusCode::BAD_REQUEST, Some(named)), "{problem}");
    }
    for count in [0, 501] {
        let writes = vec![json!({"type": "post", "user_id": "u", "content": "c"}); count];
        let (status, _, problem) = world.send("/api/bulk", None, json!({"writes": writes}).to_string()).await;
        assert_eq!((status, problem["parameter"].as_str()), (StatusCode::BAD_REQUEST, Some("writes")));
    }
    let states = kafka::admin::partitions(&world.kafka, &world.topic, "none").await.unwrap();
    assert_eq!(states.iter().map(|state| state.high).sum::<i64>(), 8, "of what was refused nothing is there");
    world.drop_topic().await;
}

#[tokio::test]
async fn what_is_not_usable_is_refused_with_its_field() {
    let router = away();
    let post = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";
    for (path, body, field) in [
        ("/api/posts", json!({"user_id": "john"}).to_string(), "content"),
        ("/api/posts", json!({"user_id": "", "content": "c"}).to_string(), "user_id"),
        ("/api/posts", json!({"user_id": "j".repeat(256), "content": "c"}).to_string(), "user_id"),
        ("/api/posts", json!({"user_id": "john", "content": "c".repeat(10_001)}).to_string(), "content"),
        ("/api/posts", json!({"user_id": "john", "content": "a\0b"}).to_string(), "content"),
        ("/api/posts", json!({"user_id": "john", "content": "c", "likes": 7}).to_string(), "likes"),
        ("/api/posts", "{".to_owned(), "body"),
        (
            "/api/comments",
            json!({"post_id": "post-id", "user_id": "jane", "content": "Great post!"}).to_string(),
            "post_id",
        ),
        ("/api/comments", json!({"post_id": post, "user_id": "jane", "content": " "}).to_string(), "content"),
        ("/api/likes", json!({"post_id": "post-id", "user_id": "bob"}).to_string(), "post_id"),
        ("/api/likes", json!({"post_id": post, "user_id": "b\nob"}).to_string(), "user_id"),
    ] {
        let (status, headers, problem) = send(&router, path, None, body.clone()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(headers["content-type"], "application/problem+json");
        assert_eq!(problem["parameter"], field, "{body}: {problem}");
    }
    let invalid = b"{\"user_id\":\"\xff\",\"content\":\"c\"}".to_vec();
    assert_eq!(send(&router, "/api/posts", None, invalid).await.0, StatusCode::BAD_REQUEST, "not UTF-8");
    let fine = json!({"user_id": "john", "content": "c"}).to_string();
    let (status, _, problem) = send(&router, "/api/posts", Some("two words"), fine).await;
    assert_eq!((status, &problem["parameter"]), (StatusCode::BAD_REQUEST, &json!("Idempotency-Key")));
    let large = vec![b' '; 5_000_001];
    assert_eq!(send(&router, "/api/bulk", None, large).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    let text = Request::post("/api/posts").header("content-type", "text/plain").body(Body::empty()).unwrap();
    assert_eq!(router.clone().oneshot(text).await.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let get = Request::get("/api/posts").body(Body::empty()).unwrap();
    assert_eq!(router.oneshot(get).await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
}

/// The API before a broker that is not there: one for all, because a client of Kafka takes a while to end.
fn away() -> Router {
    static AWAY: LazyLock<Router> = LazyLock::new(|| {
        let nobody = kafka::Config::plaintext("127.0.0.1:1");
        kit::http::with_fallbacks(posts_ingest_api::router(&nobody, "writes").unwrap())
    });
    AWAY.clone()
}

#[tokio::test]
async fn the_description_says_what_is_accepted() {
    let request = Request::get("/openapi.json").body(Body::empty()).unwrap();
    let body = away().oneshot(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    let api: Value = serde_json::from_slice(&body).unwrap();
    let schemas = &api["components"]["schemas"];
    assert_eq!(schemas["NewPost"]["additionalProperties"], json!(false), "{schemas}");
    assert_eq!(schemas["NewPost"]["properties"]["user_id"]["maxLength"], json!(255));
    let kinds = schemas["NewWrite"]["oneOf"].as_array().unwrap();
    assert_eq!(kinds.len(), 3);
    for kind in ["BulkPost", "BulkComment", "BulkLike"] {
        assert_eq!(schemas[kind]["additionalProperties"], json!(false), "{kind}: {schemas}");
    }
    for path in ["/api/posts", "/api/comments", "/api/likes", "/api/bulk"] {
        let answers = api["paths"][path]["post"]["responses"].as_object().unwrap();
        assert_eq!(answers.keys().collect::<Vec<_>>(), ["202", "400", "413", "415", "503"], "{path}");
    }
}

#[tokio::test]
async fn health_is_that_of_the_topic() {
    let world = World::new().await;
    let health = |router: Router| async move {
        let request = Request::get("/health").body(Body::empty()).unwrap();
        router.oneshot(request).await.unwrap().status()
    };
    assert_eq!(health(world.router.clone()).await, StatusCode::OK);
    assert_eq!(health(away()).await, StatusCode::SERVICE_UNAVAILABLE);
    world.drop_topic().await;
}

proptest! {
    #[test]
    fn any_body_that_is_no_write_is_a_400(body: Vec<u8>, path in "posts|comments|likes|bulk") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let status = runtime.block_on(async { send(&away(), &format!("/api/{path}"), None, body).await.0 });
        prop_assert_eq!(status, StatusCode::BAD_REQUEST);
    }

    #[test]
    fn any_text_as_post_id_is_a_400(post_id: String, user in "[a-z]{1,9}") {
        prop_assume!(post_id.parse::<Id>().is_err());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let body = json!({"post_id": post_id, "user_id": user}).to_string();
        let (status, _, problem) = runtime.block_on(async { send(&away(), "/api/likes", None, body).await });
        prop_assert_eq!((status, &problem["parameter"]), (StatusCode::BAD_REQUEST, &json!("post_id")));
    }
}
