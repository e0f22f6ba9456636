//! The committer's loop: staged segments into commits of the table, one worker at a time.
//!
//! A schedule has a minute's precision, so one invocation loops until its time is nearly over, or until nothing has come
//! for a while (a function costs nothing while nothing flows). A lease keeps a second worker away; should both run, the
//! fence of the commit lets one through.

use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::Utc;
use domain::lake::pace::{Pace, Step};
use futures::FutureExt;
use kit::Invocation;
use kit::metrics::Metrics;
use lake::{CatalogConfig, CatalogKind, Commit, Committer, Lake, Maintainer, Upkeep};
use pg::Lease;
use serde::Serialize;
use sqlx::PgPool;
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::settings::Settings;
use crate::upkeep::Keeper;

/// The lease outlives a missed renewal, and not by much.
const LEASE: Duration = Duration::from_secs(30);
/// What is kept back of an invocation's time: enough to end a commit that has begun.
const RESERVE: Duration = Duration::from_secs(10);

/// What an invocation did.
#[derive(Debug, Default, Serialize, PartialEq, Eq)]
pub struct Summary {
    /// False when another committer holds the lease; the rest is zero then.
    pub held_lease: bool,
    /// Snapshots committed.
    pub commits: u64,
    /// Rows in them.
    pub records: u64,
    /// Commits that another committer outran.
    pub lost: u64,
    /// Old segment objects deleted.
    pub cleaned: usize,
    /// What was done to keep the table.
    pub upkeep: Upkeep,
}

/// Commits one table; nothing of it connects before the first invocation.
pub struct CommitWorker {
    lake: Lake,
    pool: PgPool,
    catalog: CatalogConfig,
    settings: Settings,
    committer: OnceCell<Committer>,
    maintainer: Maintainer,
}

impl CommitWorker {
    /// A worker for this lake, whose table is in `catalog`; `pool` is for its lease.
    pub fn new(lake: Lake, pool: PgPool, catalog: CatalogConfig, settings: Settings) -> Self {
        let maintainer = Maintainer::new(lake.clone(), settings.maintenance.clone());
        Self { lake, pool, catalog, settings, committer: OnceCell::new(), maintainer }
    }

    async fn open(&self) -> anyhow::Result<Committer> {
        Committer::open(self.lake.clone(), &self.catalog).await
    }

    /// Commits what waits, for as long as the invocation may run.
    ///
    /// # Errors
    /// When Postgres, the catalog or S3 does not answer, or the lease was lost.
    pub async fn run(&self, invocation: &Invocation) -> anyhow::Result<Summary> {
        let name = format!("lake-committer/{}", self.lake.name());
        // Unique to this invocation: a retried one must not share the lease of one that is still running.
        let holder = Uuid::new_v4().to_string();
        let Some(lease) = Lease::acquire(&self.pool, &name, &holder, LEASE).await? else {
            tracing::info!("another committer holds the lease");
            return Ok(Summary::default());
        };
        let worked = self.work(&lease, invocation).await;
        let released = lease.release(&self.pool).await;
        let summary = worked?;
        released?;
        Ok(summary)
    }

    async fn work(&self, lease: &Lease, invocation: &Invocation) -> anyhow::Result<Summary> {
        // A REST catalog's token outlives an invocation, but not the process, and its client does not renew it.
        let fresh;
        let committer = if self.catalog.kind() == CatalogKind::Rest {
            fresh = self.open().await?;
            &fresh
        } else {
            self.committer.get_or_try_init(|| self.open()).await?
        };
        let mut summary = Summary { held_lease: true, ..Summary::default() };
        let mut renewed = Instant::now();
        let mut last_seen = Instant::now();
        // Only in the catalog that is ours can anything but rows be changed.
        let ours = self.settings.maintain_commits > 0 && self.catalog.kind().is_ours();
        let mut keeper = Keeper::new(ours.then_some(&self.maintainer), self.settings.maintain_commits);
        let mut pace = Pace::default();
        // An invocation of a short timeout still does something.
        let reserve = RESERVE.min(invocation.remaining() / 4);
        while invocation.remaining() > reserve && last_seen.elapsed() < self.settings.idle {
            if renewed.elapsed() > LEASE / 3 {
                lease.renew(&self.pool).await?;
                renewed = Instant::now();
            }
            let waiting = committer.waiting().await?;
            if waiting.records > 0 {
                last_seen = Instant::now();
            }
            let step = pace.step(&waiting, &self.settings.limits);
            let due = step == Step::Commit;
            let keeping = keeper.is_due(!due);
            if let (Step::LookIn(pause), false) = (step, keeping) {
                tokio::time::sleep(pause).await;
                continue;
            }
            lease.renew(&self.pool).await?;
            if keeping {
                self.renewing(lease, keeper.step(committer, !due, &mut summary).map(Ok)).await?;
            } else {
                self.renewing(lease, commit_once(committer, &self.settings, &mut summary)).await?;
                keeper.committed();
                lease.succeed(&self.pool).await?;
                // However long it took: more may wait.
                last_seen = Instant::now();
            }
            renewed = Instant::now();
        }
        lease.succeed(&self.pool).await?;
        Ok(summary)
    }

    /// Runs `work`, which may take longer than a lease lasts.
    async fn renewing<T>(&self, lease: &Lease, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(LEASE / 3) => lease.renew(&self.pool).await?,
            }
        }
    }
}

/// One commit of what waits now.
async fn commit_once(committer: &Committer, settings: &Settings, summary: &mut Summary) -> anyhow::Result<()> {
    let began = Instant::now();
    let planned = committer.plan(&settings.limits).await?;
    let (taken, done, blocked) = (planned.plan.take.len(), planned.plan.done.len(), planned.plan.blocked.len());
    if blocked > 0 {
        tracing::error!(lake.segments_blocked = blocked, "segments do not continue the table's watermarks; they wait");
    }
    if taken == 0 && done == 0 {
        // All that is due is blocked; asking again at once would change nothing.
        tokio::time::sleep(LEASE / 10).await;
        return Ok(());
    }
    let written = committer.write(planned, settings.file_bytes).await?;
    let write_ms = began.elapsed().as_millis();
    match committer.commit(written).await.context("commit staged segments")? {
        Commit::Lost => summary.lost += 1,
        Commit::Done(committed) => {
            let status = committer.mark(&committed, Utc::now()).await?;
            summary.commits += u64::from(taken > 0);
            summary.records += committed.records;
            Metrics::new("Millrace/Lake", Utc::now())
                .count("commits", u64::from(taken > 0))
                .count("committed_records", committed.records)
                .duration("commit", began.elapsed())
                .emit();
            tracing::info!(
                lake.segments = taken,
                lake.segments_found_done = done,
                lake.records = committed.records,
                lake.files = committed.files,
                lake.snapshot_id = status.snapshot_id,
                write_ms = u64::try_from(write_ms).unwrap_or(u64::MAX),
                duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
                "committed"
            );
        }
    }
    Ok(())
}
