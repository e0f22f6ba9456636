//! Deletes what was noted as unreachable, once no query can still read it.

use std::time::Instant;

use iceberg::spec::SnapshotRef;

use super::{DELETED, Maintainer, Upkeep, rows};
use crate::crash;

/// Objects that one request deletes.
const TOGETHER: usize = 250;

impl Maintainer {
    /// Deletes the objects that were noted long enough ago, a bounded number.
    ///
    /// # Errors
    /// When Postgres or S3 does not answer; what is left is deleted the next time.
    pub async fn collect(&self) -> anyhow::Result<Upkeep> {
        let (pool, table, age) = (&self.lake.pool, &self.lake.table_name, self.settings.garbage_age);
        if rows::garbage(pool, table, age, &[], 1).await?.is_empty() {
            return Ok(Upkeep::default());
        }
        let Some(base) = self.base().await? else { return Ok(Upkeep::default()) };
        // Metadata files are noted before they leave the log, because commits drop them from it without a trace.
        let mut kept: Vec<String> = vec![base.pointers.location.clone()];
        kept.extend(base.pointers.marked.iter().map(|(location, _)| location.clone()));
        kept.extend(base.metadata().metadata_log().iter().map(|entry| entry.metadata_file.clone()));
        let noted = rows::garbage(pool, table, age, &kept, DELETED).await?;
        let snapshots: Vec<SnapshotRef> = base.metadata().snapshots().cloned().collect();
        // Another engine can bring back a snapshot that was expired: what is reached again stays.
        let reached = self.reach.lock().await.all(&base.table, &snapshots).await?;
        let (again, gone): (Vec<String>, Vec<String>) = noted.into_iter().partition(|path| reached.holds(path));
        if !again.is_empty() {
            tracing::warn!(lake.objects = again.len(), "objects noted for deletion are in use again and stay");
            rows::forget(pool, table, &again).await?;
        }
        let began = Instant::now();
        for some in gone.chunks(TOGETHER) {
            self.lake.delete_all(some.to_vec()).await?;
            crash::point("maintain.objects-deleted");
            rows::forget(pool, table, some).await?;
        }
        tracing::debug!(lake.objects = gone.len(), duration_ms = ?began.elapsed().as_millis(), "deleted");
        Ok(Upkeep { deleted: gone.len() as u64, ..Upkeep::default() })
    }
}
