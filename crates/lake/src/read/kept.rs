//! A map with a budget: what was not used for longest goes first.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// Values of immutable things, each with its size.
pub(crate) struct Kept<K, V> {
    entries: HashMap<K, Entry<V>>,
    /// Keys by their last use.
    uses: BTreeMap<u64, K>,
    clock: u64,
    size: usize,
    budget: usize,
}

struct Entry<V> {
    value: V,
    size: usize,
    used: u64,
}

impl<K: Clone + Eq + Hash, V: Clone> Kept<K, V> {
    /// Holds values up to a sum of `budget`, in whatever unit their sizes are told.
    pub(crate) fn new(budget: usize) -> Self {
        Self { entries: HashMap::new(), uses: BTreeMap::new(), clock: 0, size: 0, budget }
    }

    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let entry = self.entries.get_mut(key)?;
        self.clock += 1;
        if let Some(key) = self.uses.remove(&entry.used) {
            self.uses.insert(self.clock, key);
        }
        entry.used = self.clock;
        Some(entry.value.clone())
    }

    /// Keeps a value in the place of one that has the key; one that is larger than the budget is not kept.
    pub(crate) fn insert(&mut self, key: K, value: V, size: usize) {
        if let Some(replaced) = self.entries.remove(&key) {
            self.uses.remove(&replaced.used);
            self.size -= replaced.size;
        }
        if size > self.budget {
            return;
        }
        while self.size + size > self.budget {
            let Some((_, oldest)) = self.uses.pop_first() else { break };
            if let Some(dropped) = self.entries.remove(&oldest) {
                self.size -= dropped.size;
            }
        }
        self.clock += 1;
        self.size += size;
        self.uses.insert(self.clock, key.clone());
        self.entries.insert(key, Entry { value, size, used: self.clock });
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.uses.clear();
        self.size = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let mut kept = Kept::new(10);
        kept.insert("a", 1, 4);
        kept.insert("b", 2, 4);
        assert_eq!(kept.get("a"), Some(1));
        kept.insert("c", 3, 4);
        assert_eq!((kept.get("a"), kept.get("b"), kept.get("c")), (Some(1), None, Some(3)));
        kept.insert("a", 9, 6);
        assert_eq!((kept.get("a"), kept.get("c"), kept.size), (Some(9), Some(3), 10));
        kept.insert("large", 4, 11);
        assert_eq!((kept.get("large"), kept.size), (None, 10));
        kept.clear();
        assert_eq!((kept.get("a"), kept.size), (None, 0));
    }
}
