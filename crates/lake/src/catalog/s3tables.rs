//! Amazon S3 Tables: the catalog of one table bucket, which chooses where each table lies.

use std::sync::Arc;

use anyhow::Context;
use iceberg::{Catalog, CatalogBuilder};
use iceberg_catalog_s3tables::{S3TABLES_CATALOG_PROP_TABLE_BUCKET_ARN, S3TablesCatalogBuilder};

use crate::config::{Config, storage_factory};

/// What the crate reads, in a module that it does not show.
const AWS: [&str; 4] = ["region_name", "aws_access_key_id", "aws_secret_access_key", "aws_session_token"];

/// Connects at the first call, to the endpoint that the AWS SDK finds (`AWS_ENDPOINT_URL_S3TABLES`, `AWS_ENDPOINT_URL`).
pub(super) async fn open(config: &Config, table_bucket_arn: &str) -> anyhow::Result<Arc<dyn Catalog>> {
    let mut properties = config.storage_properties();
    properties.insert(S3TABLES_CATALOG_PROP_TABLE_BUCKET_ARN.to_owned(), table_bucket_arn.to_owned());
    properties.extend(super::aws_properties(config, AWS));
    let catalog = S3TablesCatalogBuilder::default()
        .with_storage_factory(storage_factory())
        .load(config.catalog.clone(), properties)
        .await
        .context("open the S3 Tables catalog")?;
    Ok(Arc::new(catalog))
}
