//! The committer's steps: plan, write, commit, mark. Each can be the last one before a crash; see [`Committer`].

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use domain::lake::{CommitLimits, CommitPlan, Waiting, Watermarks, plan_commit, watermarks_of};
use iceberg::spec::DataFile;
use iceberg::table::Table;
use iceberg::transaction::{ApplyTransactionAction, Transaction};
use iceberg::{Catalog, ErrorKind};

use crate::catalog::{CatalogConfig, CatalogKind, Fence, Layered};
use crate::data_file::Place;
use crate::ledger::{self, TableStatus, WaitingSegment};
use crate::repeats::rows;
use crate::{Lake, catalog, crash, days, merge};

/// Segments that one look takes from Postgres; the plan takes fewer.
const LOOK: i64 = 5_000;

/// Commits staged segments to the Iceberg table.
///
/// The steps are separate because a crash may come between any two. After `write`: files that no snapshot names,
/// orphans. After `commit`: the table's watermark says that the segments are in, so the next plan only marks them.
/// Two committers at once both get as far as `commit`; the fence lets one through, the other begins again.
pub struct Committer {
    lake: Lake,
    catalog: Arc<dyn Catalog>,
    kind: CatalogKind,
}

/// What one commit will do.
#[derive(Debug)]
pub struct Planned {
    table: Table,
    committed: Watermarks,
    segments: Vec<WaitingSegment>,
    /// The decision.
    pub plan: CommitPlan,
}

/// Data files that are stored but in no snapshot yet.
#[derive(Debug)]
pub struct Written {
    planned: Planned,
    files: Vec<DataFile>,
}

/// How a commit ended.
#[derive(Debug)]
pub enum Commit {
    /// The table has the files, the rows and the watermarks.
    Done(Box<Committed>),
    /// Somebody else moved the watermarks first. Plan again; the files are orphans.
    Lost,
}

/// A commit that has not been marked in Postgres.
#[derive(Debug)]
pub struct Committed {
    table: Table,
    /// Rows appended.
    pub records: u64,
    /// Data files appended.
    pub files: usize,
}

impl Committer {
    /// Opens the catalog, and creates the table when it is missing.
    ///
    /// # Errors
    /// When the catalog or S3 does not answer, or a table is there whose columns are not ours.
    pub async fn open(lake: Lake, config: &CatalogConfig) -> anyhow::Result<Self> {
        let catalog = catalog::open(&lake.config, config).await?;
        catalog::ensure_table(catalog.as_ref(), &lake.config, lake.schema).await?;
        Ok(Self { lake, catalog, kind: config.kind() })
    }

    /// Which kind of catalog the table is in.
    #[must_use]
    pub fn catalog_kind(&self) -> CatalogKind {
        self.kind
    }

    /// Looks at what waits without touching the table: cheap enough to ask often.
    ///
    /// # Errors
    /// When Postgres does not answer.
    pub async fn waiting(&self) -> anyhow::Result<Waiting> {
        ledger::summary(&self.lake.pool, &self.lake.table_name).await
    }

    /// Reads the table's watermarks and the staged segments, and decides.
    ///
    /// # Errors
    /// When Postgres, the catalog or S3 does not answer.
    pub async fn plan(&self, limits: &CommitLimits) -> anyhow::Result<Planned> {
        // Segments are read before the table: read the other way round, a segment that is staged and committed in
        // between would look like a broken chain.
        let segments = ledger::waiting(&self.lake.pool, &self.lake.table_name, LOOK).await?;
        let table = self.load().await?;
        let committed = watermarks_of(table.metadata().properties());
        let staged: Vec<_> = segments.iter().map(|segment| segment.staged.clone()).collect();
        let plan = plan_commit(&committed, &staged, limits);
        Ok(Planned { table, committed, segments, plan })
    }

    /// Merges the planned segments into data files, about `target_bytes` each, and stores them.
    ///
    /// # Errors
    /// When S3 does not answer, or a segment is not what a writer writes.
    pub async fn write(&self, planned: Planned, target_bytes: usize) -> anyhow::Result<Written> {
        let taken = planned.segments.iter().filter(|segment| planned.plan.take.contains(&segment.staged.id));
        let objects: Vec<(&str, u64)> =
            taken.filter_map(|segment| Some((segment.path.as_deref()?, segment.bytes))).collect();
        let place = Place::of(planned.table.metadata());
        let files = merge::merge(&self.lake, &place, &objects, target_bytes).await?;
        let staged = planned.segments.iter().filter(|segment| planned.plan.take.contains(&segment.staged.id));
        let (expected, found) = (
            staged.map(|segment| segment.staged.records).sum::<u64>(),
            files.iter().map(DataFile::record_count).sum::<u64>(),
        );
        ensure!(expected == found, "segments hold {expected} rows, their data files {found}");
        crash::point("commit.files-written");
        Ok(Written { planned, files })
    }

    /// Appends the files and moves the watermarks, in one Iceberg commit.
    ///
    /// # Errors
    /// When the catalog or S3 does not answer. Whether the commit took place is then unknown; plan again, the
    /// watermarks tell.
    pub async fn commit(&self, written: Written) -> anyhow::Result<Commit> {
        let Written { planned, files } = written;
        let records = files.iter().map(DataFile::record_count).sum();
        let count = files.len();
        if planned.plan.take.is_empty() {
            return Ok(Commit::Done(Box::new(Committed { table: planned.table, records, files: count })));
        }
        let transaction = Transaction::new(&planned.table);
        let append = transaction
            .fast_append()
            // The fence is what keeps files from being appended twice; this check would read every manifest.
            .with_check_duplicate(false)
            .add_data_files(files)
            .set_snapshot_properties(audit(&planned));
        let transaction = append.apply(transaction).context("append the data files")?;
        let mut watermarks = transaction.update_table_properties();
        for (source, next) in &planned.plan.moves {
            watermarks = watermarks.set(source.property_key(), next.to_string());
        }
        let transaction = watermarks.apply(transaction).context("move the watermarks")?;
        let moves = planned.plan.moves;
        let fence = Fence { inner: self.catalog.as_ref(), expected: planned.committed, moves: moves.clone() };
        match transaction.commit(&Layered(fence)).await {
            Ok(_) => crash::point("commit.committed"),
            Err(error) if matches!(error.kind(), ErrorKind::PreconditionFailed | ErrorKind::CatalogCommitConflicts) => {
                tracing::info!(error = %error, "another committer was first");
                return Ok(Commit::Lost);
            }
            Err(error) => return Err(error).context("commit to the table"),
        }
        // iceberg-catalog-sql 0.10 hides the failure of its database transaction, so the table is asked.
        let table = self.load().await?;
        let found = watermarks_of(table.metadata().properties());
        let kept = moves.iter().all(|(source, next)| found.get(source).is_some_and(|found| found >= next));
        ensure!(kept, "the catalog said that the commit took place, but the table does not have it");
        Ok(Commit::Done(Box::new(Committed { table, records, files: count })))
    }

    /// Leaves the table's row in Postgres and marks the segments that it has.
    ///
    /// # Errors
    /// When Postgres does not answer; the next plan finds the segments done.
    pub async fn mark(&self, committed: &Committed, now: DateTime<Utc>) -> anyhow::Result<TableStatus> {
        let location = committed.table.metadata_location_result().context("the table has no metadata")?;
        let status = TableStatus::of(committed.table.metadata(), location, now);
        let watermarks = watermarks_of(committed.table.metadata().properties());
        let days = days::of(&committed.table).await.unwrap_or_else(|error| {
            // The marks are worth more: without them each query reads these segments beside the table.
            tracing::warn!(error = format!("{error:#}"), "the table's days are not told");
            None
        });
        ledger::mark(&self.lake.pool, &self.lake.table_name, &status, &watermarks, days).await?;
        crash::point("commit.marked");
        Ok(status)
    }

    /// Deletes the objects of segments that were committed longer than `age` ago, at most `limit`: views of
    /// before the commit are gone then ([`crate::VIEW_AGE`]). Returns how many. Keys that no window of repeats reaches any more go too.
    ///
    /// # Errors
    /// When S3 or Postgres does not answer; what is left is done the next time.
    pub async fn clean(&self, age: Duration, limit: i64) -> anyhow::Result<usize> {
        let forgotten = rows::clean(&self.lake.pool, &self.lake.table_name, self.lake.repeats.limits, limit).await?;
        tracing::debug!(lake.key_rows = forgotten, "forgot keys that no window reaches");
        let expired = ledger::expired(&self.lake.pool, &self.lake.table_name, age, limit).await?;
        let paths: Vec<String> = expired.iter().filter_map(|(_, path)| path.clone()).collect();
        self.lake.delete_all(paths).await?;
        crash::point("clean.objects-deleted");
        let ids: Vec<i64> = expired.iter().map(|(id, _)| *id).collect();
        if !ids.is_empty() {
            ledger::forget(&self.lake.pool, &ids).await?;
        }
        Ok(ids.len())
    }

    async fn load(&self) -> anyhow::Result<Table> {
        self.catalog.load_table(&catalog::ident(&self.lake.config)).await.context("load the table")
    }
}

/// A copy of what was moved, for people who look at a snapshot; the truth is the table's properties.
fn audit(planned: &Planned) -> HashMap<String, String> {
    let ranges: Vec<String> = planned
        .plan
        .moves
        .iter()
        .map(|(source, next)| {
            let first = planned.committed.get(source).map_or_else(|| "start".to_owned(), i64::to_string);
            format!("{}/{}:{first}..{next}", source.topic_id, source.partition)
        })
        .collect();
    HashMap::from([("millrace.offsets".to_owned(), ranges.join(" "))])
}
