//! Which rows of a segment share a row group. A day with many rows has one of its own, which the committer copies; days
//! with few rows share one, which it splits by day. A row group costs its part of the footer, about 300 bytes a column:
//! one for each of thousands of days would be larger than their rows.

use std::ops::Range;

/// Rows of a day at which it has a row group of its own. With 16 columns the footer is then below 2 % of GitHub's events.
const OWN_ROWS: usize = 1_000;

/// Rows of one day that follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub day: i32,
    pub rows: usize,
}

/// Row groups, each as the ranges of rows that it consists of, in order. At most one of them holds several days, and it
/// is the last one.
pub(crate) fn row_groups(runs: &[Run]) -> Vec<Vec<Range<usize>>> {
    let mut groups = Vec::new();
    let mut shared: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for run in runs {
        let range = start..start + run.rows;
        start = range.end;
        if run.rows >= OWN_ROWS {
            groups.push(vec![range]);
            continue;
        }
        match shared.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => shared.push(range),
        }
    }
    if !shared.is_empty() {
        groups.push(shared);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(begin, end)` of each range of each row group.
    fn layout(rows: &[usize]) -> Vec<Vec<(usize, usize)>> {
        let runs: Vec<Run> = rows.iter().zip(0..).map(|(&rows, day)| Run { day, rows }).collect();
        let ends = |ranges: Vec<Range<usize>>| ranges.iter().map(|range| (range.start, range.end)).collect();
        row_groups(&runs).into_iter().map(ends).collect()
    }

    #[test]
    fn a_day_with_many_rows_has_a_row_group_of_its_own() {
        assert_eq!(layout(&[1_000, 2_000]), [[(0, 1_000)], [(1_000, 3_000)]]);
        assert_eq!(layout(&[3]), [[(0, 3)]]);
        assert!(layout(&[]).is_empty());
    }

    #[test]
    fn days_with_few_rows_share_the_last_one() {
        let groups = layout(&[3, 5, 1_000, 2, 4_000, 1]);
        assert_eq!(groups, [vec![(8, 1_008)], vec![(1_010, 5_010)], vec![(0, 8), (1_008, 1_010), (5_010, 5_011)]]);
    }

    #[test]
    fn thousands_of_days_are_one_row_group() {
        assert_eq!(layout(&[3; 3_650]), [[(0, 3 * 3_650)]]);
    }
}
