//! An idempotent producer whose calls return when the broker has acknowledged every record.

use std::{pin::pin, time::Duration};

use anyhow::Context;
use futures::future::try_join_all;
use rdkafka::{
    message::{Header, OwnedHeaders},
    producer::{FutureProducer, FutureRecord, Producer as _},
    util::Timeout,
};

use crate::{Config, remind};

/// How long one record may wait for its acknowledgement, retries included, before the call fails.
const DELIVERY_TIMEOUT_MS: &str = "20000";

/// How long records wait before the client is told its brokers again, and again after that. [`remind`] says why.
const REMIND_AFTER: Duration = Duration::from_secs(3);

/// How many records wait for their acknowledgements at once; librdkafka's own queue holds ten times as many.
const IN_FLIGHT: usize = 10_000;

/// A record to be produced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// Topic; it must exist, nothing creates it.
    pub topic: String,
    /// Partition; `None` chooses it by the key's hash (murmur2, as Java clients do).
    pub partition: Option<i32>,
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Value; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
    /// Headers, in order.
    pub headers: Vec<(String, Vec<u8>)>,
}

/// Where a record was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Partition.
    pub partition: i32,
    /// Offset; -1 when the broker knew the record from an earlier attempt, and no longer knows where it is.
    pub offset: i64,
}

/// Produces with `acks=all` and without duplicates from retries. Cheap to clone.
#[derive(Clone)]
pub struct Producer {
    inner: FutureProducer,
    config: Config,
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Producer")
    }
}

impl Producer {
    /// A producer for the cluster. Nothing connects before the first record.
    ///
    /// # Errors
    /// When librdkafka refuses the configuration.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let inner = config
            .client()
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("compression.type", config.compression())
            // Waiting for more records gains nothing: what one call brings is queued at once and batched as it is, and
            // while requests are under way the next ones gather.
            .set("linger.ms", "0")
            .set("partitioner", "murmur2_random")
            .set("delivery.timeout.ms", DELIVERY_TIMEOUT_MS)
            .create()
            .context("create a kafka producer")?;
        Ok(Self { inner, config: config.clone() })
    }

    /// Produces all messages, in order within a partition, and waits for every acknowledgement.
    ///
    /// # Errors
    /// When one is not acknowledged within 20 s, its topic does not exist, or it is too large. Others may have been
    /// written by then: the caller sends all of them again, and readers drop what they know.
    pub async fn send_all(&self, messages: Vec<Message>) -> anyhow::Result<()> {
        self.write_all(messages).await.map(drop)
    }

    /// As [`Producer::send_all`], and says where each message is, in their order.
    ///
    /// # Errors
    /// As [`Producer::send_all`].
    pub async fn write_all(&self, messages: Vec<Message>) -> anyhow::Result<Vec<Written>> {
        let mut written = Vec::with_capacity(messages.len());
        let mut messages = messages.into_iter().peekable();
        while messages.peek().is_some() {
            let chunk: Vec<Message> = messages.by_ref().take(IN_FLIGHT).collect();
            written.extend(self.acknowledged(try_join_all(chunk.iter().map(|message| self.send(message)))).await?);
        }
        Ok(written)
    }

    async fn acknowledged<T>(&self, sent: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        let mut sent = pin!(sent);
        loop {
            match tokio::time::timeout(REMIND_AFTER, &mut sent).await {
                Ok(done) => return done,
                Err(_) => remind(self.inner.client(), &self.config),
            }
        }
    }

    async fn send(&self, message: &Message) -> anyhow::Result<Written> {
        let mut record = FutureRecord::<[u8], [u8]>::to(&message.topic);
        record.partition = message.partition;
        record.key = message.key.as_deref();
        record.payload = message.value.as_deref();
        if !message.headers.is_empty() {
            let mut headers = OwnedHeaders::new_with_capacity(message.headers.len());
            for (name, value) in &message.headers {
                headers = headers.insert(Header { key: name, value: Some(value) });
            }
            record.headers = Some(headers);
        }
        let sent = self.inner.send(record, Timeout::Never).await;
        sent.map(|delivery| Written { partition: delivery.partition, offset: delivery.offset })
            .map_err(|(error, _)| error)
            .with_context(|| format!("produce to topic {}", message.topic))
    }

    /// Waits until nothing is under way, for a clean end of the process.
    ///
    /// # Errors
    /// When records are still under way after `timeout`.
    pub fn flush(&self, timeout: Duration) -> anyhow::Result<()> {
        self.inner.flush(timeout).context("flush the kafka producer")
    }
}
