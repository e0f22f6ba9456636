//! Rows that are decoded and encoded again: leftovers too small to be copied, and rows of days that share a row group.

use anyhow::{Context, ensure};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection};
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};

use super::source::RowGroup;

/// Rows decoded at a time.
const BATCH_ROWS: usize = 1024;

/// The rows of a row group: these columns or all, this selection or all.
///
/// # Errors
/// When it is not what its footer says.
pub(crate) fn decode(
    group: &RowGroup,
    columns: Option<&[usize]>,
    selection: Option<RowSelection>,
) -> anyhow::Result<ParquetRecordBatchReader> {
    let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(group.part.clone(), group.metadata.clone())
        .with_row_groups(vec![group.index])
        .with_batch_size(BATCH_ROWS);
    if let Some(columns) = columns {
        let mask = ProjectionMask::leaves(builder.parquet_schema(), columns.iter().copied());
        builder = builder.with_projection(mask);
    }
    if let Some(selection) = selection {
        builder = builder.with_row_selection(selection);
    }
    builder.build().with_context(|| format!("decode row group {} of {}", group.index, group.path))
}

/// A row group that grows batch by batch. What is buffered is encoded and compressed already.
pub(crate) struct Encoder {
    arrow: SchemaRef,
    columns: Vec<ArrowColumnWriter>,
    rows: usize,
}

impl Encoder {
    /// An empty row group of the file that `factory` belongs to, or of any other of the same schema.
    pub(crate) fn new(arrow: SchemaRef, factory: &ArrowRowGroupWriterFactory) -> anyhow::Result<Self> {
        let columns = factory.create_column_writers(0).context("begin a row group")?;
        Ok(Self { arrow, columns, rows: 0 })
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// About its size when it is finished, bytes.
    pub(crate) fn size(&self) -> usize {
        self.columns.iter().map(ArrowColumnWriter::get_estimated_total_bytes).sum()
    }

    /// Adds rows of the table's columns.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        ensure!(
            batch.num_columns() == self.columns.len(),
            "rows have {} columns, the table {}",
            batch.num_columns(),
            self.columns.len()
        );
        for ((field, array), column) in self.arrow.fields().iter().zip(batch.columns()).zip(&mut self.columns) {
            // A table's columns are flat: each array is one leaf.
            for leaf in compute_leaves(field, array).context("encode rows")? {
                column.write(&leaf).with_context(|| format!("encode column {}", field.name()))?;
            }
        }
        self.rows += batch.num_rows();
        Ok(())
    }

    /// Adds all rows of a row group.
    pub(crate) fn append(&mut self, group: &RowGroup) -> anyhow::Result<()> {
        for batch in decode(group, None, None)? {
            self.write(&batch.with_context(|| format!("decode row group {} of {}", group.index, group.path))?)?;
        }
        Ok(())
    }

    /// Its column chunks.
    pub(crate) fn finish(self) -> anyhow::Result<Vec<ArrowColumnChunk>> {
        self.columns.into_iter().map(|column| column.close().context("end a row group")).collect()
    }
}
