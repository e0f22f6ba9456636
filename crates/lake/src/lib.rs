//! Kafka records to Iceberg, and back to a query: staged as segments, committed with their watermarks, each once.
//!
//! A writer builds a [`Segment`] and registers it with [`Lake::stage`]; a [`Committer`] merges staged segments into
//! data files and commits them; a [`Maintainer`] keeps small what commits leave behind; a [`Reader`] reads the last
//! commit plus the segments beyond it. The table's columns are data ([`TableSchema`]). This is the only crate that
//! knows iceberg, parquet and arrow, and none of their types is in its interface: only functions that touch the lake
//! link them.
//!
//! Deliberately absent: Kafka, parsing and rules (a function's work), decisions over offsets (`domain::lake`).

mod catalog;
mod commit;
mod config;
pub mod crash;
mod data_file;
mod days;
pub mod github;
mod known;
mod layout;
mod ledger;
mod maintain;
mod merge;
mod read;
mod repeats;
mod schema;
mod segment;
mod stage;
mod staging;
#[cfg(feature = "testing")]
pub mod testing;

pub use catalog::{Authorization, CatalogConfig, CatalogKind, RestConfig};
pub use commit::{Commit, Committed, Committer, Planned, Written};
pub use config::{Config, S3};
pub use known::Known;
pub use ledger::TableStatus;
pub use maintain::{Maintainer, Maintenance, Sizes, Upkeep};
pub use read::{
    Budget, ColumnCounts, Counts, Figures, KEPT_AGE, Newest, OwnedValue, Page, Position, Query, Reader, Row, Tally,
    VIEW_AGE, View, ViewName, is_gone,
};
pub use repeats::{RepeatLimits, RowKey};
pub use schema::{Column, ColumnType, TableSchema};
pub use segment::{Segment, SegmentBuilder, Value};
pub use stage::{Lake, Offered, Outcome, Plan, PlannedPartition};
