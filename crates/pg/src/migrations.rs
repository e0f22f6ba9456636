//! The migrations of each database, embedded.

use sqlx::migrate::Migrator;

/// `migrations/metadata/`: the master database.
pub static METADATA: Migrator = sqlx::migrate!("../../migrations/metadata");
