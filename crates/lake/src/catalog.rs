//! The catalog, and the table in it. SQL on Postgres is the one there is; Glue, S3 Tables and REST are to stand beside
//! it behind `Arc<dyn Catalog>`.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context;
use iceberg::table::Table;
use iceberg::{Catalog, CatalogBuilder, NamespaceIdent, TableCreation, TableIdent};
use iceberg_catalog_sql::{
    SQL_CATALOG_PROP_BIND_STYLE, SQL_CATALOG_PROP_URI, SQL_CATALOG_PROP_WAREHOUSE, SqlBindStyle, SqlCatalogBuilder,
};

use crate::config::{Config, storage_factory};
use crate::schema::TableSchema;

/// What the table is created with. iceberg's defaults retry a commit for half an hour, longer than an invocation lives.
const TABLE_PROPERTIES: [(&str, &str); 5] = [
    ("commit.retry.num-retries", "6"),
    ("commit.retry.min-wait-ms", "5"),
    ("commit.retry.max-wait-ms", "500"),
    ("commit.retry.total-timeout-ms", "10000"),
    ("write.parquet.compression-codec", "zstd"),
];

/// Opens the SQL catalog in the Postgres at `uri`; connects now. Its tables are made by the migrations.
pub(crate) async fn open(config: &Config, uri: &str) -> anyhow::Result<Arc<dyn Catalog>> {
    let mut properties = config.storage_properties();
    properties.extend([
        (SQL_CATALOG_PROP_URI.to_owned(), uri.to_owned()),
        (SQL_CATALOG_PROP_WAREHOUSE.to_owned(), config.warehouse.clone()),
        (SQL_CATALOG_PROP_BIND_STYLE.to_owned(), SqlBindStyle::DollarNumeric.to_string()),
        // One commit at a time needs one connection; a test query before each use would double the round trips.
        ("pool.max-connections".to_owned(), "1".to_owned()),
        ("pool.test-before-acquire".to_owned(), "false".to_owned()),
    ]);
    let catalog = SqlCatalogBuilder::default()
        .with_storage_factory(storage_factory())
        .load(config.catalog.clone(), properties)
        .await
        .context("open the SQL catalog")?;
    Ok(Arc::new(catalog))
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
