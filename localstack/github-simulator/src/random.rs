//! Numbers that look random and are a pure function of what they are asked for: the generator behind every event.
//!
//! Own code rather than the `rand` crate, whose generators may change their numbers with a version: here the same seed
//! must give the same events for ever, because samples, tests and benches rest on it.

/// SplitMix64: one multiplication chain a number, no state beyond one word.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// The stream of numbers that belongs to `index` of `purpose`; streams do not depend on one another.
    pub(crate) fn new(seed: u64, purpose: u64, index: u64) -> Self {
        Self(mix(mix(mix(seed) ^ purpose) ^ index))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number in `0..bound` (0 when `bound` is 0). The bias of the remainder is below 2^-40 for our bounds.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }

    /// A number in `low..=high`.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True in `share` of 1,000 cases.
    pub(crate) fn per_mille(&mut self, share: u64) -> bool {
        self.below(1_000) < share
    }

    /// A rank in `0..2^octaves`, where rank r comes up about as 1/r: every octave is equally likely. (Zipf's law with
    /// whole numbers only, because `powf` may differ in its last bit from one machine to another.)
    pub(crate) fn zipf(&mut self, octaves: u32) -> u64 {
        let octave = self.below(u64::from(octaves));
        let first = 1_u64 << octave;
        first + self.below(first) - 1
    }

    pub(crate) fn pick(&mut self, items: &[&'static str]) -> &'static str {
        let index = self.below(items.len() as u64);
        usize::try_from(index).ok().and_then(|index| items.get(index)).copied().unwrap_or_default()
    }

    /// A commit's 40 hexadecimal digits.
    pub(crate) fn sha(&mut self) -> String {
        let mut sha = format!("{:016x}{:016x}{:016x}", self.next(), self.next(), self.next());
        sha.truncate(40);
        sha
    }
}

/// A bijection that spreads every bit over the word (the finaliser of SplitMix64).
pub(crate) fn mix(mut word: u64) -> u64 {
    word = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_reproducible_and_differ_by_seed_purpose_and_index() {
        let first = |seed, purpose, index| Random::new(seed, purpose, index).next();
        assert_eq!(first(1, 2, 3), first(1, 2, 3));
        assert_ne!(first(1, 2, 3), first(2, 2, 3));
        assert_ne!(first(1, 2, 3), first(1, 3, 3));
        assert_ne!(first(1, 2, 3), first(1, 2, 4));
    }

    #[test]
    fn zipf_gives_the_first_ranks_most_and_reaches_the_last_octave() {
        let mut random = Random::new(1, 1, 1);
        let ranks: Vec<u64> = (0..20_000).map(|_| random.zipf(10)).collect();
        let first = ranks.iter().filter(|rank| **rank == 0).count();
        let tail = ranks.iter().filter(|rank| **rank >= 512).count();
        assert!((1_800..2_200).contains(&first), "a tenth goes to rank 0, was {first}");
        assert!((1_800..2_200).contains(&tail), "a tenth goes to 512 ranks together, was {tail}");
        assert!(ranks.iter().all(|rank| *rank < 1_024));
    }
}
