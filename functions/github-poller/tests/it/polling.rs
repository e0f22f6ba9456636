//! Polls that go well.

use crate::harness::{World, distinct_ids, simulator_config};
use github_poller::{Counts, LEASE, Summary};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn the_first_poll_sends_the_whole_feed_byte_for_byte_keyed_by_repository() {
    let world = World::new().await;
    let summary = world.poll().await;
    assert_eq!(summary.counts, Counts { polls: 1, fetched: 300, sent: 300, ..Counts::default() });
    let records = world.events().await;
    assert_eq!(distinct_ids(&records).len(), 300);
    let page = reqwest::Client::new().get(format!("{}/events?per_page=100&page=3", world.deps.config.api_url));
    let feed = page.header("user-agent", "test").send().await.unwrap().text().await.unwrap();
    for record in &records {
        let event: Value = serde_json::from_str(&record.value).unwrap();
        assert_eq!(record.key, Some(event["repo"]["id"].to_string()));
    }
    let in_page = records.iter().filter(|record| feed.contains(&record.value)).count();
    assert_eq!(in_page, 100, "the oldest hundred stand in page 3 as they are");
    world.end().await;
}

#[tokio::test]
async fn the_same_feed_again_sends_nothing_new() {
    let world = World::new().await;
    world.poll().await;
    // Without its tag the feed comes whole once more.
    sqlx::query("update github_poller_state set etag = null").execute(&world.database.pool).await.unwrap();
    let again = world.poll().await;
    let repeated = Counts { polls: 1, fetched: 100, duplicates: 100, ..Counts::default() };
    assert_eq!(again.counts, repeated, "one page, because it brings nothing");
    assert_eq!(world.events().await.len(), 300);
    world.end().await;
}

#[tokio::test]
async fn an_unchanged_feed_is_answered_with_304() {
    let world = World::new().await;
    world.poll().await;
    let again = world.poll().await;
    assert_eq!(again.counts, Counts { polls: 1, not_modified: 1, ..Counts::default() });
    assert_eq!(world.stats().await["not_modified"], 1);
    world.end().await;
}

#[tokio::test]
async fn a_feed_that_moved_on_by_less_than_its_length_leaves_no_gap_and_by_more_does() {
    let world = World::with(github_simulator::config::Config { rate: 2.0, ..simulator_config() }, None).await;
    world.poll().await;
    world.wait(60);
    let overlap = world.poll().await.counts;
    assert_eq!((overlap.sent, overlap.gaps), (120, 0));
    world.wait(240);
    let gap = world.poll().await.counts;
    assert_eq!((gap.sent, gap.gaps), (300, 1));
    assert_eq!(distinct_ids(&world.events().await).len(), 720);
    let state = world.state().await;
    assert_eq!((&state["gaps"], &state["sent"], &state["polls"]), (&json!(1), &json!(720), &json!(3)));
    world.end().await;
}

#[tokio::test]
async fn late_events_with_old_ids_are_sent() {
    let config = github_simulator::config::Config { late_per_mille: 300, ..simulator_config() };
    let world = World::with(config, None).await;
    let mut sent = 0;
    for _ in 0..3 {
        sent += world.poll().await.counts.sent;
        world.wait(60);
    }
    let ids = distinct_ids(&world.events().await);
    assert_eq!(ids.len() as u64, sent);
    let mut ids: Vec<u64> = ids.iter().map(|id| id.parse().unwrap()).collect();
    ids.sort_unstable();
    // 300 of 1,000 are late, so the ids reach back for hours: 5 a second.
    assert!(ids[ids.len() - 1] - ids[0] > 5 * 3_600, "from {} to {}", ids[0], ids[ids.len() - 1]);
    world.end().await;
}

#[tokio::test]
async fn one_invocation_polls_as_often_as_the_api_allows_until_its_time_is_nearly_over() {
    let mut world =
        World::with(github_simulator::config::Config { poll_interval: 1, ..simulator_config() }, None).await;
    world.deps.config.margin = Duration::from_secs(2);
    let summary = world.invoke(Duration::from_secs(6)).await.unwrap();
    // A poll a second from 0 to 4 s; a slow machine may lose some.
    assert!((2..=5).contains(&summary.counts.polls), "{} polls", summary.counts.polls);
    let state = world.state().await;
    assert_eq!(state["polls"], summary.counts.polls);
    world.end().await;
}

#[tokio::test]
async fn the_wait_that_was_asked_for_outlives_the_invocation() {
    let world = World::new().await;
    world.poll().await;
    assert!((50..=60).contains(&world.due_in_seconds().await));
    let early = world.invoke(Duration::from_secs(60)).await.unwrap();
    assert_eq!(early.counts, Counts::default());
    world.end().await;
}

#[tokio::test]
async fn the_configured_interval_and_number_of_events_hold() {
    let world = World::new().await;
    let settings = "update github_poller_state set fetch_interval_seconds = 600, max_events_per_fetch = 70";
    sqlx::query(settings).execute(&world.database.pool).await.unwrap();
    assert_eq!(world.poll().await.counts.sent, 70);
    assert!((590..=600).contains(&world.due_in_seconds().await));
    world.end().await;
}

#[tokio::test]
async fn an_interval_that_is_set_while_the_poller_waits_holds_at_once() {
    let mut world =
        World::with(github_simulator::config::Config { poll_interval: 1, ..simulator_config() }, None).await;
    world.deps.config.margin = Duration::from_secs(2);
    let pool = world.database.pool.clone();
    sqlx::query("update github_poller_state set fetch_interval_seconds = 9").execute(&pool).await.unwrap();
    let shorten = async {
        // As the producer's interface does, once the first poll is written down.
        let set = "update github_poller_state set fetch_interval_seconds = 1,
                          next_poll_at = greatest(earliest_poll_at, last_poll_at + interval '1 second') where polls > 0";
        while sqlx::query(set).execute(&pool).await.unwrap().rows_affected() == 0 {
            tokio::task::yield_now().await;
        }
    };
    let (summary, ()) = tokio::join!(world.invoke(Duration::from_secs(12)), shorten);
    let polls = summary.unwrap().counts.polls;
    assert!(polls >= 4, "{polls} polls: those of a second each begin after a nap, not after 9 s");
    drop(pool);
    world.end().await;
}

#[tokio::test]
async fn only_one_polls_and_the_other_says_so() {
    let world = World::new().await;
    let pool = &world.database.pool;
    let lease = pg::Lease::acquire(pool, LEASE, "another", Duration::from_secs(60)).await.unwrap().unwrap();
    let refused = world.invoke(Duration::from_secs(60)).await.unwrap();
    assert_eq!(refused, Summary { lease_held_by_another: true, counts: Counts::default() });
    assert_eq!(world.stats().await["requests"], 0);
    lease.release(pool).await.unwrap();
    assert_eq!(world.poll().await.counts.sent, 300, "the lease is free again");
    world.end().await;
}

#[tokio::test]
async fn a_poller_whose_lease_has_passed_on_writes_nothing() {
    let mut world =
        World::with(github_simulator::config::Config { poll_interval: 1, ..simulator_config() }, None).await;
    world.deps.config.margin = Duration::from_secs(1);
    let pool = world.database.pool.clone();
    let usurper = async {
        // As soon as the first poll is written down, the lease ends and another takes it.
        loop {
            let polls: i64 =
                sqlx::query_scalar("select polls from github_poller_state").fetch_one(&pool).await.unwrap();
            if polls > 0 {
                break;
            }
            tokio::task::yield_now().await;
        }
        sqlx::query("update leases set expires_at = now()").execute(&pool).await.unwrap();
        let lease = pg::Lease::acquire(&pool, LEASE, "usurper", Duration::from_secs(60)).await.unwrap().unwrap();
        let polls: i64 = sqlx::query_scalar("select polls from github_poller_state").fetch_one(&pool).await.unwrap();
        (lease, polls)
    };
    let (result, (lease, polls)) = tokio::join!(world.invoke(Duration::from_secs(30)), usurper);
    let error = format!("{:#}", result.unwrap_err());
    assert!(error.contains("has passed to another holder"), "{error}");
    assert_eq!(world.state().await["polls"], polls);
    lease.renew(&pool).await.expect("the loser did not give back what was not its own");
    drop(pool);
    world.end().await;
}
