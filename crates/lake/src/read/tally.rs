//! Counts of rows: all, by hour, and by the values of text columns. Only small columns are read, each value is a number.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::try_join_all;

use super::columns::{Dictionaries, Group};
use super::dictionary::{Dictionary, NULL};
use super::figures::Meter;
use super::walk::{Bounds, Walk};
use super::{Budget, Figures, Reader, View};
use crate::schema::TableSchema;

/// Microseconds of an hour.
const HOUR: i64 = 3_600_000_000;

/// What to count. Times are microseconds since 1970.
#[derive(Debug, Clone)]
pub struct Tally {
    /// Only rows of this time and newer.
    pub since: i64,
    /// Only rows older than this.
    pub until: i64,
    /// Text columns whose values are counted, by their position, and how many of the most frequent ones are named.
    pub columns: Vec<(usize, usize)>,
    /// The count, newest rows first, ends when this is used up.
    pub budget: Budget,
}

/// The answer to a [`Tally`].
#[derive(Debug, Clone)]
pub struct Counts {
    /// Rows.
    pub rows: u64,
    /// Rows of each hour that has any, by its begin.
    pub hours: BTreeMap<i64, u64>,
    /// Of each column that was asked for, in that order.
    pub columns: Vec<ColumnCounts>,
    /// False when the count ended at its budget; older rows are missing.
    pub complete: bool,
    /// What was read.
    pub figures: Figures,
}

/// Counts of a column's values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnCounts {
    /// Different values; none is not one of them.
    pub distinct: u64,
    /// The most frequent values and their rows, by rows and then by the text.
    pub top: Vec<(String, u64)>,
}

/// Rows by the number of their text.
#[derive(Default)]
struct ByCode(Vec<u32>);

impl ByCode {
    fn count(&mut self, code: u32) {
        if let Some(count) = self.0.get_mut(code as usize) {
            *count += 1;
        }
    }

    fn counts(&self, dictionary: &Dictionary, top: usize) -> ColumnCounts {
        let counted = self.0.iter().zip(0_u32..).filter(|(count, code)| **count > 0 && *code != NULL);
        let mut counted: Vec<(u32, u32)> = counted.map(|(count, code)| (*count, code)).collect();
        let distinct = counted.len() as u64;
        let order = |&(count, code): &(u32, u32)| (Reverse(count), dictionary.text(code));
        if let Some(last) = top.checked_sub(1).filter(|_| top < counted.len()) {
            // By their counts alone first: texts are only compared of those that may be named.
            let (_, &mut (least, _), _) = counted.select_nth_unstable_by_key(last, |&(count, _)| Reverse(count));
            counted.retain(|&(count, _)| count >= least);
        }
        counted.sort_unstable_by(|a, b| order(a).cmp(&order(b)));
        counted.truncate(top);
        let named = counted.into_iter().map(|(count, code)| (dictionary.text(code).to_owned(), u64::from(count)));
        ColumnCounts { distinct, top: named.collect() }
    }
}

/// What was counted so far.
struct Counting {
    rows: u64,
    hours: BTreeMap<i64, u64>,
    columns: Vec<ByCode>,
}

impl Reader {
    /// Counts what the view has.
    ///
    /// # Errors
    /// When S3 does not answer; [`super::is_gone`] when what the view needs is deleted.
    pub async fn tally(&self, view: &View, tally: &Tally) -> anyhow::Result<Counts> {
        let meter = Arc::new(Meter::default());
        let bounds = Bounds { since: tally.since, newest: tally.until.saturating_sub(1), equal: Vec::new() };
        let mut walk = Walk::new(self, view, &bounds, &meter);
        let dictionaries = self.columns.dictionaries();
        let mut wanted = vec![self.lake.schema.time];
        wanted.extend(tally.columns.iter().map(|(position, _)| *position));
        let columns = tally.columns.iter().map(|_| ByCode::default()).collect();
        let mut counting = Counting { rows: 0, hours: BTreeMap::new(), columns };
        let mut complete = true;
        loop {
            let candidates = walk.next(i64::MIN).await?;
            if candidates.is_empty() {
                break;
            }
            let reading = candidates
                .iter()
                .map(|candidate| self.columns.of(&candidate.opened, candidate.group, &wanted, &dictionaries, &meter));
            for group in try_join_all(reading).await? {
                counting.add(self.lake.schema, &group, tally, &bounds, &dictionaries)?;
            }
            if meter.is_over(&tally.budget) && walk.newest().is_some() {
                complete = false;
                break;
            }
        }
        let mut columns = Vec::with_capacity(tally.columns.len());
        for (counted, &(position, top)) in counting.columns.iter().zip(&tally.columns) {
            columns.push(counted.counts(&*dictionaries.column(position)?, top));
        }
        Ok(Counts { rows: counting.rows, hours: counting.hours, columns, complete, figures: meter.figures() })
    }
}

impl Counting {
    fn add(
        &mut self,
        schema: &TableSchema,
        group: &Group,
        tally: &Tally,
        bounds: &Bounds,
        dictionaries: &Dictionaries,
    ) -> anyhow::Result<()> {
        let times = group.times(schema);
        let fits = |time: i64| time >= bounds.since && time <= bounds.newest;
        let all = times.iter().all(|time| fits(*time));
        // Rows that follow one another are mostly of one hour.
        let mut current: Option<(i64, u64)> = None;
        for &time in times.iter().filter(|time| fits(**time)) {
            match &mut current {
                Some((hour, rows)) if (0..HOUR).contains(&time.saturating_sub(*hour)) => *rows += 1,
                _ => {
                    self.hour(current);
                    current = Some((time.div_euclid(HOUR) * HOUR, 1));
                }
            }
        }
        self.hour(current);
        for (counts, &(position, _)) in self.columns.iter_mut().zip(&tally.columns) {
            counts.0.resize(dictionaries.column(position)?.len().max(counts.0.len()), 0);
            let codes = group.codes(position);
            if all {
                codes.iter().for_each(|code| counts.count(*code));
            } else {
                codes.iter().zip(times).filter(|(_, time)| fits(**time)).for_each(|(code, _)| counts.count(*code));
            }
        }
        Ok(())
    }

    fn hour(&mut self, counted: Option<(i64, u64)>) {
        if let Some((hour, rows)) = counted {
            self.rows += rows;
            *self.hours.entry(hour).or_default() += rows;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_come_first_and_ties_by_their_text() {
        let mut dictionary = Dictionary::default();
        let codes: Vec<u32> = ["b", "a", "c", "a", "b", "d"].map(|text| dictionary.intern(text)).into();
        let mut counts = ByCode(vec![0; dictionary.len()]);
        codes.into_iter().chain([NULL, NULL, NULL]).for_each(|code| counts.count(code));
        let named = |top| counts.counts(&dictionary, top).top;
        let expected = [("a".to_owned(), 2), ("b".to_owned(), 2), ("c".to_owned(), 1), ("d".to_owned(), 1)];
        assert_eq!(named(10), expected);
        assert_eq!(named(3), expected[..3]);
        assert_eq!(counts.counts(&dictionary, 0), ColumnCounts { distinct: 4, top: Vec::new() });
    }
}
