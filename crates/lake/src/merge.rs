//! The segments of one commit into data files, day by day.

use std::collections::BTreeMap;

use anyhow::ensure;
use futures::{StreamExt, TryStreamExt, stream};
use iceberg::spec::DataFile;

use crate::data_file::{FileWriter, Place, Source};
use crate::{Lake, crash};

/// Footers on their way from S3 at a time.
const OPENING: usize = 8;
/// Segments held in memory, bytes; of what is beyond, only the footers are, and the rest is fetched when its turn comes.
const HELD_BYTES: u64 = 128 << 20;

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
    let mut days: BTreeMap<i32, Vec<(&Source, usize)>> = BTreeMap::new();
    for source in &sources {
        for row_group in 0..source.row_groups().len() {
            let (first, last) = source.days(lake.schema, row_group)?;
            ensure!(first == last, "row group {row_group} of {} spans days: {first} to {last}", source.path());
            days.entry(first).or_default().push((source, row_group));
        }
    }
    let mut files = Vec::new();
    for (day, row_groups) in days {
        let mut writer = FileWriter::new(lake, place, day, target);
        writer.push(&row_groups).await?;
        files.extend(writer.finish().await?);
        crash::point("commit.file-written");
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
