//! Pieces of a partition: some thousand rows of one table, by ranges of keys.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use domain::posts::Partition;
use futures::TryStreamExt;
use pg::Held;
use sqlx::{PgConnection, PgPool};

use crate::seat::{Hopeless, Taken};
use crate::table::{Key, TABLES, Table};

/// The columns of each table.
pub(crate) type Columns = BTreeMap<String, Vec<String>>;

/// One piece: keys behind `after`, up to `until`; `None`: without a limit.
#[derive(Debug, Clone)]
pub(crate) struct Piece<'a> {
    pub(crate) table: &'a Table,
    pub(crate) partition: Partition,
    pub(crate) after: Option<Key>,
    pub(crate) until: Option<Key>,
}

/// How many rows a piece has, and a hash over all of them.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Digest {
    pub(crate) rows: i64,
    hash: String,
}

/// The columns of all tables of a shard, those of later migrations too: whatever a row has is moved.
pub(crate) async fn columns(pool: &PgPool) -> anyhow::Result<Columns> {
    let names: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
    let columns: Vec<(String, Vec<String>)> = sqlx::query_as(
        "select c.relname::text, array_agg(quote_ident(a.attname) order by a.attname)
         from pg_class c join pg_attribute a on a.attrelid = c.oid
         where c.oid = any(select to_regclass(name) from unnest($1::text[]) name) and a.attnum > 0 and not a.attisdropped
         group by 1",
    )
    .bind(names)
    .fetch_all(pool)
    .await
    .context("read the columns of a shard's tables")?;
    Ok(columns.into_iter().collect())
}

impl<'a> Piece<'a> {
    /// The piece of the source behind `after`: `rows` rows, or all that are left and everything behind them.
    pub(crate) async fn behind(
        source: &PgPool,
        table: &'a Table,
        partition: Partition,
        after: Option<Key>,
        rows: u32,
    ) -> anyhow::Result<Self> {
        let until = format!(
            "select {} from {} where {} order by {} offset {} limit 1",
            table.key_as_text(),
            table.name,
            table.range(partition, after.as_ref(), None),
            table.order(),
            rows.saturating_sub(1)
        );
        let until: Option<Key> = sqlx::query_scalar(&until)
            .persistent(false)
            .fetch_optional(source)
            .await
            .with_context(|| format!("find the next piece of {}", table.name))?;
        Ok(Self { table, partition, after, until })
    }

    fn range(&self) -> String {
        self.table.range(self.partition, self.after.as_ref(), self.until.as_ref())
    }

    /// Its digest at a shard: of all columns of all rows in the order of their keys. Times are written in UTC, which is what
    /// sqlx asks each connection for, so equal rows have equal text everywhere.
    pub(crate) async fn digest(&self, at: &PgPool, columns: &Columns) -> anyhow::Result<Digest> {
        let digest = format!(
            "select count(*) as rows, coalesce(encode(sha256(string_agg(
                 sha256(convert_to(row({})::text, 'UTF8')), ''::bytea order by {})), 'hex'), '') as hash
             from {} where {}",
            self.columns(columns)?,
            self.table.order(),
            self.table.name,
            self.range()
        );
        let digest = sqlx::query_as(&digest).persistent(false).fetch_one(at).await;
        digest.with_context(|| format!("take the digest of a piece of {}", self.table.name))
    }

    /// Makes the target's rows of the piece those of the source, in the transaction that holds the target's row. Rows pass
    /// through as they come.
    pub(crate) async fn replace(&self, source: &PgPool, target: &mut Taken, columns: &Columns) -> anyhow::Result<u64> {
        let (name, range, columns) = (self.table.name, self.range(), self.columns(columns)?);
        let connection = target.connection();
        sqlx::query(&format!("delete from {name} where {range}"))
            .persistent(false)
            .execute(&mut *connection)
            .await
            .with_context(|| format!("delete a piece of {name} at the target"))?;
        let out = format!("copy (select {columns} from {name} where {range}) to stdout (format binary)");
        let into = format!("copy {name} ({columns}) from stdin (format binary)");
        let mut source = Held::acquire(source).await.context("reach the source")?;
        let rows = copy(&mut source, &out, connection, &into).await;
        let rows = rows.with_context(|| format!("copy a piece of {name}"))?;
        source.give_back();
        Ok(rows)
    }

    fn columns(&self, columns: &Columns) -> Result<String, Hopeless> {
        let of_table = columns.get(self.table.name).map(|columns| columns.join(", "));
        of_table.ok_or_else(|| Hopeless(format!("the source has no table {}", self.table.name)))
    }
}

async fn copy(source: &mut PgConnection, out: &str, target: &mut PgConnection, into: &str) -> anyhow::Result<u64> {
    let mut into = target.copy_in_raw(into).await.context("open the target")?;
    let passed = async {
        let mut rows = source.copy_out_raw(out).await.context("open the source")?;
        while let Some(bytes) = rows.try_next().await.context("read from the source")? {
            into.send(bytes).await.context("write to the target")?;
        }
        anyhow::Ok(())
    };
    match passed.await {
        Ok(()) => into.finish().await.context("finish at the target"),
        Err(error) => {
            // The transaction is rolled back anyway; the connection must not wait for the rest.
            let _ = into.abort("the source failed").await;
            Err(error)
        }
    }
}

/// Deletes up to `rows` rows of a partition in the transaction that holds its row. 0: there are none.
pub(crate) async fn delete(taken: &mut Taken, partition: Partition, rows: i64) -> anyhow::Result<u64> {
    ensure!(rows > 0, "a piece of no rows");
    for Table { name, .. } in TABLES {
        let delete = format!(
            "delete from {name} where ctid = any(array(select ctid from {name} where partition = $1 limit $2))"
        );
        let delete = sqlx::query(&delete).bind(partition.number()).bind(rows);
        let deleted = delete.execute(taken.connection()).await.with_context(|| format!("delete rows of {name}"))?;
        if deleted.rows_affected() > 0 {
            return Ok(deleted.rows_affected());
        }
    }
    Ok(0)
}
