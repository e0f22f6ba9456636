//! The generator against real Kafka (`KAFKA_BOOTSTRAP_SERVERS`) and Postgres (`DATABASE_URL`).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

use std::collections::BTreeMap;
use std::time::Duration;

use kafka::{Log, Producer};
use kit::{Env, Invocation};
use numbers_generator::{Config, Deps, LEASE, handle};
use pg::Lease;
use serde_json::Value;
use uuid::Uuid;

#[tokio::test]
async fn it_posts_at_its_rate_one_at_a_time_and_goes_on_where_it_was() {
    let database = pg::testing::database().await;
    let servers = std::env::var("KAFKA_BOOTSTRAP_SERVERS").expect("KAFKA_BOOTSTRAP_SERVERS of a running stack");
    let kafka = kafka::Config::plaintext(servers);
    let prefix = format!("numbers-{}-", Uuid::new_v4());
    let topic = format!("{prefix}start");
    kafka::admin::create_topic(&kafka, &topic, 1, &BTreeMap::new()).await.unwrap();
    let deps = |rate: &str| {
        let mut env = Env::from_pairs([("NUMBERS_RATE", rate), ("NUMBERS_TOPIC_PREFIX", &prefix)]);
        let producer = Producer::new(&kafka).unwrap();
        Deps { config: Config::read(&mut env), producer, pool: database.pool.clone() }
    };
    // Three seconds of it are its margin.
    let four_seconds = || Invocation::for_test(Duration::from_secs(4));
    let first = handle(&deps("100"), Value::Null, &four_seconds()).await.unwrap();
    assert!((50..=120).contains(&first.posted), "{first:?}");
    let other = Lease::acquire(&database.pool, LEASE, "another", Duration::from_secs(60)).await.unwrap().unwrap();
    let second = handle(&deps("100"), Value::Null, &four_seconds()).await.unwrap();
    assert!(second.lease_held_by_another && second.posted == 0);
    other.release(&database.pool).await.unwrap();
    assert_eq!(handle(&deps("0"), Value::Null, &four_seconds()).await.unwrap().posted, 0);
    // The position is lost, as when it dies before it has moved: the same messages have the same ids.
    sqlx::query("update number_generators set next_index = 0").execute(&database.pool).await.unwrap();
    let again = handle(&deps("100"), Value::Null, &four_seconds()).await.unwrap();
    let third = handle(&deps("100"), Value::Null, &four_seconds()).await.unwrap();
    let records = Log::new(&kafka).unwrap().since(&topic, 0, 0).await.unwrap();
    let ids: Vec<&Vec<u8>> =
        records.iter().map(|headers| &headers.iter().find(|(name, _)| name == "message-id").unwrap().1).collect();
    let [first, again, third] = [first, again, third].map(|summary| usize::try_from(summary.posted).unwrap());
    assert_eq!(ids.len(), first + again + third);
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), first.max(again + third), "what was posted twice is one, what follows is new");
    database.drop_database().await;
}
