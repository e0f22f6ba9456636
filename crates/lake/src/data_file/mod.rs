//! Data files: row groups of one day that lie in other objects, taken over into files of a target size.
//!
//! A row group that is large enough is copied, column chunk by column chunk. Smaller ones are decoded and encoded again
//! into row groups of a useful size. [`FileWriter`] is what a commit (from segments) and a compaction (from data files)
//! have in common.

mod describe;
mod encode;
mod output;
mod source;
#[cfg(test)]
mod tests;

use anyhow::Context;
use arrow::array::RecordBatch;
use chrono::DateTime;
use futures::{StreamExt, TryStreamExt, stream};
use iceberg::spec::{DataFile, TableMetadata};
use parquet::file::metadata::RowGroupMetaData;
use uuid::Uuid;

pub(crate) use self::encode::decode;
pub(crate) use self::source::{RowGroup, Source};

use self::describe::{Finished, describe};
use self::encode::Encoder;
use self::output::Output;
use crate::Lake;

/// A row group of this size is copied. With GitHub's events (2,200 rows, 414 kB) that takes 0.4 us a row, encoding again
/// 4.4 us; the footer is then 0.4 % of the file, and a scan of three columns takes a third longer than over large row
/// groups. Below (500 rows, 94 kB) the footer is 1.6 %, and the scan takes four times as long.
const COPIED_BYTES: i64 = 256 << 10;
/// So is one of this many rows, however well they compress.
const COPIED_ROWS: i64 = 10_000;
/// Rows at which a row group of leftovers ends: what a query skips or reads.
const ENCODED_ROWS: usize = 65_536;
/// Size at which it ends as well; it is buffered until then.
const ENCODED_BYTES: usize = 16 << 20;
/// Leftovers that are handed to another thread together, bytes.
const LEFTOVER_BYTES: usize = 4 << 20;
/// Row groups on their way from S3 at a time, and their bytes at most (or one).
const FETCHED: usize = 8;
const FETCHED_BYTES: u64 = 48 << 20;

/// Where a table's data files lie.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    location: String,
    partition_spec_id: i32,
}

impl Place {
    pub(crate) fn of(table: &TableMetadata) -> Self {
        Self { location: format!("{}/data", table.location()), partition_spec_id: table.default_partition_spec_id() }
    }

    fn path(&self, lake: &Lake, day: i32) -> String {
        let time = lake.schema.name(lake.schema.time);
        format!("{}/{time}_day={}/{}.parquet", self.location, date(day), Uuid::now_v7())
    }
}

/// Whether a row group is copied; if not, its rows are encoded again.
pub(crate) fn is_copied(group: &RowGroupMetaData) -> bool {
    group.compressed_size() >= COPIED_BYTES || group.num_rows() >= COPIED_ROWS
}

/// Writes files of one day. In memory are at most: the row groups on their way in, one that is copied, one that is
/// being encoded, and a part of an upload.
pub(crate) struct FileWriter<'a> {
    lake: &'a Lake,
    place: &'a Place,
    day: i32,
    target: usize,
    output: Option<Output>,
    leftovers: Vec<RowGroup>,
    encoder: Option<Encoder>,
    files: Vec<DataFile>,
}

impl<'a> FileWriter<'a> {
    /// Files of `day`; one that has reached `target` bytes is followed by the next.
    pub(crate) fn new(lake: &'a Lake, place: &'a Place, day: i32, target: usize) -> Self {
        Self { lake, place, day, target, output: None, leftovers: Vec::new(), encoder: None, files: Vec::new() }
    }

    /// Takes over whole row groups, `(source, row group)`, all of them of this writer's day.
    ///
    /// # Errors
    /// When S3 does not answer, or a row group is not what its footer says; its object is named.
    pub(crate) async fn push(&mut self, row_groups: &[(&Source, usize)]) -> anyhow::Result<()> {
        let largest = row_groups.iter().filter_map(|(source, index)| source.row_groups().get(*index));
        let largest = largest.map(|group| u64::try_from(group.compressed_size()).unwrap_or(0)).max().unwrap_or(0);
        let fetched = usize::try_from(FETCHED_BYTES / largest.max(1)).unwrap_or(FETCHED).clamp(1, FETCHED);
        // Futures do nothing until the stream comes to them.
        let fetches: Vec<_> = row_groups.iter().map(|(source, index)| source.row_group(*index)).collect();
        let mut groups = stream::iter(fetches).buffered(fetched);
        while let Some(group) = groups.try_next().await? {
            group.check(self.lake.schema)?;
            if is_copied(group.footer()?) {
                self.output().await?.copy(&group).await?;
                self.roll().await?;
                continue;
            }
            self.leftovers.push(group);
            if self.leftovers.iter().map(|group| group.part.bytes.len()).sum::<usize>() >= LEFTOVER_BYTES {
                self.encode_leftovers().await?;
            }
        }
        Ok(())
    }

    /// Adds rows of this writer's day.
    ///
    /// # Errors
    /// When they are not of the table's columns, or S3 does not answer.
    pub(crate) async fn push_rows(&mut self, rows: RecordBatch) -> anyhow::Result<()> {
        self.encode(move |encoder| encoder.write(&rows)).await
    }

    /// Ends the last file; gives all of them, none when nothing was pushed.
    ///
    /// # Errors
    /// When S3 does not answer.
    pub(crate) async fn finish(mut self) -> anyhow::Result<Vec<DataFile>> {
        self.encode_leftovers().await?;
        self.end_row_group().await?;
        self.end_file().await?;
        Ok(self.files)
    }

    async fn encode_leftovers(&mut self) -> anyhow::Result<()> {
        if self.leftovers.is_empty() {
            return Ok(());
        }
        let leftovers = std::mem::take(&mut self.leftovers);
        self.encode(move |encoder| leftovers.iter().try_for_each(|group| encoder.append(group))).await
    }

    /// Encoding takes the processor for a while: it has a thread of its own, and what must go on beside it does.
    async fn encode(
        &mut self,
        work: impl FnOnce(&mut Encoder) -> anyhow::Result<()> + Send + 'static,
    ) -> anyhow::Result<()> {
        let mut encoder = match self.encoder.take() {
            Some(encoder) => encoder,
            None => Encoder::new(self.lake.schema.arrow(), &self.output().await?.factory)?,
        };
        let working = tokio::task::spawn_blocking(move || work(&mut encoder).map(|()| encoder));
        let encoder = working.await.context("encode rows")??;
        let full = encoder.rows() >= ENCODED_ROWS || encoder.size() >= ENCODED_BYTES;
        self.encoder = Some(encoder);
        if full { self.end_row_group().await } else { Ok(()) }
    }

    async fn end_row_group(&mut self) -> anyhow::Result<()> {
        let Some(encoder) = self.encoder.take().filter(|encoder| encoder.rows() > 0) else { return Ok(()) };
        let columns = encoder.finish()?;
        self.output().await?.add(columns).await?;
        self.roll().await
    }

    /// The file that is being written; a new one when there is none.
    async fn output(&mut self) -> anyhow::Result<&mut Output> {
        let output = match self.output.take() {
            Some(output) => output,
            None => Output::create(self.lake, self.place.path(self.lake, self.day)).await?,
        };
        Ok(self.output.insert(output))
    }

    async fn roll(&mut self) -> anyhow::Result<()> {
        let full = self.output.as_ref().is_some_and(|output| output.size() >= self.target);
        if full { self.end_file().await } else { Ok(()) }
    }

    async fn end_file(&mut self) -> anyhow::Result<()> {
        let Some(output) = self.output.take() else { return Ok(()) };
        let (path, metadata, size) = output.finish().await?;
        let finished = Finished { path, size, day: self.day, partition_spec_id: self.place.partition_spec_id };
        self.files.push(describe(self.lake.schema, &metadata, finished)?);
        Ok(())
    }
}

fn date(day: i32) -> String {
    DateTime::from_timestamp(i64::from(day) * 86_400, 0)
        .map_or_else(|| day.to_string(), |at| at.date_naive().to_string())
}
