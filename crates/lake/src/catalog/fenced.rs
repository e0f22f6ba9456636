//! The fence of a commit: iceberg 0.10 re-applies a transaction blindly when another commit came first, so the
//! watermarks are checked on the very metadata that each attempt builds on.

use async_trait::async_trait;
use domain::lake::{Watermarks, check_fence};
use iceberg::table::Table;
use iceberg::{Catalog, Error, ErrorKind, Result, TableIdent};

use super::layer::Layer;

/// A catalog that loads a table only while its watermarks are the expected ones.
///
/// Sound because a commit's attempt is `load_table`, append, `update_table`, and the last step requires the branch to
/// be where `load_table` saw it: whoever moves a watermark adds a snapshot, so this fails or the next attempt comes
/// through `load_table` again.
#[derive(Debug)]
pub(crate) struct Fence<'a> {
    pub inner: &'a dyn Catalog,
    /// A partition that is missing here must be missing in the table.
    pub expected: Watermarks,
    /// The partitions that the commit moves.
    pub moves: Watermarks,
}

#[async_trait]
impl Layer for Fence<'_> {
    fn inner(&self) -> &dyn Catalog {
        self.inner
    }

    async fn load_table(&self, table: &TableIdent) -> Result<Table> {
        let table = self.inner.load_table(table).await?;
        let properties = table.metadata().properties();
        check_fence(|key| properties.get(key), &self.expected, &self.moves)
            .map_err(|moved| Error::new(ErrorKind::PreconditionFailed, moved.to_string()).with_retryable(false))?;
        Ok(table)
    }
}
