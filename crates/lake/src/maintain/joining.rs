//! Which small files of a day to join into a larger one. A decision over numbers; nothing is read here.
//!
//! Joined is what is of like size: a file is taken only when the smaller ones with it are together at least as large,
//! so each time a byte is written its file doubles at least, and it is written no more often than the logarithm of
//! target over first size. Files near the target are never touched.

use std::collections::BTreeMap;

/// A live data file, as far as the decision needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sized {
    /// The partition.
    pub day: i32,
    pub bytes: u64,
    /// Commits since the file was added.
    pub age: i64,
}

/// When files are joined.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    /// The size to reach, bytes. A file of three quarters of it is left alone.
    pub target: u64,
    /// Files to join at least, on a day to which files are still added.
    pub fan_in: usize,
}

/// Commits without a new file, after which a day's last few small files are joined too.
const QUIET: i64 = 64;
/// Files that one step reads, and writes.
const FILES_MAX: usize = 500;
const GROUPS_MAX: usize = 32;

/// The positions of the files to join next, a group for each new file, each of one day; days that gain most come first,
/// and the bytes of all groups are bounded.
pub(crate) fn next(files: &[Sized], rule: Rule) -> Vec<Vec<usize>> {
    let mut days: BTreeMap<i32, (Vec<(u64, usize)>, i64)> = BTreeMap::new();
    for (position, file) in files.iter().enumerate() {
        let (small, last) = days.entry(file.day).or_insert((Vec::new(), i64::MAX));
        *last = file.age.min(*last);
        if file.bytes < rule.target / 4 * 3 {
            small.push((file.bytes, position));
        }
    }
    let groups = days.into_values().filter_map(|(small, last)| of_day(small, rule, last >= QUIET));
    let mut groups: Vec<Vec<usize>> = groups.collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    let (mut bytes, mut taken) = (0_u64, 0);
    groups.truncate(GROUPS_MAX);
    groups.retain(|group| {
        bytes += group.iter().filter_map(|&position| Some(files.get(position)?.bytes)).sum::<u64>();
        taken += group.len();
        bytes <= rule.target * 2 && taken <= FILES_MAX
    });
    groups
}

fn of_day(mut small: Vec<(u64, usize)>, rule: Rule, quiet: bool) -> Option<Vec<usize>> {
    small.sort_unstable();
    let (mut taken, mut sum) = (Vec::new(), 0_u64);
    let mut rest = false;
    for &(bytes, position) in &small {
        if sum + bytes > rule.target || taken.len() == FILES_MAX {
            rest = true;
            break;
        }
        sum += bytes;
        taken.push((bytes, position));
    }
    while let Some(&(largest, _)) = taken.last()
        && largest > sum - largest
    {
        sum -= largest;
        taken.pop();
    }
    // When more files wait than fit, the output is near the target, whatever the number of files.
    let least = if quiet || (rest && sum >= rule.target / 2) { 2 } else { rule.fan_in.max(2) };
    (taken.len() >= least).then(|| taken.into_iter().map(|(_, position)| position).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule { target: 128, fan_in: 8 };

    fn day(day: i32, age: i64, sizes: &[u64]) -> Vec<Sized> {
        sizes.iter().map(|&bytes| Sized { day, bytes, age }).collect()
    }

    fn sizes(files: &[Sized], rule: Rule) -> Option<Vec<u64>> {
        let taken = next(files, rule).into_iter().next()?;
        Some(taken.iter().map(|&position| files[position].bytes).collect())
    }

    #[test]
    fn a_busy_day_waits_for_the_fan_in_and_a_quiet_one_does_not() {
        assert_eq!(sizes(&day(1, 0, &[1; 7]), RULE), None);
        assert_eq!(sizes(&day(1, 0, &[1; 8]), RULE), Some(vec![1; 8]));
        assert_eq!(sizes(&day(1, QUIET, &[1; 2]), RULE), Some(vec![1; 2]));
        assert_eq!(sizes(&day(1, QUIET, &[1]), RULE), None);
    }

    #[test]
    fn a_large_file_is_not_written_again_for_a_few_small_ones() {
        assert_eq!(sizes(&day(1, QUIET, &[1, 1, 60]), RULE), Some(vec![1, 1]));
        assert_eq!(sizes(&day(1, QUIET, &[30, 31, 60]), RULE), Some(vec![30, 31, 60]));
        assert_eq!(sizes(&day(1, QUIET, &[96, 96, 100]), RULE), None, "near the target");
        assert_eq!(sizes(&day(1, 0, &[90, 90, 90]), RULE), None, "two of them are beyond the target");
        assert_eq!(sizes(&day(1, 0, &[60, 60, 60]), RULE), Some(vec![60, 60]), "the output is near the target");
    }

    #[test]
    fn days_are_not_mixed_and_the_one_with_most_files_comes_first() {
        let mut files = day(1, QUIET, &[1; 3]);
        files.extend(day(2, QUIET, &[1; 5]));
        assert_eq!(next(&files, RULE), vec![vec![3, 4, 5, 6, 7], vec![0, 1, 2]]);
    }

    #[test]
    fn a_step_is_bounded_in_bytes_and_files() {
        let busy: Vec<Sized> = (0..10).flat_map(|n| day(n, 0, &[60, 60])).collect();
        let sum: u64 = next(&[busy, day(99, 0, &[60])].concat(), RULE).concat().len() as u64 * 60;
        assert_eq!(sum, 0, "two of 60 wait for more");
        let quiet: Vec<Sized> = (0..100).flat_map(|n| day(n, QUIET, &[60, 60])).collect();
        assert_eq!(next(&quiet, RULE).len(), 2);
        let tiny: Vec<Sized> = (0..100).flat_map(|n| day(n, QUIET, &[1; 3])).collect();
        assert_eq!(next(&tiny, RULE).len(), GROUPS_MAX);
    }

    #[test]
    fn a_thousand_small_commits_end_in_files_near_the_target_and_each_byte_is_written_a_few_times() {
        let (mut files, mut written): (Vec<Sized>, u64) = (Vec::new(), 0);
        for commit in 0..1_064 {
            files.iter_mut().for_each(|file| file.age += 1);
            if commit < 1_000 {
                files.push(Sized { day: 1, bytes: 1, age: 0 });
            }
            while let Some(taken) = next(&files, RULE).into_iter().next() {
                let bytes: u64 = taken.iter().map(|&position| files[position].bytes).sum();
                assert!(bytes <= RULE.target);
                written += bytes;
                files = (0..files.len()).filter(|position| !taken.contains(position)).map(|p| files[p]).collect();
                files.push(Sized { day: 1, bytes, age: 0 });
            }
            assert!(files.len() < 40, "{} files", files.len());
        }
        assert_eq!(files.iter().map(|file| file.bytes).sum::<u64>(), 1_000);
        assert!(written <= 6_000, "{written} bytes written for 1,000");
        assert!(files.iter().filter(|file| file.bytes < 64).count() <= 2, "{files:?}");
    }
}
