//! Queries: the last marked commit plus the segments beyond it, each row once.
//!
//! One statement in Postgres gives the table's metadata location and the unmarked segments of the same moment. Files
//! are visited newest first and the visit ends as soon as no file can hold a newer row than those found. In a file
//! the small columns are read first; whole rows only for the winners.

mod files;
mod object;
mod row;
mod scan;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt, stream};

use crate::{Lake, ledger};
use files::{FileRef, Files};
use object::Objects;
pub use row::{OwnedValue, Row};
use scan::{Found, Wanted};

/// Files that are read at a time.
const CONCURRENCY: usize = 8;

/// Reads one table. Keeps what cannot change (manifests, footers, staged segments) between queries, within bounds.
pub struct Reader {
    lake: Lake,
    files: Files,
    objects: Objects,
}

/// Files that one query visits at most: a filter that nothing fits must not read ten years.
const FILES_MAX: usize = 2_000;

/// The newest rows.
#[derive(Debug, Clone)]
pub struct Newest {
    /// Only rows whose time is at least this (microseconds since 1970).
    pub since: i64,
    /// Only rows whose text column at this position has this value.
    pub equal: Option<(usize, String)>,
    /// At most this many.
    pub limit: usize,
}

/// The answer to [`Newest`].
#[derive(Debug, Clone)]
pub struct Page {
    /// By time and then key, downwards.
    pub rows: Vec<Row>,
    /// False when the search ended at its limit of files, so that older rows may be missing.
    pub complete: bool,
}

/// What a reader would read now, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// Whether the table has been committed to.
    pub committed: bool,
    /// Segments beyond the last commit.
    pub staged_segments: usize,
}

impl Reader {
    /// A reader of this table; connects at the first query.
    pub fn new(lake: Lake) -> Self {
        Self { lake, files: Files::default(), objects: Objects::default() }
    }

    /// The newest rows that fit.
    ///
    /// # Errors
    /// When Postgres or S3 does not answer.
    pub async fn newest(&self, newest: &Newest) -> anyhow::Result<Page> {
        let mut candidates = self.candidates().await?;
        candidates.retain(|file| file.time.1 >= newest.since);
        candidates.sort_by_key(|file| Reverse(file.time.1));
        let mut found: Vec<Found> = Vec::new();
        let mut complete = true;
        for (chunk_index, chunk) in candidates.chunks(CONCURRENCY).enumerate() {
            // Once there are enough rows, only a file that reaches the oldest of them can change the answer.
            let floor = found.get(newest.limit.wrapping_sub(1)).map(|row| row.time);
            if floor.is_some_and(|floor| chunk.first().is_none_or(|file| file.time.1 < floor)) {
                break;
            }
            if chunk_index * CONCURRENCY >= FILES_MAX {
                complete = false;
                break;
            }
            let wanted = Wanted {
                since: floor.unwrap_or(newest.since).max(newest.since),
                equal: newest.equal.clone(),
                limit: newest.limit,
            };
            let rows = self.find(chunk, chunk_index * CONCURRENCY, &wanted).await?;
            found.extend(rows);
            found.sort_by(|a, b| (b.time, &b.key).cmp(&(a.time, &a.key)));
            found.truncate(newest.limit);
        }
        Ok(Page { rows: self.rows(&candidates, &found).await?, complete })
    }

    /// The row with this key; the newest if several have it.
    ///
    /// # Errors
    /// When Postgres or S3 does not answer.
    pub async fn by_key(&self, key: &str) -> anyhow::Result<Option<Row>> {
        let mut candidates = self.candidates().await?;
        candidates.retain(|file| file.may_hold(key));
        candidates.sort_by_key(|file| Reverse(file.time.1));
        let wanted = Wanted { since: i64::MIN, equal: Some((self.lake.schema.key, key.to_owned())), limit: 1 };
        for (chunk_index, chunk) in candidates.chunks(CONCURRENCY).enumerate() {
            let rows = self.find(chunk, chunk_index * CONCURRENCY, &wanted).await?;
            if let Some(found) = rows.into_iter().max_by_key(|found| found.time) {
                return Ok(self.rows(&candidates, &[found]).await?.pop());
            }
        }
        Ok(None)
    }

    /// Whether Postgres answers, and what it says.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn state(&self) -> anyhow::Result<State> {
        let (location, segments) = ledger::view(&self.lake.pool, &self.lake.table_name).await?;
        Ok(State { committed: location.is_some(), staged_segments: segments.len() })
    }

    /// All files that make up the table now, committed and staged.
    async fn candidates(&self) -> anyhow::Result<Vec<FileRef>> {
        let (metadata_location, segments) = ledger::view(&self.lake.pool, &self.lake.table_name).await?;
        let committed = match metadata_location {
            Some(location) => self.files.of(&self.lake, &location).await?,
            None => Arc::default(),
        };
        let staged = segments.into_iter().map(|segment| FileRef {
            path: segment.path.into(),
            size: segment.bytes,
            time: (segment.time_min, segment.time_max),
            keys: None,
            staged: true,
        });
        Ok(committed.iter().cloned().chain(staged).collect())
    }

    /// The first pass over a few files at once; the first of them is candidate number `first`.
    async fn find(&self, files: &[FileRef], first: usize, wanted: &Wanted) -> anyhow::Result<Vec<Found>> {
        let passes =
            (first..).zip(files).map(|(position, file)| scan::find(&self.lake, &self.objects, file, position, wanted));
        Ok(try_join_all(passes).await?.into_iter().flatten().collect())
    }

    /// Reads whole rows and puts them in the order of `found`.
    async fn rows(&self, candidates: &[FileRef], found: &[Found]) -> anyhow::Result<Vec<Row>> {
        let mut by_file: BTreeMap<usize, Vec<(u64, usize)>> = BTreeMap::new();
        for (order, row) in found.iter().enumerate() {
            by_file.entry(row.file).or_default().push((row.row, order));
        }
        let reads = by_file.into_iter().filter_map(|(file, rows)| Some((candidates.get(file)?.clone(), rows)));
        let parts: Vec<Vec<(usize, Row)>> = stream::iter(reads.collect::<Vec<_>>())
            .map(|(file, mut rows)| async move {
                rows.sort_unstable();
                scan::fetch(&self.lake, &self.objects, &file, &rows).await
            })
            .buffered(CONCURRENCY)
            .try_collect()
            .await?;
        let mut rows: Vec<(usize, Row)> = parts.into_iter().flatten().collect();
        rows.sort_by_key(|(order, _)| *order);
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }
}
