//! Merges manifests and expires snapshots, in one swap: both shorten what each commit reads and writes.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, Utc};
use iceberg::spec::{ManifestContentType, ManifestEntryRef, ManifestFile, SnapshotRef};

use super::reach::{self, Manifests};
use super::replace::{Base, Draft, Prepared, referenced};
use super::{ATTEMPTS, Maintainer, Upkeep, expiry, manifests};

/// Metadata files at the end of the log that are in no danger to be deleted.
const LOG_KEPT: usize = 50;

impl Maintainer {
    /// Merges manifests and expires snapshots, where that is worth it.
    ///
    /// # Errors
    /// When Postgres or S3 does not answer.
    pub async fn tidy(&self, now: DateTime<Utc>) -> anyhow::Result<Upkeep> {
        let mut upkeep = Upkeep::default();
        for _ in 0..ATTEMPTS {
            let Some(base) = self.base().await? else { break };
            let listed = self.manifests(&base).await?;
            let chosen = mergeable(&base, &listed);
            let expired = self.expired(&base, !chosen.is_empty())?;
            if chosen.is_empty() && expired.is_empty() {
                break;
            }
            let garbage = self.garbage(&base, &expired).await?;
            let (ids, merged) = (ids(&expired), chosen.len() as u64);
            let draft = Draft::new(&self.lake, &base);
            let prepared = if chosen.is_empty() {
                draft.without(&ids).await?
            } else {
                self.merge(draft, &base, &listed, &chosen, &ids, now).await?
            };
            if prepared.swap(&self.lake, &base, &garbage).await? {
                upkeep.manifests_merged += merged;
                upkeep.snapshots_expired += ids.len() as u64;
                break;
            }
            upkeep.lost += 1;
        }
        Ok(upkeep)
    }

    /// The current snapshot's manifests.
    pub(super) async fn manifests(&self, base: &Base) -> anyhow::Result<Manifests> {
        let lists = self.reach.lock().await.lists(&base.table, std::slice::from_ref(&base.current)).await?;
        lists.into_iter().next().context("the current snapshot has no manifest list")
    }

    async fn merge(
        &self,
        mut draft: Draft<'_>,
        base: &Base,
        listed: &Manifests,
        chosen: &[usize],
        expired: &[i64],
        now: DateTime<Utc>,
    ) -> anyhow::Result<Prepared> {
        let chosen: HashSet<usize> = chosen.iter().copied().collect();
        let (merged, kept) = split(listed, |position| chosen.contains(&position));
        let live = self.reach.lock().await.entries(&base.table, merged).await?;
        carry(&mut draft, &live).await?;
        draft.finish(&kept, expired, now).await
    }

    /// The snapshots to expire, `riding` along with another change or on their own.
    pub(super) fn expired(&self, base: &Base, riding: bool) -> anyhow::Result<Vec<SnapshotRef>> {
        let metadata = base.metadata();
        if metadata.snapshots().len() <= self.settings.snapshots {
            return Ok(Vec::new());
        }
        let mut protected: BTreeSet<i64> = referenced(metadata)?.into_iter().collect();
        protected.extend(base.pointers.marked.as_ref().and_then(|(_, snapshot)| *snapshot));
        let all: Vec<(i64, i64)> =
            metadata.snapshots().map(|snapshot| (snapshot.snapshot_id(), snapshot.sequence_number())).collect();
        let ids = expiry::expired(&all, &protected, self.settings.snapshots, riding);
        Ok(ids.into_iter().filter_map(|id| metadata.snapshot_by_id(id).cloned()).collect())
    }

    /// What nothing will reach when these snapshots are gone, and metadata files that are about to leave the log.
    pub(super) async fn garbage(&self, base: &Base, expired: &[SnapshotRef]) -> anyhow::Result<Vec<String>> {
        let log = base.metadata().metadata_log();
        let leaving = log.iter().take(log.len().saturating_sub(LOG_KEPT));
        let mut garbage: Vec<String> = leaving.map(|entry| entry.metadata_file.clone()).collect();
        if expired.is_empty() {
            return Ok(garbage);
        }
        let gone: HashSet<i64> = expired.iter().map(|snapshot| snapshot.snapshot_id()).collect();
        let snapshots = base.metadata().snapshots();
        let retained: Vec<SnapshotRef> =
            snapshots.filter(|snapshot| !gone.contains(&snapshot.snapshot_id())).cloned().collect();
        let mut known = self.reach.lock().await;
        garbage.extend(known.unreached(&base.table, expired, &retained).await?);
        Ok(garbage)
    }
}

pub(super) fn ids(snapshots: &[SnapshotRef]) -> Vec<i64> {
    snapshots.iter().map(|snapshot| snapshot.snapshot_id()).collect()
}

/// Positions of the manifests to merge. Those of another partitioning, or with deletes, are left alone.
fn mergeable(base: &Base, listed: &Manifests) -> Vec<usize> {
    let spec = base.metadata().default_partition_spec_id();
    let live = |manifest: &ManifestFile| {
        let ours = manifest.partition_spec_id == spec && manifest.content == ManifestContentType::Data;
        let files = manifest.added_files_count.zip(manifest.existing_files_count).filter(|_| ours);
        files.map_or(manifests::FULL, |(added, existing)| u64::from(added) + u64::from(existing))
    };
    manifests::mergeable(&listed.iter().map(|manifest| live(manifest)).collect::<Vec<_>>())
}

/// The manifests that `chosen` names, and the others.
pub(super) fn split(
    listed: &Manifests,
    chosen: impl Fn(usize) -> bool,
) -> (Vec<Arc<ManifestFile>>, Vec<Arc<ManifestFile>>) {
    let (chosen, others): (Vec<_>, Vec<_>) =
        listed.iter().cloned().enumerate().partition(|(position, _)| chosen(*position));
    let files = |numbered: Vec<(usize, Arc<ManifestFile>)>| numbered.into_iter().map(|(_, file)| file).collect();
    (files(chosen), files(others))
}

/// Writes live entries into manifests, each of few days.
pub(super) async fn carry(draft: &mut Draft<'_>, live: &[ManifestEntryRef]) -> anyhow::Result<()> {
    let days: Vec<i32> = live.iter().map(|entry| reach::day(entry)).collect();
    for positions in manifests::by_day(&days, usize::try_from(manifests::FULL).unwrap_or(usize::MAX)) {
        let piece: Vec<ManifestEntryRef> =
            positions.into_iter().filter_map(|position| live.get(position).cloned()).collect();
        draft.existing(&piece).await?;
    }
    Ok(())
}
