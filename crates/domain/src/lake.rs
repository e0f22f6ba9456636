//! Watermarks and offset ranges: what of a batch is new, and which staged segments may be committed.
//!
//! Kafka offsets are the truth. A writer *stages* segments: each covers, for every partition it touches, the offsets
//! from that partition's staged watermark up to a new one, so the segments of a partition form a chain without holes.
//! A committer moves the *committed* watermark along that chain. Everything here is a decision over numbers; reading
//! and writing them is the `lake` crate's work.

pub mod incarnation;
#[cfg(test)]
#[path = "lake/model_tests.rs"]
mod model_tests;

pub mod pace;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What every watermark's table property begins with.
const PROPERTY_PREFIX: &str = "millrace.watermark.";

/// One partition of one incarnation of a topic. A topic that is deleted and made again has a new id, and so its
/// offsets, which begin at 0 again, never meet the old watermark.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// The Kafka cluster's id.
    pub cluster_id: String,
    /// The topic's id (not its name).
    pub topic_id: String,
    /// The partition's number.
    pub partition: i32,
}

impl Source {
    /// The table property that holds this partition's committed watermark (the next offset, as decimal text).
    pub fn property_key(&self) -> String {
        format!("{PROPERTY_PREFIX}{}.{}.{}", self.cluster_id, self.topic_id, self.partition)
    }

    /// The reverse of [`Source::property_key`]; `None` for any other property.
    pub fn from_property_key(key: &str) -> Option<Self> {
        let rest = key.strip_prefix(PROPERTY_PREFIX)?;
        let (rest, partition) = rest.rsplit_once('.')?;
        let (cluster_id, topic_id) = rest.rsplit_once('.')?;
        let partition = partition.parse().ok()?;
        Some(Self { cluster_id: cluster_id.to_owned(), topic_id: topic_id.to_owned(), partition })
    }
}

/// The next offset that is wanted, a partition. A partition that is missing has never been seen.
pub type Watermarks = BTreeMap<Source, i64>;

/// Reads the committed watermarks out of a table's properties; other properties are passed over.
pub fn watermarks_of<'a>(properties: impl IntoIterator<Item = (&'a String, &'a String)>) -> Watermarks {
    properties
        .into_iter()
        .filter_map(|(key, value)| Some((Source::from_property_key(key)?, value.parse().ok()?)))
        .collect()
}

/// Offsets `first..next` of a partition. `first` is the watermark they follow, so ranges of one partition chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetRange {
    /// The watermark before this range; on a partition never seen, the first offset that came.
    pub first: i64,
    /// One past the last offset.
    pub next: i64,
}

/// What of a batch's offsets, of one partition, is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trimmed {
    /// Positions in the batch to keep, in offset order, each offset once.
    pub keep: Vec<usize>,
    /// The range to stage; `None` when nothing is new.
    pub range: Option<OffsetRange>,
    /// Offsets of the range that never came, before the first record and between two. Kafka makes such holes itself
    /// (transaction markers, compaction, retention) and Lambda does (a batch that went to its failure destination), so
    /// they are passed over, but counted.
    pub gap: i64,
}

/// Drops from a batch what is staged already: offsets below `watermark`, and repeats within the batch.
///
/// Batches are re-cut after a failure and may overlap the last one, so this is the normal case, not the odd one.
pub fn trim(watermark: Option<i64>, offsets: &[i64]) -> Trimmed {
    let mut keep: Vec<usize> = (0..offsets.len()).collect();
    let at = |position: usize| offsets.get(position).copied().unwrap_or(i64::MIN);
    keep.retain(|&position| watermark.is_none_or(|watermark| at(position) >= watermark));
    // Kafka delivers a partition in order, so this sort finds nothing to do; an unsorted batch must not lose a record.
    keep.sort_by_key(|&position| at(position));
    keep.dedup_by_key(|position| at(*position));
    let (Some(&first), Some(&last)) = (keep.first(), keep.last()) else {
        return Trimmed { keep, range: None, gap: 0 };
    };
    let chain = watermark.unwrap_or_else(|| at(first));
    let next = at(last) + 1;
    let gap = (next - chain).saturating_sub_unsigned(keep.len() as u64);
    Trimmed { keep, range: Some(OffsetRange { first: chain, next }), gap }
}

/// A segment that waits for the committer, as far as the decision needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// Grows with registration within a partition.
    pub id: i64,
    /// Rows in the segment; 0 when all of its records went to the dead-letter topic.
    pub records: u64,
    /// What it counts for in [`CommitLimits::bytes`]: its size, or more ([`pace::weight`]).
    pub bytes: u64,
    /// The chain link of each partition that the segment touches.
    pub ranges: Vec<(Source, OffsetRange)>,
}

/// Which segments to commit next, and what is in the table already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitPlan {
    /// Segments to append, in order.
    pub take: Vec<i64>,
    /// The watermarks that these segments move, at their new values.
    pub moves: Watermarks,
    /// Segments that the table holds already: a committer died between its commit and marking them. Mark them.
    pub done: Vec<i64>,
    /// Segments that do not continue the chain. They stay, and so does all that follows them in their partitions;
    /// this happens only when watermarks were changed by hand, and must be reported.
    pub blocked: Vec<i64>,
}

/// How much one commit takes.
#[derive(Debug, Clone, Copy)]
pub struct CommitLimits {
    /// Bytes of segments in one commit; one segment is taken whatever its size.
    pub bytes: u64,
    /// Segments in one commit.
    pub segments: usize,
    /// A commit is due when the oldest waiting segment is this old.
    pub age: Duration,
}

/// Where a segment's range stands against its partition's watermark.
#[derive(PartialEq, Eq)]
enum Place {
    Next,
    Done,
    Broken,
}

fn place(watermark: Option<&i64>, range: OffsetRange) -> Place {
    match watermark {
        None => Place::Next,
        Some(&watermark) if range.first == watermark => Place::Next,
        Some(&watermark) if range.next <= watermark => Place::Done,
        Some(_) => Place::Broken,
    }
}

/// Whether a table with these watermarks has the segment's rows. Who publishes a state of the table marks all segments
/// that are in it, also those that another committer put there: a query reads the state and what is not marked.
pub fn is_committed(committed: &Watermarks, segment: &Staged) -> bool {
    segment.ranges.iter().all(|(source, range)| place(committed.get(source), *range) == Place::Done)
}

/// Plans one commit: contiguous segments beyond the committed watermarks, in order of `staged` (by id), up to `limits`.
pub fn plan_commit(committed: &Watermarks, staged: &[Staged], limits: &CommitLimits) -> CommitPlan {
    let mut plan = CommitPlan::default();
    let mut bytes = 0_u64;
    // Partitions whose chain is cut for this plan, by a broken link or because the limit was reached there.
    let mut closed: BTreeSet<&Source> = BTreeSet::new();
    for segment in staged {
        if is_committed(committed, segment) {
            plan.done.push(segment.id);
            continue;
        }
        let fits = segment.ranges.iter().all(|(source, range)| {
            place(plan.moves.get(source).or_else(|| committed.get(source)), *range) == Place::Next
        });
        let waits = segment.ranges.iter().any(|(source, _)| closed.contains(source));
        let full = !plan.take.is_empty()
            && (plan.take.len() >= limits.segments || bytes.saturating_add(segment.bytes) > limits.bytes);
        if fits && !waits && !full {
            bytes = bytes.saturating_add(segment.bytes);
            plan.take.push(segment.id);
            plan.moves.extend(segment.ranges.iter().map(|(source, range)| (source.clone(), range.next)));
            continue;
        }
        if !fits && !waits {
            plan.blocked.push(segment.id);
        }
        closed.extend(segment.ranges.iter().map(|(source, _)| source));
    }
    plan
}

/// A watermark that somebody else moved: what the table has is not what the commit follows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{property} is {found:?}, this commit follows {expected:?}")]
pub struct Moved {
    property: String,
    found: Option<String>,
    expected: Option<i64>,
}

/// Whether a commit that was planned on `expected` may move the watermarks of `moves` in a table whose properties are
/// these. A partition that is missing in `expected` must be missing in the table.
///
/// # Errors
/// The first watermark that is another one.
pub fn check_fence<'a>(
    property: impl Fn(&str) -> Option<&'a String>,
    expected: &Watermarks,
    moves: &Watermarks,
) -> Result<(), Moved> {
    for source in moves.keys() {
        let key = source.property_key();
        let (found, expected) = (property(&key), expected.get(source).copied());
        if found.map(String::as_str) != expected.map(|next| next.to_string()).as_deref() {
            return Err(Moved { property: key, found: found.cloned(), expected });
        }
    }
    Ok(())
}

/// What waits for a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Segments.
    pub segments: usize,
    /// Rows in them.
    pub records: u64,
    /// Their size, bytes.
    pub bytes: u64,
    /// Age of the oldest.
    pub oldest: Duration,
}

#[cfg(test)]
#[path = "lake_tests.rs"]
mod tests;
