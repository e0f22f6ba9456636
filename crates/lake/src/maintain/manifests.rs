//! Which manifests to merge, and how their entries are laid out. Decisions over numbers; nothing is read here.
//!
//! Each commit adds a manifest, and each later commit copies the list of all of them. Merging everything into one each
//! time would write the same entries again and again, so manifests are merged with those of their own size: those with
//! up to 15 files, up to 255, up to 4,095 and so on. An entry is written once a level, and a level holds at most
//! [`FAN_IN`] manifests, so both the list's length and the work a commit grow with the logarithm of the files.

/// Manifests of one size that are merged into one of the next size.
pub(crate) const FAN_IN: usize = 16;
/// Entries at which a manifest is full and left alone: about 8 MB.
pub(crate) const FULL: u64 = 12_000;
/// Entries that one merge reads, so that its memory and time are bounded.
const ENTRIES_MAX: u64 = 60_000;

/// A manifest's size: the base-16 logarithm of its live files.
fn level(live: u64) -> u32 {
    live.max(1).ilog(FAN_IN as u64)
}

/// Positions of the manifests to merge now; empty when there is nothing to gain. `live` has the number of live files
/// of each. Manifests without live files (all their files were replaced) are dropped by any merge.
pub(crate) fn mergeable(live: &[u64]) -> Vec<usize> {
    let empty = live.iter().filter(|&&live| live == 0).count();
    let of_level = |wanted: u32| live.iter().filter(|&&live| live > 0 && live < FULL && level(live) == wanted).count();
    let top = (0..=level(FULL)).filter(|&level| of_level(level) >= FAN_IN).max();
    if top.is_none() && empty < FAN_IN {
        return Vec::new();
    }
    // Smaller levels ride along with the highest that is due: their entries would be written again soon anyway.
    let mut chosen: Vec<usize> = (0..live.len())
        .filter(|&position| {
            let live = live.get(position).copied().unwrap_or(FULL);
            live == 0 || (live < FULL && top.is_some_and(|top| level(live) <= top))
        })
        .collect();
    chosen.sort_by_key(|&position| live.get(position).copied().unwrap_or(0));
    let mut entries = 0;
    chosen.retain(|&position| {
        entries += live.get(position).copied().unwrap_or(0);
        entries <= ENTRIES_MAX
    });
    chosen.sort_unstable();
    chosen
}

/// Lays entries out into manifests of at most `full` entries, so that each covers few days: engines leave a manifest
/// out by the range of its days. Takes the day of each entry, gives positions. A day is cut only when it alone is more
/// than a manifest holds.
pub(crate) fn by_day(days: &[i32], full: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..days.len()).collect();
    order.sort_by_key(|&position| days.get(position).copied());
    let mut manifests: Vec<Vec<usize>> = Vec::new();
    for day in order.chunk_by(|&a, &b| days.get(a) == days.get(b)) {
        for piece in day.chunks(full.max(1)) {
            match manifests.last_mut().filter(|manifest| manifest.len() + piece.len() <= full) {
                Some(manifest) => manifest.extend(piece),
                None => manifests.push(piece.to_vec()),
            }
        }
    }
    manifests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_merged_before_a_level_is_full() {
        assert!(mergeable(&[]).is_empty());
        assert!(mergeable(&[1; 15]).is_empty());
        assert_eq!(mergeable(&[1; 16]).len(), 16);
        assert!(mergeable(&[FULL; 100]).is_empty());
    }

    #[test]
    fn a_full_level_takes_the_smaller_ones_along_and_leaves_the_larger_ones() {
        let mut live = vec![300, 5_000, FULL];
        live.extend([20; 16]);
        live.push(0);
        live.push(3);
        assert_eq!(mergeable(&live), (3..21).collect::<Vec<_>>());
    }

    #[test]
    fn ten_thousand_commits_keep_few_manifests_and_write_an_entry_a_few_times() {
        let (mut live, mut written, mut most) = (Vec::new(), 0, 0);
        for _ in 0..10_000 {
            live.push(1_u64);
            let chosen = mergeable(&live);
            if !chosen.is_empty() {
                let sum: u64 = chosen.iter().map(|&position| live[position]).sum();
                written += sum;
                live = (0..live.len()).filter(|position| !chosen.contains(position)).map(|p| live[p]).collect();
                live.push(sum);
            }
            most = most.max(live.len());
        }
        assert_eq!(live.iter().sum::<u64>(), 10_000);
        assert!(most <= 64, "{most} manifests");
        assert!(written <= 40_000, "{written} entries written");
    }

    #[test]
    fn a_table_never_maintained_is_merged_in_bounded_pieces() {
        let live = vec![100; 5_000];
        let chosen = mergeable(&live);
        assert_eq!(chosen.len() as u64, ENTRIES_MAX / 100);
    }

    #[test]
    fn entries_are_laid_out_by_day_and_a_day_is_not_cut_needlessly() {
        let days = [3, 1, 2, 1, 3, 3];
        assert_eq!(by_day(&days, 4), vec![vec![1, 3, 2], vec![0, 4, 5]]);
        assert_eq!(by_day(&days, 10), vec![vec![1, 3, 2, 0, 4, 5]]);
        assert_eq!(by_day(&[7; 5], 2).iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
        assert!(by_day(&[], 4).is_empty());
    }
}
