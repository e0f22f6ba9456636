//! The letters between the positions and the end, a few at a time, and the commit of a position.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::KafkaError,
    message::{BorrowedMessage, Headers},
};

use super::{
    letter::Stored,
    positions::{Partition, Positions},
};

/// What is sent with one wait for its acknowledgements: what a kill repeats at most.
const LETTERS: usize = 500;
const BYTES: usize = 16 << 20;

/// How long the broker may be silent before the end is reached.
const PATIENCE: Duration = Duration::from_secs(30);
const TICK: Duration = Duration::from_millis(200);

/// Reads one topic of letters.
pub(super) struct Reader {
    consumer: BaseConsumer,
    topic: String,
    /// Partitions with letters before their end.
    open: Vec<Partition>,
    /// Up to where each partition is done.
    done: BTreeMap<i32, i64>,
}

impl Reader {
    pub(super) fn open(kafka: &crate::Config, topic: &str, positions: &Positions) -> anyhow::Result<Self> {
        let consumer: BaseConsumer = kafka
            .client()
            .set("group.id", &positions.group)
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("fetch.message.max.bytes", "8388608")
            // What is read ahead is bounded by bytes: letters may be large.
            .set("queued.max.messages.kbytes", "32768")
            .create()
            .context("create a kafka consumer")?;
        let open: Vec<_> = positions.partitions.iter().filter(|one| one.first < one.end).copied().collect();
        let mut assignment = TopicPartitionList::new();
        for one in &open {
            assignment
                .add_partition_offset(topic, one.number, Offset::Offset(one.first))
                .context("name a partition")?;
        }
        consumer.assign(&assignment).context("read the topic")?;
        let done = positions.partitions.iter().map(|one| (one.number, one.first)).collect();
        Ok(Self { consumer, topic: topic.to_owned(), open, done })
    }

    /// The next letters; none when all partitions are at their ends.
    pub(super) fn next(&mut self) -> anyhow::Result<Vec<Stored>> {
        let (mut letters, mut bytes) = (Vec::new(), 0);
        let deadline = Instant::now() + PATIENCE;
        while !self.open.is_empty() && letters.len() < LETTERS && bytes < BYTES {
            // What has come is sent when nothing more comes at once.
            let wait = if letters.is_empty() { TICK } else { Duration::ZERO };
            match self.consumer.poll(wait) {
                Some(Ok(message)) => {
                    let (number, offset) = (message.partition(), message.offset());
                    if self.open.iter().any(|one| one.number == number && offset < one.end) {
                        bytes += message.payload().map_or(0, <[u8]>::len);
                        letters.push(stored(&message));
                    }
                    self.reached(number, offset + 1);
                }
                // The last offsets may be markers of transactions, which never arrive.
                Some(Err(KafkaError::PartitionEOF(number))) => self.reached(number, i64::MAX),
                Some(Err(error)) if letters.is_empty() && Instant::now() > deadline => {
                    return Err(error).context("read the topic");
                }
                Some(Err(_)) => {}
                None if !letters.is_empty() => break,
                None if Instant::now() > deadline => {
                    bail!("the broker sent nothing of {} for {} s", self.topic, PATIENCE.as_secs())
                }
                None => {}
            }
        }
        Ok(letters)
    }

    fn reached(&mut self, number: i32, next: i64) {
        for one in self.open.iter_mut().filter(|one| one.number == number) {
            one.first = next;
        }
        self.open.retain(|one| one.first < one.end);
    }

    /// Letters before the end that were not read.
    pub(super) fn left(&self) -> i64 {
        self.open.iter().map(|one| one.end - one.first).sum()
    }

    /// Everything before these offsets is done. Every partition's position is committed, also where it has not moved:
    /// Kafka forgets one that nobody commits.
    pub(super) fn commit(&mut self, passed: BTreeMap<i32, i64>) -> anyhow::Result<()> {
        self.done.extend(passed);
        let mut offsets = TopicPartitionList::new();
        for (number, next) in &self.done {
            offsets.add_partition_offset(&self.topic, *number, Offset::Offset(*next)).context("name a partition")?;
        }
        self.consumer.commit(&offsets, CommitMode::Sync).context("commit the position of the redrive")
    }
}

fn stored(message: &BorrowedMessage<'_>) -> Stored {
    let headers = message.headers().map(|headers| {
        headers.iter().map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec())).collect()
    });
    Stored {
        partition: message.partition(),
        offset: message.offset(),
        timestamp_ms: message.timestamp().to_millis().unwrap_or_default(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: headers.unwrap_or_default(),
    }
}
