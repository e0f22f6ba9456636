//! A hash table of millions of keys in few bytes each: one array of keys, and beside it one byte a key, its mark.
//!
//! A mark says with which generation the key came. Keys of generations that have passed stay where they are, are found
//! no more, and make room for others; the table is built anew without them when it is three quarters full. So a key
//! takes 12 to 16 bytes (a wide one 23 to 30), and a look at one that is not there nearly always reads one cache line.

/// A key that a table can hold.
pub(crate) trait Slot: Copy + Eq {
    /// What stands in an empty slot, and is therefore no key.
    const EMPTY: Self;

    /// `seed` is secret, so that nobody can make keys that all fall on one slot.
    fn hash(self, seed: u64) -> u64;
}

impl Slot for u64 {
    const EMPTY: Self = 0;

    fn hash(self, seed: u64) -> u64 {
        folded(self ^ seed, 0x9e37_79b9_7f4a_7c15)
    }
}

impl Slot for u128 {
    const EMPTY: Self = 0;

    #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
    fn hash(self, seed: u64) -> u64 {
        folded((self as u64 ^ seed).wrapping_add(folded((self >> 64) as u64, seed | 1)), 0x9e37_79b9_7f4a_7c15)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the two halves of a product")]
fn folded(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

/// Keys with their marks.
#[derive(Debug)]
pub(crate) struct IdSet<S> {
    slots: Vec<S>,
    marks: Vec<u8>,
    /// Slots that are not empty, those of passed generations too.
    used: usize,
    seed: u64,
}

impl<S: Slot> IdSet<S> {
    /// Takes no memory before the first key.
    pub(crate) fn new(seed: u64) -> Self {
        Self { slots: Vec::new(), marks: Vec::new(), used: 0, seed }
    }

    /// Has room for so many keys without being built anew.
    pub(crate) fn for_keys(keys: usize, seed: u64) -> Self {
        let capacity = ((keys + 1) * 7 / 4).max(16);
        Self { slots: vec![S::EMPTY; capacity], marks: vec![0; capacity], used: 0, seed }
    }

    /// The key's mark, when it is here.
    pub(crate) fn mark(&self, key: S) -> Option<u8> {
        let mut at = self.place(key);
        loop {
            match *self.slots.get(at)? {
                found if found == key => return self.marks.get(at).copied(),
                found if found == S::EMPTY => return None,
                _ => at = self.after(at),
            }
        }
    }

    /// Keeps the key with this mark; one that is here already gets it. A mark for which `live` is false is as good as
    /// absent.
    pub(crate) fn insert(&mut self, key: S, mark: u8, live: impl Fn(u8) -> bool) {
        if (self.used + 1) * 4 > self.slots.len() * 3 {
            self.rebuild(&live);
        }
        let mut at = self.place(key);
        let mut passed = None;
        // Ends, because a quarter of the slots is empty.
        while let Some(&found) = self.slots.get(at) {
            if found == key {
                return self.put(at, key, mark);
            }
            if found == S::EMPTY {
                self.used += usize::from(passed.is_none());
                return self.put(passed.unwrap_or(at), key, mark);
            }
            if passed.is_none() && !self.marks.get(at).is_some_and(|mark| live(*mark)) {
                passed = Some(at);
            }
            at = self.after(at);
        }
    }

    /// Builds the table anew, without keys whose mark is not live.
    pub(crate) fn rebuild(&mut self, live: impl Fn(u8) -> bool) {
        let kept = self.marks.iter().zip(&self.slots).filter(|(mark, key)| **key != S::EMPTY && live(**mark)).count();
        let capacity = ((kept + 1) * 7 / 4).max(16);
        let mut fresh = Self { slots: vec![S::EMPTY; capacity], marks: vec![0; capacity], used: kept, seed: self.seed };
        for (key, mark) in self.slots.iter().zip(&self.marks) {
            if *key != S::EMPTY && live(*mark) {
                let mut at = fresh.place(*key);
                while fresh.slots.get(at).is_some_and(|found| *found != S::EMPTY) {
                    at = fresh.after(at);
                }
                fresh.put(at, *key, *mark);
            }
        }
        *self = fresh;
    }

    /// Forgets all keys and gives their memory back.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.seed);
    }

    /// Size of the table, bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.slots.len() * (size_of::<S>() + 1)
    }

    fn put(&mut self, at: usize, key: S, mark: u8) {
        if let (Some(slot), Some(place)) = (self.slots.get_mut(at), self.marks.get_mut(at)) {
            (*slot, *place) = (key, mark);
        }
    }

    /// Scales the hash to the table's size, which therefore need not be a power of two.
    fn place(&self, key: S) -> usize {
        let scaled = (u128::from(key.hash(self.seed)) * self.slots.len() as u128) >> 64;
        usize::try_from(scaled).unwrap_or(0)
    }

    fn after(&self, at: usize) -> usize {
        if at + 1 < self.slots.len() { at + 1 } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[test]
    fn an_empty_set_has_nothing() {
        assert_eq!(IdSet::<u64>::new(1).mark(5), None);
    }

    #[test]
    fn a_key_takes_at_most_16_bytes_and_a_wide_one_30() {
        let (mut numbers, mut others) = (IdSet::new(9), IdSet::new(9));
        for key in 1..=200_000_u64 {
            numbers.insert(key, 1, |_| true);
            others.insert(u128::from(key) << 40, 1, |_| true);
        }
        assert!(numbers.bytes() <= 16 * 200_000, "{}", numbers.bytes());
        assert!(others.bytes() <= 30 * 200_000, "{}", others.bytes());
        numbers.rebuild(|_| false);
        assert!(numbers.bytes() < 1_000, "what has passed gives its memory back");
    }

    #[test]
    fn a_set_that_is_turned_over_for_long_does_not_grow() {
        let mut set = IdSet::new(3);
        for generation in 0..100_u64 {
            let live = |mark: u8| (generation.saturating_sub(9)..=generation).any(|live| (live % 200) as u8 == mark);
            for key in 0..1_000 {
                set.insert(1 + generation * 1_000 + key, (generation % 200) as u8, live);
            }
        }
        assert!(set.bytes() <= 16 * 10_000 * 2, "{}", set.bytes());
        assert_eq!((set.mark(100_000), set.mark(99_001)), (Some(99), Some(99)));
    }

    proptest! {
        /// The set is a map from keys to marks, as far as marks live.
        #[test]
        fn a_set_is_a_map(steps in prop::collection::vec((1..60_u64, 1..6_u8), 0..400), dead in 0..6_u8, seed in any::<u64>()) {
            let live = |mark: u8| mark != dead;
            let (mut set, mut wide, mut model) = (IdSet::new(seed), IdSet::new(seed), HashMap::new());
            for (key, mark) in steps {
                set.insert(key, mark, live);
                wide.insert(u128::from(key) << 64, mark, live);
                model.insert(key, mark);
            }
            for key in 1..60 {
                let expected = model.get(&key).copied().filter(|mark| live(*mark));
                prop_assert_eq!(set.mark(key).filter(|mark| live(*mark)), expected);
                prop_assert_eq!(wide.mark(u128::from(key) << 64).filter(|mark| live(*mark)), expected);
            }
        }
    }
}
