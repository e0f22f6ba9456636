//! Polls that go wrong: nothing is lost, and the state says what happened.

use crate::harness::{World, distinct_ids, retry_after, simulator_config};
use github_poller::Counts;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_refused_token_is_reported_without_being_shown_and_polling_goes_on() {
    let world = World::with(simulator_config(), Some("bad-token")).await;
    assert_eq!(world.poll().await.counts.sent, 300);
    let state = world.state().await;
    assert_eq!(state["token_status"], "refused");
    assert!(!state.to_string().contains("bad-token"));
    world.wait(60);
    assert_eq!(world.poll().await.counts.errors, 0);
    assert_eq!(world.stats().await["refused_tokens"], 1, "it is not tried at every request");
    world.end().await;
}

#[tokio::test]
async fn a_good_token_is_accepted_and_its_304_costs_nothing() {
    let world = World::with(simulator_config(), Some("ghp_good")).await;
    world.poll().await;
    world.poll().await;
    let state = world.state().await;
    assert_eq!((&state["token_status"], &state["rate_limit_remaining"]), (&json!("accepted"), &json!(4_997)));
    world.end().await;
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    for kind in ["403", "429"] {
        let world = World::new().await;
        world.fault(retry_after(kind, 200)).await;
        assert_eq!(world.poll().await.counts, Counts { polls: 1, errors: 1, ..Counts::default() });
        assert!((190..=200).contains(&world.due_in_seconds().await), "{kind}");
        let state = world.state().await;
        assert!(state["last_error"].as_str().unwrap().contains(kind), "{state}");
        assert_eq!(world.poll().await.counts.sent, 300);
        world.end().await;
    }
}

#[tokio::test]
async fn a_spent_rate_limit_waits_for_its_reset() {
    let config = github_simulator::config::Config { rate_limit_anonymous: 2, ..simulator_config() };
    let world = World::with(config, None).await;
    let first = world.poll().await.counts;
    assert_eq!((first.sent, first.errors), (200, 0), "two pages, then the budget is spent");
    assert_eq!(world.state().await["incomplete"], true);
    world.wait(3_600);
    assert_eq!(world.poll().await.counts.fetched, 200, "all pages are read that the budget allows");
    world.end().await;
}

#[tokio::test]
async fn a_cut_page_is_an_error_and_nothing_is_lost() {
    let world = World::new().await;
    world.fault(json!({"kind": "truncated"})).await;
    assert_eq!(world.poll().await.counts, Counts { polls: 1, errors: 1, ..Counts::default() });
    let state = world.state().await;
    assert!(state["last_error"].as_str().unwrap().contains("not a whole JSON array"), "{state}");
    assert_eq!(world.poll().await.counts.sent, 300);
    world.end().await;
}

#[tokio::test]
async fn a_page_that_fails_after_others_went_well_is_read_next_time() {
    for kind in ["500", "truncated"] {
        let world = World::new().await;
        world.fault(json!({"kind": kind, "page": 2})).await;
        let partial = world.poll().await.counts;
        assert_eq!((partial.sent, partial.errors), (100, 1));
        let rest = world.poll().await.counts;
        assert_eq!((rest.sent, rest.duplicates, rest.errors, rest.not_modified), (200, 100, 0, 0));
        assert_eq!(distinct_ids(&world.events().await).len(), 300);
        world.end().await;
    }
}

#[tokio::test]
async fn failures_in_a_row_are_counted_and_end_with_the_first_answer() {
    let world = World::new().await;
    world.fault(json!({"kind": "500", "times": 2})).await;
    world.poll().await;
    world.poll().await;
    assert_eq!(world.state().await["consecutive_errors"], 2);
    world.poll().await;
    let state = world.state().await;
    assert_eq!((&state["consecutive_errors"], &state["errors"]), (&json!(0), &json!(2)));
    world.end().await;
}

#[tokio::test]
async fn a_feed_that_stands_still_is_counted_once() {
    let world = World::new().await;
    world.poll().await;
    let age = "update github_poller_state set newest_advanced_at = now() - interval '11 minutes'";
    sqlx::query(age).execute(&world.database.pool).await.unwrap();
    assert_eq!(world.poll().await.counts.stale, 1);
    assert_eq!(world.poll().await.counts.stale, 0, "the same episode");
    assert!(!world.state().await["stale_since"].is_null());
    world.wait(60);
    world.poll().await;
    assert!(world.state().await["stale_since"].is_null());
    world.end().await;
}

#[tokio::test]
async fn elements_without_an_id_go_to_the_dead_letters_once_and_the_others_are_sent() {
    let odd = r#"[{"id":"1","type":"NeverSeenEvent","new":{"field": [1.0]}}, 7 ,{"type":"PushEvent"},{"id":"2","repo":{"id":5}}]"#;
    let world = World::answering(odd).await;
    let first = world.poll().await.counts;
    assert_eq!((first.sent, first.dead_letters, first.errors), (2, 2, 0));
    let again = world.poll().await.counts;
    assert_eq!((again.sent, again.dead_letters, again.duplicates), (0, 0, 4));
    let mut events: Vec<_> = world.events().await.into_iter().map(|record| (record.value, record.key)).collect();
    events.sort();
    let unknown = r#"{"id":"1","type":"NeverSeenEvent","new":{"field": [1.0]}}"#;
    let known = r#"{"id":"2","repo":{"id":5}}"#;
    assert_eq!(events, [(unknown.to_owned(), None), (known.to_owned(), Some("5".to_owned()))]);
    let mut letters: Vec<_> =
        world.dead_letters().await.into_iter().map(|record| (record.value, record.rule)).collect();
    letters.sort();
    let rule = |rule: &str| Some(rule.to_owned());
    assert_eq!(
        letters,
        [("7".to_owned(), rule("event_object")), (r#"{"type":"PushEvent"}"#.to_owned(), rule("event_id"))]
    );
    world.end().await;
}

#[tokio::test]
async fn what_kafka_did_not_acknowledge_is_sent_by_the_next_run() {
    let mut world = World::new().await;
    world.poll().await;
    world.wait(30);
    world.wait(30);
    world.break_kafka().await;
    world.deps.config.margin = Duration::from_secs(4);
    let before = world.state().await;
    let pool = world.database.pool.clone();
    sqlx::query("update github_poller_state set next_poll_at = null").execute(&pool).await.unwrap();
    let error = format!("{:#}", world.invoke(Duration::from_secs(5)).await.unwrap_err());
    assert!(error.contains("kafka"), "{error}");
    let after = world.state().await;
    for field in ["sent", "fetched", "newest_created_at"] {
        assert_eq!(after[field], before[field], "{field} moved");
    }
    assert_eq!(after["errors"], 1);
    world.mend_kafka();
    world.deps.config.margin = Duration::from_secs(30);
    assert_eq!(world.poll().await.counts.sent, 300);
    assert_eq!(distinct_ids(&world.events().await).len(), 600);
    drop(pool);
    world.end().await;
}
