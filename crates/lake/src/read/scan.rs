//! The two passes over a file: find the rows by the small columns, then fetch those rows whole.

use anyhow::Context;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use futures::StreamExt;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStreamBuilder};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;

use super::files::FileRef;
use super::object::Objects;
use super::row::Row;
use crate::Lake;
use crate::schema::TableSchema;

/// Rows decoded at a time in the first pass.
const BATCH_ROWS: usize = 8192;

/// What the first pass looks for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// Microseconds; rows of this time and newer.
    pub since: i64,
    /// A text column's position and its value.
    pub equal: Option<(usize, String)>,
    /// At most this many rows, the newest.
    pub limit: usize,
}

/// A row that was found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub time: i64,
    pub key: String,
    /// Position of the file among the candidates.
    pub file: usize,
    /// Row within the file.
    pub row: u64,
}

/// First pass: the newest rows of a file that fit, at most `wanted.limit`, newest first.
pub(crate) async fn find(
    lake: &Lake,
    objects: &Objects,
    file: &FileRef,
    position: usize,
    wanted: &Wanted,
) -> anyhow::Result<Vec<Found>> {
    let schema = lake.schema;
    let (object, reader) = objects.open(lake, file).await?;
    let groups = object.metadata.metadata().row_groups();
    let mut selected = Vec::new();
    // The first row of each selected row group within the file.
    let mut starts = Vec::new();
    let mut start = 0_u64;
    for (index, group) in groups.iter().enumerate() {
        let rows = u64::try_from(group.num_rows()).unwrap_or(0);
        if may_match(schema, group, wanted) {
            selected.push(index);
            starts.push((start, rows));
        }
        start += rows;
    }
    if selected.is_empty() {
        return Ok(Vec::new());
    }
    let mut columns = vec![schema.time, schema.key];
    columns.extend(wanted.equal.iter().map(|(column, _)| *column));
    let builder =
        ParquetRecordBatchStreamBuilder::<Box<dyn AsyncFileReader>>::new_with_metadata(reader, object.metadata.clone());
    let mask = ProjectionMask::leaves(builder.parquet_schema(), columns);
    let mut batches = builder
        .with_projection(mask)
        .with_row_groups(selected)
        .with_batch_size(BATCH_ROWS)
        .build()
        .with_context(|| format!("read {}", file.path))?;
    let mut numbers = starts.into_iter().flat_map(|(start, rows)| start..start + rows);
    let mut found = Vec::new();
    while let Some(batch) = batches.next().await {
        let batch = batch.with_context(|| format!("read {}", file.path))?;
        collect(schema, &batch, wanted, position, &mut numbers, &mut found)?;
        if found.len() > wanted.limit.saturating_mul(4) {
            keep_newest(&mut found, wanted.limit);
        }
    }
    keep_newest(&mut found, wanted.limit);
    Ok(found)
}

fn keep_newest(found: &mut Vec<Found>, limit: usize) {
    found.sort_by(|a, b| (b.time, &b.key).cmp(&(a.time, &a.key)));
    found.truncate(limit);
}

/// Adds a batch's rows that fit; `numbers` gives each row's number within the file.
fn collect(
    schema: &TableSchema,
    batch: &RecordBatch,
    wanted: &Wanted,
    file: usize,
    numbers: &mut impl Iterator<Item = u64>,
    found: &mut Vec<Found>,
) -> anyhow::Result<()> {
    let column = |position: usize| batch.column_by_name(schema.name(position)).context("a file lacks a column");
    let times = column(schema.time)?.as_primitive_opt::<TimestampMicrosecondType>().context("times of another type")?;
    let keys = column(schema.key)?.as_string_opt::<i32>().context("keys of another type")?;
    let equal = match &wanted.equal {
        Some((position, value)) => {
            Some((column(*position)?.as_string_opt::<i32>().context("texts of another type")?, value.as_str()))
        }
        None => None,
    };
    for (row, number) in (0..batch.num_rows()).zip(numbers) {
        let time = times.value(row);
        let fits =
            time >= wanted.since && equal.is_none_or(|(texts, value)| texts.is_valid(row) && texts.value(row) == value);
        if fits {
            found.push(Found { time, key: keys.value(row).to_owned(), file, row: number });
        }
    }
    Ok(())
}

/// Whether a row group's statistics allow a row that fits.
fn may_match(schema: &TableSchema, group: &RowGroupMetaData, wanted: &Wanted) -> bool {
    let statistics = |position: usize| group.columns().get(position).and_then(|column| column.statistics());
    if let Some(Statistics::Int64(times)) = statistics(schema.time)
        && times.max_opt().is_some_and(|&max| max < wanted.since)
    {
        return false;
    }
    let Some((position, value)) = &wanted.equal else { return true };
    match statistics(*position) {
        Some(Statistics::ByteArray(texts)) => {
            texts.min_opt().is_none_or(|min| min.data() <= value.as_bytes())
                && texts.max_opt().is_none_or(|max| value.as_bytes() <= max.data())
        }
        _ => true,
    }
}

/// Second pass: these rows whole. `rows` is `(row within the file, label)`, ascending; gives `(label, row)`.
pub(crate) async fn fetch(
    lake: &Lake,
    objects: &Objects,
    file: &FileRef,
    rows: &[(u64, usize)],
) -> anyhow::Result<Vec<(usize, Row)>> {
    let (object, reader) = objects.open(lake, file).await?;
    let mut batches =
        ParquetRecordBatchStreamBuilder::<Box<dyn AsyncFileReader>>::new_with_metadata(reader, object.metadata.clone())
            .with_row_selection(selection(rows))
            .build()
            .with_context(|| format!("read {}", file.path))?;
    let mut labels = rows.iter().map(|(_, label)| *label);
    let mut fetched = Vec::with_capacity(rows.len());
    while let Some(batch) = batches.next().await {
        let batch = batch.with_context(|| format!("read {}", file.path))?;
        for (row, label) in (0..batch.num_rows()).zip(&mut labels) {
            fetched.push((label, Row::read(lake.schema, &batch, row)?));
        }
    }
    anyhow::ensure!(fetched.len() == rows.len(), "{} gave {} rows, not {}", file.path, fetched.len(), rows.len());
    Ok(fetched)
}

fn selection(rows: &[(u64, usize)]) -> RowSelection {
    let mut selectors = Vec::with_capacity(rows.len() * 2);
    let mut next = 0;
    for &(row, _) in rows {
        if row > next {
            selectors.push(RowSelector::skip(usize::try_from(row - next).unwrap_or(usize::MAX)));
        }
        selectors.push(RowSelector::select(1));
        next = row + 1;
    }
    RowSelection::from(selectors)
}
