//! What was seen, as the API shows it. No I/O.

use chrono::{DateTime, Utc};
use domain::posts::breaker::Verdict;
use serde::Serialize;
use shards::Away;
use utoipa::ToSchema;

use crate::look::{Looked, Progress, Rest, World};

/// The answer of `GET /status`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatusView {
    /// Of the shard map: it grows by one with each partition that moves.
    epoch: i64,
    /// Whether Kafka answers; without it no lag is known.
    kafka: bool,
    shards: Vec<ShardStatus>,
}

/// A shard.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShardStatus {
    shard: String,
    /// `host:port/database`.
    address: String,
    /// Whether it may get partitions.
    active: bool,
    reachable: bool,
    /// Why it does not answer.
    reason: Option<Away>,
    partitions: Vec<i32>,
    /// Of these, such as the shard holds in another epoch than the map says: they are on their way.
    outdated: Vec<i32>,
    /// Of these, such as writers are kept from while they move; their records wait in Kafka.
    frozen: Vec<i32>,
    /// Records of its partitions that it has not stored yet.
    lag: Option<i64>,
    /// Rows of its tables, those of partitions on their way too. The server's running figures: close, not exact.
    rows: Option<RowsView>,
    breaker: BreakerView,
}

/// Rows by table.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RowsView {
    posts: i64,
    comments: i64,
    likes: i64,
}

/// The writers' circuit breaker of a shard.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BreakerView {
    /// `closed`: writers ask the shard. `open`: they leave it alone. `half_open`: the next one tries.
    state: &'static str,
    /// In a row.
    failures: i32,
    open_until: Option<DateTime<Utc>>,
    last_error: Option<String>,
}

/// The answer of `GET /stats`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatsView {
    epoch: i64,
    shards: Vec<ShardStats>,
    /// Each partition at its shard, in order.
    partitions: Vec<PartitionStats>,
    total: Totals,
}

/// A shard's work on the partitions that it has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShardStats {
    shard: String,
    reachable: bool,
    /// Posts, comments and likes that were new. What a partition brought along when it moved here is among them.
    writes: i64,
    duplicates: i64,
    dead_letters: i64,
    lag: Option<i64>,
}

/// How far a partition is.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct PartitionStats {
    partition: i32,
    shard: String,
    /// In which it came to this shard.
    epoch: i64,
    /// The next offset that the shard wants; null when it does not say, or has stored nothing yet.
    next_offset: Option<i64>,
    /// The next offset that a record will get; null when Kafka does not say.
    end_offset: Option<i64>,
    /// Records that wait.
    lag: Option<i64>,
}

/// All shards together.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Totals {
    writes: i64,
    duplicates: i64,
    dead_letters: i64,
    /// Null when a part of it is not known.
    lag: Option<i64>,
}

pub(crate) fn status(world: &World, now: DateTime<Utc>) -> StatusView {
    let shards = world.shards.iter().map(|looked| {
        let seen = looked.seen.as_ref();
        ShardStatus {
            shard: looked.shard.name.clone(),
            address: looked.shard.place.to_string(),
            active: looked.shard.active,
            reachable: seen.is_ok(),
            reason: seen.err().copied(),
            partitions: looked.partitions.iter().map(|(partition, _)| partition.number()).collect(),
            outdated: those(looked, |row, epoch| row.epoch != epoch),
            frozen: those(looked, |row, _| row.frozen),
            lag: sum(partitions(world, looked).map(|partition| partition.lag)),
            rows: seen.ok().map(|seen| RowsView {
                posts: seen.rows.posts,
                comments: seen.rows.comments,
                likes: seen.rows.likes,
            }),
            breaker: breaker(world.rests.get(&looked.shard.id), now),
        }
    });
    StatusView { epoch: world.epoch, kafka: world.ends.is_some(), shards: shards.collect() }
}

pub(crate) fn stats(world: &World) -> StatsView {
    let mut all: Vec<PartitionStats> = world.shards.iter().flat_map(|looked| partitions(world, looked)).collect();
    all.sort_by_key(|partition| partition.partition);
    let shards: Vec<ShardStats> = world.shards.iter().map(|looked| of_shard(world, looked)).collect();
    let total = Totals {
        writes: shards.iter().map(|shard| shard.writes).sum(),
        duplicates: shards.iter().map(|shard| shard.duplicates).sum(),
        dead_letters: shards.iter().map(|shard| shard.dead_letters).sum(),
        lag: sum(all.iter().map(|partition| partition.lag)),
    };
    StatsView { epoch: world.epoch, shards, partitions: all, total }
}

fn of_shard(world: &World, looked: &Looked) -> ShardStats {
    let rows: Vec<&Progress> = looked.partitions.iter().filter_map(|(at, _)| progress(looked, at.number())).collect();
    let sum_of = |of: fn(&Progress) -> i64| rows.iter().map(|row| of(row)).sum::<i64>();
    let (duplicates, dead_letters) = (sum_of(|row| row.duplicates), sum_of(|row| row.dead_letters));
    ShardStats {
        shard: looked.shard.name.clone(),
        reachable: looked.seen.is_ok(),
        writes: sum_of(|row| row.records) - duplicates - dead_letters,
        duplicates,
        dead_letters,
        lag: sum(partitions(world, looked).map(|partition| partition.lag)),
    }
}

fn partitions<'a>(world: &'a World, looked: &'a Looked) -> impl Iterator<Item = PartitionStats> + 'a {
    looked.partitions.iter().map(|(partition, epoch)| {
        let number = partition.number();
        let next_offset = progress(looked, number).map(|row| row.next_offset);
        let ends = world.ends.as_ref().and_then(|ends| ends.get(&number));
        // A shard that answers and has no row begins with the oldest record.
        let at = next_offset.or_else(|| looked.seen.as_ref().ok().and(ends).map(|ends| ends.low));
        PartitionStats {
            partition: number,
            shard: looked.shard.name.clone(),
            epoch: *epoch,
            next_offset,
            end_offset: ends.map(|ends| ends.high),
            lag: ends.zip(at).map(|(ends, at)| (ends.high - at).max(0)),
        }
    })
}

fn progress(looked: &Looked, partition: i32) -> Option<&Progress> {
    looked.seen.as_ref().ok()?.progress.iter().find(|row| row.partition == partition)
}

/// The shard's partitions of which this is true, given the map's epoch.
fn those(looked: &Looked, is: impl Fn(&Progress, i64) -> bool) -> Vec<i32> {
    let numbers = looked.partitions.iter().map(|(partition, epoch)| (partition.number(), *epoch));
    numbers.filter(|(at, epoch)| progress(looked, *at).is_some_and(|row| is(row, *epoch))).map(|(at, _)| at).collect()
}

/// Unknown when a part is.
fn sum(parts: impl Iterator<Item = Option<i64>>) -> Option<i64> {
    parts.sum()
}

fn breaker(rest: Option<&Rest>, now: DateTime<Utc>) -> BreakerView {
    let rest = rest.cloned().unwrap_or_default();
    let state = match rest.breaker.verdict(now) {
        Verdict::Closed => "closed",
        Verdict::Open => "open",
        Verdict::HalfOpen => "half_open",
    };
    let (failures, open_until) = (rest.breaker.failures, rest.breaker.open_until);
    BreakerView { state, failures, open_until, last_error: rest.last_error }
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
