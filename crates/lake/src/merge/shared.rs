//! Row groups that several days share: which of their rows belong to which day, and those rows decoded.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use anyhow::Context;
use arrow::array::{AsArray, RecordBatch};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::TimestampMicrosecondType;
use futures::{StreamExt, TryStreamExt, stream};
use parquet::arrow::arrow_reader::RowSelection;
use parquet::file::metadata::RowGroupMetaData;

use crate::data_file::{RowGroup, Source, decode};
use crate::schema::{TableSchema, day_of};

/// Row groups on their way from S3 at a time.
const FETCHING: usize = 4;
/// What a decoded row costs beside its values, bytes a column.
const CELL_BYTES: i64 = 8;

/// Rows of one day that follow one another in a shared row group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rows {
    /// Position among the shared row groups.
    group: usize,
    first: usize,
    rows: usize,
}

/// The shared row groups of a commit.
pub(crate) struct Shared<'a> {
    groups: Vec<(&'a Source, usize)>,
    days: Vec<(i32, Rows)>,
}

impl<'a> Shared<'a> {
    /// Reads the times of these row groups.
    ///
    /// # Errors
    /// When S3 does not answer, or one is not what its footer says; its object is named.
    pub(crate) async fn open(schema: &TableSchema, groups: Vec<(&'a Source, usize)>) -> anyhow::Result<Self> {
        let fetches: Vec<_> = groups.iter().map(|(source, index)| source.row_group(*index)).collect();
        let mut fetched = stream::iter(fetches).buffered(FETCHING).enumerate();
        let mut days = Vec::new();
        while let Some((group, fetched)) = fetched.next().await {
            let (fetched, time) = (fetched?, schema.time);
            fetched.check(schema)?;
            let runs = tokio::task::spawn_blocking(move || runs(&fetched, time)).await.context("decode times")??;
            days.extend(runs.into_iter().map(|(day, first, rows)| (day, Rows { group, first, rows })));
        }
        drop(fetched);
        Ok(Self { groups, days })
    }

    /// All their rows by day.
    pub(crate) fn days(&self) -> &[(i32, Rows)] {
        &self.days
    }

    /// About the size of these rows as they are stored, bytes.
    pub(crate) fn stored_bytes(&self, rows: &Rows) -> u64 {
        self.part(rows, |footer| footer.compressed_size())
    }

    /// About their size when they are decoded, bytes.
    pub(crate) fn decoded_bytes(&self, rows: &Rows) -> u64 {
        let cells = |footer: &RowGroupMetaData| {
            CELL_BYTES * footer.num_rows() * i64::try_from(footer.num_columns()).unwrap_or(0)
        };
        self.part(rows, |footer| footer.total_byte_size() + cells(footer))
    }

    /// The part of a row group's size that these rows have.
    fn part(&self, rows: &Rows, size: impl Fn(&RowGroupMetaData) -> i64) -> u64 {
        let found = self.groups.get(rows.group);
        let Some(footer) = found.and_then(|(source, index)| source.row_groups().get(*index)) else { return 0 };
        let number = |number: i64| u64::try_from(number).unwrap_or(0);
        number(size(footer)).saturating_mul(rows.rows as u64) / number(footer.num_rows()).max(1)
    }

    /// Decodes the rows of some days. Each row group is read once, whatever number of these days it holds.
    ///
    /// # Errors
    /// When S3 does not answer, or a row group is not what its footer says; its object is named.
    pub(crate) async fn decode(&self, days: Vec<(i32, &[Rows])>) -> anyhow::Result<Decoded> {
        let mut wanted: BTreeMap<usize, Vec<(i32, Rows)>> = BTreeMap::new();
        for (day, rows) in days {
            for rows in rows {
                wanted.entry(rows.group).or_default().push((day, *rows));
            }
        }
        let mut fetches = Vec::with_capacity(wanted.len());
        for group in wanted.keys() {
            let (source, index) = self.groups.get(*group).context("no such row group")?;
            fetches.push(source.row_group(*index));
        }
        let mut fetched = stream::iter(fetches).buffered(FETCHING);
        let mut decoded = Decoded::default();
        let mut batches = Vec::new();
        for mut rows in wanted.into_values() {
            let Some(group) = fetched.try_next().await? else { break };
            rows.sort_by_key(|(_, rows)| rows.first);
            let ranges = rows.iter().map(|(_, rows)| rows.first..rows.first + rows.rows);
            let end = rows.last().map_or(0, |(_, rows)| rows.first + rows.rows);
            let selection = RowSelection::from_consecutive_ranges(ranges, end);
            let decoding = tokio::task::spawn_blocking(move || {
                let rows = decode(&group, None, Some(selection))?;
                rows.collect::<Result<Vec<_>, _>>().with_context(|| format!("decode {}", group.path))
            });
            let found = decoding.await.context("decode rows")??;
            let mut positions = found.iter().enumerate().flat_map(|(batch, found)| {
                let batch = batches.len() + batch;
                (0..found.num_rows()).map(move |row| (batch, row))
            });
            for (day, rows) in rows {
                decoded.rows.entry(day).or_default().extend(positions.by_ref().take(rows.rows));
            }
            drop(positions);
            batches.extend(found);
        }
        decoded.batches = Arc::new(batches);
        Ok(decoded)
    }
}

/// `(day, first row, rows)` of each day's rows that follow one another.
fn runs(group: &RowGroup, time: usize) -> anyhow::Result<Vec<(i32, usize, usize)>> {
    let mut runs: Vec<(i32, usize, usize)> = Vec::new();
    let mut row = 0;
    for batch in decode(group, Some(&[time]), None)? {
        let batch = batch.with_context(|| format!("decode the times of {}", group.path))?;
        let times = batch.columns().first().and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>());
        for time in times.with_context(|| format!("times of another type in {}", group.path))?.values() {
            let day = day_of(*time);
            match runs.last_mut() {
                Some((last, _, rows)) if *last == day => *rows += 1,
                _ => runs.push((day, row, 1)),
            }
            row += 1;
        }
    }
    Ok(runs)
}

/// The decoded rows of some days.
#[derive(Default)]
pub(crate) struct Decoded {
    batches: Arc<Vec<RecordBatch>>,
    /// `(batch, row)` of each day's rows.
    rows: HashMap<i32, Vec<(usize, usize)>>,
}

impl Decoded {
    /// Where a day's rows are in [`Decoded::batches`].
    pub(crate) fn take(&mut self, day: i32) -> Vec<(usize, usize)> {
        self.rows.remove(&day).unwrap_or_default()
    }

    pub(crate) fn batches(&self) -> Arc<Vec<RecordBatch>> {
        self.batches.clone()
    }
}

/// These rows in one batch; `None` when there are none.
///
/// # Errors
/// Never for positions that [`Decoded::take`] gave.
pub(crate) fn gather(batches: &[RecordBatch], rows: &[(usize, usize)]) -> anyhow::Result<Option<RecordBatch>> {
    if rows.is_empty() {
        return Ok(None);
    }
    // Of many batches a day needs few, and they come in order.
    let mut used: Vec<&RecordBatch> = Vec::new();
    let mut last = None;
    let mut positions = Vec::with_capacity(rows.len());
    for &(batch, row) in rows {
        if last != Some(batch) {
            used.push(batches.get(batch).context("no such batch")?);
            last = Some(batch);
        }
        positions.push((used.len() - 1, row));
    }
    interleave_record_batch(&used, &positions).map(Some).context("gather a day's rows")
}
