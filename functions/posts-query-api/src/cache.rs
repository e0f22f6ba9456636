//! What shards have answered, for as long as nothing was written since. No I/O.
//!
//! An answer is kept with the progress of the partitions that it was read from, which a shard moves in the transaction of
//! each write. Equal progress, equal answer: one small query tells whether a large one is needed.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::Arc;

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) entries: usize,
    pub(crate) bytes: usize,
}

/// An answer, and the state of the shard in which it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept<S> {
    pub(crate) stamp: S,
    pub(crate) answer: Arc<str>,
}

/// Answers by question; the oldest go first.
#[derive(Debug)]
pub(crate) struct Cache<Q, S> {
    limits: Limits,
    kept: HashMap<Q, Kept<S>>,
    order: VecDeque<Q>,
    bytes: usize,
}

impl<Q: Clone + Eq + Hash, S: Clone> Cache<Q, S> {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, kept: HashMap::new(), order: VecDeque::new(), bytes: 0 }
    }

    pub(crate) fn get(&self, question: &Q) -> Option<Kept<S>> {
        self.kept.get(question).cloned()
    }

    /// Keeps an answer in the place of an older one. One that fills an eighth of the cache is not worth others.
    pub(crate) fn put(&mut self, question: &Q, kept: Kept<S>) {
        if kept.answer.len() > self.limits.bytes / 8 {
            return;
        }
        self.bytes += kept.answer.len();
        match self.kept.insert(question.clone(), kept) {
            Some(old) => self.bytes -= old.answer.len(),
            None => self.order.push_back(question.clone()),
        }
        while self.bytes > self.limits.bytes || self.kept.len() > self.limits.entries {
            let Some(oldest) = self.order.pop_front() else { break };
            self.bytes -= self.kept.remove(&oldest).map_or(0, |old| old.answer.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kept(stamp: u32, bytes: usize) -> Kept<u32> {
        Kept { stamp, answer: "x".repeat(bytes).into() }
    }

    #[test]
    fn a_newer_answer_takes_the_place_of_an_older_one() {
        let mut cache = Cache::new(Limits { entries: 2, bytes: 800 });
        cache.put(&'a', kept(1, 100));
        cache.put(&'a', kept(2, 50));
        assert_eq!((cache.get(&'a'), cache.bytes), (Some(kept(2, 50)), 50));
        cache.put(&'b', kept(1, 100));
        cache.put(&'c', kept(1, 100));
        assert_eq!((cache.get(&'a'), cache.kept.len()), (None, 2), "the oldest has gone");
        cache.put(&'d', kept(1, 101));
        assert_eq!(cache.get(&'d'), None, "too large");
    }

    proptest! {
        #[test]
        fn it_stays_within_its_limits(puts in prop::collection::vec((0_u8..30, 0_usize..200), 0..200)) {
            let mut cache = Cache::new(Limits { entries: 10, bytes: 800 });
            for (question, bytes) in puts {
                cache.put(&question, kept(0, bytes));
                let held: usize = cache.kept.values().map(|kept| kept.answer.len()).sum();
                prop_assert_eq!(held, cache.bytes);
                prop_assert!(held <= 800 && cache.kept.len() <= 10 && cache.order.len() == cache.kept.len());
            }
        }
    }
}
