//! What each shard is asked for, and how what they give becomes one answer. No I/O.

use std::sync::Arc;

use domain::posts::{Assignment, Partition, Token};
use shards::{Directory, Shard};

use crate::missing::{Missing, Reason};

/// What the shards gave together.
#[derive(Debug)]
pub(crate) struct Gathered {
    /// Rows as JSON, a shard each.
    pub(crate) parts: Vec<Arc<str>>,
    pub(crate) missing: Vec<Missing>,
    /// Of the map that decided who was asked.
    pub(crate) epoch: i64,
    /// How many of the parts the cache had.
    pub(crate) hits: usize,
}

/// Why there is no answer at all.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Where the shards are is not known.
    NoMap(anyhow::Error),
    /// This write is not readable yet, or its shard is away.
    NotYet(Token),
}

/// What one shard gave.
pub(crate) enum Part {
    Rows {
        rows: Arc<str>,
        hit: bool,
        /// Partitions that the shard does not have in the map's epoch, and that are not in the rows.
        without: Vec<Partition>,
    },
    Missing(Reason),
    /// It knows a newer map.
    Outdated,
    /// It has not stored this write yet.
    NotYet(Token),
    /// It is away, and with it this write.
    Lost(Token),
}

/// A shard, and what the map says that it has of what is wanted.
pub(crate) struct Target<'a> {
    pub(crate) shard: &'a Shard,
    pub(crate) partitions: Vec<(Partition, Assignment)>,
}

/// The shards to ask for the partitions that are wanted: one, or all.
pub(crate) fn targets(directory: &Directory, wanted: Option<Partition>) -> Vec<Target<'_>> {
    let mut targets = Vec::new();
    for (shard, mut partitions) in directory.holders() {
        partitions.retain(|(partition, _)| wanted.is_none_or(|wanted| wanted == *partition));
        if !partitions.is_empty() {
            targets.push(Target { shard, partitions });
        }
    }
    targets
}

/// What all of them gave, and what is missing of it.
pub(crate) fn gathered(epoch: i64, targets: &[Target<'_>], parts: Vec<Part>) -> Result<Gathered, Failure> {
    let mut gathered = Gathered { parts: Vec::new(), missing: Vec::new(), epoch, hits: 0 };
    for (target, part) in targets.iter().zip(parts) {
        let (partitions, reason) = match part {
            Part::Rows { rows, hit, without } => {
                gathered.parts.push(rows);
                gathered.hits += usize::from(hit);
                (without, Reason::Moving)
            }
            Part::Missing(reason) => (target.partitions.iter().map(|(partition, _)| *partition).collect(), reason),
            Part::Outdated => (target.partitions.iter().map(|(partition, _)| *partition).collect(), Reason::Moving),
            Part::NotYet(token) | Part::Lost(token) => return Err(Failure::NotYet(token)),
        };
        if !partitions.is_empty() {
            gathered.missing.push(Missing::new(&target.shard.name, partitions, reason));
        }
    }
    Ok(gathered)
}

/// The partitions' numbers.
pub(crate) fn numbers(assigned: &[(Partition, Assignment)]) -> Vec<i32> {
    assigned.iter().map(|(partition, _)| partition.number()).collect()
}
