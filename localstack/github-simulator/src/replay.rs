//! A feed of recorded events: a file with one event a line, as GH Archive publishes them (decompressed).

use crate::feed::{WINDOW, slot_at};
use anyhow::{Context, bail};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use std::path::Path;

/// A recorded file and when its showing began. The first poll sees the first 300 events; from then on the feed moves on
/// by `rate` events a second and stands still at the end of the file.
#[derive(Debug)]
pub struct Replay {
    lines: Vec<Bytes>,
    rate: f64,
    began_slot: u64,
}

impl Replay {
    /// Reads the whole file: an hour of GH Archive is a few hundred megabytes. Blank lines are left out.
    ///
    /// # Errors
    /// When the file cannot be read, is still compressed, or holds no line.
    pub fn open(path: &Path, rate: f64, began: DateTime<Utc>) -> anyhow::Result<Self> {
        let file = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
        if file.starts_with(&[0x1f, 0x8b]) {
            bail!("{} is compressed: run gunzip on it first", path.display());
        }
        let file = Bytes::from(file);
        let lines: Vec<Bytes> = file
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::trim_ascii)
            .filter(|line| !line.is_empty())
            .map(|line| file.slice_ref(line))
            .collect();
        if lines.is_empty() {
            bail!("{} holds no event", path.display());
        }
        Ok(Self { lines, rate, began_slot: slot_at(began, rate) })
    }

    pub(crate) fn window(&self, now: DateTime<Utc>) -> Vec<u64> {
        let shown = slot_at(now, self.rate).saturating_sub(self.began_slot).saturating_add(WINDOW as u64);
        let end = shown.min(self.lines.len() as u64);
        (0..end).rev().take(WINDOW).collect()
    }

    pub(crate) fn render(&self, sequence: u64) -> Bytes {
        usize::try_from(sequence).ok().and_then(|line| self.lines.get(line)).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn recorded(lines: usize) -> (tempfile::NamedTempFile, DateTime<Utc>) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for line in 0..lines {
            writeln!(file, r#"{{"id":"{line}","odd" : [ 1 ]}}"#).unwrap();
        }
        (file, DateTime::from_timestamp(1_790_000_000, 0).unwrap())
    }

    #[test]
    fn begins_with_the_first_events_moves_on_and_stops_at_the_end() {
        let (file, began) = recorded(350);
        let replay = Replay::open(file.path(), 5.0, began).unwrap();
        assert_eq!(replay.window(began).first(), Some(&299));
        assert_eq!(replay.window(began + chrono::TimeDelta::seconds(4)).first(), Some(&319));
        let end = replay.window(began + chrono::TimeDelta::hours(1));
        assert_eq!((end.first(), end.last(), end.len()), (Some(&349), Some(&50), 300));
    }

    #[test]
    fn serves_a_line_byte_for_byte() {
        let (file, began) = recorded(2);
        let replay = Replay::open(file.path(), 5.0, began).unwrap();
        assert_eq!(replay.render(1), r#"{"id":"1","odd" : [ 1 ]}"#);
    }

    #[test]
    fn a_compressed_file_is_refused_with_what_to_do() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&[0x1f, 0x8b, 8, 0]).unwrap();
        let error = Replay::open(file.path(), 5.0, Utc::now()).unwrap_err();
        assert!(error.to_string().contains("gunzip"), "{error}");
    }
}
