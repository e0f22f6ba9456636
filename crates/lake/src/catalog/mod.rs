//! The catalog, and the table in it: SQL on Postgres, REST, Glue or S3 Tables by configuration, behind
//! `Arc<dyn Catalog>`.

mod config;
mod fenced;
mod glue;
mod layer;
mod rest;
mod s3tables;
mod sql;

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context;
use iceberg::table::{StaticTable, Table};
use iceberg::{Catalog, NamespaceIdent, TableCreation, TableIdent};

pub use self::config::{Authorization, CatalogConfig, CatalogKind, RestConfig};
pub(crate) use self::fenced::Fence;
pub(crate) use self::layer::Layered;
use crate::Lake;
use crate::config::Config;
use crate::schema::TableSchema;

/// What the table is created with. iceberg's defaults retry a commit for half an hour, longer than an invocation lives.
const TABLE_PROPERTIES: [(&str, &str); 5] = [
    ("commit.retry.num-retries", "6"),
    ("commit.retry.min-wait-ms", "5"),
    ("commit.retry.max-wait-ms", "500"),
    ("commit.retry.total-timeout-ms", "10000"),
    ("write.parquet.compression-codec", "zstd"),
];

/// Opens the catalog. Only a committer does: who writes and who reads know the table by what it leaves in Postgres.
pub(crate) async fn open(config: &Config, catalog: &CatalogConfig) -> anyhow::Result<Arc<dyn Catalog>> {
    match catalog {
        CatalogConfig::Sql { uri } => sql::open(config, uri).await,
        CatalogConfig::Rest(rest) => rest::open(config, rest).await,
        CatalogConfig::Glue { id } => glue::open(config, id.as_deref()).await,
        CatalogConfig::S3Tables { table_bucket_arn } => s3tables::open(config, table_bucket_arn).await,
    }
}

/// Region and credentials under the names that a catalog's own AWS client reads: region, key id, key, session token.
fn aws_properties(config: &Config, names: [&str; 4]) -> impl Iterator<Item = (String, String)> {
    let s3 = &config.s3;
    let values = [&s3.region, &s3.access_key_id, &s3.secret_access_key, &s3.session_token];
    let pairs = names.map(str::to_owned).into_iter().zip(values.map(Clone::clone));
    pairs.filter_map(|(name, value)| Some((name, value?)))
}

/// The table's name in the catalog.
pub(crate) fn ident(config: &Config) -> TableIdent {
    TableIdent::new(NamespaceIdent::new(config.namespace.clone()), config.table.clone())
}

/// Loads the table; creates it, and its namespace, when it is missing. Two that create at once both end up with the
/// one that came first.
pub(crate) async fn ensure_table(
    catalog: &dyn Catalog,
    config: &Config,
    schema: &TableSchema,
) -> anyhow::Result<Table> {
    let ident = ident(config);
    if !catalog.table_exists(&ident).await.context("look for the table")? {
        create(catalog, config, schema, &ident).await?;
    }
    let table = catalog.load_table(&ident).await.context("load the table")?;
    schema.check(table.metadata().current_schema())?;
    Ok(table)
}

async fn create(
    catalog: &dyn Catalog,
    config: &Config,
    schema: &TableSchema,
    ident: &TableIdent,
) -> anyhow::Result<()> {
    if !catalog.namespace_exists(ident.namespace()).await.context("look for the namespace")?
        && let Err(error) = catalog.create_namespace(ident.namespace(), HashMap::new()).await
        && !catalog.namespace_exists(ident.namespace()).await.context("look for the namespace")?
    {
        return Err(error).context("create the namespace");
    }
    let creation = TableCreation::builder()
        .name(config.table.clone())
        .schema(schema.iceberg()?)
        .partition_spec(schema.partitioning()?)
        .properties(TABLE_PROPERTIES.map(|(key, value)| (key.to_owned(), value.to_owned())))
        .build();
    if let Err(error) = catalog.create_table(ident.namespace(), creation).await
        && !catalog.table_exists(ident).await.context("look for the table")?
    {
        return Err(error).context("create the table");
    }
    Ok(())
}

impl Lake {
    /// The table as the metadata file at `location` has it, without a catalog.
    ///
    /// # Errors
    /// When S3 does not answer, or what lies there is no table's metadata.
    pub(crate) async fn table_at(&self, location: &str) -> anyhow::Result<Table> {
        let table = StaticTable::from_metadata_file(location, ident(&self.config), self.storage.clone()).await;
        Ok(table.with_context(|| format!("read {location}"))?.into_table())
    }
}
