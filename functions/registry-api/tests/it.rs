//! The API over a registry in a real Postgres (`DATABASE_URL`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use pg::testing::TestDatabase;
use serde_json::{Value, json};
use tower::ServiceExt;

async fn world() -> TestDatabase {
    let database = pg::testing::database().await;
    for statement in [
        "insert into service_checks values
            ('an-api', 0, 'http', 'HTTP API', 'http://localhost:1', 'healthy', now(), 1.25, null, null, now(), now(), null, now()),
            ('a-writer', 1, 'kafka', 'topic <t>', null, 'unhealthy', now(), null, 7, 100, null, now(), '7 records & more', now())",
        "insert into service_check_history
            select 'an-api', now() - make_interval(secs => n), 'healthy', n, null, null from generate_series(1, 400) n",
        "insert into registry_rounds values (true, now() - interval '1 hour', now())",
    ] {
        sqlx::query(statement).execute(&database.pool).await.unwrap();
    }
    database
}

async fn answer(database: &TestDatabase, path: &str, accept: &str) -> (StatusCode, HeaderMap, String) {
    let router = kit::http::with_fallbacks(registry_api::router(database.pool.clone()));
    let request = Request::get(path).header(header::ACCEPT, accept).body(Body::empty()).unwrap();
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, String::from_utf8(bytes.to_vec()).unwrap())
}

async fn get(database: &TestDatabase, path: &str) -> (StatusCode, Value) {
    let (status, _, body) = answer(database, path, "*/*").await;
    (status, serde_json::from_str(&body).unwrap())
}

#[tokio::test]
async fn the_services_are_told_in_order_with_all_that_is_known() {
    let database = world().await;
    let (status, all) = get(&database, "/services").await;
    assert_eq!((status, &all["status"], &all["total"]), (StatusCode::OK, &json!("unhealthy"), &json!(2)));
    let api = &all["services"][0];
    assert_eq!((&api["name"], &api["docs"]), (&json!("an-api"), &json!("http://localhost:1/docs")));
    assert_eq!((&api["status"], &api["response_time_ms"]), (&json!("healthy"), &json!(1.25)));
    let writer = &all["services"][1];
    assert_eq!((&writer["lag"], &writer["error"]), (&json!(7), &json!("7 records & more")));
    assert!(all["up_since"].is_string() && writer["last_check"].is_string());

    let (_, one) = get(&database, "/services/an-api").await;
    assert_eq!((&one["name"], one["history"].as_array().unwrap().len()), (&json!("an-api"), 360));
    assert_eq!(one["history"][0]["response_time_ms"], 1.0, "the newest first");
    let (status, health) = get(&database, "/health").await;
    assert_eq!((status, &health["status"]), (StatusCode::OK, &json!("healthy")));
    database.drop_database().await;
}

#[tokio::test]
async fn the_same_request_twice_has_the_same_answer_and_old_findings_are_unknown() {
    let database = world().await;
    let names = |all: Value| all["services"].as_array().unwrap().iter().map(|s| s["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(get(&database, "/services").await.1), names(get(&database, "/services").await.1));
    let age = "update service_checks set checked_at = now() - interval '90 seconds'";
    sqlx::query(age).execute(&database.pool).await.unwrap();
    let (status, all) = get(&database, "/services").await;
    assert_eq!((status, &all["status"], &all["unknown"]), (StatusCode::OK, &json!("unknown"), &json!(2)));
    assert!(all["services"][0]["error"].as_str().unwrap().contains("it was healthy then"), "{all}");
    database.drop_database().await;
}

#[tokio::test]
async fn a_browser_gets_a_page_in_which_nothing_runs() {
    let database = world().await;
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for path in ["/services", "/services/a-writer"] {
        let (status, headers, page) = answer(&database, path, browser).await;
        assert_eq!(
            (status, &headers[header::CONTENT_TYPE]),
            (StatusCode::OK, &"text/html; charset=utf-8".parse().unwrap())
        );
        assert!(headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("default-src 'none'"));
        assert!(page.contains("7 records &amp; more") && page.contains("topic &lt;t&gt;"), "{page}");
    }
    let (_, headers, _) = answer(&database, "/services", "application/json, text/html").await;
    assert_eq!(headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(answer(&database, "/services.css", "*/*").await.0, StatusCode::OK);
    assert_eq!(answer(&database, "/", "*/*").await.0, StatusCode::TEMPORARY_REDIRECT);
    database.drop_database().await;
}

#[tokio::test]
async fn what_is_asked_wrongly_is_a_problem_that_says_so() {
    let database = world().await;
    for (path, expected) in [
        ("/services?name=x", StatusCode::BAD_REQUEST),
        ("/health?x=1", StatusCode::BAD_REQUEST),
        ("/services/nobody", StatusCode::NOT_FOUND),
        ("/services/%80", StatusCode::NOT_FOUND),
        ("/services/%00", StatusCode::NOT_FOUND),
        ("/nowhere", StatusCode::NOT_FOUND),
    ] {
        let (status, problem) = get(&database, path).await;
        assert_eq!((status, &problem["status"]), (expected, &json!(expected.as_u16())), "{path}: {problem}");
    }
    database.drop_database().await;
}

#[tokio::test]
async fn a_registry_that_breaks_between_two_reads_is_away_and_comes_back() {
    let database = world().await;
    // The services can be read, the round cannot.
    sqlx::query("alter table registry_rounds rename to gone").execute(&database.pool).await.unwrap();
    for path in ["/services", "/health"] {
        let (status, problem) = get(&database, path).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
        assert!(!problem.to_string().contains("registry_rounds"), "the log has the reason: {problem}");
    }
    sqlx::query("alter table gone rename to registry_rounds").execute(&database.pool).await.unwrap();
    assert_eq!(get(&database, "/services").await.0, StatusCode::OK);
    database.drop_database().await;
}
