//! What the stages of a record's way cost in processor time, each alone on one thread, over the same payloads.

use std::time::Duration;

use anyhow::ensure;
use chrono::Utc;
use ingest::Format;
use kit::kafka::KafkaEvent;
use lake::Lake;

use crate::cpu;

/// A writer's stages up to the finished segment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Written {
    pub(crate) records: usize,
    /// Lambda's JSON and its base64.
    pub(crate) decode: Duration,
    /// The record's own JSON, and the rules.
    pub(crate) read: Duration,
    /// Columns, encoding, zstd.
    pub(crate) parquet: Duration,
}

/// Takes each payload up to a segment, and drops that.
pub(crate) fn written<F: Format>(
    format: &F,
    lake: &Lake,
    payloads: impl Iterator<Item = impl AsRef<[u8]>>,
) -> anyhow::Result<Written> {
    let now = Utc::now();
    let mut all = Written::default();
    for payload in payloads {
        let began = cpu::of_this_thread()?;
        let event: KafkaEvent = serde_json::from_slice(payload.as_ref())?;
        let decoded = cpu::of_this_thread()?;
        let rows: Vec<_> =
            event.records.iter().filter_map(|record| Some((format.read(record, now).ok()?, record))).collect();
        ensure!(rows.len() == event.records.len(), "a record broke a rule");
        let parsed = cpu::of_this_thread()?;
        let mut segment = lake.segment()?;
        for (row, record) in &rows {
            format.push(row, record, now, &mut segment)?;
        }
        ensure!(segment.finish()?.is_some(), "no segment came of a batch");
        let built = cpu::of_this_thread()?;
        all.records += rows.len();
        all.decode += decoded - began;
        all.read += parsed - decoded;
        all.parquet += built - parsed;
    }
    Ok(all)
}
