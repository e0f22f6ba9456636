//! The writer: what of a batch is new, checked and staged. See the crate for what it is for.
//!
//! - Idempotency: `(cluster id, topic id, partition, offset)`. The staged watermark of each partition moves in the
//!   transaction that registers the segment; what lies below it is trimmed. The same batch again changes nothing. A row
//!   whose key came already under another offset, within the window of repeats, is counted and left out.
//! - Failure: a service that is away fails the whole batch, which Lambda delivers again. A topic whose identity cannot
//!   be read fails only its own partitions. A dead letter is acknowledged before the watermark moves, so a crash
//!   between the two sends it a second time, with the same origin; it is never lost.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use domain::lake::Source;
use kit::Invocation;
use kit::kafka::{BatchResponse, KafkaEvent};
use kit::metrics::Metrics;
use lake::{Lake, Offered, Outcome, Plan};
use tokio::sync::OnceCell;

use crate::batch::{self, Group, group};
use crate::format::Format;
use crate::identity::{Answer, Identities};

/// How often a batch is planned: again when another writer was faster, and when the broker must be asked who it is.
const ATTEMPTS: usize = 6;

/// Stages batches of one format into one table; nothing of it connects before the first batch.
pub struct Writer<F> {
    format: F,
    lake: Lake,
    kafka: kafka::Config,
    identities: Identities,
    /// Only dead letters need it.
    producer: OnceCell<kafka::Producer>,
}

impl<F: Format> Writer<F> {
    /// A writer into this lake, which asks this cluster what its topics are and sends dead letters there.
    pub fn new(format: F, lake: Lake, kafka: kafka::Config) -> Self {
        Self { format, lake, identities: Identities::new(kafka.clone()), kafka, producer: OnceCell::new() }
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
        let mut ask_again = false;
        for attempt in 1..=ATTEMPTS {
            let answer = self.identities.of(&topics, ask_again).await?;
            let (known, offered) = offer(&groups, &answer);
            let plan = self.lake.plan(&offered).await?;
            if !plan.continues && !answer.fresh {
                ask_again = true;
                continue;
            }
            if self.stage(&known, plan, invocation).await? == Outcome::Staged {
                return Ok(response(&groups, &answer));
            }
            tracing::info!(attempt, "another writer was faster; trimming again");
        }
        bail!("another writer was faster {ATTEMPTS} times")
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

/// What the batch holds of topics that are known, and what that is called in the lake.
fn offer<'a, 'b>(groups: &'a [Group<'b>], answer: &Answer) -> (Vec<&'a Group<'b>>, Vec<Offered>) {
    let known = groups.iter().filter_map(|group| {
        let identity = answer.identities.get(group.topic)?;
        let source = Source {
            cluster_id: identity.cluster_id.clone(),
            topic_id: identity.topic_id.clone(),
            partition: group.partition,
        };
        let offsets = group.records.iter().map(|record| record.offset).collect();
        Some((group, Offered { source, topic: group.topic.to_owned(), offsets }))
    });
    known.unzip()
}

/// Everything is done but the partitions of topics that are not known.
fn response(groups: &[Group<'_>], answer: &Answer) -> BatchResponse {
    let mut response = BatchResponse::default();
    for group in groups.iter().filter(|group| !answer.identities.contains_key(group.topic)) {
        response.fail(group.topic, group.partition, group.first_offset());
    }
    response
}
