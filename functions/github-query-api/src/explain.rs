//! What a query read, for who asks with `explain=true`.

use lake::Figures;
use serde::Serialize;
use utoipa::ToSchema;

/// What was read for this answer, and what could be left out. An answer that is explained is not taken from the cache.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Explain {
    files: Counted,
    /// Of the files that were opened.
    row_groups: Counted,
    bytes: Bytes,
}

#[derive(Debug, Serialize, ToSchema)]
struct Counted {
    total: u64,
    skipped: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct Bytes {
    /// Size of all files.
    total: u64,
    /// Stored size of the columns that were looked at, in memory or not.
    used: u64,
    /// Read from storage for this request.
    read: u64,
    /// Neither used nor read.
    skipped: u64,
}

impl From<Figures> for Explain {
    fn from(of: Figures) -> Self {
        Self {
            files: Counted { total: of.files, skipped: of.files_skipped },
            row_groups: Counted { total: of.row_groups, skipped: of.row_groups_skipped },
            bytes: Bytes { total: of.bytes, used: of.bytes_used, read: of.bytes_read, skipped: of.bytes_skipped },
        }
    }
}
