//! What a partition has got since an offset: headers of its records, without a group.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::{BorrowedMessage, Headers as _},
};

use crate::{Config, remind};

/// For one question.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The headers of one record, in their order.
pub type RecordHeaders = Vec<(String, Vec<u8>)>;

/// Reads the ends of partitions, and what stands before them. It keeps its connection: a client of librdkafka takes 100 ms to
/// end.
#[derive(Clone)]
pub struct Log {
    consumer: Arc<Mutex<BaseConsumer>>,
    config: Config,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Log")
    }
}

impl Log {
    /// Nothing connects before the first question.
    ///
    /// # Errors
    /// When librdkafka refuses the configuration.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let consumer = config
            .client()
            // librdkafka wants a name; nothing joins the group and nothing is committed to it.
            .set("group.id", "millrace-log")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            // What is in the log counts, also while a transaction is open.
            .set("isolation.level", "read_uncommitted")
            .set("enable.partition.eof", "true")
            .set("fetch.wait.max.ms", "50")
            .create()
            .context("create a kafka client")?;
        Ok(Self { consumer: Arc::new(Mutex::new(consumer)), config: config.clone() })
    }

    /// How many partitions the topic has.
    ///
    /// # Errors
    /// When the broker does not answer within ten seconds, or the topic does not exist.
    pub async fn partitions(&self, topic: &str) -> anyhow::Result<i32> {
        let name = topic.to_owned();
        let count = self.ask(move |consumer| {
            let metadata = consumer.fetch_metadata(Some(&name), TIMEOUT).with_context(|| format!("describe {name}"))?;
            let topic = metadata.topics().iter().find(|topic| topic.name() == name && topic.error().is_none());
            Ok(topic.map_or(0, |topic| topic.partitions().len()))
        });
        match i32::try_from(count.await?)? {
            0 => bail!("topic {topic} does not exist"),
            count => Ok(count),
        }
    }

    /// The offset that the partition's next record will get.
    ///
    /// # Errors
    /// When the broker does not answer within ten seconds, or the partition does not exist.
    pub async fn end(&self, topic: &str, partition: i32) -> anyhow::Result<i64> {
        let topic = topic.to_owned();
        self.ask(move |consumer| ends(consumer, &topic, partition).map(|(_, end)| end)).await
    }

    /// The headers of all records from `offset` on that are there now, oldest first.
    ///
    /// # Errors
    /// When the broker does not answer, or stops answering for ten seconds, or the partition does not exist.
    pub async fn since(&self, topic: &str, partition: i32, offset: i64) -> anyhow::Result<Vec<RecordHeaders>> {
        let topic = topic.to_owned();
        self.ask(move |consumer| {
            let found = since(consumer, &topic, partition, offset);
            // Nothing is fetched between two questions.
            let idle = consumer.unassign().context("end the look");
            found.and_then(|found| idle.map(|()| found)).with_context(|| format!("read {topic}-{partition}@{offset}"))
        })
        .await
    }

    /// librdkafka's calls block, so they wait on a thread that may.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&BaseConsumer) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let (consumer, config) = (Arc::clone(&self.consumer), self.config.clone());
        let answer = tokio::task::spawn_blocking(move || {
            let consumer: MutexGuard<'_, BaseConsumer> = consumer.lock().unwrap_or_else(PoisonError::into_inner);
            // The next question is to find a client that can ask.
            question(&consumer).inspect_err(|_| remind(consumer.client(), &config))
        });
        answer.await.context("wait for the broker's answer")?
    }
}

fn ends(consumer: &BaseConsumer, topic: &str, partition: i32) -> anyhow::Result<(i64, i64)> {
    consumer
        .fetch_watermarks(topic, partition, TIMEOUT)
        .with_context(|| format!("ask for the ends of {topic}-{partition}"))
}

fn since(consumer: &BaseConsumer, topic: &str, partition: i32, offset: i64) -> anyhow::Result<Vec<RecordHeaders>> {
    let (begin, end) = ends(consumer, topic, partition)?;
    let mut found = Vec::new();
    if offset >= end {
        return Ok(found);
    }
    let mut wanted = TopicPartitionList::with_capacity(1);
    wanted.add_partition_offset(topic, partition, Offset::Offset(offset.max(begin))).context("choose the offset")?;
    consumer.assign(&wanted).context("choose the partition")?;
    let mut heard = Instant::now();
    while heard.elapsed() < TIMEOUT {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(record)) if record.topic() == topic && record.partition() == partition => {
                heard = Instant::now();
                if record.offset() < end {
                    found.push(headers(&record));
                }
                if record.offset() + 1 >= end {
                    return Ok(found);
                }
            }
            // The last offsets may have no records (compaction, transactions).
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(found),
            Some(Err(error)) => tracing::debug!(%error, "reading again"),
            Some(Ok(_)) | None => {}
        }
    }
    bail!("the broker did not answer within {} s", TIMEOUT.as_secs())
}

fn headers(record: &BorrowedMessage<'_>) -> RecordHeaders {
    let headers = record.headers().map(|headers| headers.iter()).into_iter().flatten();
    headers.map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec())).collect()
}
