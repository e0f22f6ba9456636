//! The fence of a commit: iceberg 0.10 re-applies a transaction blindly when another commit came first, so the
//! watermarks are checked on the very metadata that each attempt builds on.

use std::collections::HashMap;

use async_trait::async_trait;
use domain::lake::{Watermarks, check_fence};
use iceberg::table::Table;
use iceberg::{Catalog, Error, ErrorKind, Namespace, NamespaceIdent, Result, TableCommit, TableCreation, TableIdent};

/// A catalog that loads a table only while its watermarks are the expected ones.
///
/// Sound because a commit's attempt is `load_table`, append, `update_table`, and the last step requires the branch to
/// be where `load_table` saw it: whoever moves a watermark adds a snapshot, so this fails or the next attempt comes
/// through `load_table` again.
#[derive(Debug)]
pub(crate) struct FencedCatalog<'a> {
    pub inner: &'a dyn Catalog,
    /// A partition that is missing here must be missing in the table.
    pub expected: Watermarks,
    /// The partitions that the commit moves.
    pub moves: Watermarks,
}

#[async_trait]
impl Catalog for FencedCatalog<'_> {
    async fn load_table(&self, table: &TableIdent) -> Result<Table> {
        let table = self.inner.load_table(table).await?;
        let properties = table.metadata().properties();
        check_fence(|key| properties.get(key), &self.expected, &self.moves)
            .map_err(|moved| Error::new(ErrorKind::PreconditionFailed, moved.to_string()).with_retryable(false))?;
        Ok(table)
    }

    async fn update_table(&self, commit: TableCommit) -> Result<Table> {
        self.inner.update_table(commit).await
    }

    async fn list_namespaces(&self, parent: Option<&NamespaceIdent>) -> Result<Vec<NamespaceIdent>> {
        self.inner.list_namespaces(parent).await
    }

    async fn create_namespace(
        &self,
        namespace: &NamespaceIdent,
        properties: HashMap<String, String>,
    ) -> Result<Namespace> {
        self.inner.create_namespace(namespace, properties).await
    }

    async fn get_namespace(&self, namespace: &NamespaceIdent) -> Result<Namespace> {
        self.inner.get_namespace(namespace).await
    }

    async fn namespace_exists(&self, namespace: &NamespaceIdent) -> Result<bool> {
        self.inner.namespace_exists(namespace).await
    }

    async fn update_namespace(&self, namespace: &NamespaceIdent, properties: HashMap<String, String>) -> Result<()> {
        self.inner.update_namespace(namespace, properties).await
    }

    async fn drop_namespace(&self, namespace: &NamespaceIdent) -> Result<()> {
        self.inner.drop_namespace(namespace).await
    }

    async fn list_tables(&self, namespace: &NamespaceIdent) -> Result<Vec<TableIdent>> {
        self.inner.list_tables(namespace).await
    }

    async fn create_table(&self, namespace: &NamespaceIdent, creation: TableCreation) -> Result<Table> {
        self.inner.create_table(namespace, creation).await
    }

    async fn drop_table(&self, table: &TableIdent) -> Result<()> {
        self.inner.drop_table(table).await
    }

    async fn purge_table(&self, table: &TableIdent) -> Result<()> {
        self.inner.purge_table(table).await
    }

    async fn table_exists(&self, table: &TableIdent) -> Result<bool> {
        self.inner.table_exists(table).await
    }

    async fn rename_table(&self, source: &TableIdent, destination: &TableIdent) -> Result<()> {
        self.inner.rename_table(source, destination).await
    }

    async fn register_table(&self, table: &TableIdent, metadata_location: String) -> Result<Table> {
        self.inner.register_table(table, metadata_location).await
    }
}
