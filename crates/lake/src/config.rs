//! Where the lake is.

use std::collections::HashMap;
use std::fmt;

use iceberg::io::{
    FileIO, FileIOBuilder, S3_ACCESS_KEY_ID, S3_ENDPOINT, S3_PATH_STYLE_ACCESS, S3_REGION, S3_SECRET_ACCESS_KEY,
    S3_SESSION_TOKEN,
};
use iceberg_storage_opendal::OpenDalStorageFactory;

/// A lake's place and names. `Debug` hides credentials.
#[derive(Clone)]
pub struct Config {
    /// Root of all tables, `s3://bucket/prefix` without a slash at the end (`LAKE_WAREHOUSE`).
    pub warehouse: String,
    /// The catalog's name (`LAKE_CATALOG`); other engines must use the same.
    pub catalog: String,
    /// The table's namespace.
    pub namespace: String,
    /// The table's name within the namespace.
    pub table: String,
    /// How S3 is reached.
    pub s3: S3,
}

/// How S3 is reached, from the variables that every AWS SDK reads.
#[derive(Clone, Default)]
pub struct S3 {
    /// `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`; path-style addresses are used when it is set.
    pub endpoint: Option<String>,
    /// `AWS_REGION`.
    pub region: Option<String>,
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: Option<String>,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: Option<String>,
    /// `AWS_SESSION_TOKEN`, which Lambda's role credentials have.
    pub session_token: Option<String>,
}

impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Config")
            .field("warehouse", &self.warehouse)
            .field("catalog", &self.catalog)
            .field("table", &self.table_name())
            .field("endpoint", &self.s3.endpoint)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Reads the configuration of `namespace.table` through `variable`, which gives the value of an environment
    /// variable.
    pub fn read(namespace: &str, table: &str, mut variable: impl FnMut(&str) -> Option<String>) -> Self {
        let warehouse = variable("LAKE_WAREHOUSE").unwrap_or_else(|| "s3://millrace-lake/warehouse".to_owned());
        Self {
            warehouse: warehouse.trim_end_matches('/').to_owned(),
            catalog: variable("LAKE_CATALOG").unwrap_or_else(|| "millrace".to_owned()),
            namespace: namespace.to_owned(),
            table: table.to_owned(),
            s3: S3 {
                endpoint: variable("AWS_ENDPOINT_URL_S3").or_else(|| variable("AWS_ENDPOINT_URL")),
                region: variable("AWS_REGION"),
                access_key_id: variable("AWS_ACCESS_KEY_ID"),
                secret_access_key: variable("AWS_SECRET_ACCESS_KEY"),
                session_token: variable("AWS_SESSION_TOKEN"),
            },
        }
    }

    /// `namespace.table`: the key of every row in Postgres about this table.
    pub fn table_name(&self) -> String {
        format!("{}.{}", self.namespace, self.table)
    }

    /// Where staged segments lie: beside the tables, never under one, so that no maintenance of a table meets them.
    pub(crate) fn segment_prefix(&self) -> String {
        format!("{}/_segments/{}", self.warehouse, self.table_name())
    }

    /// What iceberg's storage and catalogs read.
    pub(crate) fn storage_properties(&self) -> HashMap<String, String> {
        let s3 = &self.s3;
        let given = [
            (S3_ENDPOINT, &s3.endpoint),
            (S3_REGION, &s3.region),
            (S3_ACCESS_KEY_ID, &s3.access_key_id),
            (S3_SECRET_ACCESS_KEY, &s3.secret_access_key),
            (S3_SESSION_TOKEN, &s3.session_token),
        ];
        let mut properties: HashMap<String, String> =
            given.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.clone()?))).collect();
        if s3.endpoint.is_some() {
            properties.insert(S3_PATH_STYLE_ACCESS.to_owned(), "true".to_owned());
        }
        properties
    }

    /// Object storage; connects to nothing yet.
    pub(crate) fn file_io(&self) -> FileIO {
        FileIOBuilder::new(storage_factory()).with_props(self.storage_properties()).build()
    }
}

/// S3 through OpenDAL: requests are retried and timed out there.
pub(crate) fn storage_factory() -> std::sync::Arc<OpenDalStorageFactory> {
    std::sync::Arc::new(OpenDalStorageFactory::S3 { customized_credential_load: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_means_path_style_and_debug_hides_credentials() {
        let config = Config::read("github", "events", |name| match name {
            "AWS_ENDPOINT_URL" => Some("http://127.0.0.1:4566".to_owned()),
            "AWS_SECRET_ACCESS_KEY" => Some("hush".to_owned()),
            _ => None,
        });
        let properties = config.storage_properties();
        assert_eq!(properties.get("s3.path-style-access").map(String::as_str), Some("true"));
        assert_eq!(properties.get("s3.secret-access-key").map(String::as_str), Some("hush"));
        assert!(!format!("{config:?}").contains("hush"));
        assert_eq!(config.segment_prefix(), "s3://millrace-lake/warehouse/_segments/github.events");
    }
}
