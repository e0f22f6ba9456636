//! The interface against real Postgres (`DATABASE_URL`) and Secrets Manager (`AWS_ENDPOINT_URL`), and a schedule that holds
//! all that EventBridge Scheduler knows. Against the runner's own answers it is tested in `tests/it/e2e/`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod support;

use serde_json::{Value, json};
use support::World;

#[tokio::test]
async fn start_and_stop_change_the_state_of_the_schedule_and_nothing_else() {
    let world = World::new().await;
    let before = world.schedule();
    assert_eq!(world.get("/status").await["status"], "running");
    for _ in 0..2 {
        let stopped = world.post("/stop", None).await;
        assert_eq!((&stopped["status"], &stopped["schedule"]["enabled"]), (&json!("stopped"), &json!(false)));
        assert_eq!(world.get("/status").await["status"], "stopped");
    }
    assert_eq!(world.updates(), 1, "what is stopped is not stopped again");
    let mut expected = before.clone();
    expected["State"] = json!("DISABLED");
    assert_eq!(world.schedule(), expected);
    for _ in 0..2 {
        assert_eq!(world.post("/start", None).await["status"], "running");
    }
    assert_eq!((world.updates(), world.schedule()), (2, before));
    world.end().await;
}

#[tokio::test]
async fn a_stopped_schedule_whose_last_invocation_still_polls_is_stopping() {
    let world = World::new().await;
    let lease = pg::Lease::acquire(&world.database.pool, "github-poller", "one", std::time::Duration::from_secs(60));
    let lease = lease.await.unwrap().unwrap();
    assert_eq!(world.get("/status").await["polling"], true);
    assert_eq!(world.post("/stop", None).await["status"], "stopping");
    lease.release(&world.database.pool).await.unwrap();
    assert_eq!(world.get("/status").await["status"], "stopped");
    world.end().await;
}

#[tokio::test]
async fn settings_are_changed_one_by_one_and_the_larger_interval_holds() {
    let world = World::new().await;
    world.execute("update github_poller_state set poll_interval_seconds = 60").await;
    let config = world.get("/config").await;
    assert_eq!(
        config,
        json!({"fetch_interval_seconds": 1, "github_interval_seconds": 60, "effective_interval_seconds": 60,
               "max_events_per_fetch": 300, "github_token": null})
    );
    let changed = world.post("/config", Some(json!({"fetch_interval_seconds": 90}))).await;
    assert_eq!((&changed["fetch_interval_seconds"], &changed["effective_interval_seconds"]), (&json!(90), &json!(90)));
    let changed = world.post("/config", Some(json!({"max_events_per_fetch": 200}))).await;
    assert_eq!((&changed["fetch_interval_seconds"], &changed["max_events_per_fetch"]), (&json!(90), &json!(200)));
    assert_eq!(world.post("/config", Some(json!({}))).await, changed);
    assert_eq!(world.get("/config").await, changed);
    world.end().await;
}

#[tokio::test]
async fn a_new_interval_moves_the_next_poll_but_not_before_github_allows_it() {
    let world = World::new().await;
    let due_in = async || -> i64 {
        world
            .scalar("select round(extract(epoch from next_poll_at - last_poll_at))::bigint from github_poller_state")
            .await
    };
    world
        .execute(
            "update github_poller_state set fetch_interval_seconds = 3000, last_poll_at = now(),
                    next_poll_at = now() + interval '50 minutes', earliest_poll_at = now() + interval '1 minute'",
        )
        .await;
    world.post("/config", Some(json!({"fetch_interval_seconds": 300}))).await;
    assert_eq!(due_in().await, 300);
    world.post("/config", Some(json!({"fetch_interval_seconds": 15}))).await;
    assert_eq!(due_in().await, 60);
    world.post("/config", Some(json!({"max_events_per_fetch": 15}))).await;
    assert_eq!(due_in().await, 60);
    world.end().await;
}

#[tokio::test]
async fn a_token_is_a_secret_and_shown_nowhere() {
    let world = World::new().await;
    for token in ["ghp_first", "ghp_second", "ghp_second"] {
        let body = json!({"fetch_interval_seconds": 15, "max_events_per_fetch": 200, "github_token": token});
        let config = world.post("/config", Some(body)).await;
        assert_eq!(config["github_token"], "********");
        assert_eq!(world.secret().await.as_deref(), Some(token));
    }
    assert_eq!(world.scalar("select token_revision from github_poller_state").await, 3);
    let status = world.get("/status").await;
    assert_eq!(status["token"]["status"], "unknown");
    assert!(status["token"]["set_at"].is_string());
    for path in ["/status", "/config", "/stats", "/health"] {
        assert!(!world.get(path).await.to_string().contains("ghp_"), "{path}");
    }
    let row: Value = world.json("select to_jsonb(s) from github_poller_state s").await;
    assert!(!row.to_string().contains("ghp_"), "{row}");

    // The mask that was read may be sent back; null takes the token away, twice as well as once.
    world.post("/config", Some(json!({"github_token": "********"}))).await;
    assert_eq!(world.secret().await.as_deref(), Some("ghp_second"));
    for _ in 0..2 {
        assert_eq!(world.post("/config", Some(json!({"github_token": null}))).await["github_token"], Value::Null);
        assert_eq!(world.secret().await, None);
    }
    world.post("/config", Some(json!({"github_token": "ghp_third"}))).await;
    assert_eq!(world.secret().await.as_deref(), Some("ghp_third"), "after it was removed");
    world.end().await;
}

#[tokio::test]
async fn the_counters_are_those_of_the_poller() {
    let world = World::new().await;
    let set =
        "update github_poller_state set fetched = 9, sent = 5, duplicates = 3, dead_letters = 1, gaps = 2, errors = 4,
                      rate_limit_remaining = 59, token_status = 'refused', last_error = 'no answer from github'";
    world.execute(set).await;
    let stats = world.get("/stats").await;
    let names = ["fetched", "sent", "duplicates", "dead_letters", "gaps", "errors"];
    assert_eq!(names.map(|name| stats[name].as_i64().unwrap()), [9, 5, 3, 1, 2, 4]);
    assert_eq!(stats["rate_limit"], json!({"remaining": 59, "reset_at": null}));
    let status = world.get("/status").await;
    assert_eq!(
        (&status["token"]["status"], &status["last_error"]),
        (&json!("refused"), &json!("no answer from github"))
    );
    world.end().await;
}

#[tokio::test]
async fn faults_of_a_request_are_named_and_change_nothing() {
    let world = World::new().await;
    let both = json!({"max_events_per_fetch": 100, "fetch_interval_seconds": 0, "github_token": "ghp_x"});
    let (status, problem) = world.request("POST", "/config", Some(both.to_string())).await;
    assert_eq!((status, &problem["parameter"]), (400, &json!("fetch_interval_seconds")));
    for body in ["", "{", "[]", "7", "{\"interval\":1}"] {
        assert_eq!(world.request("POST", "/config", Some(body.into())).await.0, 400, "{body:?}");
    }
    assert_eq!(world.request("POST", "/config", Some("x".repeat(3 << 20))).await.0, 413);
    for path in ["/status?a=1", "/stats?a=1", "/config?a=1", "/health?a=1"] {
        assert_eq!(world.request("GET", path, None).await.1["parameter"], "a", "{path}");
    }
    assert_eq!(world.request("POST", "/stop?now=1", None).await.0, 400);
    for (method, path, status) in [("GET", "/start", 405), ("DELETE", "/config", 405), ("GET", "/x", 404)] {
        assert_eq!(world.request(method, path, None).await.0, status, "{method} {path}");
    }
    assert_eq!((world.updates(), world.secret().await), (0, None));
    assert_eq!(world.get("/config").await["max_events_per_fetch"], 300);
    world.end().await;
}

#[tokio::test]
async fn what_is_away_is_told_and_a_request_that_failed_half_way_is_completed_by_the_same_again() {
    let world = World::new().await;
    world.break_scheduler(true);
    for (method, path) in [("GET", "/status"), ("GET", "/health"), ("POST", "/start"), ("POST", "/stop")] {
        let (status, problem) = world.request(method, path, None).await;
        assert_eq!(status, 503, "{path}: {problem}");
        assert!(problem["detail"].as_str().unwrap().starts_with("EventBridge Scheduler"), "{problem}");
    }
    world.break_scheduler(false);
    assert_eq!(world.get("/health").await["status"], "healthy");

    // The token is stored, then Postgres does not take the rest.
    world.execute("alter table github_poller_state rename to away").await;
    let body = json!({"github_token": "ghp_half", "max_events_per_fetch": 7});
    assert_eq!(world.request("POST", "/config", Some(body.to_string())).await.0, 503);
    for path in ["/health", "/status", "/stats", "/config"] {
        assert_eq!(world.request("GET", path, None).await.0, 503, "{path}");
    }
    // Start and stop do without it.
    let stopped = world.post("/stop", None).await;
    assert_eq!((&stopped["status"], &stopped["token"]), (&json!("stopping"), &Value::Null));
    assert_eq!(world.post("/start", None).await["status"], "running");
    world.execute("alter table away rename to github_poller_state").await;
    assert_eq!(world.get("/config").await["max_events_per_fetch"], 300);
    world.post("/config", Some(body)).await;
    assert_eq!(world.secret().await.as_deref(), Some("ghp_half"));
    assert_eq!(world.get("/config").await["max_events_per_fetch"], 7);
    world.end().await;
}

#[tokio::test]
async fn every_resource_is_described() {
    let world = World::new().await;
    let api = world.get("/openapi.json").await;
    let paths: Vec<&String> = api["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths, ["/config", "/health", "/start", "/stats", "/status", "/stop"]);
    assert_eq!(api["components"]["schemas"]["ConfigChange"]["additionalProperties"], false);
    world.end().await;
}
