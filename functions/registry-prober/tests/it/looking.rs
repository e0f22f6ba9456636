//! Rounds: what is found, and what happens when one is repeated, overtaken or fails half-way.

use std::time::Duration;

use registry_prober::{LEASE, Summary};
use serde_json::json;

use crate::harness::World;

#[tokio::test]
async fn a_round_finds_how_each_function_is_and_a_silent_one_keeps_nobody_waiting() {
    let world = World::new().await;
    let began = std::time::Instant::now();
    let summary = world.round().await;
    assert_eq!(summary, Summary { lease_held_by_another: false, rounds: 1, unhealthy: 1 });
    assert!(began.elapsed() < Duration::from_secs(5), "all at once: {:?}", began.elapsed());

    let api = world.check("an-api").await;
    assert_eq!((&api["status"], &api["kind"], &api["position"]), (&json!("healthy"), &json!("http"), &json!(0)));
    assert!(api["response_time_ms"].as_f64().unwrap() > 0.0 && api["error"].is_null(), "{api}");

    let silent = world.check("a-silent-api").await;
    assert_eq!(silent["status"], "unhealthy");
    assert_eq!(silent["error"], "/health did not answer within 0.7 s");

    let writer = world.check("a-writer").await;
    assert_eq!((&writer["status"], &writer["lag"]), (&json!("healthy"), &json!(0)), "quiet is not ill: {writer}");
    assert_eq!(writer["trigger"], format!("topic {0} by group group-{0}", world.topic));

    let worker = world.check("a-worker").await;
    assert_eq!((&worker["status"], &worker["trigger"]), (&json!("unknown"), &json!("rate(1 minute)")), "{worker}");
    world.end().await;
}

#[tokio::test]
async fn the_same_event_twice_leaves_one_newest_check_and_a_longer_history() {
    let world = World::new().await;
    world.round().await;
    let first = world.check("an-api").await;
    world.round().await;
    let second = world.check("an-api").await;
    assert_eq!((world.count("service_checks").await, world.count("service_check_history").await), (4, 8));
    assert_eq!(world.count("registry_rounds").await, 1);
    assert_eq!(first["status_since"], second["status_since"], "nothing has changed since");
    assert_ne!(first["checked_at"], second["checked_at"]);
    world.end().await;
}

#[tokio::test]
async fn stopping_failing_and_working_are_seen() {
    let world = World::new().await;
    world.produce(3).await;
    world.round().await;
    let writer = world.check("a-writer").await;
    assert_eq!((&writer["status"], &writer["lag"]), (&json!("unknown"), &json!(3)), "{writer}");

    world.consume().await;
    world.execute("insert into leases values ('a-worker/table', 'x', 1, now(), now())").await;
    world.set(|answers| answers.ill = true);
    world.round().await;
    assert_eq!(world.check("a-writer").await["status"], "healthy");
    assert_eq!(world.check("a-worker").await["status"], "healthy");
    let api = world.check("an-api").await;
    assert_eq!(api["status"], "unhealthy");
    assert_eq!(api["error"], "status 503 Service Unavailable: Postgres does not answer");

    // A backlog that nobody has touched for long.
    world.produce(2).await;
    let long_ago = "update service_checks set last_success_at = now() - interval '1 hour',
                    expected_since = now() - interval '1 hour'";
    world.execute(long_ago).await;
    world.execute("update leases set succeeded_at = now() - interval '1 hour' where name like 'a-%'").await;
    world.round().await;
    let writer = world.check("a-writer").await;
    assert_eq!(writer["status"], "unhealthy");
    let error = writer["error"].as_str().unwrap();
    assert!(error.starts_with("2 records wait, and none was done for 360"), "{error}");
    assert!(error.ends_with("Lambda says Function call failed"), "{error}");
    assert_eq!(world.check("a-worker").await["status"], "unhealthy");

    world.set(|answers| (answers.mapping_enabled, answers.schedule_enabled) = (false, false));
    world.round().await;
    for name in ["a-writer", "a-worker"] {
        let check = world.check(name).await;
        assert_eq!((&check["status"], &check["error"]), (&json!("stopped"), &json!(null)), "{check}");
    }
    world.end().await;
}

#[tokio::test]
async fn after_a_break_nothing_is_late_and_what_is_not_named_is_forgotten() {
    let mut world = World::new().await;
    world.execute("insert into leases values ('a-worker', 'x', 1, now(), now() - interval '1 day')").await;
    world.round().await;
    world.execute("update service_checks set expected_since = now() - interval '1 day'").await;
    world.round().await;
    assert_eq!(world.check("a-worker").await["status"], "unhealthy");

    world.execute("update registry_rounds set checked_at = now() - interval '2 minutes', up_since = 'epoch'").await;
    world.deps.config.services.retain(|service| service.name == "a-worker");
    world.round().await;
    assert_eq!(world.check("a-worker").await["status"], "unknown", "it has been started just now");
    assert_eq!(world.count("service_checks").await, 1);
    assert_eq!(world.count("service_check_history where name <> 'a-worker'").await, 0);
    assert_eq!(world.count("registry_rounds where up_since > now() - interval '1 minute'").await, 1);
    world.end().await;
}

#[tokio::test]
async fn a_round_that_fails_half_way_leaves_the_one_before() {
    let world = World::new().await;
    world.round().await;
    let before = world.check("an-api").await;
    world.set(|answers| answers.ill = true);
    world.execute("alter table registry_rounds rename to gone").await;
    // The checks would be written before the round's row; neither may be there without the other.
    world.execute("create view registry_rounds as select up_since, checked_at from gone").await;
    let error = format!("{:#}", world.invoke(Duration::from_secs(15)).await.unwrap_err());
    assert!(error.contains("save the round"), "{error}");
    assert_eq!(world.check("an-api").await, before);
    assert_eq!(world.count("service_check_history").await, 4);

    world.execute("drop view registry_rounds").await;
    world.execute("alter table gone rename to registry_rounds").await;
    world.round().await;
    assert_eq!(world.check("an-api").await["status"], "unhealthy");
    world.end().await;
}

#[tokio::test]
async fn only_one_looks_and_one_whose_lease_has_passed_on_writes_nothing() {
    let world = World::new().await;
    let pool = &world.database.pool;
    let long = Duration::from_secs(60);
    let lease = pg::Lease::acquire(pool, LEASE, "another", long).await.unwrap().unwrap();
    let refused = world.round().await;
    assert_eq!(refused, Summary { lease_held_by_another: true, ..Summary::default() });
    lease.release(pool).await.unwrap();

    // While the silent API is waited for, another one takes over.
    let usurper = async {
        let taken =
            async || sqlx::query("update leases set expires_at = now() where holder = 'test'").execute(pool).await;
        while taken().await.unwrap().rows_affected() == 0 {
            tokio::task::yield_now().await;
        }
        pg::Lease::acquire(pool, LEASE, "usurper", long).await.unwrap().unwrap()
    };
    let (result, lease) = tokio::join!(world.invoke(Duration::from_secs(15)), usurper);
    let error = format!("{:#}", result.unwrap_err());
    assert!(error.contains("has passed to another holder"), "{error}");
    assert_eq!(world.count("service_checks").await, 0);
    lease.renew(pool).await.expect("the loser did not give back what was not its own");
    world.end().await;
}
