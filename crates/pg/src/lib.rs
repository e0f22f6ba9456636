//! The only place that builds a Postgres pool. Beside it: [`Lease`], which makes a worker single, [`CopyRows`], which loads
//! many rows at once, and the migrations.
//!
//! Deliberately absent: any query of a system. SQL lives with the function that owns the table.

mod config;
mod copy;
mod lease;
#[cfg(feature = "migrations")]
pub mod migrations;
#[cfg(feature = "testing")]
pub mod testing;

pub use config::{Config, Place, connect, connect_lazy};
pub use copy::{CopyRows, Held, Value};
pub use lease::Lease;
