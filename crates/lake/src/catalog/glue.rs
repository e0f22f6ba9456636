//! AWS Glue's Data Catalog.

use std::sync::Arc;

use anyhow::Context;
use iceberg::{Catalog, CatalogBuilder};
use iceberg_catalog_glue::{
    AWS_ACCESS_KEY_ID, AWS_REGION_NAME, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, GLUE_CATALOG_PROP_CATALOG_ID,
    GLUE_CATALOG_PROP_WAREHOUSE, GlueCatalogBuilder,
};

use crate::config::{Config, storage_factory};

/// Connects at the first call, to the endpoint that the AWS SDK finds (`AWS_ENDPOINT_URL_GLUE`, `AWS_ENDPOINT_URL`).
pub(super) async fn open(config: &Config, id: Option<&str>) -> anyhow::Result<Arc<dyn Catalog>> {
    let mut properties = config.storage_properties();
    properties.insert(GLUE_CATALOG_PROP_WAREHOUSE.to_owned(), config.warehouse.clone());
    properties.extend(super::aws_properties(
        config,
        [AWS_REGION_NAME, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN],
    ));
    if let Some(id) = id {
        properties.insert(GLUE_CATALOG_PROP_CATALOG_ID.to_owned(), id.to_owned());
    }
    let catalog = GlueCatalogBuilder::default()
        .with_storage_factory(storage_factory())
        .load(config.catalog.clone(), properties)
        .await
        .context("open the Glue catalog")?;
    Ok(Arc::new(catalog))
}
