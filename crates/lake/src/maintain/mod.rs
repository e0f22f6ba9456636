//! The table's upkeep, where its catalog is the Postgres of the lake: manifests merged, snapshots expired, small files
//! joined, and deleted what nothing reaches.
//!
//! A step is bounded, safe beside commits and other maintenance, and may die anywhere: what changes the table is one
//! compare-and-swap of the catalog's pointer ([`replace`]), and what is to be deleted is noted in the transaction that
//! makes it unreachable ([`rows`]) and deleted later, when no query can still read it ([`collect`]). What a dead or
//! outrun worker wrote in vain is found by listing ([`sweep`]).

mod collect;
mod expiry;
mod join;
mod joining;
mod manifests;
mod reach;
mod replace;
mod rows;
mod sweep;
mod tidy;
mod totals;

use std::time::Duration;

use chrono::{DateTime, Utc};
use iceberg::table::Table;
use serde::Serialize;
use tokio::sync::Mutex;

use crate::Lake;
use reach::Reach;
use replace::Base;

/// Times that a step begins again after another commit came first.
const ATTEMPTS: usize = 4;
/// While commits wait, files are joined when there are so many times the number that is enough otherwise.
const BUSY: usize = 8;
/// Objects deleted in one step.
const DELETED: i64 = 1_000;

/// How the table is kept.
#[derive(Debug, Clone)]
pub struct Maintenance {
    /// Snapshots kept for time travel; older ones expire. Each commit reads and writes all of them.
    pub snapshots: usize,
    /// What no retained snapshot reaches is deleted after so long. Views that need it are gone then ([`crate::VIEW_AGE`]).
    pub garbage_age: Duration,
    /// Size towards which small data files are joined, bytes.
    pub file_bytes: u64,
    /// Small files of a day that are joined at least, while files are added to it; 0 joins none.
    pub join_files: usize,
    /// An object that nothing knows is an orphan when it is so old. No commit may last longer.
    pub orphan_age: Duration,
    /// How often all objects are listed in search of orphans; zero never.
    pub sweep_every: Duration,
    /// Objects listed in one step.
    pub sweep_objects: usize,
    /// Whether orphans are counted and logged, and not deleted.
    pub dry_run: bool,
}

impl Default for Maintenance {
    fn default() -> Self {
        Self {
            snapshots: 100,
            garbage_age: crate::KEPT_AGE,
            file_bytes: 128 << 20,
            join_files: 8,
            orphan_age: Duration::from_secs(24 * 3_600),
            sweep_every: Duration::from_secs(24 * 3_600),
            sweep_objects: 2_000,
            dry_run: false,
        }
    }
}

/// What maintenance did.
#[derive(Debug, Clone, Copy, Default, Serialize, PartialEq, Eq)]
pub struct Upkeep {
    /// Manifests that were merged into fewer.
    pub manifests_merged: u64,
    /// Snapshots that are gone from the table's history.
    pub snapshots_expired: u64,
    /// Small data files that were joined.
    pub files_joined: u64,
    /// Their size, bytes.
    pub bytes_joined: u64,
    /// Objects deleted that no snapshot reached any more.
    pub deleted: u64,
    /// Objects looked at in search of orphans.
    pub listed: u64,
    /// Orphans found. They are deleted, unless it is a dry run.
    pub orphans: u64,
    /// Size of the orphans, bytes.
    pub orphan_bytes: u64,
    /// Times that another commit came first.
    pub lost: u64,
}

impl Upkeep {
    /// Adds what another step did.
    pub fn add(&mut self, other: &Self) {
        self.manifests_merged += other.manifests_merged;
        self.snapshots_expired += other.snapshots_expired;
        self.files_joined += other.files_joined;
        self.bytes_joined += other.bytes_joined;
        self.deleted += other.deleted;
        self.listed += other.listed;
        self.orphans += other.orphans;
        self.orphan_bytes += other.orphan_bytes;
        self.lost += other.lost;
    }

    /// Whether there was anything to do but look.
    pub fn changed(&self) -> bool {
        *self != Self { listed: self.listed, ..Self::default() }
    }

    /// Whether a further step would probably find something to do at once.
    pub fn more(&self) -> bool {
        *self != Self::default()
    }
}

/// What each commit reads and writes of the table's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Retained snapshots.
    pub snapshots: usize,
    /// Manifests of the current one.
    pub manifests: usize,
    /// Size of the metadata file.
    pub metadata_bytes: usize,
}

/// Keeps one table. Its steps may run beside commits and beside another's.
pub struct Maintainer {
    lake: Lake,
    settings: Maintenance,
    reach: Mutex<Reach>,
    /// The table as it was read last: between two changes it is read once.
    table: Mutex<Option<Table>>,
}

impl Maintainer {
    /// Nothing connects before the first step.
    pub fn new(lake: Lake, settings: Maintenance) -> Self {
        Self { lake, settings, reach: Mutex::default(), table: Mutex::default() }
    }

    /// The table as it is now; `None` when this Postgres is not its catalog, or it has no snapshot yet.
    async fn base(&self) -> anyhow::Result<Option<Base>> {
        let Some(pointers) = rows::pointers(&self.lake.pool, &self.lake.config).await? else { return Ok(None) };
        let mut known = self.table.lock().await;
        let base = Base::load(&self.lake, pointers, known.clone()).await?;
        *known = base.as_ref().map(|base| base.table.clone());
        Ok(base)
    }

    /// How large the table's history is; `None` when it has none yet, or its catalog is elsewhere.
    ///
    /// # Errors
    /// When Postgres or S3 does not answer.
    pub async fn sizes(&self) -> anyhow::Result<Option<Sizes>> {
        let Some(base) = self.base().await? else { return Ok(None) };
        Ok(Some(Sizes {
            snapshots: base.metadata().snapshots().len(),
            manifests: self.manifests(&base).await?.len(),
            metadata_bytes: self.lake.read(&base.pointers.location).await?.len(),
        }))
    }

    /// Everything once, each in its bounds: join, tidy, collect, sweep. A table whose catalog is elsewhere is left alone.
    /// While commits wait (`busy`), only what is urgent is done.
    ///
    /// # Errors
    /// When Postgres or S3 does not answer. What is done is done; the next step goes on from there.
    pub async fn step(&self, busy: bool, now: DateTime<Utc>) -> anyhow::Result<Upkeep> {
        let mut upkeep = self.join(if busy { BUSY } else { 1 }, now).await?;
        upkeep.add(&self.tidy(now).await?);
        upkeep.add(&self.collect().await?);
        if !busy {
            upkeep.add(&self.sweep(now).await?);
        }
        Ok(upkeep)
    }
}
