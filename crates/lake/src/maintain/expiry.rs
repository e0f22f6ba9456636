//! Which snapshots go. A decision over numbers; nothing is read here.

use std::collections::BTreeSet;

/// Snapshots that go are gathered until there are so many: each time costs a write of the metadata.
const TOGETHER: usize = 16;

/// The ids of the snapshots to expire. `snapshots` has id and sequence number of each; the newest `keep` stay, and so
/// do those in `protected` (named by a branch or tag, or the one that queries begin with). When the metadata is written
/// anyway (`riding`), any number goes.
pub(crate) fn expired(snapshots: &[(i64, i64)], protected: &BTreeSet<i64>, keep: usize, riding: bool) -> Vec<i64> {
    let mut newest_first = snapshots.to_vec();
    newest_first.sort_by_key(|&(id, sequence)| (std::cmp::Reverse(sequence), id));
    let beyond = newest_first.iter().skip(keep.max(1)).map(|&(id, _)| id);
    let expired: Vec<i64> = beyond.filter(|id| !protected.contains(id)).collect();
    if riding || expired.len() >= TOGETHER { expired } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_and_the_protected_stay() {
        let snapshots: Vec<(i64, i64)> = (0..10).map(|n| (100 - n, n)).collect();
        let protected = BTreeSet::from([100, 91]);
        // 91 is the newest, 100 the oldest and tagged.
        assert_eq!(expired(&snapshots, &protected, 3, true), [94, 95, 96, 97, 98, 99]);
        assert!(expired(&snapshots, &protected, 3, false).is_empty(), "too few to write the metadata for");
        assert!(expired(&snapshots, &protected, 20, true).is_empty());
        assert_eq!(expired(&snapshots, &BTreeSet::new(), 0, true).len(), 9, "the current snapshot always stays");
    }

    #[test]
    fn enough_of_them_go_without_riding_along() {
        let snapshots: Vec<(i64, i64)> = (0..36).map(|n| (n, n)).collect();
        assert_eq!(expired(&snapshots, &BTreeSet::new(), 20, false).len(), 16);
    }
}
