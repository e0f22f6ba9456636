//! The API over a lake in real Postgres (`DATABASE_URL`) and S3 (`AWS_ENDPOINT_URL`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod support;
mod walks;

use github_query_api::Limits;
use serde_json::Value as Json;
use support::{api, id, ids, in_world, request};

#[test]
fn events_are_shown_once_before_and_after_a_commit() {
    in_world(|world| async move {
        world.stage(0..20).await;
        let before = world.get("/events?hours_back=1&page_size=10").await;
        assert_eq!(before["count"], 10);
        assert_eq!(before["events"][0]["id"], "55000000000");
        assert_eq!(before["events"][9]["id"], "54999999991");
        world.commit().await;
        assert_eq!(world.get("/events?hours_back=1&page_size=10").await["events"], before["events"]);
        world.stage(20..90).await;
        assert_eq!(world.get("/events?hours_back=1").await["count"], 60, "an hour, both committed and staged");
        assert_eq!(world.get("/events?hours_back=2").await["count"], 90);
    });
}

#[test]
fn events_are_chosen_by_type() {
    in_world(|world| async move {
        world.stage(0..30).await;
        let answer = world.get("/events?event_type=WatchEvent").await;
        assert_eq!(answer["count"], 10);
        assert!(answer["events"].as_array().unwrap().iter().all(|event| event["type"] == "WatchEvent"));
        assert_eq!(world.get("/events?event_type=NoSuchEvent").await["count"], 0);
    });
}

#[test]
fn an_event_has_its_shape() {
    in_world(|world| async move {
        world.stage(0..5).await;
        world.commit().await;
        let event = world.get("/events/54999999998").await;
        assert_eq!(event["type"], "PushEvent");
        assert_eq!(event["actor"], serde_json::json!({"id": 1, "login": "ada"}));
        assert_eq!(event["repo"], serde_json::json!({"id": 2, "name": "ada/engine"}));
        assert_eq!(event["org"], serde_json::json!({"id": 3, "login": "rust-lang"}));
        assert_eq!(world.get("/events/54999999997").await["org"], Json::Null);
        assert_eq!(event["payload"], serde_json::json!({"n": 2}));
        assert_eq!(event["kafka"], serde_json::json!({"topic": "github-events", "partition": 0, "offset": 2}));
        assert!(event["created_at"].as_str().unwrap().ends_with('Z'));
    });
}

#[test]
fn faults_of_a_request_are_named() {
    in_world(|world| async move {
        for (path, parameter) in [
            ("/events?page_size=0", "page_size"),
            ("/events?hours_back=x", "hours_back"),
            ("/events?event_type=%20", "event_type"),
            ("/events?offset=3", "offset"),
            ("/events?cursor=bm90aGluZw", "cursor"),
            ("/stats?hours_back=9000", "hours_back"),
            ("/health?verbose=1", "verbose"),
        ] {
            let (status, problem) = world.request("GET", path).await;
            assert_eq!((status, &problem["parameter"]), (400, &parameter.into()), "{path}");
        }
        assert_eq!(world.request("GET", "/events/404").await.0, 404);
        assert_eq!(world.request("GET", "/nowhere").await.0, 404);
        assert_eq!(world.request("POST", "/events").await.0, 405);
    });
}

#[test]
fn health_says_what_is_staged() {
    in_world(|world| async move {
        assert_eq!(world.get("/events").await["count"], 0);
        world.stage(0..1).await;
        let health = world.get("/health").await;
        assert_eq!((&health["status"], &health["staged_segments"]), (&"healthy".into(), &1.into()));
        assert_eq!(health["committed"], false);
    });
}

#[test]
fn events_are_chosen_by_all_that_they_have() {
    in_world(|world| async move {
        world.stage(0..20).await;
        world.commit().await;
        world.stage(20..40).await;
        let chosen = async |query: &str| ids(&world.get(&format!("/events?{query}")).await);
        let numbers = |keep: fn(i64) -> bool| (0..40).filter(|n| keep(*n)).map(id).collect::<Vec<_>>();
        assert_eq!(chosen("repo=rust-lang/rust").await, numbers(|n| n % 4 == 0));
        assert_eq!(chosen("actor=dependabot%5Bbot%5D").await, numbers(|n| n % 5 == 0));
        assert_eq!(chosen("org=rust-lang&event_type=WatchEvent").await, numbers(|n| n % 6 == 0));
        let time = |minutes: i64| {
            let time = chrono::DateTime::from_timestamp_micros(world.now - minutes * 60_000_000).unwrap();
            time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
        };
        let window = format!("since={}&until={}", time(30), time(10));
        assert_eq!(chosen(&window).await, numbers(|n| (11..=30).contains(&n)));
    });
}

#[test]
fn stats_count_each_event_once_committed_or_staged() {
    in_world(|world| async move {
        world.stage(0..30).await;
        let before = world.get("/stats?hours_back=6").await;
        assert_eq!(before["totals"], serde_json::json!({"events": 30, "types": 2, "repositories": 2, "actors": 2}));
        world.commit().await;
        let committed = world.get("/stats?hours_back=6").await;
        assert_eq!(committed["by_type"], before["by_type"]);
        world.stage(30..90).await;
        world.stage(90..500).await;
        let after = world.get("/stats?hours_back=1").await;
        // The window begins at a full minute.
        let events = after["totals"]["events"].as_i64().unwrap();
        assert!((60..=61).contains(&events), "{events}");
        let types: i64 = after["by_type"].as_array().unwrap().iter().map(|kind| kind["events"].as_i64().unwrap()).sum();
        let hours: i64 = after["by_hour"].as_array().unwrap().iter().map(|hour| hour["events"].as_i64().unwrap()).sum();
        assert_eq!((types, hours), (events, events));
        assert_eq!(after["top_repositories"][0]["repo"], "ada/engine");
        assert_eq!(after["top_actors"][0]["actor"], "ada");
        assert_eq!(after["complete"], true);
    });
}

#[test]
fn who_has_an_answer_is_told_so_and_what_is_known_is_not_asked_again() {
    in_world(|world| async move {
        world.stage(0..10).await;
        world.commit().await;
        for (offset, path) in [(1, "/events?page_size=3"), (2, "/events?hours_back=1"), (3, "/stats?hours_back=6")] {
            let first = request(&world.api, "GET", path, None).await;
            let etag = first.headers["etag"].to_str().unwrap().to_owned();
            assert_eq!(first.headers["x-cache"], "miss", "{path}");
            let again = request(&world.api, "GET", path, None).await;
            assert_eq!((&again.headers["x-cache"], &again.json), (&"hit".parse().unwrap(), &first.json), "{path}");
            let known = request(&world.api, "GET", path, Some(&etag)).await;
            assert_eq!((known.status, known.json), (304, Json::Null), "{path}");
            // Another process comes to the same tag.
            let other = api(&world.lake, Limits::default());
            assert_eq!(request(&other, "GET", path, Some(&etag)).await.status, 304, "{path}");
            world.stage_at(1, &[offset]).await;
            let changed = request(&world.api, "GET", path, Some(&etag)).await;
            assert_eq!((changed.status, changed.headers["x-cache"].to_str().unwrap()), (200, "miss"), "{path}");
        }
    });
}

#[test]
fn a_query_tells_what_it_read_and_what_it_skipped() {
    in_world(|world| async move {
        for day in 0..4 {
            world.stage(day * 1_440..day * 1_440 + 5).await;
            world.commit().await;
        }
        let path = "/events?page_size=5&hours_back=1&explain=true";
        let first = request(&world.api, "GET", path, None).await;
        assert_eq!(first.headers["x-cache"], "bypass");
        let explain = &first.json["explain"];
        assert_eq!((&explain["files"]["total"], &explain["files"]["skipped"]), (&4.into(), &3.into()), "{explain}");
        assert!(explain["bytes"]["read"].as_i64().unwrap() > 0 && explain["bytes"]["skipped"].as_i64().unwrap() > 0);
        assert_eq!(world.get(path).await["explain"]["bytes"]["read"], 0, "nothing is read twice");
        let stats = world.get("/stats?hours_back=200&explain=true").await;
        assert_eq!(stats["explain"]["files"], serde_json::json!({"total": 4, "skipped": 0}));
    });
}

#[test]
fn the_description_names_each_path_and_answer() {
    in_world(|world| async move {
        let api = world.get("/openapi.json").await;
        for (path, status) in [("/events", "410"), ("/events/{id}", "404"), ("/stats", "304"), ("/health", "503")] {
            assert!(api["paths"][path]["get"]["responses"][status].is_object(), "{path} {status}: {api}");
        }
        let names = api["paths"]["/events"]["get"]["parameters"].as_array().unwrap().len();
        assert_eq!(names, 10);
        assert_eq!(request(&world.api, "GET", "/docs", None).await.status, 200);
    });
}
