//! What calls have changed, in a file, so that a stop outlives a restart as it does on AWS.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::{instance::write_whole, mapping::MappingChange, schedule_source::ScheduleChange};

/// The settings of one instance.
#[derive(Debug)]
pub struct Settings {
    path: PathBuf,
    kept: Mutex<Kept>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Kept {
    #[serde(default)]
    mappings: BTreeMap<String, MappingChange>,
    #[serde(default)]
    schedules: BTreeMap<String, ScheduleChange>,
    #[serde(default)]
    functions: BTreeMap<String, FunctionChange>,
}

/// What was changed of a function.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct FunctionChange {
    /// Its reserved concurrency; `None` takes away what the template reserves.
    reserved_concurrency: Option<u32>,
}

impl Settings {
    /// Reads the file; none means that nothing was changed.
    ///
    /// # Errors
    /// When there is a file that cannot be understood.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let kept = match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| format!("understand {}", path.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Kept::default(),
            Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
        };
        Ok(Self { path: path.to_owned(), kept: Mutex::new(kept) })
    }

    /// What was changed of a mapping.
    #[must_use]
    pub fn mapping(&self, logical_id: &str) -> Option<MappingChange> {
        self.lock().mappings.get(logical_id).cloned()
    }

    /// What was changed of a schedule.
    #[must_use]
    pub fn schedule(&self, name: &str) -> Option<ScheduleChange> {
        self.lock().schedules.get(name).cloned()
    }

    /// A function's reserved concurrency when it was changed: `Some(None)` says that nothing is reserved any more.
    #[must_use]
    pub fn concurrency(&self, logical_id: &str) -> Option<Option<u32>> {
        self.lock().functions.get(logical_id).map(|change| change.reserved_concurrency)
    }

    /// Keeps a function's reserved concurrency.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_concurrency(&self, logical_id: &str, reserved: Option<u32>) -> anyhow::Result<()> {
        let mut kept = self.lock();
        kept.functions.insert(logical_id.to_owned(), FunctionChange { reserved_concurrency: reserved });
        self.write(&kept)
    }

    /// Adds to what was changed of a mapping.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_mapping(&self, logical_id: &str, change: &MappingChange) -> anyhow::Result<()> {
        let mut kept = self.lock();
        let mapping = kept.mappings.entry(logical_id.to_owned()).or_default();
        mapping.enabled = change.enabled.or(mapping.enabled);
        mapping.batch_size = change.batch_size.or(mapping.batch_size);
        mapping.batching_window_seconds = change.batching_window_seconds.or(mapping.batching_window_seconds);
        self.write(&kept)
    }

    /// Replaces a schedule's settings.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_schedule(&self, name: &str, change: &ScheduleChange) -> anyhow::Result<()> {
        let mut kept = self.lock();
        kept.schedules.insert(name.to_owned(), change.clone());
        self.write(&kept)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, kept: &Kept) -> anyhow::Result<()> {
        write_whole(&self.path, &serde_json::to_vec_pretty(kept).context("write the settings")?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_outlives_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("settings.json");
        let settings = Settings::load(&path).unwrap();
        settings.set_mapping("Writer", &MappingChange { enabled: Some(false), ..MappingChange::default() }).unwrap();
        settings.set_mapping("Writer", &MappingChange { batch_size: Some(7), ..MappingChange::default() }).unwrap();
        let again = Settings::load(&path).unwrap().mapping("Writer").unwrap();
        assert_eq!((again.enabled, again.batch_size), (Some(false), Some(7)));
        settings.set_concurrency("F", Some(3)).unwrap();
        settings.set_concurrency("G", None).unwrap();
        let again = Settings::load(&path).unwrap();
        let concurrency = ["F", "G", "H"].map(|function| again.concurrency(function));
        assert_eq!(concurrency, [Some(Some(3)), Some(None), None]);
    }
}
