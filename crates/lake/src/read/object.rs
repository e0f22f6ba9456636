//! Parquet objects: staged segments whole and in memory, data files by ranges; footers are kept.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use iceberg::arrow::ArrowFileReader;
use iceberg::io::FileMetadata;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};

use super::files::FileRef;
use crate::Lake;

/// What is kept at most: segments' bytes and the footers' size in memory.
const KEPT_BYTES: usize = 96 << 20;

/// What is known of immutable objects.
#[derive(Default)]
pub(crate) struct Objects(Mutex<Cache>);

#[derive(Default)]
struct Cache {
    entries: HashMap<Arc<str>, Object>,
    /// Oldest first; what is dropped next.
    order: VecDeque<Arc<str>>,
    bytes: usize,
}

/// An object whose footer is read.
#[derive(Clone)]
pub(crate) struct Object {
    pub metadata: ArrowReaderMetadata,
    /// The whole object, for a staged segment.
    bytes: Option<Bytes>,
}

impl Object {
    fn size(&self) -> usize {
        self.metadata.metadata().memory_size() + self.bytes.as_ref().map_or(0, Bytes::len)
    }
}

impl Cache {
    fn insert(&mut self, path: Arc<str>, object: Object) {
        self.bytes += object.size();
        match self.entries.insert(path.clone(), object) {
            Some(replaced) => self.bytes = self.bytes.saturating_sub(replaced.size()),
            None => self.order.push_back(path),
        }
        while self.bytes > KEPT_BYTES {
            let Some(oldest) = self.order.pop_front() else { break };
            if let Some(dropped) = self.entries.remove(&oldest) {
                self.bytes = self.bytes.saturating_sub(dropped.size());
            }
        }
    }
}

impl Objects {
    /// The object's footer, and its bytes where it is read whole.
    pub(crate) async fn open(&self, lake: &Lake, file: &FileRef) -> anyhow::Result<(Object, Box<dyn AsyncFileReader>)> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).entries.get(&file.path).cloned();
        if let Some(object) = known {
            let reader = reader(lake, file, object.bytes.clone()).await?;
            return Ok((object, reader));
        }
        let bytes = if file.staged { Some(lake.read(&file.path).await?) } else { None };
        let mut reader = reader(lake, file, bytes.clone()).await?;
        let metadata = ParquetMetaDataReader::new()
            .with_page_index_policy(PageIndexPolicy::Optional)
            .load_and_finish(&mut reader, file.size)
            .await
            .with_context(|| format!("read the footer of {}", file.path))?;
        let metadata = ArrowReaderMetadata::try_new(Arc::new(metadata), ArrowReaderOptions::new())
            .with_context(|| format!("read the schema of {}", file.path))?;
        let object = Object { metadata, bytes };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(file.path.clone(), object.clone());
        Ok((object, reader))
    }
}

async fn reader(lake: &Lake, file: &FileRef, bytes: Option<Bytes>) -> anyhow::Result<Box<dyn AsyncFileReader>> {
    if let Some(bytes) = bytes {
        return Ok(Box::new(InMemory(bytes)));
    }
    let input = lake.storage.new_input(file.path.as_ref()).with_context(|| format!("open {}", file.path))?;
    let ranges = input.reader().await.with_context(|| format!("open {}", file.path))?;
    Ok(Box::new(ArrowFileReader::new(FileMetadata { size: file.size }, ranges)))
}

/// A whole object in memory.
struct InMemory(Bytes);

impl AsyncFileReader for InMemory {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        let cut = || {
            let (start, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
            (start <= end && end <= self.0.len()).then(|| self.0.slice(start..end))
        };
        let found = cut().ok_or_else(|| ParquetError::EOF(format!("{range:?} of {} bytes", self.0.len())));
        std::future::ready(found).boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&self.0).map(Arc::new);
        std::future::ready(metadata).boxed()
    }
}
