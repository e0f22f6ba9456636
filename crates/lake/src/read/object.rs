//! Parquet objects whose footers are known: staged segments whole and in memory, data files by ranges.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;

use super::figures::{Meter, add};
use super::files::FileRef;
use super::kept::Kept;
use crate::Lake;
use crate::data_file::Source;
use crate::schema::TableSchema;

/// What is kept at most: segments' bytes and the footers' size in memory.
const KEPT_BYTES: usize = 128 << 20;

/// What is known of immutable objects.
pub(crate) struct Objects(Mutex<Kept<Arc<str>, Arc<Opened>>>);

impl Default for Objects {
    fn default() -> Self {
        Self(Mutex::new(Kept::new(KEPT_BYTES)))
    }
}

/// An object whose footer is read.
pub(crate) struct Opened {
    pub path: Arc<str>,
    pub source: Source,
    pub groups: Vec<GroupInfo>,
}

/// What a query needs to know of a row group before it reads it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupInfo {
    pub rows: usize,
    /// Number of its first row within the file.
    pub first: usize,
    /// Bounds of the time column; everything where the footer does not tell.
    pub time: (i64, i64),
}

impl Objects {
    /// The object's footer, and its bytes where it is read whole.
    pub(crate) async fn open(&self, lake: &Lake, file: &FileRef, meter: &Meter) -> anyhow::Result<Arc<Opened>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&file.path);
        if let Some(opened) = known {
            return Ok(opened);
        }
        let source = Source::open(lake, &file.path, file.size, file.staged).await?;
        add(&meter.bytes_read, if file.staged { file.size } else { source.footer_bytes().min(file.size) });
        let groups = groups(lake.schema, &source);
        let size = source.memory_size();
        let opened = Arc::new(Opened { path: file.path.clone(), source, groups });
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(file.path.clone(), opened.clone(), size);
        Ok(opened)
    }
}

fn groups(schema: &TableSchema, source: &Source) -> Vec<GroupInfo> {
    let mut first = 0;
    let groups = source.row_groups().iter().map(|group| {
        let rows = usize::try_from(group.num_rows()).unwrap_or(0);
        let bounds = match group.columns().get(schema.time).and_then(|column| column.statistics()) {
            Some(Statistics::Int64(times)) => times.min_opt().copied().zip(times.max_opt().copied()),
            _ => None,
        };
        let info = GroupInfo { rows, first, time: bounds.unwrap_or((i64::MIN, i64::MAX)) };
        first += rows;
        info
    });
    groups.collect()
}

impl Opened {
    /// Whether a row group's statistics allow a row whose text column at `position` is `value`.
    pub(crate) fn may_hold(&self, group: usize, position: usize, value: &str) -> bool {
        let chunk = self.source.row_groups().get(group).and_then(|group| group.columns().get(position));
        match chunk.and_then(|chunk| chunk.statistics()) {
            Some(Statistics::ByteArray(texts)) => {
                texts.min_opt().is_none_or(|min| min.data() <= value.as_bytes())
                    && texts.max_opt().is_none_or(|max| value.as_bytes() <= max.data())
            }
            _ => true,
        }
    }

    /// Stored size of some columns of a row group.
    pub(crate) fn stored(&self, group: usize, columns: &[usize]) -> u64 {
        let group = self.source.row_groups().get(group);
        let chunks = columns.iter().filter_map(|column| group?.columns().get(*column));
        chunks.map(|chunk| u64::try_from(chunk.compressed_size()).unwrap_or(0)).sum()
    }
}

/// A reader of ranges that counts what it reads from storage.
pub(crate) struct Ranges {
    pub source: Source,
    pub meter: Arc<Meter>,
}

impl AsyncFileReader for Ranges {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        async move {
            if !self.source.is_held() {
                add(&self.meter.bytes_read, range.end.saturating_sub(range.start));
            }
            self.source.range(range).await.map_err(|error| ParquetError::External(error.into()))
        }
        .boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        async move {
            // A row's columns lie together: one request is faster than one a column.
            let whole = ranges.iter().cloned().reduce(|a, b| a.start.min(b.start)..a.end.max(b.end));
            let Some(whole) = whole else { return Ok(Vec::new()) };
            let wanted: u64 = ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum();
            if whole.end - whole.start <= wanted.saturating_mul(2).max(TOGETHER) {
                let bytes = self.get_bytes(whole.clone()).await?;
                let cut = |range: Range<u64>| {
                    let from = usize::try_from(range.start - whole.start).ok()?;
                    let to = usize::try_from(range.end - whole.start).ok()?;
                    (from <= to && to <= bytes.len()).then(|| bytes.slice(from..to))
                };
                let parts: Option<Vec<Bytes>> = ranges.into_iter().map(cut).collect();
                return parts.ok_or_else(|| ParquetError::EOF(format!("{whole:?} is not in the object")));
            }
            let mut parts = Vec::with_capacity(ranges.len());
            for range in ranges {
                parts.push(self.get_bytes(range).await?);
            }
            Ok(parts)
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        std::future::ready(Ok(self.source.metadata().metadata().clone())).boxed()
    }
}

/// Bytes that are read in one request whatever lies between what is wanted of them.
const TOGETHER: u64 = 1 << 20;
