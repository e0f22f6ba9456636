//! The migrations of each database, embedded.

use sqlx::migrate::Migrator;

/// `migrations/metadata/`: the master database.
pub static METADATA: Migrator = sqlx::migrate!("../../migrations/metadata");

/// `migrations/posts-shard/`: each database that holds posts, comments and likes.
pub static POSTS_SHARD: Migrator = sqlx::migrate!("../../migrations/posts-shard");
