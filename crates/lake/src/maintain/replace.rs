//! A commit of our own: iceberg 0.10 appends and nothing else, so a snapshot that replaces manifests, or expires other
//! snapshots, is built here and put in place by a compare-and-swap of the catalog's pointer.
//!
//! What another commit has changed meanwhile cannot be lost: the swap takes place only while the pointer is the one
//! that this was built on. Table properties, the watermarks among them, are carried over as they are.

use std::collections::HashSet;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use iceberg::MetadataLocation;
use iceberg::spec::{
    DataFile, FormatVersion, MAIN_BRANCH, ManifestEntry, ManifestEntryRef, ManifestFile, ManifestListWriter,
    ManifestWriter, ManifestWriterBuilder, Snapshot, SnapshotRef, TableMetadata,
};
use iceberg::table::Table;
use uuid::Uuid;

use super::rows::{self, Pointers};
use super::totals::{Sum, summary};
use crate::ledger::TableStatus;
use crate::{Lake, crash};

/// The table that a change is built on.
pub(crate) struct Base {
    pub table: Table,
    pub pointers: Pointers,
    /// What the current snapshot lists.
    pub current: SnapshotRef,
}

impl Base {
    /// The table at `pointers`; `known` is the table as it was read last. `None` when it has no snapshot yet.
    pub(crate) async fn load(lake: &Lake, pointers: Pointers, known: Option<Table>) -> anyhow::Result<Option<Self>> {
        let table = match known.filter(|table| table.metadata_location() == Some(&pointers.location)) {
            Some(table) => table,
            None => lake.table_at(&pointers.location).await?,
        };
        ensure!(
            table.metadata().format_version() == FormatVersion::V2,
            "the table is of format {}, maintenance knows v2",
            table.metadata().format_version()
        );
        let current = table.metadata().snapshot_for_ref(MAIN_BRANCH).cloned();
        Ok(current.map(|current| Self { table, pointers, current }))
    }

    pub(crate) fn metadata(&self) -> &TableMetadata {
        self.table.metadata()
    }
}

/// A snapshot in the making. Its manifests are written one by one; [`Draft::finish`] writes the rest.
pub(crate) struct Draft<'a> {
    lake: &'a Lake,
    base: &'a Base,
    snapshot_id: i64,
    id: Uuid,
    manifests: Vec<ManifestFile>,
    added: Sum,
    removed: Sum,
    /// Written so far: deleted again when the swap is lost.
    written: Vec<String>,
}

/// New metadata that is stored, and that nothing points to yet.
pub(crate) struct Prepared {
    metadata: TableMetadata,
    location: String,
    written: Vec<String>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(lake: &'a Lake, base: &'a Base) -> Self {
        let mut snapshot_id = random_id();
        while base.metadata().snapshot_by_id(snapshot_id).is_some() {
            snapshot_id = random_id();
        }
        let (added, removed) = (Sum::default(), Sum::default());
        Self { lake, base, snapshot_id, id: Uuid::now_v7(), manifests: Vec::new(), added, removed, written: Vec::new() }
    }

    fn path(&mut self, name: &str) -> String {
        let path = format!("{}/metadata/{name}", self.base.metadata().location());
        self.written.push(path.clone());
        path
    }

    fn writer(&mut self) -> anyhow::Result<ManifestWriter> {
        let path = self.path(&format!("{}-m{}.avro", self.id, self.manifests.len()));
        let output = self.lake.storage.new_output(&path).with_context(|| format!("write {path}"))?;
        let metadata = self.base.metadata();
        let (schema, spec) = (metadata.current_schema().clone(), metadata.default_partition_spec().as_ref().clone());
        Ok(ManifestWriterBuilder::new(output, Some(self.snapshot_id), schema, spec).build_v2_data())
    }

    async fn end(&mut self, writer: ManifestWriter) -> anyhow::Result<()> {
        self.manifests.push(writer.write_manifest_file().await.context("write a manifest")?);
        crash::point("maintain.manifest-written");
        Ok(())
    }

    /// A manifest of files that the table has already; each keeps the snapshot and sequence numbers it came with.
    pub(crate) async fn existing(&mut self, entries: &[ManifestEntryRef]) -> anyhow::Result<()> {
        let mut writer = self.writer()?;
        for entry in entries {
            let (snapshot, sequence) = numbers(entry)?;
            let file = entry.data_file().clone();
            writer
                .add_existing_file(file, snapshot, sequence, entry.file_sequence_number)
                .context("carry over a manifest's entry")?;
        }
        self.end(writer).await
    }

    /// A manifest that says which files are in the table no more.
    pub(crate) async fn deleted(&mut self, entries: &[ManifestEntryRef]) -> anyhow::Result<()> {
        let mut writer = self.writer()?;
        for entry in entries {
            self.removed.add(entry.data_file());
            let (_, sequence) = numbers(entry)?;
            let file = entry.data_file().clone();
            writer.add_delete_file(file, sequence, entry.file_sequence_number).context("write a deleted entry")?;
        }
        self.end(writer).await
    }

    /// A manifest of new files.
    pub(crate) async fn added(&mut self, files: &[DataFile]) -> anyhow::Result<()> {
        let mut writer = self.writer()?;
        let sequence = self.base.metadata().next_sequence_number();
        for file in files {
            self.added.add(file);
            writer.add_file(file.clone(), sequence).context("write an added entry")?;
        }
        self.end(writer).await
    }

    /// Writes the manifest list and the metadata: the snapshot has `kept` manifests of the current one and those
    /// written here, and `expired` snapshots are gone.
    pub(crate) async fn finish(
        mut self,
        kept: &[Arc<ManifestFile>],
        expired: &[i64],
        now: DateTime<Utc>,
    ) -> anyhow::Result<Prepared> {
        // Replacing files must not change what is in the table.
        ensure!(
            self.added.records == self.removed.records,
            "a replacement would change the table: {:?} for {:?}",
            self.added,
            self.removed
        );
        let metadata = self.base.metadata();
        let (parent, sequence) = (self.base.current.snapshot_id(), metadata.next_sequence_number());
        let path = self.path(&format!("snap-{}-0-{}.avro", self.snapshot_id, self.id));
        let output = self.lake.storage.new_output(&path).with_context(|| format!("write {path}"))?;
        let writer = output.writer().await.with_context(|| format!("write {path}"))?;
        let mut list = ManifestListWriter::v2(writer, self.snapshot_id, Some(parent), sequence);
        let manifests = kept.iter().map(|manifest| manifest.as_ref().clone());
        list.add_manifests(manifests.chain(std::mem::take(&mut self.manifests))).context("list the manifests")?;
        list.close().await.with_context(|| format!("write {path}"))?;
        let snapshot = Snapshot::builder()
            .with_snapshot_id(self.snapshot_id)
            .with_parent_snapshot_id(Some(parent))
            .with_sequence_number(sequence)
            // A clock that is behind another worker's must not go back in the table's history.
            .with_timestamp_ms(now.timestamp_millis().max(self.base.current.timestamp_ms()))
            .with_manifest_list(path)
            .with_summary(summary(self.base.current.summary(), self.added, self.removed))
            .with_schema_id(metadata.current_schema_id())
            .build();
        self.store(Some(snapshot), expired).await
    }

    /// Writes metadata without `expired` snapshots and with no new one.
    pub(crate) async fn without(self, expired: &[i64]) -> anyhow::Result<Prepared> {
        self.store(None, expired).await
    }

    async fn store(mut self, snapshot: Option<Snapshot>, expired: &[i64]) -> anyhow::Result<Prepared> {
        let old = &self.base.pointers.location;
        let mut builder = self.base.metadata().clone().into_builder(Some(old.clone()));
        if let Some(snapshot) = snapshot {
            builder = builder.set_branch_snapshot(snapshot, MAIN_BRANCH).context("add the snapshot")?;
        }
        for &id in expired {
            builder = builder.remove_statistics(id).remove_partition_statistics(id);
        }
        let metadata = builder.remove_snapshots(expired).build().context("build the table's metadata")?.metadata;
        let location = MetadataLocation::from_str(old).with_context(|| format!("read the name of {old}"))?;
        let location = location.with_next_version().with_new_metadata(&metadata);
        self.written.push(location.to_string());
        metadata.write_to(&self.lake.storage, &location).await.context("write the table's metadata")?;
        crash::point("maintain.metadata-written");
        Ok(Prepared { metadata, location: location.to_string(), written: self.written })
    }
}

impl Prepared {
    /// Puts the metadata in place; `false` when another commit came first. `garbage` is what nothing reaches then.
    pub(crate) async fn swap(self, lake: &Lake, base: &Base, garbage: &[String]) -> anyhow::Result<bool> {
        let before = DateTime::from_timestamp_millis(base.current.timestamp_ms()).unwrap_or_default();
        let status = TableStatus::of(&self.metadata, &self.location, before);
        let swapped = rows::swap(&lake.pool, &lake.config, &base.pointers.location, &status, garbage).await?;
        if swapped {
            crash::point("maintain.swapped");
            return Ok(true);
        }
        for path in self.written {
            if let Err(error) = lake.delete(&path).await {
                tracing::warn!(error = format!("{error:#}"), lake.object = path, "left an orphan behind");
            }
        }
        Ok(false)
    }
}

fn random_id() -> i64 {
    let (high, low) = Uuid::new_v4().as_u64_pair();
    ((high ^ low) & (u64::MAX >> 1)).cast_signed()
}

/// The snapshot that an entry's file came with, and the sequence number of its rows.
fn numbers(entry: &ManifestEntry) -> anyhow::Result<(i64, i64)> {
    let found = entry.snapshot_id().zip(entry.sequence_number());
    found.with_context(|| format!("{} has no snapshot or sequence number", entry.file_path()))
}

/// The ids that branches and tags name. iceberg gives no access to them other than by name.
pub(crate) fn referenced(metadata: &TableMetadata) -> anyhow::Result<HashSet<i64>> {
    let json = serde_json::to_value(metadata).context("read the table's references")?;
    let refs = json.get("refs").and_then(serde_json::Value::as_object);
    let ids = refs.into_iter().flat_map(|refs| refs.values()).filter_map(|name| name.get("snapshot-id")?.as_i64());
    Ok(ids.chain(metadata.current_snapshot_id()).collect())
}
