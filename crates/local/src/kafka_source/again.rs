//! Reading records once more, in the mapping's batches and through its filters, without any consumer group: nothing is
//! committed, and the mapping's own pollers are not disturbed.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use bytes::Bytes;
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
};
use tokio::sync::mpsc;

use super::{
    batch::Batch,
    collect::{Collected, Collector, Limits},
    group::Group,
    mapping::Mapping,
    shared::Shared,
};

/// How long a broker may take to say where records are.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long the first record may take, and each further one: partitions that were compacted end before their last offset.
const FIRST_PATIENCE: Duration = Duration::from_secs(15);
const PATIENCE: Duration = Duration::from_secs(3);

/// What is there already is read at once; this only bounds a batch's wait for its last records.
const WINDOW: Duration = Duration::from_millis(200);

/// Where to begin.
#[derive(Debug, Clone)]
pub enum From {
    /// At these offsets, by partition; other partitions are left out.
    Offsets(BTreeMap<i32, i64>),
    /// In every partition at the first record of this time or later, milliseconds since the epoch.
    Time(i64),
}

/// One batch as the mapping would send it.
#[derive(Debug)]
pub struct Again {
    /// First and last offset, by `<topic>-<partition>`.
    pub partitions: BTreeMap<String, (i64, i64)>,
    /// Number of records.
    pub records: usize,
    /// The event.
    pub event: Bytes,
}

impl Mapping {
    /// Reads from `from` to what is the end now, or to the offset `to` and no further.
    pub fn read_again(&self, from: From, to: Option<i64>) -> mpsc::Receiver<anyhow::Result<Again>> {
        let (sender, receiver) = mpsc::channel(1);
        let shared = Arc::clone(self.shared());
        tokio::task::spawn_blocking(move || {
            if let Err(error) = read(&shared, &from, to, &sender) {
                // Nobody is left to tell.
                let _ = sender.blocking_send(Err(error));
            }
        });
        receiver
    }
}

fn read(
    shared: &Shared,
    from: &From,
    to: Option<i64>,
    batches: &mpsc::Sender<anyhow::Result<Again>>,
) -> anyhow::Result<()> {
    let consumer: BaseConsumer<Group> = shared
        .kafka
        .client()
        // The client wants a name; without a subscription there is no group.
        .set("group.id", "millrace-reads-again")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("fetch.message.max.bytes", "8388608")
        .create_with_context(Group::default())
        .context("create a kafka consumer")?;
    let mut open = ranges(&consumer, &shared.spec.topic, from, to)?;
    let ends: BTreeMap<i32, i64> = open.iter().map(|(partition, (_, end))| (*partition, *end)).collect();
    let mut assignment = TopicPartitionList::new();
    for (partition, (first, _)) in &open {
        assignment
            .add_partition_offset(&shared.spec.topic, *partition, Offset::Offset(*first))
            .context("name a partition")?;
    }
    consumer.assign(&assignment).context("read the topic")?;
    let mut collector =
        Collector::new(shared.spec.topic.as_str().into(), &shared.envelope, shared.spec.filters.clone());
    let limits = Limits { window: WINDOW, ..shared.limits() };
    let stop = || batches.is_closed();
    let mut until = Instant::now() + FIRST_PATIENCE;
    while !open.is_empty() && Instant::now() < until && !stop() {
        let collected = collector.collect(&consumer, limits, Instant::now() + WINDOW, &stop);
        let mut reached = collector.take_filtered().next_offsets;
        let batch = match collected {
            Collected::Nothing => Batch::default(),
            Collected::Batch(batch) => batch,
            Collected::TooLarge(record) => {
                let error = anyhow::anyhow!(
                    "offset {} of partition {} is over 6 MB and left out",
                    record.offset,
                    record.partition
                );
                let _ = batches.blocking_send(Err(error));
                record.batch
            }
        };
        reached.extend(batch.next_offsets());
        if !reached.is_empty() {
            until = Instant::now() + PATIENCE;
        }
        let batch = batch.before(&ends);
        if !batch.is_empty() && batches.blocking_send(Ok(again(&batch, shared))).is_err() {
            return Ok(());
        }
        open.retain(|number, (_, end)| {
            !reached.iter().any(|(partition, next)| partition.number == *number && next >= end)
        });
    }
    Ok(())
}

fn again(batch: &Batch, shared: &Shared) -> Again {
    let (first, next) = (batch.first_offsets(), batch.next_offsets());
    let ranges = first.into_iter().filter_map(|(partition, first)| {
        let last = next.get(&partition)? - 1;
        Some((partition.to_string(), (first, last)))
    });
    Again { partitions: ranges.collect(), records: batch.len(), event: batch.payload(&shared.envelope) }
}

/// The first offset and the one after the last, by partition; partitions with nothing to read are left out.
fn ranges(
    consumer: &BaseConsumer<Group>,
    topic: &str,
    from: &From,
    to: Option<i64>,
) -> anyhow::Result<BTreeMap<i32, (i64, i64)>> {
    let metadata = consumer.fetch_metadata(Some(topic), TIMEOUT).context("ask kafka for the topic")?;
    let partitions: Vec<i32> =
        metadata.topics().iter().flat_map(|topic| topic.partitions().iter().map(|partition| partition.id())).collect();
    let firsts = match from {
        From::Offsets(offsets) => {
            if let Some(unknown) = offsets.keys().find(|partition| !partitions.contains(partition)) {
                bail!("topic {topic} has no partition {unknown}; it has {}", partitions.len());
            }
            offsets.clone()
        }
        From::Time(ms) => {
            let mut wanted = TopicPartitionList::new();
            for partition in &partitions {
                wanted.add_partition_offset(topic, *partition, Offset::Offset(*ms)).context("name a partition")?;
            }
            let found = consumer.offsets_for_times(wanted, TIMEOUT).context("look up the time")?;
            let elements = found.elements().into_iter();
            elements
                .filter_map(|found| Some((found.partition(), found.offset().to_raw()?)))
                .filter(|(_, offset)| *offset >= 0)
                .collect()
        }
    };
    let mut ranges = BTreeMap::new();
    for (partition, first) in firsts {
        let (low, high) = consumer.fetch_watermarks(topic, partition, TIMEOUT).context("ask kafka for offsets")?;
        let end = to.map_or(high, |last| high.min(last.saturating_add(1)));
        let first = first.max(low);
        if first < end {
            ranges.insert(partition, (first, end));
        }
    }
    Ok(ranges)
}
