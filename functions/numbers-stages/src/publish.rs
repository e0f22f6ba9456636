//! Outputs into the next topic, and where its partitions end.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use domain::numbers::Tag;
use kafka::{Log, Message, Producer};

use crate::{Runner, crash};

/// After this long an end is asked for again: the topic may have been made again.
const FRESH: Duration = Duration::from_secs(30);

/// How long a producer is waited for that has failed: as long as it tries to deliver, and a little more.
const SETTLE: Duration = Duration::from_secs(25);

/// What this process knows of the next topic. An end may lie before the true one, never behind it.
#[derive(Default)]
pub(crate) struct Ends(Mutex<Known>);

#[derive(Default)]
struct Known {
    partitions: Option<(i32, Instant)>,
    ends: HashMap<i32, (i64, Instant)>,
}

impl Ends {
    fn known<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn forget(&self) {
        self.known(|known| *known = Known::default());
    }
}

/// One output.
pub(crate) struct Output {
    pub partition: i32,
    pub key: Option<Vec<u8>>,
    pub value: String,
    pub tag: Tag,
}

impl Runner {
    /// The partition of the next topic into which a partition goes on, and an offset that is not behind its end.
    pub(crate) async fn outlet(&self, partition: i32) -> anyhow::Result<(i32, i64)> {
        let fresh = |at: &Instant| at.elapsed() < FRESH;
        let known = self.ends.known(|known| known.partitions.filter(|(_, at)| fresh(at)));
        let partitions = match known {
            Some((partitions, _)) => partitions,
            None => {
                let partitions = self.log().await?.partitions(&self.output).await?;
                self.ends.known(|known| known.partitions = Some((partitions, Instant::now())));
                partitions
            }
        };
        let out = partition.rem_euclid(partitions);
        let known = self.ends.known(|known| known.ends.get(&out).copied().filter(|(_, at)| fresh(at)));
        let end = match known {
            Some((end, _)) => end,
            None => {
                let end = self.log().await?.end(&self.output, out).await?;
                self.ends.known(|known| known.ends.insert(out, (end, Instant::now())));
                end
            }
        };
        Ok((out, end))
    }

    /// Publishes outputs into a topic, in their order within a partition. When it fails, nothing of it is on its way any more.
    pub(crate) async fn publish(&self, topic: &str, outputs: Vec<Output>) -> anyhow::Result<()> {
        let messages = outputs.into_iter().map(|output| Message {
            topic: topic.to_owned(),
            partition: Some(output.partition),
            key: output.key,
            value: Some(output.value.into_bytes()),
            headers: output.tag.headers(),
        });
        self.write(topic, messages.collect()).await
    }

    async fn write(&self, topic: &str, messages: Vec<Message>) -> anyhow::Result<()> {
        if messages.is_empty() {
            return Ok(());
        }
        let producer = self.producer().await?;
        match producer.write_all(messages).await.context("publish outputs") {
            Ok(written) => {
                self.ends.known(|known| {
                    for at in written.iter().filter(|at| at.offset >= 0 && topic == self.output) {
                        // When it was asked for stays: what was written tells nothing of a topic made again.
                        if let Some((end, _)) = known.ends.get_mut(&at.partition) {
                            *end = at.offset + 1;
                        }
                    }
                });
                Ok(())
            }
            Err(error) => {
                // Some may still wait in the client: the lock must not go before they have gone or are given up.
                let producer = producer.clone();
                let settled = tokio::task::spawn_blocking(move || producer.flush(SETTLE)).await;
                settled.context("wait for the producer")?.context("settle what is on its way")?;
                Err(error)
            }
        }
    }

    /// Sends dead letters.
    pub(crate) async fn send_letters(&self, letters: Vec<Message>) -> anyhow::Result<()> {
        if letters.is_empty() {
            return Ok(());
        }
        self.producer().await?.send_all(letters).await.context("send dead letters")?;
        crash::point("stage.dead-letters-sent");
        Ok(())
    }

    async fn producer(&self) -> anyhow::Result<&Producer> {
        self.producer.get_or_try_init(|| async { Producer::new(&self.kafka) }).await
    }

    pub(crate) async fn log(&self) -> anyhow::Result<&Log> {
        self.log.get_or_try_init(|| async { Log::new(&self.kafka) }).await
    }
}
