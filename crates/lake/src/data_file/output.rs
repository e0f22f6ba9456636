//! One Parquet file on its way to S3: row groups go in, parts of 8 MB go out, so that no file is held whole.

use anyhow::Context;
use bytes::Bytes;
use iceberg::io::FileWrite;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowRowGroupWriterFactory};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::EnabledStatistics;
use parquet::file::writer::SerializedFileWriter;

use super::source::RowGroup;
use crate::Lake;
use crate::segment::properties;

/// Bytes of a part of an upload: S3 wants 5 MB at least, and takes 10,000 parts.
const PART_BYTES: usize = 8 << 20;

/// A file that is being written. Dropped before [`Output::finish`], it leaves no object (an upload in parts that was
/// begun is ended by the bucket's rule for unfinished uploads).
pub(crate) struct Output {
    pub path: String,
    /// Makes column writers for this schema.
    pub factory: ArrowRowGroupWriterFactory,
    parquet: SerializedFileWriter<Vec<u8>>,
    upload: Box<dyn FileWrite>,
}

impl Output {
    /// A new file at `path`.
    pub(crate) async fn create(lake: &Lake, path: String) -> anyhow::Result<Self> {
        let output = lake.storage.new_output(&path).with_context(|| format!("write {path}"))?;
        let upload = output.writer().await.with_context(|| format!("write {path}"))?;
        let properties = properties(lake.schema, EnabledStatistics::Page).build();
        // The arrow writer puts the field ids, by which Iceberg knows the columns, into the footer.
        let writer = ArrowWriter::try_new(Vec::new(), lake.schema.arrow(), Some(properties));
        let (parquet, factory) =
            writer.and_then(ArrowWriter::into_serialized_writer).with_context(|| format!("begin {path}"))?;
        Ok(Self { path, parquet, factory, upload })
    }

    /// Bytes written so far.
    pub(crate) fn size(&self) -> usize {
        self.parquet.bytes_written()
    }

    /// Takes a row group over as it is: no value is looked at. Statistics, dictionaries, encodings and the page index
    /// come along; only positions within the file change.
    pub(crate) async fn copy(&mut self, group: &RowGroup) -> anyhow::Result<()> {
        self.append(group).with_context(|| format!("copy row group {} of {}", group.index, group.path))?;
        self.send().await
    }

    fn append(&mut self, group: &RowGroup) -> anyhow::Result<()> {
        let metadata = group.metadata.metadata();
        let column_indexes = metadata.column_index().and_then(|index| index.get(group.index));
        let offset_indexes = metadata.offset_index().and_then(|index| index.get(group.index));
        let footer = group.footer()?;
        let mut copy = self.parquet.next_row_group()?;
        for (position, column) in footer.columns().iter().enumerate() {
            let close = ColumnCloseResult {
                bytes_written: u64::try_from(column.compressed_size())?,
                rows_written: u64::try_from(footer.num_rows())?,
                metadata: column.clone(),
                bloom_filter: None,
                column_index: column_indexes.and_then(|index| index.get(position)).cloned(),
                offset_index: offset_indexes.and_then(|index| index.get(position)).cloned(),
            };
            copy.append_column(&group.part, close)?;
        }
        copy.close()?;
        Ok(())
    }

    /// Adds an encoded row group.
    pub(crate) async fn add(&mut self, columns: Vec<ArrowColumnChunk>) -> anyhow::Result<()> {
        let mut group = self.parquet.next_row_group().context("begin a row group")?;
        for column in columns {
            column.append_to_row_group(&mut group).context("write a row group")?;
        }
        group.close().context("end a row group")?;
        self.send().await
    }

    /// Sends what is ready, once it is a part's worth.
    async fn send(&mut self) -> anyhow::Result<()> {
        if self.parquet.inner().len() >= PART_BYTES {
            let part = std::mem::take(self.parquet.inner_mut());
            self.upload.write(Bytes::from(part)).await.with_context(|| format!("write {}", self.path))?;
        }
        Ok(())
    }

    /// Ends the file; gives its path, footer and size.
    pub(crate) async fn finish(mut self) -> anyhow::Result<(String, ParquetMetaData, u64)> {
        let metadata = self.parquet.finish().context("end a data file")?;
        let size = self.parquet.bytes_written() as u64;
        let rest = std::mem::take(self.parquet.inner_mut());
        let sent = async {
            self.upload.write(Bytes::from(rest)).await?;
            self.upload.close().await
        };
        sent.await.with_context(|| format!("write {}", self.path))?;
        Ok((self.path, metadata, size))
    }
}
