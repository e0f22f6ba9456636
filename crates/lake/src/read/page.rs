//! A page of rows: found by the small columns, newest first, and only then read whole.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::columns::{Dictionaries, Group};
use super::dictionary::NULL;
use super::figures::Meter;
use super::object::Opened;
use super::walk::{Bounds, Candidate, Walk};
use super::{Budget, Figures, Reader, Row, View};
use crate::schema::TableSchema;

/// Which rows to show. Times are microseconds since 1970.
#[derive(Debug, Clone)]
pub struct Query {
    /// Only rows of this time and newer.
    pub since: i64,
    /// Only rows older than this.
    pub until: i64,
    /// Only rows whose text column at a position has this value.
    pub equal: Vec<(usize, String)>,
    /// Only rows after this one, in the order of pages.
    pub after: Option<Position>,
    /// At most so many rows.
    pub limit: usize,
    /// The search ends when this is used up and it has found where to go on.
    pub budget: Budget,
    /// The page ends before its values are larger than this; it has one row at least.
    pub answer_bytes: usize,
}

/// A place in the order of rows: by time and then key, downwards.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Microseconds since 1970.
    #[serde(rename = "t")]
    pub time: i64,
    /// The row's key; none: before all rows of this time.
    #[serde(rename = "k")]
    pub key: Option<String>,
}

impl Position {
    /// Whether a row comes after this place.
    fn is_before(&self, time: i64, key: &str) -> bool {
        time < self.time || (time == self.time && self.key.as_deref().is_none_or(|last| key < last))
    }
}

/// The answer to a [`Query`].
#[derive(Debug, Clone)]
pub struct Page {
    /// By time and then key, downwards.
    pub rows: Vec<Arc<Row>>,
    /// Where the next page begins; none when there is no further row.
    pub next: Option<Position>,
    /// False when the search ended at its budget: further rows are found from `next` on.
    pub complete: bool,
    /// What was read.
    pub figures: Figures,
}

/// A row that was found. Ordered by time and then key.
#[derive(Clone)]
pub(crate) struct Found {
    pub time: i64,
    pub key: String,
    pub opened: Arc<Opened>,
    /// Row within the file.
    pub row: usize,
}

impl Found {
    fn order(&self) -> (i64, &str) {
        (self.time, &self.key)
    }
}

impl PartialEq for Found {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Found {}

impl PartialOrd for Found {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Found {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}

/// The best rows so far, the worst of them on top.
struct Best {
    heap: BinaryHeap<Reverse<Found>>,
    limit: usize,
}

impl Best {
    /// The time that a row must have at least.
    fn floor(&self) -> i64 {
        self.worst().map_or(i64::MIN, |worst| worst.time)
    }

    fn worst(&self) -> Option<&Found> {
        if self.heap.len() < self.limit { None } else { self.heap.peek().map(|Reverse(worst)| worst) }
    }

    fn offer(&mut self, time: i64, key: &str, opened: &Arc<Opened>, row: usize) {
        if self.worst().is_some_and(|worst| (time, key) <= worst.order()) {
            return;
        }
        if self.heap.len() >= self.limit {
            self.heap.pop();
        }
        self.heap.push(Reverse(Found { time, key: key.to_owned(), opened: opened.clone(), row }));
    }
}

/// What a row group's rows are compared with.
enum Filter {
    Code(usize, u32),
    Key(String),
    /// A value that no row has had.
    Nothing,
}

impl Reader {
    /// A page of what the view has.
    ///
    /// # Errors
    /// When S3 does not answer; [`super::is_gone`] when what the view needs is deleted.
    pub async fn page(&self, view: &View, query: &Query) -> anyhow::Result<Page> {
        let meter = Arc::new(Meter::default());
        let newest = query.until.saturating_sub(1).min(query.after.as_ref().map_or(i64::MAX, |after| after.time));
        let bounds = Bounds { since: query.since, newest, equal: query.equal.clone() };
        let mut walk = Walk::new(self, view, &bounds, &meter);
        let dictionaries = self.columns.dictionaries();
        // One more than the page has, to know whether there is a next one.
        let mut best = Best { heap: BinaryHeap::new(), limit: query.limit.max(1).saturating_add(1) };
        let mut cut = None;
        loop {
            let candidates = walk.next(best.floor().max(query.since)).await?;
            if candidates.is_empty() {
                break;
            }
            self.search(&candidates, query, &bounds, &dictionaries, &meter, &mut best).await?;
            // It must have come below where it began, else the next page would begin there again.
            let behind = walk.newest().filter(|behind| *behind < newest && *behind >= best.floor());
            if let Some(behind) = behind.filter(|_| meter.is_over(&query.budget)) {
                cut = Some(behind);
                break;
            }
        }
        let mut found: Vec<Found> = best.heap.into_iter().map(|Reverse(found)| found).collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        // What was not looked at may have rows of this time.
        if let Some(behind) = cut {
            found.retain(|found| found.time > behind);
        }
        let more = found.len() > query.limit;
        found.truncate(query.limit.max(1));
        let rows = self.rows(&found, query.answer_bytes, &meter).await?;
        let last = rows.len().checked_sub(1).and_then(|last| found.get(last));
        let after = last.map(|last| Position { time: last.time, key: Some(last.key.clone()) });
        let next = match cut {
            _ if more || rows.len() < found.len() => after,
            Some(behind) => Some(Position { time: behind, key: None }),
            None => None,
        };
        Ok(Page { complete: cut.is_none() || more, rows, next, figures: meter.figures() })
    }

    async fn search(
        &self,
        candidates: &[Candidate],
        query: &Query,
        bounds: &Bounds,
        dictionaries: &Arc<Dictionaries>,
        meter: &Meter,
        best: &mut Best,
    ) -> anyhow::Result<()> {
        let schema = self.lake.schema;
        let mut columns = vec![schema.time, schema.key];
        columns.extend(query.equal.iter().map(|(position, _)| *position).filter(|position| *position != schema.key));
        let reading = candidates
            .iter()
            .map(|candidate| self.columns.of(&candidate.opened, candidate.group, &columns, dictionaries, meter));
        let groups = try_join_all(reading).await?;
        let filters = query.equal.iter().map(|(position, value)| filter(schema, dictionaries, *position, value));
        let filters: Vec<Filter> = filters.collect::<anyhow::Result<_>>()?;
        for (candidate, group) in candidates.iter().zip(&groups) {
            if candidate.newest < best.floor() {
                break;
            }
            collect(schema, candidate, group, query, bounds, &filters, best);
        }
        Ok(())
    }
}

fn filter(schema: &TableSchema, dictionaries: &Dictionaries, position: usize, value: &str) -> anyhow::Result<Filter> {
    if position == schema.key {
        return Ok(Filter::Key(value.to_owned()));
    }
    let code = dictionaries.column(position)?.code(value).filter(|code| *code != NULL);
    Ok(code.map_or(Filter::Nothing, |code| Filter::Code(position, code)))
}

/// Offers the rows of a row group that fit.
fn collect(
    schema: &TableSchema,
    candidate: &Candidate,
    group: &Group,
    query: &Query,
    bounds: &Bounds,
    filters: &[Filter],
    best: &mut Best,
) {
    let Some(keys) = group.keys(schema) else { return };
    let first = candidate.opened.groups.get(candidate.group).map_or(0, |info| info.first);
    let has = |row: usize, filter: &Filter| match filter {
        Filter::Code(position, code) => group.codes(*position).get(row) == Some(code),
        Filter::Key(key) => keys.get(row) == key,
        Filter::Nothing => false,
    };
    // Rows are mostly stored in the order of time: from the newest on, few take another's place.
    for (row, &time) in group.times(schema).iter().enumerate().rev() {
        if time < bounds.since || time > bounds.newest || time < best.floor() || !filters.iter().all(|f| has(row, f)) {
            continue;
        }
        let key = keys.get(row);
        if query.after.as_ref().is_none_or(|after| after.is_before(time, key)) {
            best.offer(time, key, &candidate.opened, first + row);
        }
    }
}
