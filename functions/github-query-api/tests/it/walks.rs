//! Walks page by page, while the table goes on.

use std::time::Duration;

use axum::Router;
use base64_simd::URL_SAFE_NO_PAD;
use chrono::Utc;
use github_query_api::Limits;
use lake::{Maintainer, Maintenance};
use serde_json::Value as Json;

use crate::support::{World, api, id, ids, in_world, request};

const KEPT: Duration = Duration::from_secs(600);

/// Commits some staged events one by one, joins files, expires snapshots, and deletes what is `age` old.
async fn go_on(world: &World, numbers: std::ops::Range<i64>, age: Duration) {
    let committer = world.lake.committer().await;
    let settings = Maintenance {
        snapshots: 1,
        join_files: 2,
        garbage_age: age,
        sweep_every: Duration::ZERO,
        ..Maintenance::default()
    };
    let maintainer = Maintainer::new(world.lake.lake.clone(), settings);
    for n in numbers {
        world.stage(n..n + 1).await;
        world.lake.commit(&committer).await;
        maintainer.step(false, Utc::now()).await.unwrap();
        committer.clean(age, 1_000).await.unwrap();
    }
}

async fn page(api: &Router, query: &str, cursor: Option<&str>) -> Json {
    let path = match cursor {
        Some(cursor) => format!("/events?cursor={cursor}"),
        None => format!("/events?{query}"),
    };
    let answer = request(api, "GET", &path, None).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.json);
    answer.json
}

#[test]
fn a_walk_sees_each_event_once_while_writers_and_committers_go_on() {
    in_world(|world| async move {
        go_on(&world, 0..7, KEPT).await;
        world.stage(7..12).await;
        world.stage(12..25).await;
        let (mut seen, mut cursor, mut n): (Vec<String>, Option<String>, i64) = (Vec::new(), None, 25);
        loop {
            // Every other page is answered by another process of the function.
            let other = api(&world.lake, Limits::default());
            let api = if n % 2 == 0 { &world.api } else { &other };
            let answer = page(api, "page_size=4&hours_back=5", cursor.as_deref()).await;
            assert_eq!((&answer["page_size"], &answer["complete"]), (&4.into(), &true.into()));
            seen.extend(ids(&answer));
            // Newer than all, in the middle, and what was staged is committed and joined.
            world.stage_at(1, &[n]).await;
            go_on(&world, n..n + 1, KEPT).await;
            n += 1;
            match answer["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => break,
            }
        }
        assert_eq!(seen, (0..25).map(id).collect::<Vec<_>>());
        assert_eq!(page(&world.api, "page_size=1000", None).await["count"], 2 * (n - 25) + 25);
        assert!(world.lake.count("select count(*) from lake_garbage").await > 0, "snapshots expired meanwhile");
    });
}

#[test]
fn a_cursor_keeps_its_filters_and_its_window() {
    in_world(|world| async move {
        world.stage(0..120).await;
        let query = "event_type=WatchEvent&hours_back=1&page_size=7";
        let first = page(&world.api, query, None).await;
        let cursor = first["next_cursor"].as_str().unwrap();
        let alone = page(&world.api, "", Some(cursor)).await;
        assert_eq!(ids(&alone), (7..14).map(|n| id(3 * n)).collect::<Vec<_>>());
        assert_eq!((&alone["since"], &alone["hours_back"]), (&first["since"], &1.into()));
        let again = page(&world.api, &format!("{query}&cursor={cursor}"), None).await;
        assert_eq!(again["events"], alone["events"]);
        let rest = page(&world.api, &format!("page_size=1000&cursor={cursor}"), None).await;
        assert_eq!((&rest["count"], &rest["next_cursor"]), (&13.into(), &Json::Null));
        let (status, problem) = world.request("GET", &format!("/events?repo=a/b&cursor={cursor}")).await;
        assert_eq!((status, &problem["parameter"]), (400, &"cursor".into()));
    });
}

/// The cursor with another value of a field.
fn with(cursor: &str, field: &str, value: Json) -> String {
    let mut json: Json = serde_json::from_slice(&URL_SAFE_NO_PAD.decode_to_vec(cursor).unwrap()).unwrap();
    json[field] = value;
    URL_SAFE_NO_PAD.encode_to_string(json.to_string())
}

#[test]
fn a_cursor_whose_state_is_kept_no_more_is_gone() {
    in_world(|world| async move {
        go_on(&world, 0..3, KEPT).await;
        world.stage(3..9).await;
        let answer = page(&world.api, "page_size=2", None).await;
        let cursor = answer["next_cursor"].as_str().unwrap();
        let old = with(cursor, "b", (world.now - 2 * 3_600_000_000).into());
        let status = async |cursor: &str| world.request("GET", &format!("/events?cursor={cursor}")).await.0;
        assert_eq!(status(&old).await, 200, "nothing has changed since");
        go_on(&world, 9..10, KEPT).await;
        assert_eq!((status(&old).await, status(cursor).await), (410, 200));
        let mut elsewhere = with(cursor, "w", serde_json::json!({"m": "../../secret.json", "s": ""}));
        assert_eq!(status(&elsewhere).await, 410);
        elsewhere = with(cursor, "w", serde_json::json!({"m": "00000-none.metadata.json", "s": ""}));
        assert_eq!(status(&elsewhere).await, 410);
        elsewhere = with(cursor, "w", serde_json::json!({"m": null, "s": "900000"}));
        assert_eq!(status(&elsewhere).await, 410);
        // As if an hour had passed: another process finds neither segments nor files.
        go_on(&world, 10..20, Duration::ZERO).await;
        let other = api(&world.lake, Limits::default());
        let answer = request(&other, "GET", &format!("/events?cursor={cursor}"), None).await;
        assert_eq!((answer.status, &answer.json["title"]), (410, &"Gone".into()));
        assert_eq!(page(&other, "page_size=1000", None).await["count"], 20);
    });
}

#[test]
fn a_request_reads_no_more_than_its_budget_and_the_cursor_goes_on() {
    in_world(|world| async move {
        let committer = world.lake.committer().await;
        for n in 0..40 {
            world.stage(n..n + 1).await;
            world.lake.commit(&committer).await;
        }
        let (mut seen, mut cursor, mut incomplete): (Vec<String>, Option<String>, i32) = (Vec::new(), None, 0);
        loop {
            let other = api(&world.lake, Limits { read_bytes: 1, ..Limits::default() });
            let answer = page(&other, "repo=rust-lang/rust", cursor.as_deref()).await;
            seen.extend(ids(&answer));
            assert_eq!(answer["complete"], answer["next_cursor"].is_null());
            incomplete += i32::from(answer["complete"] == false);
            match answer["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => break,
            }
        }
        assert_eq!(seen, (0..10).map(|n| id(4 * n)).collect::<Vec<_>>());
        assert!(incomplete >= 1, "{incomplete} pages");
        // A page that would be too large for an answer ends earlier; that is no fault.
        let small = api(&world.lake, Limits { answer_bytes: 3_000, ..Limits::default() });
        let answer = page(&small, "page_size=40", None).await;
        let count = answer["count"].as_i64().unwrap();
        assert!((1..20).contains(&count) && answer["complete"] == true, "{count}");
        let next = page(&small, "", answer["next_cursor"].as_str()).await;
        assert_eq!(ids(&next)[0], id(count));
    });
}
