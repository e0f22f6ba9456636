//! Which data files a commit consists of, and what their manifests say about them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use iceberg::spec::{DataFile, Datum, ManifestContentType, ManifestFile, PrimitiveLiteral};

use super::CONCURRENCY;
use super::kept::Kept;
use crate::Lake;
use crate::schema::{TableSchema, field_id};

/// The position of a text column, and the bounds of its texts.
pub(crate) type TextBounds = (usize, Box<str>, Box<str>);

/// A Parquet file, as far as a query can leave it out unread.
#[derive(Debug, Clone)]
pub(crate) struct FileRef {
    pub path: Arc<str>,
    /// Bytes.
    pub size: u64,
    /// Bounds of the time column, microseconds.
    pub time: (i64, i64),
    /// Bounds of text columns, by their position, where known.
    pub texts: Arc<[TextBounds]>,
    /// A staged segment: small, and read whole.
    pub staged: bool,
}

impl FileRef {
    /// Whether the text column at `position` may be `value` in a row.
    pub(crate) fn may_hold(&self, position: usize, value: &str) -> bool {
        let bounds = self.texts.iter().find(|(of, _, _)| *of == position);
        bounds.is_none_or(|(_, lower, upper)| lower.as_ref() <= value && value <= upper.as_ref())
    }
}

pub(crate) type FileList = Arc<Vec<FileRef>>;

/// Commits whose files are known: the newest, and those that walks are still on.
const COMMITS: usize = 16;
/// Files of all manifests that are known.
const MANIFEST_FILES: usize = 200_000;

/// The files of commits. A new commit reads only the manifests that are new.
pub(crate) struct Files(Mutex<Known>);

struct Known {
    commits: Kept<String, FileList>,
    manifests: Kept<String, FileList>,
}

impl Default for Files {
    fn default() -> Self {
        Self(Mutex::new(Known { commits: Kept::new(COMMITS), manifests: Kept::new(MANIFEST_FILES) }))
    }
}

impl Files {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The live data files of the commit whose metadata lies at `location`.
    pub(crate) async fn of(&self, lake: &Lake, location: &str) -> anyhow::Result<FileList> {
        if let Some(files) = self.known().commits.get(location) {
            return Ok(files);
        }
        let table = lake.table_at(location).await?;
        let manifests = match table.metadata().current_snapshot() {
            Some(snapshot) => table.manifest_list_reader(snapshot).load().await.context("read the manifest list")?,
            None => return Ok(FileList::default()),
        };
        let lists: Vec<FileList> = stream::iter(manifests.entries().to_vec())
            .map(|manifest| async move {
                let known = self.known().manifests.get(&manifest.manifest_path);
                if let Some(files) = known {
                    return anyhow::Ok(files);
                }
                let files: FileList = Arc::new(read(lake, &manifest).await?);
                self.known().manifests.insert(manifest.manifest_path, files.clone(), files.len().max(1));
                Ok(files)
            })
            .buffer_unordered(CONCURRENCY)
            .try_collect()
            .await?;
        let files: FileList = Arc::new(lists.iter().flat_map(|files| files.iter().cloned()).collect());
        self.known().commits.insert(location.to_owned(), files.clone(), 1);
        Ok(files)
    }
}

async fn read(lake: &Lake, manifest: &ManifestFile) -> anyhow::Result<Vec<FileRef>> {
    ensure!(
        manifest.content == ManifestContentType::Data,
        "the table has row-level deletes, which this reader does not apply"
    );
    let manifest = manifest.load_manifest(&lake.storage).await.context("read a manifest")?;
    let alive = manifest.entries().iter().filter(|entry| entry.is_alive());
    Ok(alive.map(|entry| file_ref(lake.schema, entry.data_file())).collect())
}

fn file_ref(schema: &TableSchema, file: &DataFile) -> FileRef {
    let time = field_id(schema.time);
    let long = |datum: Option<&Datum>| match datum.map(Datum::literal) {
        Some(PrimitiveLiteral::Long(micros)) => Some(*micros),
        _ => None,
    };
    let text = |datum: Option<&Datum>| match datum.map(Datum::literal) {
        Some(PrimitiveLiteral::String(text)) => Some(text.as_str().into()),
        _ => None,
    };
    let texts = (0..schema.columns.len()).filter_map(|position| {
        let id = field_id(position);
        Some((position, text(file.lower_bounds().get(&id))?, text(file.upper_bounds().get(&id))?))
    });
    FileRef {
        path: file.file_path().into(),
        size: file.file_size_in_bytes(),
        // Without bounds a file may hold anything.
        time: (
            long(file.lower_bounds().get(&time)).unwrap_or(i64::MIN),
            long(file.upper_bounds().get(&time)).unwrap_or(i64::MAX),
        ),
        texts: texts.collect(),
        staged: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_bounds_may_hold_any_text() {
        let mut file = FileRef { path: "p".into(), size: 1, time: (0, 1), texts: Arc::new([]), staged: false };
        assert!(file.may_hold(3, "5"));
        file.texts = Arc::new([(3, "10".into(), "20".into())]);
        assert!(file.may_hold(3, "15") && file.may_hold(3, "10") && !file.may_hold(3, "5") && !file.may_hold(3, "21"));
        assert!(file.may_hold(4, "5"));
    }
}
