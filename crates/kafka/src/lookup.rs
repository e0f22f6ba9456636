//! What a topic has at an offset now: one record, without a group.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
};

use crate::{Config, remind};

/// For one record, questions that are asked again included.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often a broker is asked again that has just learnt of a topic.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// What was found at an offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A record.
    Record {
        /// Milliseconds since the epoch; `None` when it has no time.
        timestamp_ms: Option<i64>,
        /// Key.
        key: Option<Vec<u8>>,
        /// Value.
        value: Option<Vec<u8>>,
    },
    /// The partition does not reach so far.
    Beyond,
    /// Retention or compaction has removed it.
    Gone,
}

/// Fetches single records. It keeps its connection: a client of librdkafka takes 100 ms to end.
#[derive(Clone)]
pub struct Lookup {
    consumer: Arc<Mutex<BaseConsumer>>,
    config: Config,
}

impl std::fmt::Debug for Lookup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lookup")
    }
}

impl Lookup {
    /// Nothing connects before the first question.
    ///
    /// # Errors
    /// When librdkafka refuses the configuration.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let consumer = config
            .client()
            // librdkafka wants a name; nothing joins the group and nothing is committed to it.
            .set("group.id", "millrace-lookup")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            // What is in the log counts, also while a transaction is open.
            .set("isolation.level", "read_uncommitted")
            // One record is wanted; a broker sends its whole batch of records, and no more than that.
            .set("fetch.message.max.bytes", "1024")
            .set("queued.min.messages", "1")
            // Else a partition whose queue was full rests for a second.
            .set("fetch.queue.backoff.ms", "1")
            .set("fetch.wait.max.ms", "50")
            .create()
            .context("create a kafka client")?;
        Ok(Self { consumer: Arc::new(Mutex::new(consumer)), config: config.clone() })
    }

    /// What the partition has at `offset` now.
    ///
    /// # Errors
    /// When the broker does not answer within ten seconds, or the partition does not exist.
    pub async fn at(&self, topic: &str, partition: i32, offset: i64) -> anyhow::Result<Found> {
        let (consumer, config, topic) = (Arc::clone(&self.consumer), self.config.clone(), topic.to_owned());
        // librdkafka's calls block, so they wait on a thread that may.
        let found = tokio::task::spawn_blocking(move || {
            let consumer = consumer.lock().unwrap_or_else(PoisonError::into_inner);
            let found = find(&consumer, &topic, partition, offset, Instant::now() + TIMEOUT);
            // Nothing is fetched between two questions.
            let idle = consumer.unassign().context("end the look");
            let found = found.and_then(|found| idle.map(|()| found));
            // The next question is to find a client that can ask.
            found
                .inspect_err(|_| remind(consumer.client(), &config))
                .with_context(|| format!("look at {topic}-{partition}@{offset}"))
        });
        found.await.context("wait for the broker's answer")?
    }
}

fn find(consumer: &BaseConsumer, topic: &str, partition: i32, offset: i64, deadline: Instant) -> anyhow::Result<Found> {
    loop {
        // A topic that was made a moment ago has no leader yet, or one that this client has not heard of.
        let (low, high) = match consumer.fetch_watermarks(topic, partition, TIMEOUT) {
            Ok(ends) => ends,
            Err(error) if Instant::now() > deadline => return Err(error).context("ask for the ends"),
            Err(_) => {
                std::thread::sleep(LOOK_INTERVAL);
                continue;
            }
        };
        if offset >= high {
            return Ok(Found::Beyond);
        }
        if offset < low {
            return Ok(Found::Gone);
        }
        let mut wanted = TopicPartitionList::with_capacity(1);
        wanted.add_partition_offset(topic, partition, Offset::Offset(offset)).context("choose the offset")?;
        consumer.assign(&wanted).context("choose the partition")?;
        if let Some(found) = poll(consumer, topic, partition, offset, deadline)? {
            return Ok(found);
        }
        // What was there a moment ago is not: the ends are asked for again.
    }
}

/// The first record from `offset` on; `None` when the broker refuses the offset by now.
fn poll(
    consumer: &BaseConsumer,
    topic: &str,
    partition: i32,
    offset: i64,
    deadline: Instant,
) -> anyhow::Result<Option<Found>> {
    loop {
        let Some(left) = deadline.checked_duration_since(Instant::now()) else {
            bail!("the broker did not answer within {} s", TIMEOUT.as_secs())
        };
        match consumer.poll(left) {
            Some(Ok(record)) if record.topic() != topic || record.partition() != partition => {}
            Some(Ok(record)) if record.offset() < offset => {}
            // A later one: this one was compacted away.
            Some(Ok(record)) if record.offset() > offset => return Ok(Some(Found::Gone)),
            Some(Ok(record)) => {
                return Ok(Some(Found::Record {
                    timestamp_ms: record.timestamp().to_millis(),
                    key: record.key().map(<[u8]>::to_vec),
                    value: record.payload().map(<[u8]>::to_vec),
                }));
            }
            Some(Err(error)) => {
                if Instant::now() > deadline {
                    return Err(error).context("fetch the record");
                }
                std::thread::sleep(LOOK_INTERVAL);
                return Ok(None);
            }
            None => {}
        }
    }
}
