//! Parquet objects whose row groups are taken over: segments (small, held in memory while that is allowed) and data
//! files (their footer in memory, the rest by ranges).

use std::ops::Range;
use std::sync::Arc;

use anyhow::{Context, ensure};
use bytes::{Buf, Bytes};
use iceberg::arrow::ArrowFileReader;
use iceberg::io::{FileMetadata, FileRead};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{
    PageIndexPolicy, ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader, RowGroupMetaData,
};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::statistics::Statistics;

use crate::Lake;
use crate::schema::{TableSchema, day_of};

/// What is read of an object's end at first: nearly always its whole footer and page index.
const FOOTER_BYTES: usize = 64 << 10;

/// An object with its footer and page index.
#[derive(Clone)]
pub(crate) struct Source {
    path: Arc<str>,
    metadata: ArrowReaderMetadata,
    bytes: Content,
}

/// Where an object's bytes are.
#[derive(Clone)]
enum Content {
    Held(Bytes),
    Stored(Arc<dyn FileRead>),
}

impl Source {
    /// Reads the footer of the object at `path`, `size` bytes; the whole object stays in memory if `hold`.
    ///
    /// # Errors
    /// When S3 does not answer, or the object is not Parquet; the path is named.
    pub(crate) async fn open(lake: &Lake, path: &str, size: u64, hold: bool) -> anyhow::Result<Self> {
        if hold {
            return Self::held(path, lake.read(path).await?);
        }
        let input = lake.storage.new_input(path).with_context(|| format!("open {path}"))?;
        let ranges: Arc<dyn FileRead> = input.reader().await.with_context(|| format!("open {path}"))?.into();
        let mut footer = ArrowFileReader::new(FileMetadata { size }, Box::new(ranges.clone()));
        let metadata = reader().with_prefetch_hint(Some(FOOTER_BYTES)).load_and_finish(&mut footer, size).await;
        Self::new(path, metadata, Content::Stored(ranges))
    }

    /// An object in memory.
    ///
    /// # Errors
    /// When it is not Parquet; the path is named.
    pub(crate) fn held(path: &str, bytes: Bytes) -> anyhow::Result<Self> {
        Self::new(path, reader().parse_and_finish(&bytes), Content::Held(bytes))
    }

    fn new(path: &str, metadata: ParquetResult<ParquetMetaData>, bytes: Content) -> anyhow::Result<Self> {
        let metadata = metadata.with_context(|| format!("read the footer of {path}"))?;
        let metadata = ArrowReaderMetadata::try_new(Arc::new(metadata), ArrowReaderOptions::new())
            .with_context(|| format!("read the schema of {path}"))?;
        Ok(Self { path: path.into(), metadata, bytes })
    }

    pub(crate) fn row_groups(&self) -> &[RowGroupMetaData] {
        self.metadata.metadata().row_groups()
    }

    /// The first and the last day in a row group.
    ///
    /// # Errors
    /// When its footer does not tell.
    pub(crate) fn days(&self, schema: &TableSchema, row_group: usize) -> anyhow::Result<(i32, i32)> {
        let column = self.row_groups().get(row_group).and_then(|group| group.columns().get(schema.time));
        let Some(Statistics::Int64(times)) = column.and_then(|column| column.statistics()) else {
            anyhow::bail!("row group {row_group} of {} has no statistics of its time column", self.path);
        };
        let bounds = times.min_opt().zip(times.max_opt());
        let (first, last) = bounds.with_context(|| format!("row group {row_group} of {} has no times", self.path))?;
        Ok((day_of(*first), day_of(*last)))
    }

    /// A row group's bytes as they are stored.
    ///
    /// # Errors
    /// When S3 does not answer, or the footer names bytes that are not there.
    pub(crate) async fn row_group(&self, index: usize) -> anyhow::Result<RowGroup> {
        self.stored(index, |_| true).await
    }

    /// The bytes of some columns of a row group, and of what lies between them.
    ///
    /// # Errors
    /// Those of [`Source::row_group`].
    pub(crate) async fn columns(&self, index: usize, positions: &[usize]) -> anyhow::Result<RowGroup> {
        self.stored(index, |position| positions.contains(&position)).await
    }

    async fn stored(&self, index: usize, wanted: impl Fn(usize) -> bool) -> anyhow::Result<RowGroup> {
        let found = self.row_groups().get(index).and_then(|group| extent(group, wanted));
        let range = found.with_context(|| format!("{} has no such columns in row group {index}", self.path))?;
        let bytes = self.range(range.clone()).await.with_context(|| format!("read row group {index}"))?;
        let part = Part { start: range.start, bytes };
        Ok(RowGroup { path: self.path.clone(), metadata: self.metadata.clone(), index, part })
    }

    /// Bytes of the object.
    ///
    /// # Errors
    /// When S3 does not answer, or the object ends before them; the path is named.
    pub(crate) async fn range(&self, range: Range<u64>) -> anyhow::Result<Bytes> {
        let bytes = match &self.bytes {
            Content::Held(bytes) => Part { start: 0, bytes: bytes.clone() }.cut(range.clone()).ok(),
            Content::Stored(ranges) => {
                Some(ranges.read(range.clone()).await.with_context(|| format!("read {range:?} of {}", self.path))?)
            }
        };
        let whole = bytes.filter(|bytes| bytes.len() as u64 == range.end.saturating_sub(range.start));
        whole.with_context(|| format!("{} ends before {range:?}", self.path))
    }

    /// The footer.
    pub(crate) fn metadata(&self) -> &ArrowReaderMetadata {
        &self.metadata
    }

    /// Whether the object is in memory.
    pub(crate) fn is_held(&self) -> bool {
        matches!(self.bytes, Content::Held(_))
    }

    /// What was read of a stored object to open it, bytes.
    pub(crate) fn footer_bytes(&self) -> u64 {
        FOOTER_BYTES as u64
    }

    /// Bytes of memory.
    pub(crate) fn memory_size(&self) -> usize {
        let held = if let Content::Held(bytes) = &self.bytes { bytes.len() } else { 0 };
        self.metadata.metadata().memory_size() + held
    }
}

fn reader() -> ParquetMetaDataReader {
    ParquetMetaDataReader::new()
        .with_page_index_policy(PageIndexPolicy::Optional)
        // Kept whole, since a copied column chunk takes its statistics of encodings along.
        .with_metadata_options(Some(ParquetMetaDataOptions::new().with_encoding_stats_as_mask(false)))
}

/// The bytes from the first of the wanted column chunks' begin to the last one's end.
fn extent(group: &RowGroupMetaData, wanted: impl Fn(usize) -> bool) -> Option<Range<u64>> {
    let chunks = group.columns().iter().enumerate().filter(|(position, _)| wanted(*position));
    let ranges = chunks.map(|(_, column)| column.byte_range()).map(|(start, length)| start..start + length);
    ranges.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))
}

/// A row group in memory, as it is stored.
#[derive(Clone)]
pub(crate) struct RowGroup {
    pub path: Arc<str>,
    /// Of the whole object.
    pub metadata: ArrowReaderMetadata,
    pub index: usize,
    pub part: Part,
}

impl RowGroup {
    /// Its own part of the footer.
    ///
    /// # Errors
    /// Never for one that a [`Source`] gave.
    pub(crate) fn footer(&self) -> anyhow::Result<&RowGroupMetaData> {
        self.metadata.metadata().row_groups().get(self.index).context("no such row group")
    }

    /// Refuses columns that are not the table's.
    ///
    /// # Errors
    /// When there are more or fewer.
    pub(crate) fn check(&self, schema: &TableSchema) -> anyhow::Result<()> {
        let (found, expected) = (self.footer()?.num_columns(), schema.columns.len());
        ensure!(found == expected, "{} has {found} columns, the table {expected}", self.path);
        Ok(())
    }
}

/// Bytes of an object from `start` on; reads within them name positions of the object.
#[derive(Clone)]
pub(crate) struct Part {
    pub start: u64,
    pub bytes: Bytes,
}

impl Part {
    fn cut(&self, range: Range<u64>) -> ParquetResult<Bytes> {
        let cut = || {
            let from = usize::try_from(range.start.checked_sub(self.start)?).ok()?;
            let to = usize::try_from(range.end.checked_sub(self.start)?).ok()?;
            (from <= to && to <= self.bytes.len()).then(|| self.bytes.slice(from..to))
        };
        cut().ok_or_else(|| {
            ParquetError::EOF(format!("{range:?} is not in {} bytes at {}", self.bytes.len(), self.start))
        })
    }
}

impl Length for Part {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for Part {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        Ok(self.cut(start..self.len())?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        self.cut(start..start.saturating_add(length as u64))
    }
}
