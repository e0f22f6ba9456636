//! Which data files a commit consists of, and what their manifests say about them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use iceberg::spec::{DataFile, Datum, ManifestContentType, ManifestFile, PrimitiveLiteral};
use iceberg::table::StaticTable;

use super::CONCURRENCY;
use crate::schema::{TableSchema, field_id};
use crate::{Lake, catalog};

/// A Parquet file, as far as a query can leave it out unread.
#[derive(Debug, Clone)]
pub(crate) struct FileRef {
    pub path: Arc<str>,
    /// Bytes.
    pub size: u64,
    /// Bounds of the time column, microseconds.
    pub time: (i64, i64),
    /// Bounds of the key column, where known.
    pub keys: Option<(Arc<str>, Arc<str>)>,
    /// A staged segment: small, and read whole.
    pub staged: bool,
}

impl FileRef {
    pub(crate) fn may_hold(&self, key: &str) -> bool {
        self.keys.as_ref().is_none_or(|(lower, upper)| lower.as_ref() <= key && key <= upper.as_ref())
    }
}

type FileList = Arc<Vec<FileRef>>;

/// The files of the last commit that was asked for. A new commit reads only the manifests that are new.
#[derive(Default)]
pub(crate) struct Files(Mutex<Known>);

#[derive(Default)]
struct Known {
    metadata_location: String,
    files: FileList,
    manifests: HashMap<String, FileList>,
}

impl Files {
    /// The live data files of the commit whose metadata lies at `location`.
    pub(crate) async fn of(&self, lake: &Lake, location: &str) -> anyhow::Result<FileList> {
        let known_manifests = {
            let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if known.metadata_location == location {
                return Ok(known.files.clone());
            }
            known.manifests.clone()
        };
        let table = StaticTable::from_metadata_file(location, catalog::ident(&lake.config), lake.storage.clone())
            .await
            .with_context(|| format!("read {location}"))?
            .into_table();
        let manifests = match table.metadata().current_snapshot() {
            Some(snapshot) => table.manifest_list_reader(snapshot).load().await.context("read the manifest list")?,
            None => return Ok(FileList::default()),
        };
        let known_manifests = &known_manifests;
        let manifests: HashMap<String, FileList> = stream::iter(manifests.entries().to_vec())
            .map(|manifest| async move {
                let files = match known_manifests.get(&manifest.manifest_path) {
                    Some(files) => files.clone(),
                    None => Arc::new(read(lake, &manifest).await?),
                };
                anyhow::Ok((manifest.manifest_path, files))
            })
            .buffer_unordered(CONCURRENCY)
            .try_collect()
            .await?;
        let files: FileList = Arc::new(manifests.values().flat_map(|files| files.iter().cloned()).collect());
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Known { metadata_location: location.to_owned(), files: files.clone(), manifests };
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
    let (time, key) = (field_id(schema.time), field_id(schema.key));
    let long = |datum: Option<&Datum>| match datum.map(Datum::literal) {
        Some(PrimitiveLiteral::Long(micros)) => Some(*micros),
        _ => None,
    };
    let text = |datum: Option<&Datum>| match datum.map(Datum::literal) {
        Some(PrimitiveLiteral::String(text)) => Some(Arc::from(text.as_str())),
        _ => None,
    };
    FileRef {
        path: file.file_path().into(),
        size: file.file_size_in_bytes(),
        // Without bounds a file may hold anything.
        time: (
            long(file.lower_bounds().get(&time)).unwrap_or(i64::MIN),
            long(file.upper_bounds().get(&time)).unwrap_or(i64::MAX),
        ),
        keys: text(file.lower_bounds().get(&key)).zip(text(file.upper_bounds().get(&key))),
        staged: false,
    }
}
