//! When the table is kept: after so many commits, and whenever nothing waits. One worker does both under one lease, so
//! that commits and maintenance meet only when a second worker runs.

use std::time::{Duration, Instant};

use chrono::Utc;
use kit::Env;
use kit::metrics::Metrics;
use lake::{Committer, Maintainer, Maintenance, Upkeep};

use crate::commit_worker::Summary;

/// Segment objects deleted in one step.
const CLEAN_LIMIT: i64 = 2_000;
/// How long nothing is looked for when nothing was committed.
const REST: Duration = Duration::from_secs(60);

/// Reads how the table is kept; faults are kept in `env`.
pub(crate) fn settings(env: &mut Env, file_bytes: u64) -> Maintenance {
    let default = Maintenance::default();
    let mut seconds = |name: &str, default: Duration| Duration::from_secs(env.parsed_or(name, default.as_secs()));
    let garbage_age = seconds("LAKE_GARBAGE_AGE_SECONDS", default.garbage_age);
    let orphan_age = seconds("LAKE_ORPHAN_AGE_SECONDS", default.orphan_age);
    let sweep_every = seconds("LAKE_SWEEP_SECONDS", default.sweep_every);
    Maintenance {
        snapshots: env.parsed_or("LAKE_SNAPSHOTS_KEPT", default.snapshots),
        garbage_age,
        file_bytes,
        join_files: env.parsed_or("LAKE_JOIN_FILES", default.join_files),
        orphan_age,
        sweep_every,
        dry_run: env.parsed_or("LAKE_SWEEP_DRY_RUN", default.dry_run),
        ..default
    }
}

/// The upkeep of one invocation.
pub(crate) struct Keeper<'a> {
    /// None: another engine keeps the table. Objects of old segments are deleted all the same.
    maintainer: Option<&'a Maintainer>,
    /// Commits between two steps while more wait.
    every: u64,
    /// Commits since the last step, or what it left to do.
    since: u64,
    last: Option<Instant>,
}

impl<'a> Keeper<'a> {
    pub(crate) fn new(maintainer: Option<&'a Maintainer>, every: u64) -> Self {
        Self { maintainer, every: every.max(1), since: 0, last: None }
    }

    /// Something was committed.
    pub(crate) fn committed(&mut self) {
        self.since += 1;
    }

    /// Whether to do a step now; `idle` when no commit is due.
    pub(crate) fn is_due(&self, idle: bool) -> bool {
        let rested = self.last.is_none_or(|last| last.elapsed() >= REST);
        self.since >= self.every || (idle && (self.since > 0 || rested))
    }

    /// One step. A failure is logged and does not end the invocation: commits must go on.
    pub(crate) async fn step(&mut self, committer: &Committer, idle: bool, summary: &mut Summary) {
        let began = Instant::now();
        let done = self.try_step(committer, idle).await;
        (self.since, self.last) = (0, Some(Instant::now()));
        let (upkeep, cleaned) = match done {
            Ok(done) => done,
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "maintenance failed; it goes on later");
                return;
            }
        };
        summary.upkeep.add(&upkeep);
        summary.cleaned += cleaned;
        if upkeep.more() || cleaned > 0 {
            self.since = u64::from(idle);
        }
        if upkeep.changed() || cleaned > 0 {
            report(&upkeep, cleaned, began.elapsed());
        }
    }

    async fn try_step(&self, committer: &Committer, idle: bool) -> anyhow::Result<(Upkeep, usize)> {
        let upkeep = match self.maintainer {
            Some(maintainer) => maintainer.step(!idle, Utc::now()).await?,
            None => Upkeep::default(),
        };
        Ok((upkeep, committer.clean(lake::KEPT_AGE, CLEAN_LIMIT).await?))
    }
}

fn report(upkeep: &Upkeep, cleaned: usize, took: Duration) {
    Metrics::new("Millrace/Lake", Utc::now())
        .count("manifests_merged", upkeep.manifests_merged)
        .count("snapshots_expired", upkeep.snapshots_expired)
        .count("files_joined", upkeep.files_joined)
        .bytes("bytes_joined", upkeep.bytes_joined)
        .count("objects_deleted", upkeep.deleted + cleaned as u64)
        .count("orphans", upkeep.orphans)
        .duration("maintenance", took)
        .emit();
    tracing::info!(
        lake.manifests_merged = upkeep.manifests_merged,
        lake.snapshots_expired = upkeep.snapshots_expired,
        lake.files_joined = upkeep.files_joined,
        lake.bytes_joined = upkeep.bytes_joined,
        lake.objects_deleted = upkeep.deleted,
        lake.segments_deleted = cleaned,
        lake.objects_listed = upkeep.listed,
        lake.orphans = upkeep.orphans,
        lake.orphan_bytes = upkeep.orphan_bytes,
        lake.lost = upkeep.lost,
        duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "kept the table"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_due_after_some_commits_or_when_nothing_waits() {
        let mut keeper = Keeper::new(None, 2);
        assert!(keeper.is_due(true) && !keeper.is_due(false), "the first look of an invocation");
        keeper.last = Some(Instant::now());
        assert!(!keeper.is_due(true), "nothing was committed since");
        keeper.committed();
        assert!(keeper.is_due(true) && !keeper.is_due(false));
        keeper.committed();
        assert!(keeper.is_due(false));
    }

    #[test]
    fn settings_have_defaults_and_variables() {
        let mut env = Env::from_pairs([("LAKE_SNAPSHOTS_KEPT", "7"), ("LAKE_SWEEP_DRY_RUN", "true")]);
        let read = settings(&mut env, 1 << 20);
        assert_eq!((read.snapshots, read.dry_run, read.file_bytes), (7, true, 1 << 20));
        assert_eq!(read.garbage_age, Maintenance::default().garbage_age);
        assert!(env.finish().is_ok());
    }
}
