//! Queries: the last marked commit plus the segments beyond it, each row once.
//!
//! One statement in Postgres gives the table's metadata location and the unmarked segments of the same moment: a
//! [`View`], which stays readable by its name while the table goes on. Row groups are visited newest first, and the visit
//! ends as soon as none can hold a newer row than those found. Only their small columns are read, decoded once and kept
//! within a budget; whole rows only for the winners.

mod columns;
mod dictionary;
mod figures;
mod files;
mod kept;
mod object;
mod page;
mod row;
mod tally;
mod view;
mod walk;
mod whole;

use std::sync::Arc;
use std::time::Duration;

use crate::Lake;
use columns::Columns;
pub use figures::{Budget, Figures};
use files::Files;
use object::Objects;
pub use page::{Page, Position, Query};
pub use row::{OwnedValue, Row};
pub use tally::{ColumnCounts, Counts, Tally};
use view::Segments;
pub use view::{View, ViewName};
use whole::Rows;

/// Files and row groups that are read at a time.
const CONCURRENCY: usize = 8;

/// How long a view stays readable after the table has gone on: what it needs is deleted later than that.
pub const VIEW_AGE: Duration = Duration::from_secs(3_600);
/// How long what a view may need is kept: a view's age, and time for those who use it and for clocks that differ.
pub const KEPT_AGE: Duration = Duration::from_secs(3_600 + 300);

/// Reads one table. Keeps what cannot change (manifests, footers, staged segments, small columns, rows that were shown)
/// between queries, each within a budget.
pub struct Reader {
    lake: Lake,
    segments: Segments,
    files: Files,
    objects: Objects,
    columns: Columns,
    rows: Rows,
}

/// The newest rows.
#[derive(Debug, Clone)]
pub struct Newest {
    /// Only rows whose time is at least this (microseconds since 1970).
    pub since: i64,
    /// Only rows whose text column at this position has this value.
    pub equal: Option<(usize, String)>,
    /// At most this many.
    pub limit: usize,
}

impl Reader {
    /// A reader of this table; connects at the first query.
    pub fn new(lake: Lake) -> Self {
        let columns = Columns::new(lake.schema);
        Self {
            lake,
            segments: Segments::default(),
            files: Files::default(),
            objects: Objects::default(),
            columns,
            rows: Rows::default(),
        }
    }

    /// The newest rows that fit, of what there is now, however much must be read for them.
    ///
    /// # Errors
    /// When Postgres or S3 does not answer.
    pub async fn newest(&self, newest: &Newest) -> anyhow::Result<Vec<Arc<Row>>> {
        let query = Query {
            since: newest.since,
            until: i64::MAX,
            equal: newest.equal.iter().cloned().collect(),
            after: None,
            limit: newest.limit,
            budget: Budget::NONE,
            answer_bytes: usize::MAX,
        };
        Ok(self.page(&self.view().await?, &query).await?.rows)
    }

    /// The row with this key in what there is now; the newest if several have it.
    ///
    /// # Errors
    /// When Postgres or S3 does not answer.
    pub async fn by_key(&self, key: &str) -> anyhow::Result<Option<Arc<Row>>> {
        let equal = Some((self.lake.schema.key, key.to_owned()));
        Ok(self.newest(&Newest { since: i64::MIN, equal, limit: 1 }).await?.pop())
    }
}

/// Whether a query failed because an object is deleted: what it was asked of is gone.
#[must_use]
pub fn is_gone(error: &anyhow::Error) -> bool {
    let of_storage = error.chain().filter_map(|error| error.downcast_ref::<opendal::Error>());
    of_storage.into_iter().any(|error| error.kind() == opendal::ErrorKind::NotFound)
}
