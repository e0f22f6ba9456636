//! The answer of `GET /table/info`, and the account of all records in it. No I/O.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::github::event::RULES;
use domain::lake::Source;
use kafka::admin::PartitionState;
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::{Chain, State, Window};
use crate::topic::LiveTopic;

/// How long the writer remembers ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepeatLimits {
    /// Age.
    pub hours: u32,
    /// Ids of the whole table, shared by its partitions.
    pub ids: u64,
}

/// What became of each record between the topic and the table.
#[derive(Debug, Serialize, ToSchema)]
pub struct Info {
    table: String,
    /// The last commit; null before the first.
    snapshot: Option<Snapshot>,
    staged: StagedView,
    /// Each partition of the topic, and of those that had its name before.
    partitions: Vec<Partition>,
    /// Records that wait in the topic.
    pub(crate) lag: i64,
    /// Dead letters by the rule that they broke.
    pub(crate) rules: BTreeMap<String, i64>,
    /// Batches that were staged.
    pub(crate) batches: i64,
    /// When something was staged last.
    pub(crate) last_staged_at: Option<DateTime<Utc>>,
    repeats: Repeats,
    pub(crate) reconciliation: Reconciliation,
}

#[derive(Debug, Serialize, ToSchema)]
struct Snapshot {
    id: Option<i64>,
    sequence_number: i64,
    files: i64,
    records: i64,
    bytes: i64,
    /// The days of which the table holds rows, its partitions; null before the first commit that tells them.
    first_day: Option<NaiveDate>,
    last_day: Option<NaiveDate>,
    committed_at: DateTime<Utc>,
    age_seconds: i64,
}

/// Segments beyond the last commit. Queries read them too.
#[derive(Debug, Serialize, ToSchema)]
struct StagedView {
    segments: i64,
    records: i64,
    bytes: i64,
    /// Age of the oldest; null when there is none.
    age_seconds: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Partition {
    topic: String,
    topic_id: String,
    partition: i32,
    /// False for a topic that is gone: what it still held then is not known.
    live: bool,
    /// Where the writer began.
    first_offset: i64,
    /// The next offset that will be staged; null when nothing was.
    staged_offset: Option<i64>,
    /// The next offset that will be committed; null when nothing was.
    committed_offset: Option<i64>,
    /// The next offset that a record will get; null when the topic is gone.
    end_offset: Option<i64>,
    /// Records that wait.
    lag: i64,
    records: i64,
    duplicates: i64,
    dead_letters: i64,
    /// Offsets that never came: given up by the trigger, or never given out by Kafka.
    failed: i64,
    /// Records since the writer began with it.
    topic_records: i64,
}

#[derive(Debug, Serialize, ToSchema)]
struct Repeats {
    hours: u32,
    ids: u64,
    partitions: Vec<Window>,
}

/// The account: what came in on the left, what became of it on the right.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Reconciliation {
    /// Records of the topic since the writer began, those of its former incarnations included.
    pub(crate) topic_records: i64,
    /// Rows of the table.
    pub(crate) rows: i64,
    /// Rows that are staged for it.
    pub(crate) staged: i64,
    pub(crate) duplicates: i64,
    pub(crate) dead_letters: i64,
    pub(crate) failed: i64,
    /// Whether both sides are the same. While records wait they are not; see `lag`.
    pub(crate) balanced: bool,
}

/// Puts the answer together; `topic` was read before `state`.
pub(crate) fn assemble(
    table: &str,
    state: State,
    topic: Option<&LiveTopic>,
    limits: RepeatLimits,
    now: DateTime<Utc>,
) -> Info {
    let age = |at: DateTime<Utc>| (now - at).max(TimeDelta::zero()).num_seconds();
    let committed = |source: &Source| state.commit.as_ref()?.watermarks.get(&source.property_key()).copied();
    let mut partitions: Vec<Partition> =
        state.chains.iter().map(|chain| of_chain(chain, live_end(chain, topic), committed)).collect();
    partitions.extend(topic.into_iter().flat_map(|topic| unseen(topic, &state.chains)));
    let rules = RULES.iter().map(|rule| ((*rule).to_owned(), 0)).chain(state.rules).collect();
    let rows = state.commit.as_ref().map_or(0, |commit| commit.records);
    Info {
        table: table.to_owned(),
        reconciliation: reconcile(&partitions, rows, state.staged.records),
        lag: partitions.iter().map(|partition| partition.lag).sum(),
        batches: state.chains.iter().map(|chain| chain.batches).sum(),
        last_staged_at: state.chains.iter().map(|chain| chain.updated_at).max(),
        partitions,
        rules,
        snapshot: state.commit.map(|commit| Snapshot {
            id: commit.snapshot_id,
            sequence_number: commit.sequence_number,
            files: commit.files,
            records: commit.records,
            bytes: commit.bytes,
            first_day: commit.first_day,
            last_day: commit.last_day,
            committed_at: commit.committed_at,
            age_seconds: age(commit.committed_at),
        }),
        staged: StagedView {
            segments: state.staged.segments,
            records: state.staged.records,
            bytes: state.staged.bytes,
            age_seconds: state.staged.oldest_at.map(age),
        },
        repeats: Repeats { hours: limits.hours, ids: limits.ids, partitions: state.windows },
    }
}

fn reconcile(partitions: &[Partition], rows: i64, staged: i64) -> Reconciliation {
    let sum = |of: fn(&Partition) -> i64| partitions.iter().map(of).sum::<i64>();
    let topic_records = sum(|partition| partition.topic_records);
    let duplicates = sum(|partition| partition.duplicates);
    let dead_letters = sum(|partition| partition.dead_letters);
    let failed = sum(|partition| partition.failed);
    let balanced = topic_records == rows + staged + duplicates + dead_letters + failed;
    Reconciliation { topic_records, rows, staged, duplicates, dead_letters, failed, balanced }
}

/// The broker's state of the chain's partition, when its topic is the one that exists now.
fn live_end<'a>(chain: &Chain, topic: Option<&'a LiveTopic>) -> Option<&'a PartitionState> {
    let topic = topic.filter(|topic| topic.is_of(chain))?;
    topic.partitions.iter().find(|partition| partition.partition == chain.partition)
}

fn of_chain(chain: &Chain, live: Option<&PartitionState>, committed: impl Fn(&Source) -> Option<i64>) -> Partition {
    let source =
        Source { cluster_id: chain.cluster_id.clone(), topic_id: chain.topic_id.clone(), partition: chain.partition };
    // Postgres was read after Kafka, so it may have seen more.
    let end = live.map_or(chain.next_offset, |live| live.high.max(chain.next_offset));
    // The group commits what is settled. What it has passed and nobody staged was given up, and no later record has
    // come that would show it as a gap.
    let passed = live.and_then(|live| live.committed).unwrap_or(chain.next_offset);
    let given_up = (passed.min(end) - chain.next_offset).max(0);
    Partition {
        topic: chain.topic.clone(),
        topic_id: chain.topic_id.clone(),
        partition: chain.partition,
        live: live.is_some(),
        first_offset: chain.first_offset,
        staged_offset: Some(chain.next_offset),
        committed_offset: committed(&source),
        end_offset: live.map(|_| end),
        lag: end - chain.next_offset - given_up,
        records: chain.records,
        duplicates: chain.duplicates,
        dead_letters: chain.dead_letters,
        failed: chain.gap_offsets + given_up,
        topic_records: end - chain.first_offset,
    }
}

/// The topic's partitions of which nothing was staged. They begin with the oldest record that Kafka has.
fn unseen<'a>(topic: &'a LiveTopic, chains: &'a [Chain]) -> impl Iterator<Item = Partition> + 'a {
    let is_seen = move |partition: &PartitionState| {
        chains.iter().any(|chain| chain.partition == partition.partition && topic.is_of(chain))
    };
    topic.partitions.iter().filter(move |partition| !is_seen(partition)).map(|partition| {
        let passed = partition.committed.unwrap_or(partition.low).clamp(partition.low, partition.high);
        Partition {
            topic: topic.name.clone(),
            topic_id: topic.identity.topic_id.clone(),
            partition: partition.partition,
            live: true,
            first_offset: partition.low,
            staged_offset: None,
            committed_offset: None,
            end_offset: Some(partition.high),
            lag: partition.high - passed,
            records: 0,
            duplicates: 0,
            dead_letters: 0,
            failed: passed - partition.low,
            topic_records: partition.high - partition.low,
        }
    })
}

#[cfg(test)]
#[path = "info_tests.rs"]
mod tests;
