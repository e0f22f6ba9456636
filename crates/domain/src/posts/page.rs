//! Pages over several shards: where a row stands, and how what the shards give becomes one page.

use std::collections::BinaryHeap;

use super::Id;

/// Where a row stands among all rows of its kind: by time, then by id. It is the same whichever shard has the row, so a
/// position stays good when partitions move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Microseconds since 1970.
    pub micros: i64,
    /// The row's id.
    pub id: Id,
}

impl Position {
    /// Before every row: in year 1.
    pub const FIRST: Self = Self { micros: -62_135_596_800_000_000, id: Id::from_bytes([0; 16]) };
    /// After every row: at the end of year 9999.
    pub const LAST: Self = Self { micros: 253_402_300_799_999_999, id: Id::from_bytes([0xff; 16]) };
}

/// A page, and whether there is another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The first rows of all, in order.
    pub rows: Vec<T>,
    /// Whether rows are left.
    pub more: bool,
}

/// The first `limit` rows of what the shards gave. Each of `runs` is one shard's, ascending by `key`, and holds one row
/// more than `limit` when the shard has more.
pub fn merge<T, K: Ord>(runs: Vec<Vec<T>>, limit: usize, key: impl Fn(&T) -> K) -> Page<T> {
    let heads = runs.into_iter().enumerate().filter_map(|(run, rows)| Head::of(run, rows.into_iter(), &key));
    let mut heads: BinaryHeap<Head<T, K>> = heads.collect();
    let mut rows = Vec::with_capacity(limit.min(1_000));
    while rows.len() < limit {
        let Some(Head { row, rest, run, .. }) = heads.pop() else { break };
        rows.push(row);
        heads.extend(Head::of(run, rest, &key));
    }
    Page { rows, more: !heads.is_empty() }
}

/// A run by its first row.
struct Head<T, K> {
    key: K,
    /// Of two rows with one key the lower run's comes first: the same runs give the same page.
    run: usize,
    row: T,
    rest: std::vec::IntoIter<T>,
}

impl<T, K> Head<T, K> {
    fn of(run: usize, mut rest: std::vec::IntoIter<T>, key: impl Fn(&T) -> K) -> Option<Self> {
        let row = rest.next()?;
        Some(Self { key: key(&row), run, row, rest })
    }
}

/// The heap gives its greatest first, so the smallest key is the greatest head.
impl<T, K: Ord> Ord for Head<T, K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (&other.key, other.run).cmp(&(&self.key, self.run))
    }
}

impl<T, K: Ord> PartialOrd for Head<T, K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T, K: Ord> PartialEq for Head<T, K> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T, K: Ord> Eq for Head<T, K> {}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;

    use proptest::prelude::*;

    use super::*;

    fn position(micros: i64, id: u8) -> Position {
        Position { micros, id: Id::from_bytes([id; 16]) }
    }

    /// What each shard gives of its rows after a position, newest first.
    fn ask(rows: &[(Position, usize)], shards: usize, turn: usize, after: Position, most: usize) -> Vec<Vec<Position>> {
        let of = |shard| {
            let here = rows.iter().filter(|(row, at)| (at + turn) % shards == shard && *row < after);
            let mut run: Vec<Position> = here.map(|(row, _)| *row).collect();
            run.sort_unstable_by_key(|row| Reverse(*row));
            run.truncate(most);
            run
        };
        (0..shards).map(of).collect()
    }

    #[test]
    fn the_bounds_are_beyond_every_time() {
        let of = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_micros();
        assert_eq!(Position::FIRST.micros, of("0001-01-01T00:00:00Z"));
        assert_eq!(Position::LAST.micros, of("9999-12-31T23:59:59.999999Z"));
        assert!(Position::FIRST < position(0, 0) && position(0, 0) < Position::LAST);
    }

    #[test]
    fn of_equal_keys_the_lower_run_comes_first() {
        let page = merge(vec![vec![(1, 'b')], vec![(1, 'c')], vec![(0, 'a')]], 2, |row| row.0);
        assert_eq!(page, Page { rows: vec![(0, 'a'), (1, 'b')], more: true });
        assert_eq!(merge(Vec::<Vec<i32>>::new(), 2, |row| *row), Page { rows: vec![], more: false });
    }

    proptest! {
        #[test]
        fn a_page_is_the_begin_of_the_sorted_union(
            mut runs in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..6),
            limit in 0_usize..40,
        ) {
            runs.iter_mut().for_each(|run| run.sort_unstable());
            let mut union: Vec<u8> = runs.concat();
            union.sort_unstable();
            let page = merge(runs, limit, |row| *row);
            prop_assert_eq!(page.more, union.len() > limit);
            union.truncate(limit);
            prop_assert_eq!(page.rows, union);
        }

        /// Every row once and in order, whatever the shards and the page, though partitions move between any two pages.
        #[test]
        fn a_walk_over_all_pages_is_the_sorted_union(
            rows in prop::collection::btree_map((0_i64..30, any::<u8>()), 0_usize..48, 0..60),
            shards in 1_usize..5,
            limit in 1_usize..9,
        ) {
            let rows: Vec<(Position, usize)> =
                rows.into_iter().map(|((micros, id), at)| (position(micros, id), at)).collect();
            let (mut walked, mut after) = (Vec::<Position>::new(), Position::LAST);
            for turn in 0.. {
                let page = merge(ask(&rows, shards, turn, after, limit + 1), limit, |row| Reverse(*row));
                walked.extend(&page.rows);
                match page.rows.last() {
                    Some(last) if page.more => after = *last,
                    _ => break,
                }
            }
            let mut union: Vec<Position> = rows.iter().map(|(row, _)| *row).collect();
            union.sort_unstable_by_key(|row| Reverse(*row));
            prop_assert_eq!(walked, union);
        }
    }
}
