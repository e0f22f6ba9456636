//! A catalog over another one, that does a few things its own way and leaves the rest to it.

use std::collections::HashMap;
use std::fmt::Debug;

use async_trait::async_trait;
use iceberg::table::Table;
use iceberg::{Catalog, Namespace, NamespaceIdent, Result, TableCommit, TableCreation, TableIdent};

/// What a layer may do its own way.
#[async_trait]
pub(crate) trait Layer: Debug + Send + Sync {
    fn inner(&self) -> &dyn Catalog;

    async fn load_table(&self, table: &TableIdent) -> Result<Table> {
        self.inner().load_table(table).await
    }

    async fn create_table(&self, namespace: &NamespaceIdent, creation: TableCreation) -> Result<Table> {
        self.inner().create_table(namespace, creation).await
    }

    async fn update_table(&self, commit: TableCommit) -> Result<Table> {
        self.inner().update_table(commit).await
    }
}

/// A layer as a catalog.
#[derive(Debug)]
pub(crate) struct Layered<L>(pub L);

#[async_trait]
impl<L: Layer> Catalog for Layered<L> {
    async fn load_table(&self, table: &TableIdent) -> Result<Table> {
        self.0.load_table(table).await
    }

    async fn create_table(&self, namespace: &NamespaceIdent, creation: TableCreation) -> Result<Table> {
        self.0.create_table(namespace, creation).await
    }

    async fn update_table(&self, commit: TableCommit) -> Result<Table> {
        self.0.update_table(commit).await
    }

    async fn list_namespaces(&self, parent: Option<&NamespaceIdent>) -> Result<Vec<NamespaceIdent>> {
        self.0.inner().list_namespaces(parent).await
    }

    async fn create_namespace(
        &self,
        namespace: &NamespaceIdent,
        properties: HashMap<String, String>,
    ) -> Result<Namespace> {
        self.0.inner().create_namespace(namespace, properties).await
    }

    async fn get_namespace(&self, namespace: &NamespaceIdent) -> Result<Namespace> {
        self.0.inner().get_namespace(namespace).await
    }

    async fn namespace_exists(&self, namespace: &NamespaceIdent) -> Result<bool> {
        self.0.inner().namespace_exists(namespace).await
    }

    async fn update_namespace(&self, namespace: &NamespaceIdent, properties: HashMap<String, String>) -> Result<()> {
        self.0.inner().update_namespace(namespace, properties).await
    }

    async fn drop_namespace(&self, namespace: &NamespaceIdent) -> Result<()> {
        self.0.inner().drop_namespace(namespace).await
    }

    async fn list_tables(&self, namespace: &NamespaceIdent) -> Result<Vec<TableIdent>> {
        self.0.inner().list_tables(namespace).await
    }

    async fn drop_table(&self, table: &TableIdent) -> Result<()> {
        self.0.inner().drop_table(table).await
    }

    async fn purge_table(&self, table: &TableIdent) -> Result<()> {
        self.0.inner().purge_table(table).await
    }

    async fn table_exists(&self, table: &TableIdent) -> Result<bool> {
        self.0.inner().table_exists(table).await
    }

    async fn rename_table(&self, source: &TableIdent, destination: &TableIdent) -> Result<()> {
        self.0.inner().rename_table(source, destination).await
    }

    async fn register_table(&self, table: &TableIdent, metadata_location: String) -> Result<Table> {
        self.0.inner().register_table(table, metadata_location).await
    }
}
