//! Which files changed: the system's events, gathered until an editor has finished.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use super::changes::is_ignored;

/// A change is complete when nothing more has come for so long; editors write a file in several steps.
const QUIET: Duration = Duration::from_millis(30);

/// The longest that a change is waited for to be complete.
const GATHER_LIMIT: Duration = Duration::from_millis(500);

/// Changed files, as they come.
pub(super) struct Files {
    events: mpsc::UnboundedReceiver<PathBuf>,
    watcher: RecommendedWatcher,
    /// Folders that are watched with what lies in them, but not below; new folders in them are watched when they come.
    shallow: BTreeSet<PathBuf>,
}

impl Files {
    /// Watches nothing yet.
    pub(super) fn new() -> anyhow::Result<Self> {
        let (sender, events) = mpsc::unbounded_channel();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let Ok(event) = event else { return };
            // Reading is no change, and the compiler reads all the time.
            if !matches!(event.kind, EventKind::Access(_)) {
                for path in event.paths {
                    // Nobody listens any more when the stack ends.
                    let _ = sender.send(path);
                }
            }
        });
        Ok(Self { events, watcher: watcher.context("watch files")?, shallow: BTreeSet::new() })
    }

    /// Watches a folder and all below it, but for what is ignored there: build output has thousands of folders.
    pub(super) fn add(&mut self, folder: &Path) -> anyhow::Result<()> {
        if !self.shallow.insert(folder.to_owned()) {
            return Ok(());
        }
        self.watch(folder, RecursiveMode::NonRecursive)?;
        let entries = std::fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
        let folders = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir());
        for below in folders.filter(|path| !is_ignored(path, folder)) {
            self.watch(&below, RecursiveMode::Recursive)?;
        }
        Ok(())
    }

    /// Watches a folder, and nothing below it.
    pub(super) fn add_flat(&mut self, folder: &Path) -> anyhow::Result<()> {
        self.watch(folder, RecursiveMode::NonRecursive)
    }

    fn watch(&mut self, folder: &Path, mode: RecursiveMode) -> anyhow::Result<()> {
        self.watcher.watch(folder, mode).with_context(|| format!("watch {}", folder.display()))
    }

    /// The next change: all files that changed together. `None` when nothing can change any more.
    pub(super) async fn next(&mut self) -> Option<BTreeSet<PathBuf>> {
        let mut paths = BTreeSet::from([self.events.recv().await?]);
        let limit = tokio::time::Instant::now() + GATHER_LIMIT;
        while let Ok(Some(path)) =
            tokio::time::timeout_at(limit.min(tokio::time::Instant::now() + QUIET), self.events.recv()).await
        {
            paths.insert(path);
        }
        self.follow(&paths);
        Some(paths)
    }

    /// Watches folders that are new.
    fn follow(&mut self, paths: &BTreeSet<PathBuf>) {
        for path in paths.iter().filter(|path| path.is_dir()) {
            let of_shallow =
                path.parent().is_some_and(|parent| self.shallow.contains(parent) && !is_ignored(path, parent));
            // One that is gone again needs no watch.
            if of_shallow {
                let _ = self.watch(path, RecursiveMode::Recursive);
            }
        }
    }
}
