//! Maintenance's side of Postgres: the catalog's pointer, the table's row, and what is to be deleted
//! (`migrations/metadata/0005_lake_maintenance.sql`).

use std::time::Duration;

use anyhow::Context;
use sqlx::types::Json;
use sqlx::{PgPool, Row};

use crate::config::Config;
use crate::ledger::TableStatus;

/// Where the table is now.
#[derive(Debug, Clone)]
pub(crate) struct Pointers {
    /// What the catalog points to.
    pub location: String,
    /// What queries begin with: the last marked commit's metadata and snapshot.
    pub marked: Option<(String, Option<i64>)>,
}

/// Reads both pointers; `None` when this Postgres is not the catalog of the table.
pub(crate) async fn pointers(pool: &PgPool, config: &Config) -> anyhow::Result<Option<Pointers>> {
    let row = sqlx::query(
        "select c.metadata_location, t.metadata_location as marked_location, t.snapshot_id
           from iceberg_tables c left join lake_tables t on t.table_name = $4
          where c.catalog_name = $1 and c.table_namespace = $2 and c.table_name = $3
            and c.metadata_location is not null",
    )
    .bind(&config.catalog)
    .bind(&config.namespace)
    .bind(&config.table)
    .bind(config.table_name())
    .fetch_optional(pool)
    .await
    .context("read the table's pointer")?;
    let Some(row) = row else { return Ok(None) };
    let read = || -> sqlx::Result<Pointers> {
        let marked: Option<String> = row.try_get("marked_location")?;
        let snapshot: Option<i64> = row.try_get("snapshot_id")?;
        Ok(Pointers {
            location: row.try_get("metadata_location")?,
            marked: marked.map(|location| (location, snapshot)),
        })
    };
    read().context("read the table's pointer").map(Some)
}

/// Moves the catalog's pointer from `old` to what `status` says, notes what nothing reaches any more, and moves the
/// table's row along, all in one transaction. `false`, and nothing changed, when the pointer is elsewhere by now.
///
/// The row moves only when its watermarks are those of the new metadata. If they are not, a commit is not marked yet:
/// its rows are still read from their segments, and must not be read from the table too. Its mark moves the row.
pub(crate) async fn swap(
    pool: &PgPool,
    config: &Config,
    old: &str,
    status: &TableStatus,
    garbage: &[String],
) -> anyhow::Result<bool> {
    let mut transaction = pool.begin().await.context("begin to move the table's pointer")?;
    let moved = sqlx::query(
        "update iceberg_tables set metadata_location = $5, previous_metadata_location = $4
          where catalog_name = $1 and table_namespace = $2 and table_name = $3 and metadata_location = $4",
    )
    .bind(&config.catalog)
    .bind(&config.namespace)
    .bind(&config.table)
    .bind(old)
    .bind(&status.metadata_location)
    .execute(&mut *transaction)
    .await
    .context("move the table's pointer")?;
    if moved.rows_affected() != 1 {
        transaction.rollback().await.context("give up moving the table's pointer")?;
        return Ok(false);
    }
    sqlx::query(
        "update lake_tables set metadata_location = $3, snapshot_id = $4, sequence_number = $5, files = $6, bytes = $7
          where table_name = $1 and table_uuid = $2 and sequence_number <= $5 and watermarks = $8",
    )
    .bind(config.table_name())
    .bind(status.table_uuid)
    .bind(&status.metadata_location)
    .bind(status.snapshot_id)
    .bind(status.sequence_number)
    .bind(status.files)
    .bind(status.bytes)
    .bind(Json(&status.watermarks))
    .execute(&mut *transaction)
    .await
    .context("move the table's row")?;
    sqlx::query(
        "insert into lake_garbage (table_name, object_path) select $1, unnest($2::text[]) on conflict do nothing",
    )
    .bind(config.table_name())
    .bind(garbage)
    .execute(&mut *transaction)
    .await
    .context("note what is to be deleted")?;
    transaction.commit().await.context("commit the table's pointer")?;
    Ok(true)
}

/// What was noted longer than `age` ago and is not in `kept`, oldest first, at most `limit`.
pub(crate) async fn garbage(
    pool: &PgPool,
    table: &str,
    age: Duration,
    kept: &[String],
    limit: i64,
) -> anyhow::Result<Vec<String>> {
    sqlx::query_scalar(
        "select object_path from lake_garbage
          where table_name = $1 and noted_at <= now() - make_interval(secs => $2) and object_path <> all($3)
          order by noted_at limit $4",
    )
    .bind(table)
    .bind(age.as_secs_f64())
    .bind(kept)
    .bind(limit)
    .fetch_all(pool)
    .await
    .context("read what is to be deleted")
}

/// Forgets objects that are gone, or that were noted and are in use after all.
pub(crate) async fn forget(pool: &PgPool, table: &str, paths: &[String]) -> anyhow::Result<()> {
    // In one order everywhere, else two that delete the same could block each other.
    sqlx::query(
        "delete from lake_garbage where table_name = $1 and object_path in (
             select object_path from lake_garbage where table_name = $1 and object_path = any($2)
              order by object_path for update)",
    )
    .bind(table)
    .bind(paths)
    .execute(pool)
    .await
    .context("forget what is deleted")?;
    Ok(())
}

/// Which of these objects have a row: a staged or committed segment, or noted to be deleted at its time.
pub(crate) async fn known(pool: &PgPool, table: &str, paths: &[String]) -> anyhow::Result<Vec<String>> {
    sqlx::query_scalar(
        "select object_path from lake_segments where object_path = any($2)
         union select object_path from lake_garbage where table_name = $1 and object_path = any($2)",
    )
    .bind(table)
    .bind(paths)
    .fetch_all(pool)
    .await
    .context("look for rows of listed objects")
}
