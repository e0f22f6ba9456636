//! The segments of one commit into data files, day by day.
//!
//! A row group of one day is handed to the day's [`FileWriter`] as it is. Row groups that several days share are decoded
//! a bounded number of rows at a time ("a wave": some days after one another), and their rows handed to their days. So
//! memory depends on the limits here, not on how many days a backlog spans.

mod shared;

use std::collections::BTreeMap;

use domain::lake::pace::file_bytes;
use futures::{StreamExt, TryStreamExt, stream};
use iceberg::spec::DataFile;

use self::shared::{Rows, Shared};
use crate::data_file::{FileWriter, Place, Source};
use crate::{Lake, crash};

/// Footers on their way from S3 at a time.
const OPENING: usize = 8;
/// Segments held in memory, bytes; of what is beyond, only the footers are, and the rest is fetched when its turn comes.
const HELD_BYTES: u64 = 96 << 20;
/// Decoded rows of a wave, bytes.
const WAVE_BYTES: u64 = 48 << 20;
/// A day with more than this to copy (bytes) is written beside one other, days with less beside three.
const LARGE_BYTES: u64 = 4 << 20;

/// What one day's files are made of.
#[derive(Default)]
struct Day<'a> {
    own: Vec<(&'a Source, usize)>,
    own_bytes: u64,
    shared: Vec<Rows>,
    /// As they are stored, and decoded.
    shared_bytes: u64,
    decoded_bytes: u64,
}

/// Writes the rows of these objects, `(path, bytes)`, into files of about `target` bytes, each of one day.
///
/// # Errors
/// When S3 does not answer, or an object is not what a writer writes; it is named.
pub(crate) async fn merge(
    lake: &Lake,
    place: &Place,
    objects: &[(&str, u64)],
    target: usize,
) -> anyhow::Result<Vec<DataFile>> {
    let sources = open(lake, objects).await?;
    let mut days: BTreeMap<i32, Day<'_>> = BTreeMap::new();
    let mut shared = Vec::new();
    for source in &sources {
        for (index, group) in source.row_groups().iter().enumerate() {
            let (first, last) = source.days(lake.schema, index)?;
            if first == last {
                let day = days.entry(first).or_default();
                day.own.push((source, index));
                day.own_bytes += u64::try_from(group.compressed_size()).unwrap_or(0);
            } else {
                shared.push((source, index));
            }
        }
    }
    let shared = Shared::open(lake.schema, shared).await?;
    for (day, rows) in shared.days() {
        let entry = days.entry(*day).or_default();
        entry.shared_bytes += shared.stored_bytes(rows);
        entry.decoded_bytes += shared.decoded_bytes(rows);
        entry.shared.push(*rows);
    }
    let mut files = Vec::new();
    for wave in waves(days) {
        files.extend(write(lake, place, &shared, wave, target).await?);
    }
    Ok(files)
}

async fn open(lake: &Lake, objects: &[(&str, u64)]) -> anyhow::Result<Vec<Source>> {
    let mut held = 0_u64;
    let opening = objects.iter().map(|&(path, size)| {
        held = held.saturating_add(size);
        Source::open(lake, path, size, held <= HELD_BYTES)
    });
    // Futures do nothing until the stream comes to them.
    stream::iter(opening.collect::<Vec<_>>()).buffered(OPENING).try_collect().await
}

/// Cuts the days into waves of at most [`WAVE_BYTES`] of rows to decode, or one day.
fn waves(days: BTreeMap<i32, Day<'_>>) -> Vec<Vec<(i32, Day<'_>)>> {
    let mut waves = Vec::new();
    let (mut wave, mut bytes) = (Vec::new(), 0_u64);
    for (number, day) in days {
        if !wave.is_empty() && bytes + day.decoded_bytes > WAVE_BYTES {
            waves.push(std::mem::take(&mut wave));
            bytes = 0;
        }
        bytes += day.decoded_bytes;
        wave.push((number, day));
    }
    waves.push(wave);
    waves
}

/// Writes the files of some days.
async fn write(
    lake: &Lake,
    place: &Place,
    shared: &Shared<'_>,
    wave: Vec<(i32, Day<'_>)>,
    target: usize,
) -> anyhow::Result<Vec<DataFile>> {
    let rows = wave.iter().map(|(day, content)| (*day, content.shared.as_slice())).collect();
    let mut decoded = shared.decode(rows).await?;
    let (large, small): (Vec<_>, Vec<_>) = wave.into_iter().partition(|(_, content)| content.own_bytes > LARGE_BYTES);
    let mut files = Vec::new();
    for (days, beside) in [(large, 2), (small, 4)] {
        let writing: Vec<_> = days
            .into_iter()
            .map(|(day, content)| {
                let rows = decoded.take(day);
                let batches = decoded.batches();
                async move {
                    let bytes = file_bytes(content.own_bytes + content.shared_bytes, target as u64);
                    let target = usize::try_from(bytes).unwrap_or(target);
                    let mut writer = FileWriter::new(lake, place, day, target);
                    writer.push(&content.own).await?;
                    if let Some(rows) = shared::gather(&batches, &rows)? {
                        writer.push_rows(rows).await?;
                    }
                    let files = writer.finish().await?;
                    crash::point("commit.file-written");
                    anyhow::Ok(files)
                }
            })
            .collect();
        let mut writing = stream::iter(writing).buffer_unordered(beside);
        while let Some(finished) = writing.try_next().await? {
            files.extend(finished);
        }
    }
    Ok(files)
}
