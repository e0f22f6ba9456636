//! Which partition a post is in, for ever.

use super::Id;

/// How many partitions the topic has. A post's partition is computed from this number, so it never changes; 48 can be
/// divided evenly among 2, 3, 4, 6, 8, 12, 16, 24 and 48 shards.
pub const PARTITIONS: u8 = 48;

/// One partition of the topic: a bucket of posts with all that belongs to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(u8);

impl Partition {
    /// The partition of this number, when the topic has one.
    pub fn new(number: i32) -> Option<Self> {
        u8::try_from(number).ok().filter(|number| *number < PARTITIONS).map(Self)
    }

    /// Its number, as Kafka and Postgres write it.
    pub fn number(self) -> i32 {
        i32::from(self.0)
    }

    /// All of them, in order.
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        (0..PARTITIONS).map(Self)
    }
}

/// The partition of a post, and of every comment and like on it.
///
/// With `lo` and `hi` the id's halves as big-endian numbers and `mix` the finalizer of MurmurHash3 (64 bits), it is the
/// upper half of the 128-bit product `mix(hi ^ mix(lo)) * 48`. This is a format: changing it loses every post.
pub fn partition_of(post: Id) -> Partition {
    let whole = u128::from_be_bytes(post.to_bytes());
    #[expect(clippy::cast_possible_truncation, reason = "the halves of 128 bits")]
    let (high, low) = ((whole >> 64) as u64, whole as u64);
    let scaled = u128::from(mix(high ^ mix(low))) * u128::from(PARTITIONS);
    #[expect(clippy::cast_possible_truncation, reason = "less than 48")]
    Partition((scaled >> 64) as u8)
}

fn mix(mut n: u64) -> u64 {
    n = (n ^ (n >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    n = (n ^ (n >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    n ^ (n >> 33)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_partition_of_a_post_never_changes() {
        for (id, partition) in [
            ("00000000-0000-0000-0000-000000000000", 0),
            ("017f22e2-79b0-7cc3-98c4-dc0c0c07398f", 1),
            ("018f3c5e-7b1a-7d3e-9c4b-2f6a1b0c9d8e", 30),
            ("ffffffff-ffff-ffff-ffff-ffffffffffff", 11),
        ] {
            assert_eq!(partition_of(id.parse().unwrap()).number(), partition, "{id}");
        }
    }

    #[test]
    fn ids_of_one_second_are_spread_evenly() {
        let mut counts = [0_u32; PARTITIONS as usize];
        for n in 0..48_000_u64 {
            let now = DateTime::from_timestamp_millis(1_795_000_000_000 + i64::try_from(n % 1_000).unwrap()).unwrap();
            let mut random = [0; 10];
            random[2..].copy_from_slice(&n.to_be_bytes());
            counts[usize::from(partition_of(Id::v7(now, random)).0)] += 1;
        }
        assert!(counts.iter().all(|count| (850..1_150).contains(count)), "{counts:?}");
    }

    proptest! {
        #[test]
        fn every_id_has_a_partition(bytes: [u8; 16]) {
            let partition = partition_of(Id::from_bytes(bytes));
            prop_assert_eq!(Partition::new(partition.number()), Some(partition));
        }
    }
}
