//! Joins small data files of a day into larger ones: column chunks are copied, and one swap puts the new files in the
//! place of the old ones. Rows come and go in the same snapshot, so no reader ever finds one twice or not at all.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use iceberg::spec::{DataFile, ManifestEntryRef, ManifestFile};

use super::joining::{self, Rule, Sized};
use super::reach::{self, Manifests};
use super::replace::{Base, Draft};
use super::{ATTEMPTS, Maintainer, Upkeep, tidy};
use crate::crash;
use crate::data_file::{FileWriter, Place, Source};

/// Footers read at a time.
const OPENING: usize = 8;
/// A file of this size is read whole; of a larger one, first the footer and then each row group.
const HELD: u64 = 1 << 20;

/// What became of files that were to take the place of others.
enum Exchange {
    Done(Upkeep),
    /// Another commit came first; it may be tried again on that one.
    Outrun,
    /// One of the others is in the table no more.
    Gone,
}

impl Maintainer {
    /// Joins small files, where enough of them are of one day and of like size: `patience` times the setting.
    ///
    /// # Errors
    /// When Postgres or S3 does not answer.
    pub async fn join(&self, patience: usize, now: DateTime<Utc>) -> anyhow::Result<Upkeep> {
        let mut upkeep = Upkeep::default();
        if self.settings.join_files == 0 {
            return Ok(upkeep);
        }
        let Some(base) = self.base().await? else { return Ok(upkeep) };
        let (inputs, groups) = self.joinable(&base, patience).await?;
        if groups.is_empty() {
            return Ok(upkeep);
        }
        let entries = self.reach.lock().await.entries(&base.table, inputs).await?;
        let mut outputs = Vec::new();
        for group in &groups {
            outputs.extend(self.write_joined(&base, &entries, group).await?);
        }
        crash::point("maintain.files-joined");
        let hashes: HashSet<u64> = groups.into_iter().flatten().collect();
        let mut base = Some(base);
        for _ in 0..ATTEMPTS {
            let Some(current) = base.take() else { break };
            match self.exchange(&current, &hashes, &outputs, now).await? {
                Exchange::Done(done) => {
                    upkeep.add(&done);
                    return Ok(upkeep);
                }
                Exchange::Outrun => upkeep.lost += 1,
                Exchange::Gone => break,
            }
            base = self.base().await?;
        }
        // Another maintenance joined the same files, or commits came too fast: what was written is in no snapshot.
        let paths: Vec<String> = outputs.iter().map(|file| file.file_path().to_owned()).collect();
        self.lake.delete_all(paths).await?;
        Ok(upkeep)
    }

    /// The groups of files to join, by the hashes of their paths, and the manifests that hold them.
    async fn joinable(&self, base: &Base, patience: usize) -> anyhow::Result<(Vec<Arc<ManifestFile>>, Vec<Vec<u64>>)> {
        let listed = self.manifests(base).await?;
        let files = self.reach.lock().await.files(&base.table, &listed).await?;
        let spec = base.metadata().default_partition_spec_id();
        let last = base.metadata().last_sequence_number();
        let flat: Vec<(usize, reach::File)> = files
            .iter()
            .enumerate()
            .filter(|(manifest, _)| listed.get(*manifest).is_some_and(|manifest| manifest.partition_spec_id == spec))
            .flat_map(|(manifest, files)| files.iter().map(move |file| (manifest, *file)))
            .collect();
        let sized: Vec<Sized> = flat
            .iter()
            .map(|(_, file)| Sized { day: file.day, bytes: file.bytes, age: last - file.sequence })
            .collect();
        let rule = Rule { target: self.settings.file_bytes, fan_in: self.settings.join_files * patience };
        let groups = joining::next(&sized, rule);
        let chosen = |position: &usize| flat.get(*position);
        let holding: HashSet<usize> =
            groups.iter().flatten().filter_map(chosen).map(|(manifest, _)| *manifest).collect();
        let hashes = groups.iter().map(|group| group.iter().filter_map(chosen).map(|(_, file)| file.hash).collect());
        Ok((tidy::split(&listed, |position| holding.contains(&position)).0, hashes.collect()))
    }

    /// Writes the rows of a group's files into one file (into a second one when they are larger than was told).
    async fn write_joined(
        &self,
        base: &Base,
        entries: &[ManifestEntryRef],
        group: &[u64],
    ) -> anyhow::Result<Vec<DataFile>> {
        let group: HashSet<u64> = group.iter().copied().collect();
        let inputs: Vec<&ManifestEntryRef> =
            entries.iter().filter(|entry| group.contains(&reach::hash(entry.file_path()))).collect();
        let day = inputs.first().map(|entry| reach::day(entry)).context("a group of no files")?;
        let opening = inputs.iter().map(|entry| {
            let size = entry.file_size_in_bytes();
            Source::open(&self.lake, entry.file_path(), size, size <= HELD)
        });
        let sources: Vec<Source> = stream::iter(opening.collect::<Vec<_>>()).buffered(OPENING).try_collect().await?;
        let row_groups: Vec<(&Source, usize)> = sources
            .iter()
            .flat_map(|source| (0..source.row_groups().len()).map(move |row_group| (source, row_group)))
            .collect();
        let place = Place::of(base.metadata());
        let target = usize::try_from(self.settings.file_bytes).unwrap_or(usize::MAX);
        let mut writer = FileWriter::new(&self.lake, &place, day, target);
        writer.push(&row_groups).await?;
        let written = writer.finish().await?;
        let (before, after) = (
            inputs.iter().map(|entry| entry.record_count()).sum::<u64>(),
            written.iter().map(DataFile::record_count).sum::<u64>(),
        );
        ensure!(before == after, "{} files hold {before} rows, joined {after}", inputs.len());
        Ok(written)
    }

    /// Puts `outputs` in the place of the files with these hashes.
    async fn exchange(
        &self,
        base: &Base,
        inputs: &HashSet<u64>,
        outputs: &[DataFile],
        now: DateTime<Utc>,
    ) -> anyhow::Result<Exchange> {
        let listed: Manifests = self.manifests(base).await?;
        let files = self.reach.lock().await.files(&base.table, &listed).await?;
        let found = files.iter().flat_map(|files| files.iter()).filter(|file| inputs.contains(&file.hash));
        if found.count() != inputs.len() {
            return Ok(Exchange::Gone);
        }
        let holds = |position: usize| {
            files.get(position).is_some_and(|files| files.iter().any(|file| inputs.contains(&file.hash)))
        };
        let (holding, kept) = tidy::split(&listed, holds);
        let entries = self.reach.lock().await.entries(&base.table, holding).await?;
        let (replaced, others): (Vec<ManifestEntryRef>, Vec<ManifestEntryRef>) =
            entries.into_iter().partition(|entry| inputs.contains(&reach::hash(entry.file_path())));
        let expired = self.expired(base, true)?;
        let garbage = self.garbage(base, &expired).await?;
        let mut draft = Draft::new(&self.lake, base);
        tidy::carry(&mut draft, &others).await?;
        draft.deleted(&replaced).await?;
        draft.added(outputs).await?;
        let prepared = draft.finish(&kept, &tidy::ids(&expired), now).await?;
        let done = Upkeep {
            files_joined: replaced.len() as u64,
            bytes_joined: replaced.iter().map(|entry| entry.file_size_in_bytes()).sum(),
            snapshots_expired: expired.len() as u64,
            ..Upkeep::default()
        };
        let swapped = prepared.swap(&self.lake, base, &garbage).await?;
        Ok(if swapped { Exchange::Done(done) } else { Exchange::Outrun })
    }
}
