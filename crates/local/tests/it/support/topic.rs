//! A topic of a test's own on the real broker.

use std::{collections::BTreeMap, time::Duration};

use futures::future::try_join_all;
use kafka::{Config, admin};
use rdkafka::{
    Message, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, AlterConfig, NewPartitions, ResourceSpecifier},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    message::{Header, Headers, OwnedHeaders},
    producer::{FutureProducer, FutureRecord},
    util::Timeout,
};
use serde_json::Value;

/// The broker of `KAFKA_BOOTSTRAP_SERVERS`.
pub(crate) fn broker() -> Config {
    let servers = std::env::var("KAFKA_BOOTSTRAP_SERVERS").unwrap_or_default();
    assert!(
        !servers.is_empty(),
        "KAFKA_BOOTSTRAP_SERVERS is not set: run the tests with `make test`, or \
         `bash localstack/with-services.sh cargo test --workspace --test conformance`"
    );
    Config::plaintext(servers)
}

/// A record to produce.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rec {
    pub(crate) partition: i32,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(&'static str, Vec<u8>)>,
    pub(crate) timestamp_ms: Option<i64>,
}

/// A record with this value and nothing else.
pub(crate) fn rec(partition: i32, value: impl std::fmt::Display) -> Rec {
    Rec { partition, value: Some(format!("{value}").into_bytes()), ..Rec::default() }
}

/// A record that was read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
}

impl Read {
    /// Its value as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(self.value.as_deref().unwrap()).unwrap()
    }
}

/// A topic.
#[derive(Debug, Clone)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) kafka: Config,
}

impl Topic {
    /// A new one, which takes records of up to 8 MB.
    pub(crate) async fn create(name: String, partitions: i32) -> Self {
        Self::create_on(broker(), name, partitions).await
    }

    /// As [`Topic::create`], on another broker.
    pub(crate) async fn create_on(kafka: Config, name: String, partitions: i32) -> Self {
        let properties = BTreeMap::from([("max.message.bytes".to_owned(), "10485760".to_owned())]);
        admin::create_topic(&kafka, &name, partitions, &properties).await.unwrap();
        // The controller answers before the broker tells everybody.
        super::until("the new topic", async || admin::partitions(&kafka, &name, "looks-for-topics").await.ok()).await;
        Self { name, kafka }
    }

    /// Gives it more partitions.
    pub(crate) async fn grow(&self, partitions: usize) {
        let client: AdminClient<DefaultClientContext> = self.kafka.client().create().unwrap();
        let wanted = NewPartitions::new(&self.name, partitions);
        let results = client.create_partitions([&wanted], &AdminOptions::new()).await.unwrap();
        results.into_iter().for_each(|result| drop(result.unwrap()));
        super::until("the new partitions", async || {
            let known = admin::partitions(&self.kafka, &self.name, "looks-for-topics").await.ok()?;
            (known.len() == partitions).then_some(())
        })
        .await;
    }

    /// Sets its only property of its own.
    pub(crate) async fn alter(&self, key: &str, value: &str) {
        let client: AdminClient<DefaultClientContext> = self.kafka.client().create().unwrap();
        let wanted = AlterConfig::new(ResourceSpecifier::Topic(&self.name)).set(key, value);
        let results = client.alter_configs([&wanted], &AdminOptions::new()).await.unwrap();
        results.into_iter().for_each(|result| drop(result.unwrap()));
    }

    /// Produces, in order within a partition.
    pub(crate) async fn produce(&self, records: &[Rec]) {
        let producer: FutureProducer = self.kafka.client().set("linger.ms", "2").create().unwrap();
        let sends = records.iter().map(|rec| {
            let mut record = FutureRecord::<[u8], [u8]>::to(&self.name).partition(rec.partition);
            record.key = rec.key.as_deref();
            record.payload = rec.value.as_deref();
            record.timestamp = rec.timestamp_ms;
            let headers = rec
                .headers
                .iter()
                .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: Some(value) }));
            record.headers = (!rec.headers.is_empty()).then_some(headers);
            producer.send(record, Timeout::Never)
        });
        try_join_all(sends).await.map_err(|(error, _)| error).unwrap();
    }

    /// What a group committed, by partition; `None` before its first commit.
    pub(crate) async fn committed(&self, group: &str) -> Vec<Option<i64>> {
        let states = admin::partitions(&self.kafka, &self.name, group).await.unwrap();
        states.into_iter().map(|state| state.committed).collect()
    }

    /// Reads the first `count` records of partition 0.
    pub(crate) async fn read(&self, count: usize) -> Vec<Read> {
        let consumer: BaseConsumer = self.kafka.client().set("group.id", "reads-without-a-group").create().unwrap();
        let mut from = TopicPartitionList::new();
        from.add_partition_offset(&self.name, 0, Offset::Beginning).unwrap();
        consumer.assign(&from).unwrap();
        let name = self.name.clone();
        tokio::task::spawn_blocking(move || {
            let one = |_| {
                let message = consumer.poll(Duration::from_secs(60));
                let message = message.unwrap_or_else(|| panic!("{name} has fewer than {count} records")).unwrap();
                let headers = message.headers().into_iter().flat_map(Headers::iter);
                let headers = headers.map(|h| (h.key.to_owned(), h.value.unwrap_or_default().to_vec())).collect();
                let bytes = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
                Read { key: bytes(message.key()), value: bytes(message.payload()), headers }
            };
            (0..count).map(one).collect()
        })
        .await
        .unwrap()
    }
}
