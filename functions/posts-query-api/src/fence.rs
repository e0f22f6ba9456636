//! Whether a shard still has the partitions that a map gives it. No I/O.

use domain::posts::{Assignment, FIRST_EPOCH, Partition, Token};

use crate::question::{Stamp, State};

/// The partitions that the shard does not hold in the epoch of the map: rows of these are not to be taken from it. A
/// shard that knows nothing of a partition has its rows in the first epoch only: there are none yet.
pub(crate) fn outdated(assigned: &[(Partition, Assignment)], stamp: &Stamp) -> Vec<Partition> {
    let holds = |partition: Partition, assignment: &Assignment| {
        let known = stamp.iter().find(|(number, ..)| *number == partition.number());
        known.map_or(FIRST_EPOCH, |(_, epoch, ..)| *epoch) == assignment.epoch
    };
    let outdated = assigned.iter().filter(|(partition, assignment)| !holds(*partition, assignment));
    outdated.map(|(partition, _)| *partition).collect()
}

/// The first of these writes that the shard has not stored.
pub(crate) fn not_stored(tokens: &[Token], stamp: &Stamp) -> Option<Token> {
    let stored = |token: &Token| {
        let of_partition = |(number, _, next, _): &State| *number == token.partition.number() && *next > token.offset;
        stamp.iter().any(of_partition)
    };
    tokens.iter().copied().find(|token| !stored(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(number: i32) -> Partition {
        Partition::new(number).unwrap()
    }

    #[test]
    fn a_partition_counts_in_the_epoch_of_the_map_only() {
        let assigned = |epoch| {
            vec![(partition(3), Assignment { shard: 1, epoch }), (partition(4), Assignment { shard: 1, epoch: 1 })]
        };
        let of = |epoch, stamp: &[State]| outdated(&assigned(epoch), &stamp.to_vec());
        assert_eq!(of(1, &[]), [], "nothing was written yet");
        assert_eq!(of(2, &[]), [partition(3)], "what came by a move has a row");
        assert_eq!(of(2, &[(3, 2, 10, 0), (4, 1, 0, 0)]), []);
        assert_eq!(of(1, &[(3, 2, 10, 0), (4, 1, 0, 0)]), [partition(3)], "it has left, or come again");
        assert_eq!(of(3, &[(3, 2, 10, 0), (4, 2, 0, 0)]), [partition(3), partition(4)]);
    }

    #[test]
    fn a_write_is_stored_when_the_next_offset_is_behind_it() {
        let token = |number, offset| Token { partition: partition(number), offset };
        let stamp = vec![(1, 1, 10, 0), (2, 1, 0, 0)];
        for (tokens, missing) in [
            (vec![], None),
            (vec![token(1, 9)], None),
            (vec![token(1, 10)], Some(token(1, 10))),
            (vec![token(1, 9), token(2, 0)], Some(token(2, 0))),
            (vec![token(3, 0)], Some(token(3, 0))),
        ] {
            assert_eq!(not_stored(&tokens, &stamp), missing, "{tokens:?}");
        }
    }
}
