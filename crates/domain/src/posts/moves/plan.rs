//! Which partitions move, when somebody asks for it.

use std::collections::BTreeSet;

use crate::posts::{Move, Partition, ShardId, ShardMap};

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// These partitions to this shard; those that are there already stay.
    These {
        /// Which.
        partitions: BTreeSet<Partition>,
        /// Where to.
        to: ShardId,
    },
    /// So many partitions more to this shard, each from whichever has most then.
    Count {
        /// How many.
        count: usize,
        /// Where to.
        to: ShardId,
    },
    /// Equally many partitions at each active shard, with the fewest moves.
    Balance,
}

/// A wish that cannot be fulfilled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A shard that gets no partitions.
    #[error("shard {0} is not active")]
    Inactive(ShardId),
    /// A move of this partition is not over.
    #[error("partition {} is moving already", .0.number())]
    Moving(Partition),
}

/// The moves that fulfil `wish`. `active` are the shards that may get partitions, `moving` the partitions whose move is not
/// over. None when all is as it should be.
///
/// # Errors
/// When the target is not active, or a partition is moving.
pub fn plan(
    map: &ShardMap,
    active: &[ShardId],
    moving: &BTreeSet<Partition>,
    wish: &Wish,
) -> Result<Vec<Move>, PlanError> {
    if let Wish::These { to, .. } | Wish::Count { to, .. } = wish
        && !active.contains(to)
    {
        return Err(PlanError::Inactive(*to));
    }
    let moves = match wish {
        Wish::These { partitions, to } => partitions.iter().map(|partition| one(map, *partition, *to)).collect(),
        Wish::Count { count, to } => return Ok(from_the_fullest(map, moving, *count, *to)),
        Wish::Balance => match moving.first() {
            // Where it will be is not known: its move may be undone.
            Some(partition) => return Err(PlanError::Moving(*partition)),
            None => map.balance(active),
        },
    };
    match moves.iter().find(|step: &&Move| moving.contains(&step.partition)) {
        Some(step) => Err(PlanError::Moving(step.partition)),
        None => Ok(moves.into_iter().filter(|step| step.from != step.to).collect()),
    }
}

fn one(map: &ShardMap, partition: Partition, to: ShardId) -> Move {
    Move { partition, from: map.at(partition).shard, to }
}

fn from_the_fullest(map: &ShardMap, moving: &BTreeSet<Partition>, count: usize, to: ShardId) -> Vec<Move> {
    let mut map = map.clone();
    let mut moves = Vec::new();
    for _ in 0..count {
        let givers = map.shards().into_iter().filter(|shard| *shard != to);
        let free = |shard| {
            let partitions: Vec<Partition> = map.partitions_of(shard);
            let last = partitions.iter().rev().find(|partition| !moving.contains(partition)).copied();
            last.map(|partition| (partitions.len(), std::cmp::Reverse(shard), partition))
        };
        let Some((_, _, partition)) = givers.filter_map(free).max() else { break };
        moves.push(one(&map, partition, to));
        map = map.moved(partition, to);
    }
    moves
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn partition(number: i32) -> Partition {
        Partition::new(number).unwrap()
    }

    #[test]
    fn those_that_are_there_already_stay() {
        let map = ShardMap::first(&[1, 2, 3]).unwrap();
        let wish = Wish::These { partitions: [0, 20].map(partition).into(), to: 2 };
        let moves = plan(&map, &[1, 2, 3], &BTreeSet::new(), &wish).unwrap();
        assert_eq!(moves, [Move { partition: partition(0), from: 1, to: 2 }]);
    }

    #[test]
    fn what_moves_or_is_not_active_is_refused() {
        let map = ShardMap::first(&[1, 2, 3]).unwrap();
        let moving = BTreeSet::from([partition(0)]);
        let wish = Wish::These { partitions: moving.clone(), to: 2 };
        assert_eq!(plan(&map, &[1, 2, 3], &moving, &wish), Err(PlanError::Moving(partition(0))));
        assert_eq!(plan(&map, &[1, 3], &BTreeSet::new(), &wish), Err(PlanError::Inactive(2)));
        assert_eq!(plan(&map, &[1], &moving, &Wish::Balance), Err(PlanError::Moving(partition(0))));
    }

    #[test]
    fn a_new_shard_takes_its_third_from_all() {
        let map = ShardMap::first(&[1, 2, 3]).unwrap();
        let moves = plan(&map, &[1, 2, 3, 4], &BTreeSet::new(), &Wish::Count { count: 16, to: 4 }).unwrap();
        let given = |shard| moves.iter().filter(|step| step.from == shard).count();
        assert_eq!((moves.len(), [1, 2, 3].map(given).iter().max()), (16, Some(&6)));
    }

    proptest! {
        #[test]
        fn a_count_takes_free_partitions_of_others_each_once(
            at in prop::collection::vec(1_i32..5, 48),
            moving in prop::collection::btree_set(0_i32..48, 0..20),
            count in 0_usize..60,
        ) {
            let map = ShardMap::new((0..).zip(&at).map(|(partition, shard)| (partition, *shard, 1))).unwrap();
            let moving: BTreeSet<Partition> = moving.into_iter().map(partition).collect();
            let moves = plan(&map, &[1, 2, 3, 4], &moving, &Wish::Count { count, to: 4 }).unwrap();
            let taken: BTreeSet<Partition> = moves.iter().map(|step| step.partition).collect();
            let free = Partition::all().filter(|one| !moving.contains(one) && map.at(*one).shard != 4).count();
            prop_assert_eq!((taken.len(), moves.len()), (count.min(free), count.min(free)));
            for step in moves {
                prop_assert!(step.to == 4 && step.from == map.at(step.partition).shard && step.from != 4);
                prop_assert!(!moving.contains(&step.partition));
            }
        }
    }
}
