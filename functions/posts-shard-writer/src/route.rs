//! A batch's way: to the shards by the map, all at once, and what comes back.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::posts::ShardId;
use futures::future::join_all;
use kit::Invocation;
use kit::kafka::{BatchResponse, Record};
use kit::metrics::Metrics;
use shards::{Directory, Shard};
use tracing::{info, warn};

use crate::batch::{self, Group, Rejection};
use crate::breakers::{self, Breakers};
use crate::insert::{Mode, is_refusal};
use crate::store::{Done, Failure, Part};
use crate::{PATIENCE, Writer};

/// How often parts are routed: again when the map has changed.
const ATTEMPTS: usize = 3;

/// What the invocation keeps for its answer.
const RESERVE: Duration = Duration::from_secs(2);

/// What became of one shard's parts.
enum Outcome {
    Done(Done),
    /// It is not to be asked now.
    Open,
    Failed(anyhow::Error),
}

impl Writer {
    pub(crate) async fn route(&self, records: &[Record], invocation: &Invocation) -> anyhow::Result<BatchResponse> {
        let groups = batch::group(records);
        let mut topics: Vec<&str> = groups.iter().map(|group| group.topic).collect();
        topics.dedup();
        let (identities, mut directory) = tokio::try_join!(self.identify(&topics), self.shards.directory())?;
        let breakers = Breakers::load(self.shards.master()).await.unwrap_or_else(|error| {
            warn!(error = format!("{error:#}"), "the breakers are not known; every shard is asked");
            Breakers::default()
        });
        let mut response = BatchResponse::default();
        self.refuse(&groups, &mut response, invocation.now).await;
        let mut left: Vec<&Group<'_>> = groups.iter().filter(|group| group.partition.is_some()).collect();
        for _ in 0..ATTEMPTS {
            let parts = assign(&left, &directory, &identities);
            let answers = parts.iter().map(|(shard, parts)| self.at(*shard, parts, &directory, &breakers, invocation));
            let answers = join_all(answers).await;
            left = settle(&mut response, &parts, answers, &directory, invocation.now);
            if left.is_empty() {
                break;
            }
            let Ok(newest) = self.shards.refresh().await else { break };
            let is_elsewhere = |group: &&Group<'_>| {
                group.partition.is_some_and(|partition| newest.map.at(partition) != directory.map.at(partition))
            };
            let (again, stays): (Vec<&Group<'_>>, Vec<&Group<'_>>) = left.into_iter().partition(is_elsewhere);
            stays.iter().for_each(|group| fail(&mut response, group));
            (left, directory) = (again, newest);
            if left.is_empty() {
                break;
            }
        }
        left.iter().for_each(|group| fail(&mut response, group));
        Ok(response)
    }

    /// One shard's parts, if it may be asked. The breaker learns how it went.
    async fn at(
        &self,
        shard: ShardId,
        parts: &[Part<'_>],
        directory: &Directory,
        breakers: &Breakers,
        invocation: &Invocation,
    ) -> Outcome {
        let Some(shard) = directory.shards.get(&shard) else {
            return Outcome::Failed(anyhow::anyhow!("the map names shard {shard}, which the master does not have"));
        };
        let master = self.shards.master();
        // With the master away every instance tries for itself.
        if !breakers.admit(master, shard.id).await.unwrap_or(true) {
            return Outcome::Open;
        }
        match self.patiently(shard, parts, invocation).await {
            Ok(done) => {
                if breakers.has_failed(shard.id) {
                    note(breakers::succeeded(master, shard.id).await);
                }
                Outcome::Done(done)
            }
            Err(Failure::Kafka(error)) => Outcome::Failed(error),
            Err(Failure::Shard(error)) => {
                note(breakers::failed(master, shard.id, &error).await);
                Outcome::Failed(error)
            }
        }
    }

    async fn patiently(&self, shard: &Shard, parts: &[Part<'_>], invocation: &Invocation) -> Result<Done, Failure> {
        let pool = self.shards.pool(shard)?;
        let patience = invocation.remaining().saturating_sub(RESERVE).min(PATIENCE);
        let stored = async {
            match self.store(&pool, parts, Mode::Together(&self.caution, shard.id)).await {
                Err(Failure::Shard(error)) if error.chain().filter_map(|e| e.downcast_ref()).any(is_refusal) => {
                    warn!(shard = shard.name, error = format!("{error:#}"), "refused; finding out which");
                    self.store(&pool, parts, Mode::Each).await
                }
                other => other,
            }
        };
        let stored = tokio::time::timeout(patience, stored).await;
        stored.unwrap_or_else(|_| {
            // What hangs may hang for longer than the shard is away.
            self.shards.renew(shard.id);
            Err(Failure::Shard(anyhow::anyhow!("no answer within {} s", patience.as_secs())))
        })
    }

    /// Records of partitions that the topic cannot have can never be stored.
    async fn refuse(&self, groups: &[Group<'_>], response: &mut BatchResponse, now: DateTime<Utc>) {
        for group in groups.iter().filter(|group| group.partition.is_none()) {
            let reason = format!("partition {} is none of the topic's 48", group.number);
            let why = Rejection { rule: "partition", reason };
            let letters: Vec<_> =
                group.records.values().map(|item| kafka::dead_letter_of(item.record, why.rule, &why.reason)).collect();
            let count = letters.len() as u64;
            match self.send_letters(letters).await {
                Ok(()) => Metrics::new("Messages", now).count("processed", count).count("dead_letters", count).emit(),
                Err(error) => {
                    warn!(error = format!("{error:#}"), "dead letters are asked for again");
                    fail(response, group);
                }
            }
        }
    }
}

/// The parts of each shard, in the order of their partitions.
fn assign<'a>(
    groups: &[&'a Group<'a>],
    directory: &Directory,
    identities: &'a BTreeMap<String, String>,
) -> BTreeMap<ShardId, Vec<Part<'a>>> {
    let mut parts: BTreeMap<ShardId, Vec<Part<'a>>> = BTreeMap::new();
    for group in groups {
        let (Some(partition), Some(topic_id)) = (group.partition, identities.get(group.topic)) else { continue };
        let at = directory.map.at(partition);
        parts.entry(at.shard).or_default().push(Part { group, epoch: at.epoch, topic_id });
    }
    parts
}

/// Enters what failed into the response, counts what is done, and returns the partitions that a shard has refused.
fn settle<'a>(
    response: &mut BatchResponse,
    parts: &BTreeMap<ShardId, Vec<Part<'a>>>,
    outcomes: Vec<Outcome>,
    directory: &Directory,
    now: DateTime<Utc>,
) -> Vec<&'a Group<'a>> {
    let mut refused = Vec::new();
    for ((shard, parts), outcome) in parts.iter().zip(outcomes) {
        match outcome {
            Outcome::Done(done) => {
                let name = directory.shards.get(shard).map_or("unknown", |shard| shard.name.as_str());
                count(name, &done, now);
                refused.extend(done.refused.iter().filter_map(|position| parts.get(*position)).map(|part| part.group));
            }
            Outcome::Open => {
                info!(shard, partitions = parts.len(), "the shard is left alone; its partitions wait");
                parts.iter().for_each(|part| fail(response, part.group));
            }
            Outcome::Failed(error) => {
                warn!(shard, partitions = parts.len(), error = format!("{error:#}"), "not stored; asked for again");
                parts.iter().for_each(|part| fail(response, part.group));
            }
        }
    }
    refused
}

/// `database_writes_total{shard}` and `messages_processed_total` for Prometheus.
fn count(shard: &str, done: &Done, now: DateTime<Utc>) {
    Metrics::new("Database", now).dimension("shard", shard).count("writes", done.rows).emit();
    Metrics::new("Messages", now).count("processed", done.records).count("dead_letters", done.letters).emit();
}

/// A master that is away loses a count, not a batch.
fn note(noted: anyhow::Result<()>) {
    if let Err(error) = noted {
        warn!(error = format!("{error:#}"), "how the shard answers is not noted");
    }
}

fn fail(response: &mut BatchResponse, group: &Group<'_>) {
    response.fail(group.topic, group.number, group.first());
}
