//! GitHub events from Kafka into staged segments of the lake.
//!
//! - Trigger: a Kafka mapping on `github-events`, with partial batch responses.
//! - Input: a batch of records, each a GitHub event as JSON.
//! - Output: one Parquet segment on S3 and its row in Postgres; records that break a rule go to `<topic>.dlq`.
//! - Idempotency: `(cluster id, topic id, partition, offset)`. The staged watermark of each partition moves in the
//!   transaction that registers the segment; what lies below it is trimmed. The same batch again changes nothing.
//! - Failure: a service that is away fails the whole batch, which Lambda delivers again. A topic whose identity cannot
//!   be read fails only its own partitions. A dead letter is acknowledged before the watermark moves, so a crash
//!   between the two sends it a second time, with the same origin; it is never lost.
//!
//! Not here yet: ids that the source repeats, ranges of values, topics re-created while a batch is on its way.

mod batch;

use std::collections::HashMap;

use anyhow::{Context, bail};
use domain::lake::Source;
use futures::future::join_all;
use kit::Invocation;
use kit::kafka::{BatchResponse, KafkaEvent};
use lake::{Lake, Offered, Outcome, github};
use tokio::sync::OnceCell;

use batch::{Group, group};

/// How often a batch is planned anew because another writer was faster.
const ATTEMPTS: usize = 5;

/// What the function needs; nothing of it connects before the first batch.
pub struct Deps {
    lake: Lake,
    kafka: kafka::Config,
    /// Only dead letters need it.
    producer: OnceCell<kafka::Producer>,
}

impl Deps {
    /// Reads the configuration: `DATABASE_URL` or `DATABASE_SECRET_ARN`, `KAFKA_BOOTSTRAP_SERVERS` or
    /// `MSK_CLUSTER_ARN`, and the lake's variables.
    ///
    /// # Errors
    /// When one is missing or malformed, or a secret cannot be read.
    pub async fn load() -> anyhow::Result<Self> {
        let env = kit::Env::from_process();
        let config = lake::Config::read(github::NAMESPACE, github::TABLE, |name| env.optional(name));
        let (postgres, kafka) = tokio::try_join!(pg::Config::load(), kafka::Config::load())?;
        let pool = pg::connect_lazy(&pg::Config { max_connections: 2, ..postgres })?;
        Ok(Self::new(Lake::new(config, &github::SCHEMA, pool), kafka))
    }

    /// With given parts, for tests.
    pub fn new(lake: Lake, kafka: kafka::Config) -> Self {
        Self { lake, kafka, producer: OnceCell::new() }
    }

    async fn send_dead_letters(&self, letters: Vec<kafka::Message>) -> anyhow::Result<()> {
        if letters.is_empty() {
            return Ok(());
        }
        let producer = self.producer.get_or_try_init(|| async { kafka::Producer::new(&self.kafka) }).await?;
        producer.send_all(letters).await.context("send dead letters")
    }
}

/// Stages what of the batch is new.
///
/// # Errors
/// When Kafka, Postgres or S3 does not answer: nothing of the batch is done then, or all of it and the next delivery
/// finds that out.
pub async fn handle(deps: &Deps, event: KafkaEvent, invocation: &Invocation) -> anyhow::Result<BatchResponse> {
    let mut response = BatchResponse::default();
    let groups = group(&event.records);
    let identities = identities(deps, &groups).await?;
    let mut offered = Vec::new();
    let mut known = Vec::new();
    for group in groups {
        match identities.get(&*group.topic) {
            Some(identity) => {
                offered.push(Offered {
                    source: Source {
                        cluster_id: identity.cluster_id.clone(),
                        topic_id: identity.topic_id.clone(),
                        partition: group.partition,
                    },
                    topic: group.topic.to_string(),
                    offsets: group.records.iter().map(|record| record.offset).collect(),
                });
                known.push(group);
            }
            None => response.fail(&group.topic, group.partition, group.first_offset()),
        }
    }
    stage(deps, &known, &offered, invocation).await?;
    Ok(response)
}

/// Asks the broker for each topic's id, again for each batch: what is trimmed by a topic's watermark must be of that
/// topic, not of an older one of its name. Topics that cannot be asked for are missing in the answer.
async fn identities<'a>(deps: &Deps, groups: &[Group<'a>]) -> anyhow::Result<HashMap<&'a str, kafka::TopicIdentity>> {
    let mut topics: Vec<&'a str> = groups.iter().map(|group| group.topic).collect();
    topics.sort_unstable();
    topics.dedup();
    let asked = topics.iter().map(|topic| kafka::topic_identity(&deps.kafka, topic));
    let mut identities = HashMap::new();
    let mut last_error = None;
    for (topic, identity) in topics.iter().zip(join_all(asked).await) {
        match identity {
            Ok(identity) => {
                identities.insert(*topic, identity);
            }
            Err(error) => {
                tracing::warn!(kafka.topic = topic, error = format!("{error:#}"), "topic identity is unknown");
                last_error = Some(error);
            }
        }
    }
    match last_error {
        Some(error) if identities.is_empty() => Err(error).context("read the topics' identities"),
        _ => Ok(identities),
    }
}

async fn stage(deps: &Deps, groups: &[Group<'_>], offered: &[Offered], invocation: &Invocation) -> anyhow::Result<()> {
    for attempt in 1..=ATTEMPTS {
        let mut plan = deps.lake.plan(offered).await?;
        if plan.partitions.is_empty() {
            tracing::info!("all of the batch is staged already");
            return Ok(());
        }
        let checked = batch::check(groups, &mut plan, invocation.now)?;
        let dead_letters = checked.dead_letters.len();
        deps.send_dead_letters(checked.dead_letters).await?;
        match deps.lake.stage(&plan, checked.segment.as_ref()).await? {
            Outcome::Staged => {
                tracing::info!(
                    lake.records = checked.records,
                    lake.dead_letters = dead_letters,
                    lake.segment_bytes = checked.segment.as_ref().map_or(0, lake::Segment::size),
                    "staged a batch"
                );
                return Ok(());
            }
            Outcome::Outrun => tracing::info!(attempt, "another writer was faster; trimming again"),
        }
    }
    bail!("another writer was faster {ATTEMPTS} times")
}
