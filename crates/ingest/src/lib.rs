//! From a batch of Kafka records to a committed table: what every lake function does, whatever its records are.
//!
//! A [`Writer`] trims a batch, has its records read by a [`Format`], sends what breaks a rule to the dead-letter topic
//! and stages the rest. A [`CommitWorker`] commits what is staged, one at a time by lease. GitHub's functions are a
//! format and a table's name around them; a bench's are another.
//!
//! Deliberately absent: any system's record or table, iceberg and Parquet (`lake`), and triggers (Lambda's, or the
//! runner's).

mod attribution;
mod batch;
mod catalog;
mod commit_worker;
mod format;
mod identity;
mod repeats;
mod settings;
mod upkeep;
mod writer;

pub use catalog::load_catalog;
pub use commit_worker::{CommitWorker, Summary};
pub use format::{Format, Rejection};
pub use repeats::repeat_limits;
pub use settings::Settings;
pub use writer::Writer;
