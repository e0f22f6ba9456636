//! Topics: creating, listing, and how far a consumer group is behind.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use rdkafka::{
    Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    error::KafkaResult,
    types::RDKafkaErrorCode,
};

use crate::Config;

const TIMEOUT: Duration = Duration::from_secs(10);

/// How often the broker is asked again for what will be there in a moment.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Creates a topic; one that exists already stays as it is.
///
/// # Errors
/// When the broker refuses, or does not answer within ten seconds.
pub async fn create_topic(
    config: &Config,
    name: &str,
    partitions: i32,
    properties: &BTreeMap<String, String>,
) -> anyhow::Result<()> {
    let client: AdminClient<DefaultClientContext> = config.client().create().context("create a kafka client")?;
    let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(-1));
    for (key, value) in properties {
        topic = topic.set(key, value);
    }
    let options = AdminOptions::new().request_timeout(Some(TIMEOUT)).operation_timeout(Some(TIMEOUT));
    let results = client.create_topics([&topic], &options).await.with_context(|| format!("create topic {name}"))?;
    match results.into_iter().next() {
        Some(Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => wait_until_known(client, name).await,
        Some(Err((_, code))) => bail!("create topic {name}: {code}"),
        None => bail!("create topic {name}: the broker said nothing of it"),
    }
}

/// The broker acknowledges a topic a moment before its metadata names it; who asks in between is told that it does not
/// exist.
async fn wait_until_known(client: AdminClient<DefaultClientContext>, name: &str) -> anyhow::Result<()> {
    let name = name.to_owned();
    blocking(move || {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let metadata = client.inner().fetch_metadata(Some(&name), TIMEOUT);
            let metadata = metadata.with_context(|| format!("describe {name}"))?;
            if metadata.topics().iter().any(|topic| topic.error().is_none() && !topic.partitions().is_empty()) {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("topic {name} was created, but the broker does not know it after {} s", TIMEOUT.as_secs());
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
    })
    .await
}

/// Deletes a topic; one that does not exist is deleted already.
///
/// # Errors
/// When the broker refuses, or does not answer within ten seconds.
pub async fn delete_topic(config: &Config, name: &str) -> anyhow::Result<()> {
    let client: AdminClient<DefaultClientContext> = config.client().create().context("create a kafka client")?;
    let options = AdminOptions::new().request_timeout(Some(TIMEOUT)).operation_timeout(Some(TIMEOUT));
    let results = client.delete_topics(&[name], &options).await.with_context(|| format!("delete topic {name}"))?;
    match results.into_iter().next() {
        Some(Err((_, code))) if code != RDKafkaErrorCode::UnknownTopicOrPartition => {
            bail!("delete topic {name}: {code}")
        }
        _ => Ok(()),
    }
}

/// One partition of a topic: what the broker holds and, for a group, how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionState {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Offset of the oldest record that the broker still has.
    pub low: i64,
    /// Offset that the next record will get.
    pub high: i64,
    /// What the group committed: the next offset that it will read. `None` before its first commit.
    pub committed: Option<i64>,
}

impl PartitionState {
    /// Records that the group has not finished.
    #[must_use]
    pub fn lag(&self) -> i64 {
        (self.high - self.committed.unwrap_or(self.low).max(self.low)).max(0)
    }
}

/// All topics of the cluster with their number of partitions, internal ones (`__*`) left out.
///
/// # Errors
/// When the broker does not answer within ten seconds.
pub async fn topics(config: &Config) -> anyhow::Result<BTreeMap<String, usize>> {
    let consumer = consumer(config, "millrace-inspect")?;
    blocking(move || {
        let metadata = consumer.fetch_metadata(None, TIMEOUT).context("list topics")?;
        let visible = metadata.topics().iter().filter(|topic| !topic.name().starts_with("__"));
        Ok(visible.map(|topic| (topic.name().to_owned(), topic.partitions().len())).collect())
    })
    .await
}

/// Every partition of a topic, with what `group` committed.
///
/// # Errors
/// When the broker does not answer within ten seconds, or the topic does not exist.
pub async fn partitions(config: &Config, topic: &str, group: &str) -> anyhow::Result<Vec<PartitionState>> {
    let consumer = consumer(config, group)?;
    let topic = topic.to_owned();
    // The consumer ends on that thread too, which takes 100 ms.
    blocking(move || states(&consumer, &topic)?.with_context(|| format!("topic {topic} does not exist"))).await
}

/// Asks for the partitions of topics again and again: it keeps its connection.
#[derive(Clone)]
pub struct Inspector {
    consumer: Arc<BaseConsumer>,
}

impl Inspector {
    /// Nothing connects before the first question; `group` is the one whose commits are told.
    ///
    /// # Errors
    /// When librdkafka refuses the configuration.
    pub fn new(config: &Config, group: &str) -> anyhow::Result<Self> {
        Ok(Self { consumer: Arc::new(consumer(config, group)?) })
    }

    /// Every partition of a topic; `None` when there is no such topic.
    ///
    /// # Errors
    /// When the broker does not answer within ten seconds.
    pub async fn partitions(&self, topic: &str) -> anyhow::Result<Option<Vec<PartitionState>>> {
        let (consumer, topic) = (Arc::clone(&self.consumer), topic.to_owned());
        blocking(move || states(&consumer, &topic)).await
    }
}

fn states(consumer: &BaseConsumer, topic: &str) -> anyhow::Result<Option<Vec<PartitionState>>> {
    let metadata = consumer.fetch_metadata(Some(topic), TIMEOUT).with_context(|| format!("describe {topic}"))?;
    let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
    let ids: Vec<i32> = partitions.map(rdkafka::metadata::MetadataPartition::id).collect();
    if ids.is_empty() {
        return Ok(None);
    }
    let mut asked = TopicPartitionList::with_capacity(ids.len());
    for id in &ids {
        asked.add_partition(topic, *id);
    }
    let committed = while_coordinator_moves(|| consumer.committed_offsets(asked.clone(), TIMEOUT))
        .with_context(|| format!("offsets of {topic}"))?;
    let state = |id: i32| -> anyhow::Result<PartitionState> {
        let (low, high) =
            consumer.fetch_watermarks(topic, id, TIMEOUT).with_context(|| format!("ends of {topic}-{id}"))?;
        let committed = match committed.find_partition(topic, id).map(|element| element.offset()) {
            Some(Offset::Offset(offset)) => Some(offset),
            _ => None,
        };
        Ok(PartitionState { topic: topic.to_owned(), partition: id, low, high, committed })
    };
    ids.into_iter().map(state).collect::<anyhow::Result<_>>().map(Some)
}

/// A broker that has just started, or a group that moves between brokers, has no coordinator for a moment.
fn while_coordinator_moves<T>(mut ask: impl FnMut() -> KafkaResult<T>) -> KafkaResult<T> {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let moving = match ask() {
            Err(error) if error.rdkafka_error_code().is_some_and(is_coordinator_moving) => error,
            settled => return settled,
        };
        if Instant::now() > deadline {
            return Err(moving);
        }
        std::thread::sleep(LOOK_INTERVAL);
    }
}

fn is_coordinator_moving(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::NotCoordinator
            | RDKafkaErrorCode::CoordinatorNotAvailable
            | RDKafkaErrorCode::CoordinatorLoadInProgress
    )
}

fn consumer(config: &Config, group: &str) -> anyhow::Result<BaseConsumer> {
    config.client().set("group.id", group).set("enable.auto.commit", "false").create().context("create a kafka client")
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> anyhow::Result<T> + Send + 'static) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await.context("wait for the broker's answer")?
}
