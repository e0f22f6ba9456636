//! What a partition of a real broker (`KAFKA_BOOTSTRAP_SERVERS`) has got since an offset.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

use std::collections::BTreeMap;

use kafka::{Config, Log, Message, Producer, admin};
use uuid::Uuid;

#[tokio::test]
async fn headers_since_an_offset_are_read_to_the_end_that_is_there_and_again() {
    let servers = std::env::var("KAFKA_BOOTSTRAP_SERVERS").expect("KAFKA_BOOTSTRAP_SERVERS of a running stack");
    let (config, topic) = (Config::plaintext(servers), format!("log-{}", Uuid::new_v4()));
    admin::create_topic(&config, &topic, 2, &BTreeMap::new()).await.unwrap();
    let (log, producer) = (Log::new(&config).unwrap(), Producer::new(&config).unwrap());
    assert_eq!(log.partitions(&topic).await.unwrap(), 2);
    assert!(log.partitions(&format!("no-{topic}")).await.is_err());
    assert_eq!((log.end(&topic, 1).await.unwrap(), log.since(&topic, 1, 0).await.unwrap().len()), (0, 0));
    for round in 1..=2 {
        let message = |number: u8| Message {
            topic: topic.clone(),
            partition: Some(1),
            value: Some(vec![number]),
            headers: vec![("number".to_owned(), vec![number])],
            key: None,
        };
        producer.send_all((0..50).map(message).collect()).await.unwrap();
        assert_eq!(log.end(&topic, 1).await.unwrap(), round * 50);
        let since = log.since(&topic, 1, round * 50 - 3).await.unwrap();
        let numbers: Vec<u8> =
            since.iter().map(|headers| headers.first().unwrap().1.first().copied().unwrap()).collect();
        assert_eq!(numbers, [47, 48, 49]);
        assert_eq!(log.since(&topic, 0, 0).await.unwrap(), Vec::<kafka::RecordHeaders>::new());
    }
}
