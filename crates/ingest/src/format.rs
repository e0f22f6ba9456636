//! What a system knows about its records.

use chrono::{DateTime, Utc};
use kit::kafka::Record;
use lake::{RowKey, SegmentBuilder};

/// How records of a topic become rows of a table.
pub trait Format: Send + Sync + 'static {
    /// A record that passed all rules, borrowed from its bytes.
    type Row<'a>: Send;

    /// Namespace of the function's figures, such as `Millrace/Github`.
    const METRICS: &'static str;

    /// Reads and checks one record; `now` is what its times are held against.
    ///
    /// # Errors
    /// The first rule that the record breaks; it goes to the dead-letter topic with it.
    fn read<'a>(&self, record: &'a Record, now: DateTime<Utc>) -> Result<Self::Row<'a>, Rejection>;

    /// What makes the row the same as another: of several rows with one key, within the window of repeats, the table
    /// gets the first.
    fn key(&self, row: &Self::Row<'_>) -> RowKey;

    /// The row's time, microseconds since 1970: segments are written by day, and queries ask for the newest.
    fn time(&self, row: &Self::Row<'_>) -> i64;

    /// Adds the row to a segment of the table.
    ///
    /// # Errors
    /// When the values are not what the table's columns take, which is a fault of this format.
    fn push(
        &self,
        row: &Self::Row<'_>,
        record: &Record,
        now: DateTime<Utc>,
        segment: &mut SegmentBuilder,
    ) -> anyhow::Result<()>;
}

/// Why a record cannot be a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// A short fixed name to count by.
    pub rule: &'static str,
    /// What was found, for people.
    pub reason: String,
}
