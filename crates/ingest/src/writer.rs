//! The writer: what of a batch is new, checked and staged. See the crate for what it is for.
//!
//! - Idempotency: `(cluster id, topic id, partition, offset)`. The staged watermark of each partition moves in the
//!   transaction that registers the segment; what lies below it is trimmed. The same batch again changes nothing. A row
//!   whose key came already under another offset, within the window of repeats, is counted and left out.
//!   The topic's id is asked for with each batch, and records are compared with what the broker has where they may be
//!   of a topic that was deleted and made again: `domain::lake::incarnation`.
//! - Failure: a service that is away fails the whole batch, which Lambda delivers again. A topic whose identity cannot
//!   be read fails only its own partitions. A dead letter is acknowledged before the watermark moves, so a crash
//!   between the two sends it a second time, with the same origin; it is never lost.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use kit::Invocation;
use kit::kafka::{BatchResponse, KafkaEvent};
use kit::metrics::Metrics;
use lake::{Known, Lake, Offered, Outcome, Plan};
use tokio::sync::OnceCell;

use crate::attribution::{Comparer, Part};
use crate::batch::{self, Group, group};
use crate::format::Format;
use crate::identity::{Identify, Identities};

/// How often a batch is planned: again when another writer was faster, or a topic was made again.
const ATTEMPTS: usize = 6;

/// Stages batches of one format into one table; nothing of it connects before the first batch.
pub struct Writer<F> {
    format: F,
    lake: Lake,
    kafka: kafka::Config,
    identify: Identify,
    comparer: Comparer,
    /// Only dead letters need it.
    producer: OnceCell<kafka::Producer>,
}

impl<F: Format> Writer<F> {
    /// A writer into this lake, which asks this cluster what its topics are and sends dead letters there.
    pub fn new(format: F, lake: Lake, kafka: kafka::Config) -> Self {
        Self {
            format,
            lake,
            identify: Identify::new(kafka.clone()),
            comparer: Comparer::new(kafka.clone()),
            kafka,
            producer: OnceCell::new(),
        }
    }

    /// Stages what of the batch is new.
    ///
    /// # Errors
    /// When Kafka, Postgres or S3 does not answer: nothing of the batch is done then, or all of it and the next
    /// delivery finds that out.
    pub async fn handle(&self, event: KafkaEvent, invocation: &Invocation) -> anyhow::Result<BatchResponse> {
        let groups = group(&event.records);
        let mut topics: Vec<&str> = groups.iter().map(|group| group.topic).collect();
        topics.sort_unstable();
        topics.dedup();
        for attempt in 1..=ATTEMPTS {
            let (identities, known) = tokio::try_join!(self.identify.of(&topics), self.lake.known(&topics))?;
            let Some(rounds) = self.attribute(&groups, &identities, &known).await? else {
                tracing::info!(attempt, "a topic was made again; asking again");
                continue;
            };
            if self.stage_all(&rounds, &known, invocation).await? == Outcome::Staged {
                return Ok(response(&groups, &identities));
            }
            tracing::info!(attempt, "another writer was faster; trimming again");
        }
        bail!("another writer was faster {ATTEMPTS} times")
    }

    /// Whose the records are, in rounds: a partition's records of two incarnations are staged one after the other.
    /// `None` when a topic was made again while its records were compared.
    async fn attribute<'a>(
        &self,
        groups: &[Group<'a>],
        identities: &Identities,
        known: &Known,
    ) -> anyhow::Result<Option<Vec<Vec<Part<'a>>>>> {
        let mut rounds: Vec<Vec<Part<'a>>> = Vec::new();
        let mut compared: Vec<&str> = Vec::new();
        for group in groups {
            let Some(identity) = identities.get(group.topic) else { continue };
            let attributed = self.comparer.attribute(group, identity, known).await?;
            if attributed.compared {
                compared.push(group.topic);
            }
            for (round, part) in attributed.parts.into_iter().enumerate() {
                match rounds.get_mut(round) {
                    Some(parts) => parts.push(part),
                    None => rounds.push(vec![part]),
                }
            }
        }
        compared.dedup();
        if compared.is_empty() {
            return Ok(Some(rounds));
        }
        let again = self.identify.of(&compared).await?;
        let same = compared.iter().all(|topic| again.get(*topic) == identities.get(*topic));
        Ok(same.then_some(rounds))
    }

    async fn stage_all(
        &self,
        rounds: &[Vec<Part<'_>>],
        known: &Known,
        invocation: &Invocation,
    ) -> anyhow::Result<Outcome> {
        for parts in rounds {
            let offered: Vec<Offered> = parts.iter().map(Part::offer).collect();
            let Some(plan) = self.lake.plan_after(known, &offered).await? else { return Ok(Outcome::Outrun) };
            let groups: Vec<&Group<'_>> = parts.iter().map(|part| &part.group).collect();
            if self.stage(&groups, plan, invocation).await? == Outcome::Outrun {
                return Ok(Outcome::Outrun);
            }
        }
        Ok(Outcome::Staged)
    }

    async fn stage(&self, groups: &[&Group<'_>], mut plan: Plan, invocation: &Invocation) -> anyhow::Result<Outcome> {
        if plan.partitions.is_empty() {
            tracing::info!("all of the batch is staged already");
            return Ok(Outcome::Staged);
        }
        let checked = batch::check(&self.format, &self.lake, groups, &mut plan, invocation.now)?;
        let dead_letters = checked.dead_letters.len();
        self.send_dead_letters(checked.dead_letters).await?;
        let outcome = self.lake.stage(&plan, checked.segment.as_ref()).await?;
        if outcome == Outcome::Staged {
            let bytes = checked.segment.as_ref().map_or(0, lake::Segment::size);
            let duplicates: u64 = plan.partitions.iter().map(|part| part.duplicates).sum();
            Metrics::new(F::METRICS, invocation.now)
                .count("staged_records", checked.records as u64)
                .count("duplicates", duplicates)
                .count("dead_letters", dead_letters as u64)
                .bytes("segment", bytes as u64)
                .emit();
            count_rules::<F>(&plan, invocation.now);
            tracing::info!(
                lake.records = checked.records,
                lake.duplicates = duplicates,
                lake.dead_letters = dead_letters,
                lake.segment_bytes = bytes,
                "staged a batch"
            );
        }
        Ok(outcome)
    }

    async fn send_dead_letters(&self, letters: Vec<kafka::Message>) -> anyhow::Result<()> {
        if letters.is_empty() {
            return Ok(());
        }
        let producer = self.producer.get_or_try_init(|| async { kafka::Producer::new(&self.kafka) }).await?;
        producer.send_all(letters).await.context("send dead letters")?;
        lake::crash::point("stage.dead-letters-sent");
        Ok(())
    }
}

/// A figure for each rule that was broken.
fn count_rules<F: Format>(plan: &Plan, now: DateTime<Utc>) {
    let mut broken: BTreeMap<&'static str, u64> = BTreeMap::new();
    for (rule, count) in plan.partitions.iter().flat_map(|part| part.rejected()) {
        *broken.entry(rule).or_default() += count;
    }
    for (rule, count) in broken {
        Metrics::new(F::METRICS, now).dimension("rule", rule).count("rejected_records", count).emit();
    }
}

/// Everything is done but the partitions of topics that are not known.
fn response(groups: &[Group<'_>], identities: &Identities) -> BatchResponse {
    let mut response = BatchResponse::default();
    for group in groups.iter().filter(|group| !identities.contains_key(group.topic)) {
        response.fail(group.topic, group.partition, group.first_offset());
    }
    response
}
