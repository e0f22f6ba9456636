//! Sets of numbers out of a seed: the same seed gives the same sets for ever.

use std::fmt;

/// What sets are like; as a text, a name that no others have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sets {
    seed: u64,
    count: u32,
    min: i64,
    max: i64,
}

/// Sets cannot be like that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SetsError {
    /// No number lies between them.
    #[error("the smallest number is {min}, the largest {max}: expected the smallest first")]
    Range {
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
    },
    /// The message would be too large.
    #[error("{count} numbers a message, expected at most 10000")]
    Count {
        /// Numbers in a message.
        count: u32,
    },
}

/// Most numbers of a generated message: of 20 characters each they are far from the limit of a message.
const COUNT: u32 = 10_000;

impl Sets {
    /// Sets of `count` numbers from `min` to `max`, both included.
    ///
    /// # Errors
    /// When there is no such number, or there are too many.
    pub fn new(seed: u64, count: u32, min: i64, max: i64) -> Result<Self, SetsError> {
        if min > max {
            return Err(SetsError::Range { min, max });
        }
        if count > COUNT {
            return Err(SetsError::Count { count });
        }
        Ok(Self { seed, count, min, max })
    }

    /// The message of this index, as it is posted.
    #[must_use]
    pub fn message(&self, index: u64) -> String {
        // Each message has a stream of its own, so that it does not depend on those before it.
        let mut state = mix(self.seed ^ mix(index.wrapping_add(GOLDEN)));
        let mut json = String::from("{\"numbers\":[");
        for position in 0..self.count {
            if position > 0 {
                json.push(',');
            }
            state = state.wrapping_add(GOLDEN);
            json.push_str(&self.number(mix(state)).to_string());
        }
        json.push_str("]}");
        json
    }

    /// One of the range, by the upper half of a product, which prefers none by more than one in 2^64 / (max - min).
    fn number(&self, random: u64) -> i64 {
        let numbers = u128::from(self.max.abs_diff(self.min)) + 1;
        let above = (u128::from(random) * numbers) >> 64;
        self.min.wrapping_add_unsigned(u64::try_from(above).unwrap_or(0))
    }
}

impl fmt::Display for Sets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}, {} of {} to {}", self.seed, self.count, self.min, self.max)
    }
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The mixing of SplitMix64.
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_seed_gives_the_same_for_ever() {
        let sets = Sets::new(1, 3, 0, 1_000_000_000).unwrap();
        let messages: Vec<String> = (0..3).map(|index| sets.message(index)).collect();
        assert_eq!(messages, (0..3).map(|index| sets.message(index)).collect::<Vec<_>>());
        assert_ne!(messages[0], messages[1]);
        assert_ne!(messages[0], Sets::new(2, 3, 0, 1_000_000_000).unwrap().message(0));
        assert_eq!(Sets::new(1, 0, 5, 5).unwrap().message(9), r#"{"numbers":[]}"#);
        assert!(Sets::new(1, 1, 5, 4).is_err() && Sets::new(1, 10_001, 0, 1).is_err());
    }

    proptest! {
        #[test]
        fn numbers_are_in_their_range(seed: u64, one: i64, other: i64, index: u64) {
            let (min, max) = (one.min(other), one.max(other));
            let json = Sets::new(seed, 5, min, max).unwrap().message(index);
            let value: serde_json::Value = serde_json::from_str(&json).unwrap();
            let numbers = value["numbers"].as_array().unwrap();
            prop_assert_eq!(numbers.len(), 5);
            for number in numbers {
                prop_assert!((min..=max).contains(&number.as_i64().unwrap()));
            }
        }
    }
}
