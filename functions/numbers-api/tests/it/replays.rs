//! Messages once more: which records they are, that a repetition is none, and what would change.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Record, World, send};

/// Id and attempt of each record.
fn attempts(records: &[Record]) -> Vec<(String, u32)> {
    let mut attempts: Vec<_> = records.iter().map(|one| (one.tag.id.unwrap().to_string(), one.tag.attempt)).collect();
    attempts.sort();
    attempts
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_goes_into_a_stage_as_the_stage_before_it_left_it() {
    let world = World::new().await;
    let now = Utc::now();
    let id = world.passed("{\"numbers\": [6, 28]}", Some("k"), now, 3, 5).await;
    let (status, replayed) = world.post(&format!("/messages/{id}/replay?from=stage3"), None, "").await;
    assert_eq!((status, &replayed["messages"]), (202, &json!(1)), "{replayed}");
    let (_, first) = world.post(&format!("/messages/{id}/replay?from=stage1"), None, "").await;
    assert_eq!(first["from_stage"], 1);
    let record = &world.records("stage2", 1)[0];
    let output = "select output from number_stages where stage = 2 and message_id = $1";
    let output: String = sqlx::query_scalar(output).bind(id).fetch_one(&world.database.pool).await.unwrap();
    assert_eq!((record.value.as_slice(), record.key.as_deref()), (output.as_bytes(), Some(&b"k"[..])));
    assert_eq!((record.tag.attempt, record.tag.id.unwrap().to_string()), (1, id.to_string()));
    assert_eq!(record.tag.submitted_at_ms, Some(now.timestamp_millis()));
    let start = &world.records("start", 1)[0];
    assert_eq!((start.value.as_slice(), start.tag.attempt), (&b"{\"numbers\": [6, 28]}"[..], 2));
    let (_, way) = world.get(&format!("/messages/{id}")).await;
    let replays: Vec<_> = way["replays"].as_array().unwrap().iter().map(|one| one["from_stage"].clone()).collect();
    assert_eq!(replays, [json!(1), json!(3)]);

    let behind = world.passed("{\"numbers\": [1]}", None, now, 4, 1).await;
    for (path, expected) in [
        (format!("/messages/{behind}/replay?from=stage3"), 409),
        (format!("/messages/{}/replay?from=stage3", Uuid::now_v7()), 404),
        (format!("/messages/{id}/replay"), 400),
        (format!("/messages/{id}/replay?from=stage6"), 400),
        (format!("/messages/{id}/replay?from=stage1&dry_run=perhaps"), 400),
    ] {
        assert_eq!(world.post(&path, None, "").await.0, expected, "{path}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_is_the_same_replay() {
    let world = World::new().await;
    let id = world.passed("{\"numbers\": [6]}", None, Utc::now(), 0, 5).await;
    let path = format!("/messages/{id}/replay?from=stage2");
    let (_, first) = world.post(&path, Some("key"), "").await;
    let (status, again) = world.post(&path, Some("key"), "").await;
    assert_eq!((status, &first), (202, &again));
    assert_eq!(world.records("stage1", 1)[0].tag.attempt, 1, "sent once");
    let other = format!("/messages/{id}/replay?from=stage3");
    assert_eq!(world.post(&other, Some("key"), "").await.0, 409);
    world.post(&path, None, "").await;
    assert_eq!(attempts(&world.records("stage1", 2)), [(id.to_string(), 1), (id.to_string(), 2)]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn replays_at_once_are_numbered_apart() {
    let world = World::new().await;
    let id = world.passed("{\"numbers\": [6]}", None, Utc::now(), 0, 5).await;
    let path = format!("/messages/{id}/replay?from=stage2");
    let keys = ["a", "b", "c", "d", "e", "a", "b", "c"];
    let requests = keys.map(|key| world.post(&path, Some(key), ""));
    let answers = futures::future::join_all(requests).await;
    assert!(answers.iter().all(|(status, _)| *status == 202), "{answers:?}");
    let replays: std::collections::BTreeSet<_> =
        answers.iter().map(|(_, answer)| answer["replay"].to_string()).collect();
    assert_eq!(replays.len(), 5);
    let stored = "select attempt from number_attempts where message_id = $1 order by attempt";
    let stored: Vec<i32> = sqlx::query_scalar(stored).bind(id).fetch_all(&world.database.pool).await.unwrap();
    assert_eq!(stored, [1, 2, 3, 4, 5]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_fails_half_way_is_finished_by_the_same_request() {
    let world = World::new().await;
    let begin = Utc::now() - TimeDelta::minutes(1);
    for at in 0..3 {
        world.passed("{\"numbers\": [6]}", None, begin, at, 5).await;
    }
    let body = json!({"from": "stage2"}).to_string();
    // Numbered and stored, and no broker there to take them.
    let away = world.router_to(kafka::Config::plaintext("127.0.0.1:1"));
    let (status, problem) = send(&away, "POST", "/replay", Some("half-way"), body.clone()).await;
    assert_eq!(status, 503, "{problem}");
    assert!(world.records("stage1", 0).is_empty());
    // What has come in since is not part of it.
    world.passed("{\"numbers\": [7]}", None, begin, 3, 5).await;
    let (status, replayed) = world.post("/replay", Some("half-way"), &body).await;
    assert_eq!((status, &replayed["messages"]), (202, &json!(3)), "{replayed}");
    assert!(attempts(&world.records("stage1", 3)).iter().all(|(_, attempt)| *attempt == 1));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_chosen_by_time_by_key_and_by_offset() {
    let world = World::new().await;
    let begin = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
    let mut ids = Vec::new();
    for at in 0..6_i64 {
        let key = if at % 2 == 0 { "even" } else { "odd" };
        let time = begin + TimeDelta::seconds(at);
        ids.push(world.passed("{\"numbers\": [6]}", Some(key), time, at, 5).await.to_string());
    }
    let at = |seconds: i64| (begin + TimeDelta::seconds(seconds)).to_rfc3339();
    let mut sent = 0;
    for (body, expected) in [
        (json!({"from": "stage4", "since": at(1), "until": at(3)}), vec![1, 2]),
        (json!({"from": "stage4", "key": "odd", "since": at(2)}), vec![3, 5]),
        (json!({"from": "stage4", "key": "nobody's"}), vec![]),
        (json!({"from": "stage4", "partition": 0, "first_offset": 4, "last_offset": 9}), vec![4, 5]),
        (json!({"from": "stage4", "partition": 1, "first_offset": 0, "last_offset": 9}), vec![]),
    ] {
        let (status, replayed) = world.post("/replay", None, &body.to_string()).await;
        assert_eq!((status, &replayed["messages"]), (202, &json!(expected.len())), "{body}: {replayed}");
        sent += expected.len();
        let records = world.records("stage3", sent);
        let found: Vec<String> = records.iter().map(|record| record.tag.id.unwrap().to_string()).collect();
        assert!(expected.iter().all(|index: &usize| found.contains(&ids[*index])), "{body}: {found:?}");
    }
    for body in
        [json!({"from": "stage5"}), json!({"from": "stage5", "partition": 0, "first_offset": 0, "last_offset": 5})]
    {
        let (mut body, mut pages) = (body, Vec::new());
        body["limit"] = json!(4);
        loop {
            let (_, page) = world.post("/replay", None, &body.to_string()).await;
            pages.push(page["messages"].as_u64().unwrap());
            let Some(next) = page["next"].as_str() else { break };
            body["after"] = json!(next);
        }
        assert_eq!(pages, [4, 2]);
    }
    let records = attempts(&world.records("stage4", 12));
    assert_eq!(records.iter().map(|(id, _)| id).collect::<std::collections::BTreeSet<_>>().len(), 6, "{records:?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_would_change_and_sends_nothing() {
    let world = World::new().await;
    let same = world.passed("{\"numbers\": [6]}", None, Utc::now(), 0, 5).await;
    let old = world.passed("{\"numbers\": [28]}", None, Utc::now(), 1, 5).await;
    // As an older second stage might have left it.
    let change =
        "update number_stages set output = replace(output, '2^2*7', '4*7') where stage = 2 and message_id = $1";
    let changed = sqlx::query(change).bind(old).execute(&world.database.pool).await.unwrap();
    assert_eq!(changed.rows_affected(), 1);
    let body = json!({"from": "stage2", "dry_run": true}).to_string();
    let (status, found) = world.post("/replay", None, &body).await;
    assert_eq!((status, &found["compared"], &found["different"]), (200, &json!(2), &json!(1)), "{found}");
    let difference = &found["differences"][0];
    assert_eq!((&difference["id"], &difference["stages"][0]["stage"]), (&json!(old), &json!(2)));
    assert_eq!(difference["stages"][0]["changes"][0]["path"], "/factors/0");
    assert_eq!(difference["stages"][0]["changes"][0]["stored"], "\"4*7\"");
    let (_, one) = world.post(&format!("/messages/{same}/replay?from=stage1&dry_run=true"), None, "").await;
    assert_eq!((&one["compared"], &one["different"]), (&json!(1), &json!(0)));
    assert!(world.records("stage1", 0).is_empty());
    let count = sqlx::query_scalar::<_, i64>("select count(*) from number_attempts");
    assert_eq!(count.fetch_one(&world.database.pool).await.unwrap(), 0);
    let event: Value = serde_json::from_str(include_str!("../../../../events/numbers-api/dry-run.json")).unwrap();
    assert_eq!(world.post("/replay", None, event["body"].as_str().unwrap()).await.0, 200);
    world.end().await;
}
