//! Single records of a real broker (`KAFKA_BOOTSTRAP_SERVERS`).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kafka::{Config, Found, Identifier, Lookup, Message, Producer, admin};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::{Offset, TopicPartitionList};
use uuid::Uuid;

fn cluster() -> Config {
    let servers = std::env::var("KAFKA_BOOTSTRAP_SERVERS").unwrap_or_else(|_| {
        panic!("KAFKA_BOOTSTRAP_SERVERS is not set: run `make test`, or eval \"$(millrace env)\" of a running stack")
    });
    Config::plaintext(servers)
}

async fn produce(config: &Config, topic: &str, values: &[&str]) {
    let message = |value: &&str| Message {
        topic: topic.to_owned(),
        partition: Some(0),
        key: Some(b"k".to_vec()),
        value: Some(value.as_bytes().to_vec()),
        ..Message::default()
    };
    Producer::new(config).unwrap().send_all(values.iter().map(message).collect()).await.unwrap();
}

async fn value_at(lookup: &Lookup, topic: &str, offset: i64) -> String {
    match lookup.at(topic, 0, offset).await.unwrap() {
        Found::Record { timestamp_ms, key, value } => {
            assert!(timestamp_ms.is_some() && key.as_deref() == Some(b"k"));
            String::from_utf8(value.unwrap()).unwrap()
        }
        other => panic!("{other:?} at {offset}"),
    }
}

#[tokio::test]
async fn a_record_is_found_where_it_is_and_nothing_where_none_is() {
    let (config, topic) = (cluster(), format!("lookup-{}", Uuid::new_v4()));
    admin::create_topic(&config, &topic, 1, &BTreeMap::new()).await.unwrap();
    let lookup = Lookup::new(&config).unwrap();
    assert_eq!(lookup.at(&topic, 0, 0).await.unwrap(), Found::Beyond);
    produce(&config, &topic, &["a", "b", "c", "d"]).await;
    for (offset, value) in [(3, "d"), (0, "a"), (2, "c"), (2, "c")] {
        assert_eq!(value_at(&lookup, &topic, offset).await, value);
    }
    assert_eq!(lookup.at(&topic, 0, 4).await.unwrap(), Found::Beyond);
    let large = "x".repeat(900_000);
    produce(&config, &topic, &[&large]).await;
    assert!(value_at(&lookup, &topic, 4).await == large);

    let client: AdminClient<DefaultClientContext> = config.client().create().unwrap();
    let mut before = TopicPartitionList::new();
    before.add_partition_offset(&topic, 0, Offset::Offset(2)).unwrap();
    client.delete_records(&before, &AdminOptions::new()).await.unwrap();
    assert_eq!(lookup.at(&topic, 0, 1).await.unwrap(), Found::Gone);
    assert_eq!(value_at(&lookup, &topic, 2).await, "c");
    admin::delete_topic(&config, &topic).await.unwrap();
}

#[tokio::test]
async fn a_topic_made_again_is_looked_at_as_it_is_now() {
    let (config, topic) = (cluster(), format!("lookup-{}", Uuid::new_v4()));
    admin::create_topic(&config, &topic, 1, &BTreeMap::new()).await.unwrap();
    produce(&config, &topic, &["old 0", "old 1", "old 2"]).await;
    let (lookup, identifier) = (Lookup::new(&config).unwrap(), Identifier::new(&config).unwrap());
    assert_eq!(value_at(&lookup, &topic, 1).await, "old 1");
    admin::delete_topic(&config, &topic).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while identifier.identify(&topic).await.is_ok() {
        assert!(Instant::now() < deadline, "the topic is still there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    admin::create_topic(&config, &topic, 1, &BTreeMap::new()).await.unwrap();
    produce(&config, &topic, &["new 0", "new 1"]).await;
    assert_eq!(value_at(&lookup, &topic, 1).await, "new 1");
    assert_eq!(lookup.at(&topic, 0, 2).await.unwrap(), Found::Beyond);
    admin::delete_topic(&config, &topic).await.unwrap();
}
