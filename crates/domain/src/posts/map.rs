//! Which shard has which partition, and since which epoch.

use std::collections::{BTreeMap, BTreeSet};

use super::Partition;

/// A shard: `shard_metadata.id` of the master database.
pub type ShardId = i32;

/// The epoch of the first map. A shard that knows nothing of a partition yet may begin with it in this epoch only; in a
/// later one the data is elsewhere, and comes by a move.
pub const FIRST_EPOCH: i64 = 1;

/// Where a partition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignment {
    /// The shard that has it.
    pub shard: ShardId,
    /// The map's epoch in which it came there. Shards keep it too and refuse who writes with another one.
    pub epoch: i64,
}

/// All partitions, each at one shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardMap(BTreeMap<Partition, Assignment>);

/// One partition that changes its shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// What moves.
    pub partition: Partition,
    /// Where it is.
    pub from: ShardId,
    /// Where it goes.
    pub to: ShardId,
}

/// Rows that are no map.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// A number outside the topic's partitions.
    #[error("the shard map has partition {0}, expected 0 to 47")]
    Partition(i32),
    /// A partition without a shard.
    #[error("the shard map lacks partition {0}")]
    Missing(i32),
}

impl ShardMap {
    /// A map of rows `(partition, shard, epoch)`.
    ///
    /// # Errors
    /// When a partition is missing, or is none of the topic's.
    pub fn new(rows: impl IntoIterator<Item = (i32, ShardId, i64)>) -> Result<Self, MapError> {
        let mut map = BTreeMap::new();
        for (number, shard, epoch) in rows {
            let partition = Partition::new(number).ok_or(MapError::Partition(number))?;
            map.insert(partition, Assignment { shard, epoch });
        }
        match Partition::all().find(|partition| !map.contains_key(partition)) {
            Some(missing) => Err(MapError::Missing(missing.number())),
            None => Ok(Self(map)),
        }
    }

    /// The first map: the partitions in order, an equal run of them at each shard, so that a reader of neighbouring
    /// partitions mostly meets one shard. `None` without shards.
    pub fn first(shards: &[ShardId]) -> Option<Self> {
        let all = Partition::all().count();
        let at = |index: usize| shards.get(index * shards.len() / all).copied();
        let assign = |(index, partition)| Some((partition, Assignment { shard: at(index)?, epoch: FIRST_EPOCH }));
        Partition::all().enumerate().map(assign).collect::<Option<_>>().map(Self)
    }

    /// The newest epoch in it: it grows with each change, so the larger of two maps is the newer one.
    pub fn epoch(&self) -> i64 {
        self.0.values().map(|assignment| assignment.epoch).max().unwrap_or(0)
    }

    /// Where a partition is.
    pub fn at(&self, partition: Partition) -> Assignment {
        // `new` and `first` leave none out.
        self.0.get(&partition).copied().unwrap_or(Assignment { shard: 0, epoch: 0 })
    }

    /// All partitions in order.
    pub fn iter(&self) -> impl Iterator<Item = (Partition, Assignment)> + '_ {
        self.0.iter().map(|(partition, assignment)| (*partition, *assignment))
    }

    /// The shards that have partitions.
    pub fn shards(&self) -> BTreeSet<ShardId> {
        self.0.values().map(|assignment| assignment.shard).collect()
    }

    /// The partitions of one shard, in order.
    pub fn partitions_of(&self, shard: ShardId) -> Vec<Partition> {
        self.iter().filter(|(_, assignment)| assignment.shard == shard).map(|(partition, _)| partition).collect()
    }

    /// The map after a partition has moved, in the next epoch.
    #[must_use]
    pub fn moved(&self, partition: Partition, to: ShardId) -> Self {
        let mut map = self.0.clone();
        map.insert(partition, Assignment { shard: to, epoch: self.epoch() + 1 });
        Self(map)
    }

    /// The fewest moves after which these shards, and no others, have equally many partitions, give or take one. Whoever
    /// has most may keep the one more. The same map and shards give the same moves. No shards: no moves.
    pub fn balance(&self, shards: &[ShardId]) -> Vec<Move> {
        let mut wanted: Vec<(ShardId, usize)> = shards
            .iter()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .map(|shard| (*shard, self.partitions_of(*shard).len()))
            .collect();
        wanted.sort_by_key(|(shard, has)| (std::cmp::Reverse(*has), *shard));
        let (all, number) = (self.0.len(), wanted.len().max(1));
        let quota: BTreeMap<ShardId, usize> = wanted
            .iter()
            .enumerate()
            .map(|(rank, (shard, _))| (*shard, all / number + usize::from(rank < all % number)))
            .collect();
        let mut leaving: Vec<(ShardId, Partition)> = Vec::new();
        for shard in self.shards() {
            let keeps = quota.get(&shard).copied().unwrap_or(0);
            leaving.extend(self.partitions_of(shard).into_iter().skip(keeps).map(|partition| (shard, partition)));
        }
        let lacking = quota.iter().flat_map(|(shard, wants)| {
            std::iter::repeat_n(*shard, wants.saturating_sub(self.partitions_of(*shard).len()))
        });
        leaving.into_iter().zip(lacking).map(|((from, partition), to)| Move { partition, from, to }).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sizes(map: &ShardMap) -> Vec<usize> {
        map.shards().into_iter().map(|shard| map.partitions_of(shard).len()).collect()
    }

    #[test]
    fn the_first_map_is_even_and_runs() {
        let map = ShardMap::first(&[1, 2, 3]).unwrap();
        assert_eq!(sizes(&map), [16, 16, 16]);
        assert_eq!(map.partitions_of(2), (16..32).filter_map(Partition::new).collect::<Vec<_>>());
        assert_eq!((map.epoch(), ShardMap::first(&[])), (FIRST_EPOCH, None));
    }

    #[test]
    fn rows_that_are_no_map_are_refused() {
        let rows = |count: i32| (0..count).map(|partition| (partition, 1, 1));
        assert!(ShardMap::new(rows(48)).is_ok());
        assert_eq!(ShardMap::new(rows(47)), Err(MapError::Missing(47)));
        assert_eq!(ShardMap::new(rows(49)), Err(MapError::Partition(48)));
    }

    #[test]
    fn a_move_begins_an_epoch_for_its_partition_alone() {
        let map = ShardMap::first(&[1, 2]).unwrap();
        let moved = map.moved(Partition::new(5).unwrap(), 2);
        assert_eq!(moved.at(Partition::new(5).unwrap()), Assignment { shard: 2, epoch: 2 });
        assert_eq!(moved.at(Partition::new(6).unwrap()), map.at(Partition::new(6).unwrap()));
        assert_eq!(moved.epoch(), 2);
    }

    #[test]
    fn a_fourth_shard_takes_a_quarter_from_each() {
        let map = ShardMap::first(&[1, 2, 3]).unwrap();
        let moves = map.balance(&[1, 2, 3, 4]);
        assert_eq!(moves.len(), 12);
        assert!(moves.iter().all(|step| step.to == 4));
    }

    proptest! {
        #[test]
        fn balancing_evens_out_with_the_fewest_moves(
            at in prop::collection::vec(1_i32..6, 48),
            shards in prop::collection::btree_set(1_i32..9, 1..8),
        ) {
            let map = ShardMap::new((0..).zip(&at).map(|(partition, shard)| (partition, *shard, 1))).unwrap();
            let shards: Vec<ShardId> = shards.into_iter().collect();
            let moves = map.balance(&shards);
            let after = moves.iter().fold(map.clone(), |map, step| {
                assert_eq!(map.at(step.partition).shard, step.from);
                map.moved(step.partition, step.to)
            });
            let sizes: Vec<usize> = shards.iter().map(|shard| after.partitions_of(*shard).len()).collect();
            prop_assert_eq!(sizes.iter().sum::<usize>(), 48);
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{:?}", sizes);
            // Whoever has more than its share must give, and nobody gives more.
            let mut has: Vec<usize> = shards.iter().map(|shard| map.partitions_of(*shard).len()).collect();
            has.sort_unstable_by(|a, b| b.cmp(a));
            let kept: usize = has.iter().enumerate().map(|(rank, has)| (*has).min(48 / shards.len() + usize::from(rank < 48 % shards.len()))).sum();
            prop_assert_eq!(moves.len(), 48 - kept);
        }
    }
}
