//! A reader of `finish`, which notes when it had which message.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
};

use crate::{
    pipeline::{Pipeline, position},
    stack::Stack,
    topic::PARTITIONS,
};

/// A message that has come out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Out {
    pub(crate) position: u64,
    pub(crate) at: Instant,
    pub(crate) time: DateTime<Utc>,
}

type Seen = Arc<Mutex<Vec<Out>>>;

/// Reads from the beginning until it is dropped.
pub(crate) struct Finish {
    seen: Seen,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

impl Finish {
    pub(crate) fn of(pipeline: &Pipeline) -> anyhow::Result<Self> {
        let mut client = pipeline.kafka.client();
        client.set("group.id", "bench").set("enable.auto.commit", "false");
        let consumer: BaseConsumer = client.create().context("create a consumer")?;
        let mut wanted = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            wanted.add_partition_offset(&pipeline.finish(), partition, Offset::Beginning)?;
        }
        consumer.assign(&wanted)?;
        let (seen, stop) = (Seen::default(), Arc::new(AtomicBool::new(false)));
        let (shared, ended) = (Arc::clone(&seen), Arc::clone(&stop));
        let thread = std::thread::spawn(move || read(&consumer, &shared, &ended));
        Ok(Self { seen, stop, thread: Some(thread) })
    }

    /// Waits until so many have come, in the order in which they came.
    pub(crate) async fn wait_for(&self, count: u64, stack: &mut Stack, longest: Duration) -> anyhow::Result<Vec<Out>> {
        let (count, deadline) = (usize::try_from(count)?, Instant::now() + longest);
        loop {
            let there = {
                let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
                if seen.len() >= count {
                    return Ok(seen.clone());
                }
                seen.len()
            };
            stack.check()?;
            if self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
                bail!("the reader of finish has ended");
            }
            if Instant::now() > deadline {
                bail!("{there} of {count} messages in finish after {longest:?}: {}", stack.said());
            }
            // Short of the deadline, look again.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn read(consumer: &BaseConsumer, seen: &Mutex<Vec<Out>>, stop: &AtomicBool) -> anyhow::Result<()> {
    while !stop.load(Ordering::Acquire) {
        let Some(record) = consumer.poll(Duration::from_millis(100)) else { continue };
        let (record, at, time) = (record.context("read finish")?, Instant::now(), Utc::now());
        let position = record.payload().and_then(position).context("a record in finish is no message of this bench")?;
        seen.lock().unwrap_or_else(PoisonError::into_inner).push(Out { position, at, time });
    }
    Ok(())
}

impl Drop for Finish {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
