//! What snapshots reach: manifest lists, manifests, data files. All are immutable, so each is read once.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use iceberg::io::FileIO;
use iceberg::spec::{
    Literal, ManifestContentType, ManifestEntry, ManifestEntryRef, ManifestFile, PrimitiveLiteral, SnapshotRef,
};
use iceberg::table::Table;

/// Objects read at a time.
const CONCURRENCY: usize = 8;

/// A list's manifests.
pub(crate) type Manifests = Arc<Vec<Arc<ManifestFile>>>;

/// What is known of manifest lists and manifests. Data files are kept as 64-bit hashes of their paths: two that share
/// one make an object stay that could go, never the reverse.
#[derive(Default)]
pub(crate) struct Reach {
    lists: HashMap<String, Manifests>,
    files: HashMap<String, Files>,
    /// Those of small manifests, which are read again soon: when their files are joined and when they are merged.
    entries: HashMap<String, Vec<ManifestEntryRef>>,
}

/// Live files up to which a manifest's entries are kept.
const SMALL: usize = 32;

/// What is kept of a live data file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct File {
    /// Of its path.
    pub hash: u64,
    pub day: i32,
    pub bytes: u64,
    /// Of the commit that added it.
    pub sequence: i64,
}

/// A manifest's live files.
pub(crate) type Files = Arc<Vec<File>>;

/// Everything that some snapshots reach.
#[derive(Default)]
pub(crate) struct Reached {
    /// Paths of manifest lists and manifests.
    pub metadata: HashSet<String>,
    /// Hashes of live data files' paths.
    pub files: HashSet<u64>,
}

impl Reached {
    pub(crate) fn holds(&self, path: &str) -> bool {
        self.metadata.contains(path) || self.files.contains(&hash(path))
    }
}

pub(crate) fn hash(path: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}

impl Reach {
    /// The manifests of each snapshot.
    pub(crate) async fn lists(&mut self, table: &Table, snapshots: &[SnapshotRef]) -> anyhow::Result<Vec<Manifests>> {
        let missing = snapshots.iter().filter(|snapshot| !self.lists.contains_key(snapshot.manifest_list()));
        let missing: Vec<SnapshotRef> = missing.cloned().collect();
        let read: Vec<(String, Manifests)> = stream::iter(missing)
            .map(|snapshot| async move {
                let list = table.manifest_list_reader(&snapshot).load().await.context("read a manifest list")?;
                let manifests = list.consume_entries().into_iter().map(Arc::new).collect();
                anyhow::Ok((snapshot.manifest_list().to_owned(), Arc::new(manifests)))
            })
            .buffer_unordered(CONCURRENCY)
            .try_collect()
            .await?;
        self.lists.extend(read);
        let lists = snapshots.iter().map(|snapshot| self.lists.get(snapshot.manifest_list()).cloned());
        lists.collect::<Option<_>>().context("a manifest list was not read")
    }

    /// The live files of each manifest.
    pub(crate) async fn files(&mut self, table: &Table, manifests: &[Arc<ManifestFile>]) -> anyhow::Result<Vec<Files>> {
        let missing: Vec<_> =
            manifests.iter().filter(|manifest| !self.files.contains_key(&manifest.manifest_path)).cloned().collect();
        let mut reading = stream::iter(missing)
            .map(|manifest| async move { anyhow::Ok((live(table.file_io(), &manifest).await?, manifest)) })
            .buffer_unordered(CONCURRENCY);
        while let Some((entries, manifest)) = reading.try_next().await? {
            let files = entries.iter().map(|entry| File::of(entry)).collect();
            self.files.insert(manifest.manifest_path.clone(), Arc::new(files));
            if entries.len() <= SMALL {
                self.entries.insert(manifest.manifest_path.clone(), entries);
            }
        }
        let files = manifests.iter().map(|manifest| self.files.get(&manifest.manifest_path).cloned());
        files.collect::<Option<_>>().context("a manifest was not read")
    }

    /// The live entries of manifests, in their order.
    pub(crate) async fn entries(
        &self,
        table: &Table,
        manifests: Vec<Arc<ManifestFile>>,
    ) -> anyhow::Result<Vec<ManifestEntryRef>> {
        let reading = stream::iter(manifests).map(|manifest| async move {
            match self.entries.get(&manifest.manifest_path) {
                Some(entries) => Ok(entries.clone()),
                None => live(table.file_io(), &manifest).await,
            }
        });
        let read: Vec<Vec<ManifestEntryRef>> = reading.buffered(CONCURRENCY).try_collect().await?;
        Ok(read.into_iter().flatten().collect())
    }

    /// Everything that these snapshots reach; what else is known is dropped.
    pub(crate) async fn all(&mut self, table: &Table, snapshots: &[SnapshotRef]) -> anyhow::Result<Reached> {
        let mut reached = Reached::default();
        let mut manifests: HashMap<String, Arc<ManifestFile>> = HashMap::new();
        for list in self.lists(table, snapshots).await? {
            manifests.extend(list.iter().map(|manifest| (manifest.manifest_path.clone(), manifest.clone())));
        }
        reached.metadata.extend(snapshots.iter().map(|snapshot| snapshot.manifest_list().to_owned()));
        self.lists.retain(|path, _| reached.metadata.contains(path));
        self.files.retain(|path, _| manifests.contains_key(path));
        self.entries.retain(|path, _| manifests.contains_key(path));
        self.files(table, &manifests.into_values().collect::<Vec<_>>()).await?;
        reached.metadata.extend(self.files.keys().cloned());
        reached.files.extend(self.files.values().flat_map(|files| files.iter().map(|file| file.hash)));
        Ok(reached)
    }

    /// What the `expired` snapshots reach and the `retained` ones do not.
    pub(crate) async fn unreached(
        &mut self,
        table: &Table,
        expired: &[SnapshotRef],
        retained: &[SnapshotRef],
    ) -> anyhow::Result<Vec<String>> {
        let lists = self.lists(table, expired).await?;
        let before = self.files.clone();
        let reached = self.all(table, retained).await?;
        let mut garbage: BTreeSet<String> =
            expired.iter().map(|snapshot| snapshot.manifest_list().to_owned()).collect();
        for manifest in lists.iter().flat_map(|list| list.iter()) {
            let path = &manifest.manifest_path;
            if reached.metadata.contains(path) || !garbage.insert(path.clone()) {
                continue;
            }
            // A merged manifest's files are all in another one: what is known of it saves reading it once more.
            if before.get(path).is_some_and(|files| files.iter().all(|file| reached.files.contains(&file.hash))) {
                continue;
            }
            let live = live(table.file_io(), manifest).await?;
            garbage.extend(live.iter().map(|entry| entry.file_path().to_owned()).filter(|file| !reached.holds(file)));
        }
        Ok(garbage.into_iter().collect())
    }
}

impl File {
    fn of(entry: &ManifestEntry) -> Self {
        let file = entry.data_file();
        let sequence = entry.sequence_number().unwrap_or(0);
        Self { hash: hash(entry.file_path()), day: day(entry), bytes: file.file_size_in_bytes(), sequence }
    }
}

/// A manifest's live entries.
pub(crate) async fn live(storage: &FileIO, manifest: &ManifestFile) -> anyhow::Result<Vec<ManifestEntryRef>> {
    ensure!(
        manifest.content == ManifestContentType::Data,
        "the table has row-level deletes, which maintenance does not know"
    );
    let path = &manifest.manifest_path;
    let manifest = manifest.load_manifest(storage).await.with_context(|| format!("read {path}"))?;
    let (entries, _) = manifest.into_parts();
    Ok(entries.into_iter().filter(|entry| entry.is_alive()).collect())
}

/// The day of a file's partition.
pub(crate) fn day(entry: &ManifestEntry) -> i32 {
    match entry.data_file().partition().fields().first() {
        Some(Some(Literal::Primitive(PrimitiveLiteral::Int(day)))) => *day,
        _ => i32::MIN,
    }
}
