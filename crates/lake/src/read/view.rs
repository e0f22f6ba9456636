//! What there is to read at a moment: the last marked commit and the segments beyond it. A view has a name, short enough
//! for a cursor, by which it is found again for as long as its files are kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::Reader;
use super::files::{FileList, FileRef};
use crate::ledger::{self, SegmentRef};

/// Segments whose rows in Postgres are known at most.
const SEGMENTS: usize = 50_000;
/// Segments that a view's name may stand for; one that has more was made by nobody.
const NAMED_MAX: usize = 100_000;

/// The state of a table at a moment. Rows that come later are not in it, rows that were there stay in it.
#[derive(Clone)]
pub struct View {
    /// Where the commit's metadata lies.
    location: Option<Arc<str>>,
    committed: FileList,
    /// Ids, ascending.
    ids: Arc<[i64]>,
    staged: Arc<[FileRef]>,
}

/// A view's name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewName {
    /// Name of the commit's metadata file, without its folder; none before the first commit.
    #[serde(rename = "m")]
    metadata: Option<String>,
    /// Staged segments, as runs of ids: how far from the last run's end one begins, and after a dot how long it is when
    /// that is more than one: `1000.3 2` is 1000, 1001, 1002 and 1004.
    #[serde(rename = "s")]
    segments: String,
}

impl ViewName {
    fn new(location: Option<&str>, ids: &[i64]) -> Self {
        let mut runs: Vec<(i64, usize)> = Vec::new();
        let mut last = 0;
        for &id in ids {
            match runs.last_mut() {
                Some((_, length)) if id == last + 1 => *length += 1,
                _ => runs.push((id - last, 1)),
            }
            last = id;
        }
        let written = runs.into_iter().map(|(distance, length)| match length {
            1 => distance.to_string(),
            length => format!("{distance}.{length}"),
        });
        let metadata = location.map(|location| file_name(location).to_owned());
        Self { metadata, segments: written.collect::<Vec<_>>().join(" ") }
    }

    /// The segments' ids, ascending; `None` when the name is not one that was given out.
    fn ids(&self) -> Option<Vec<i64>> {
        let mut ids = Vec::new();
        let mut last: i64 = 0;
        for run in self.segments.split(' ').filter(|run| !run.is_empty()) {
            let (distance, length) = run.split_once('.').unwrap_or((run, "1"));
            let (distance, length): (i64, i64) = (distance.parse().ok()?, length.parse().ok()?);
            let room = i64::try_from(NAMED_MAX - ids.len()).ok()?;
            if distance < 1 || !(1..=room).contains(&length) {
                return None;
            }
            let first = last.checked_add(distance)?;
            last = first.checked_add(length - 1)?;
            ids.extend(first..=last);
        }
        Some(ids)
    }
}

fn file_name(location: &str) -> &str {
    location.rsplit('/').next().unwrap_or(location)
}

impl View {
    /// The view's name.
    #[must_use]
    pub fn name(&self) -> ViewName {
        ViewName::new(self.location.as_deref(), &self.ids)
    }

    /// Whether the table had been committed to.
    #[must_use]
    pub fn is_committed(&self) -> bool {
        self.location.is_some()
    }

    /// Segments beyond the commit.
    #[must_use]
    pub fn staged_segments(&self) -> usize {
        self.ids.len()
    }

    pub(crate) fn files(&self) -> Vec<&FileRef> {
        self.committed.iter().chain(self.staged.iter()).collect()
    }
}

/// Staged segments by their ids. A segment's row never changes but for its mark.
#[derive(Default)]
pub(crate) struct Segments(Mutex<HashMap<i64, FileRef>>);

impl Segments {
    /// The files of these segments; `None` when one of them is gone.
    async fn of(&self, reader: &Reader, ids: &[i64]) -> anyhow::Result<Option<Arc<[FileRef]>>> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let unknown: Vec<i64> = {
            let known = lock();
            ids.iter().copied().filter(|id| !known.contains_key(id)).collect()
        };
        if !unknown.is_empty() {
            let found = ledger::segments(&reader.lake.pool, &reader.lake.table_name, &unknown).await?;
            let mut known = lock();
            if known.len() + found.len() > SEGMENTS {
                known.retain(|id, _| ids.binary_search(id).is_ok());
            }
            known.extend(found.into_iter().map(|segment| (segment.id, FileRef::from(segment))));
        }
        let known = lock();
        Ok(ids.iter().map(|id| known.get(id).cloned()).collect())
    }
}

impl From<SegmentRef> for FileRef {
    fn from(segment: SegmentRef) -> Self {
        Self {
            path: segment.path.into(),
            size: segment.bytes,
            time: (segment.time_min, segment.time_max),
            texts: Arc::new([]),
            staged: true,
        }
    }
}

impl Reader {
    /// What there is to read now.
    ///
    /// # Errors
    /// When Postgres or S3 does not answer.
    pub async fn view(&self) -> anyhow::Result<View> {
        let state = ledger::state(&self.lake.pool, &self.lake.table_name).await?;
        let staged = self.segments.of(self, &state.segments).await?;
        let staged = staged.ok_or_else(|| anyhow::anyhow!("a staged segment has no row"))?;
        self.at(state.metadata_location, state.segments, staged).await
    }

    /// The view of this name, after `now`, a later one; `None` when it is gone, or never was.
    ///
    /// # Errors
    /// When Postgres or S3 does not answer.
    pub async fn named(&self, now: &View, name: &ViewName) -> anyhow::Result<Option<View>> {
        if now.name() == *name {
            return Ok(Some(now.clone()));
        }
        // The folder is the table's: a name cannot lead anywhere else.
        let location = match (&name.metadata, &now.location) {
            (None, _) => None,
            (Some(file), Some(location)) if !file.contains('/') => {
                let folder = location.strip_suffix(file_name(location)).unwrap_or_default();
                Some(format!("{folder}{file}"))
            }
            _ => return Ok(None),
        };
        let Some(ids) = name.ids() else { return Ok(None) };
        let Some(staged) = self.segments.of(self, &ids).await? else { return Ok(None) };
        match self.at(location, ids, staged).await {
            Ok(view) => Ok(Some(view)),
            Err(error) if super::is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn at(&self, location: Option<String>, ids: Vec<i64>, staged: Arc<[FileRef]>) -> anyhow::Result<View> {
        let committed = match &location {
            Some(location) => self.files.of(&self.lake, location).await?,
            None => FileList::default(),
        };
        Ok(View { location: location.map(Arc::from), committed, ids: ids.into(), staged })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_name_tells_each_segment(ids in proptest::collection::btree_set(1_i64..5_000, 0..200)) {
            let ids: Vec<i64> = ids.into_iter().collect();
            let name = ViewName::new(Some("s3://bucket/table/metadata/00001-a.metadata.json"), &ids);
            prop_assert_eq!(name.ids(), Some(ids));
            prop_assert_eq!(name.metadata.as_deref(), Some("00001-a.metadata.json"));
        }

        #[test]
        fn any_other_name_is_refused_or_bounded(segments in "[0-9. -]{0,40}") {
            if let Some(ids) = (ViewName { metadata: None, segments }).ids() {
                prop_assert!(ids.len() <= NAMED_MAX && ids.is_sorted());
            }
        }
    }

    #[test]
    fn segments_that_follow_one_another_are_one_run() {
        let ids: Vec<i64> = (1_000_000..1_001_000).chain([1_001_005]).collect();
        assert_eq!(ViewName::new(None, &ids).segments, "1000000.1000 6");
    }
}
