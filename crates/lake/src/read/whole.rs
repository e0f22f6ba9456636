//! Whole rows, of those that a page shows. Rows that were shown are kept: the newest page is asked for again and again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use futures::{StreamExt, TryStreamExt, stream};
use parquet::arrow::arrow_reader::RowSelection;
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;

use super::figures::Meter;
use super::kept::Kept;
use super::object::{Opened, Ranges};
use super::page::Found;
use super::{CONCURRENCY, Reader, Row};

/// Rows that are kept at most, bytes of their values.
const ROW_BYTES: usize = 64 << 20;
/// Rows that are read before their size is looked at.
const TOGETHER: usize = 128;

/// A row's file, and its number in it.
type Place = (Arc<str>, usize);

/// Rows by their place.
pub(crate) struct Rows(Mutex<Kept<Place, Arc<Row>>>);

/// Rows of a file: the number of each, and its place in the answer.
type Wanted = Vec<(usize, usize)>;

impl Default for Rows {
    fn default() -> Self {
        Self(Mutex::new(Kept::new(ROW_BYTES)))
    }
}

impl Reader {
    /// These rows whole, in their order; fewer when they would be larger than `bytes`, but one at least.
    pub(crate) async fn rows(
        &self,
        found: &[Found],
        bytes: usize,
        meter: &Arc<Meter>,
    ) -> anyhow::Result<Vec<Arc<Row>>> {
        let mut rows: Vec<Arc<Row>> = Vec::with_capacity(found.len());
        let mut size = 0;
        for some in found.chunks(TOGETHER) {
            for row in self.together(some, meter).await? {
                size += row.size();
                if size > bytes && !rows.is_empty() {
                    return Ok(rows);
                }
                rows.push(row);
            }
        }
        Ok(rows)
    }

    async fn together(&self, found: &[Found], meter: &Arc<Meter>) -> anyhow::Result<Vec<Arc<Row>>> {
        let mut rows: Vec<Option<Arc<Row>>> = {
            let mut known = self.rows.0.lock().unwrap_or_else(PoisonError::into_inner);
            found.iter().map(|found| known.get(&(found.opened.path.clone(), found.row))).collect()
        };
        let mut missing: BTreeMap<Arc<str>, (Arc<Opened>, Wanted)> = BTreeMap::new();
        for (order, found) in
            found.iter().enumerate().filter(|(order, _)| rows.get(*order).is_some_and(Option::is_none))
        {
            let entry = missing.entry(found.opened.path.clone());
            entry.or_insert_with(|| (found.opened.clone(), Vec::new())).1.push((found.row, order));
        }
        let mut reading = stream::iter(missing.into_values())
            .map(|(opened, mut wanted)| async move {
                wanted.sort_unstable();
                anyhow::Ok((self.read(&opened, &wanted, meter).await?, opened, wanted))
            })
            .buffer_unordered(CONCURRENCY);
        while let Some((read, opened, wanted)) = reading.try_next().await? {
            let mut known = self.rows.0.lock().unwrap_or_else(PoisonError::into_inner);
            for (row, (number, order)) in read.into_iter().zip(wanted) {
                known.insert((opened.path.clone(), number), row.clone(), row.size());
                if let Some(place) = rows.get_mut(order) {
                    *place = Some(row);
                }
            }
        }
        drop(reading);
        rows.into_iter().collect::<Option<_>>().context("a row was not read")
    }

    /// Rows of one file; `wanted` has each one's number within the file, ascending.
    async fn read(
        &self,
        opened: &Opened,
        wanted: &[(usize, usize)],
        meter: &Arc<Meter>,
    ) -> anyhow::Result<Vec<Arc<Row>>> {
        let groups = opened.groups.iter().enumerate();
        let holding =
            groups.filter(|(_, info)| wanted.iter().any(|(row, _)| (info.first..info.first + info.rows).contains(row)));
        let holding: Vec<usize> = holding.map(|(group, _)| group).collect();
        // Numbers of the rows among those of the row groups that are read.
        let mut before = 0;
        let mut ranges = Vec::with_capacity(wanted.len());
        for info in holding.iter().filter_map(|group| opened.groups.get(*group)) {
            let of_group = wanted.iter().filter(|(row, _)| (info.first..info.first + info.rows).contains(row));
            ranges.extend(of_group.map(|(row, _)| before + row - info.first).map(|row| row..row + 1));
            before += info.rows;
        }
        let reader = Ranges { source: opened.source.clone(), meter: meter.clone() };
        let mut batches = ParquetRecordBatchStreamBuilder::new_with_metadata(reader, opened.source.metadata().clone())
            .with_row_groups(holding)
            .with_row_selection(RowSelection::from_consecutive_ranges(ranges.into_iter(), before))
            .build()
            .with_context(|| format!("read {}", opened.path))?;
        let mut rows = Vec::with_capacity(wanted.len());
        while let Some(batch) = batches.next().await {
            let batch = batch.with_context(|| format!("read {}", opened.path))?;
            for row in 0..batch.num_rows() {
                rows.push(Arc::new(Row::read(self.lake.schema, &batch, row)?));
            }
        }
        anyhow::ensure!(rows.len() == wanted.len(), "{} gave {} rows, not {}", opened.path, rows.len(), wanted.len());
        Ok(rows)
    }
}
