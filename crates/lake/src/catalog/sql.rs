//! The SQL catalog in Postgres.

use std::sync::Arc;

use anyhow::Context;
use iceberg::{Catalog, CatalogBuilder};
use iceberg_catalog_sql::{
    SQL_CATALOG_PROP_BIND_STYLE, SQL_CATALOG_PROP_URI, SQL_CATALOG_PROP_WAREHOUSE, SqlBindStyle, SqlCatalogBuilder,
};

use crate::config::{Config, storage_factory};

/// Connects now. Its tables are made by the migrations.
pub(super) async fn open(config: &Config, uri: &str) -> anyhow::Result<Arc<dyn Catalog>> {
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
