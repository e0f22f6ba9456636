//! A REST catalog.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use iceberg::{Catalog, CatalogBuilder, NamespaceIdent};
use iceberg_catalog_rest::{REST_CATALOG_PROP_URI, REST_CATALOG_PROP_WAREHOUSE, RestCatalogBuilder};

use super::config::{Authorization, RestConfig};
use crate::config::{Config, storage_factory};

/// How long one call may take. A commit whose answer did not come is asked for again by its watermarks.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Connects at the first call; with a credential, now.
pub(super) async fn open(config: &Config, rest: &RestConfig) -> anyhow::Result<Arc<dyn Catalog>> {
    // What is given here wins over what the server hands out, credentials of S3 too: segments lie outside of the table,
    // where a credential for the table alone does not reach.
    let mut properties = config.storage_properties();
    let mut set = |name: &str, value: &str| properties.insert(name.to_owned(), value.to_owned());
    set(REST_CATALOG_PROP_URI, &rest.uri);
    if let Some(warehouse) = &rest.warehouse {
        set(REST_CATALOG_PROP_WAREHOUSE, warehouse);
    }
    match &rest.authorization {
        Authorization::None => {}
        Authorization::Token(token) => drop(set("token", token)),
        Authorization::Credential(credential) => drop(set("credential", credential)),
    }
    if let Some(uri) = &rest.oauth2_uri {
        set("oauth2-server-uri", uri);
    }
    if let Some(scope) = &rest.scope {
        set("scope", scope);
    }
    // A client of our own: the crate's has no timeout, and brings no TLS of its own.
    let client = reqwest::Client::builder().timeout(CALL_TIMEOUT).connect_timeout(CONNECT_TIMEOUT);
    let catalog = RestCatalogBuilder::default()
        .with_client(client.build().context("make an HTTP client")?)
        .with_storage_factory(storage_factory())
        .load(config.catalog.clone(), properties)
        .await
        .context("open the REST catalog")?;
    if matches!(rest.authorization, Authorization::Credential(_)) {
        // The first call exchanges it for a token. An answer that the crate does not understand is in its error, token
        // and all, so only the error's sentence goes on.
        let namespace = NamespaceIdent::new(config.namespace.clone());
        let answered = catalog.namespace_exists(&namespace).await;
        answered.map_err(|error| anyhow::anyhow!("log in to the catalog at {}: {}", rest.uri, error.message()))?;
    }
    Ok(Arc::new(catalog))
}
