//! Applies the migrations of `migrations/metadata/` to the master database.
//!
//! - **Trigger**: an invocation, by `millrace up` before any trigger starts and by a deployment after it.
//! - **Input**: anything; `{}` will do. **Output**: [`Summary`].
//! - **Idempotency**: each migration has a version and runs once; a second invocation finds nothing to do. Two at once
//!   wait for each other (an advisory lock).
//! - **Failure**: a migration runs in a transaction; one that fails leaves nothing of itself, keeps its version, and
//!   the invocation fails with its name and the database's message.

use anyhow::Context;
use kit::Invocation;
use serde::{Deserialize, Serialize};
use sqlx::{Connection, PgConnection, PgPool, migrate::Migrate};
use tracing::info;

/// What the migrator needs, built once a cold start.
#[derive(Debug)]
pub struct Deps {
    pool: PgPool,
}

impl Deps {
    /// Connects to the master database.
    ///
    /// # Errors
    /// When it is not configured or does not answer.
    pub async fn load() -> anyhow::Result<Self> {
        Ok(Self::new(pg::connect(&pg::Config::load().await?).await?))
    }

    /// Migrates the database behind `pool`.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }
}

/// The input has no fields: the migrator always brings the database to the newest version.
#[derive(Debug, Default, Deserialize)]
pub struct Request {}

/// What one invocation did.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Migrations that were new and are applied now.
    pub applied: usize,
    /// The database's version after it.
    pub version: i64,
}

/// Applies what is new.
///
/// # Errors
/// When a migration fails, or an applied one was changed afterwards; the database keeps its last good version.
pub async fn handle(deps: &Deps, _: Request, _: &Invocation) -> anyhow::Result<Summary> {
    // A connection of its own, closed at the end: a migration that fails leaves the advisory lock with its session, and in
    // a pool the next invocation would wait for that lock for ever.
    let connection = deps.pool.acquire().await.context("connect to the database")?;
    let mut connection = connection.detach();
    let migrated = migrate(&mut connection).await;
    connection.close().await.context("leave the database")?;
    let (before, after) = migrated?;
    let summary = Summary { applied: after.len() - before, version: after.iter().max().copied().unwrap_or_default() };
    info!(migrations.applied = summary.applied, migrations.version = summary.version, "database is up to date");
    Ok(summary)
}

/// How many migrations were applied before, and the versions of all that are applied now.
async fn migrate(connection: &mut PgConnection) -> anyhow::Result<(usize, Vec<i64>)> {
    let before = applied(connection).await?.len();
    pg::migrations::METADATA.run(&mut *connection).await.context("apply migrations/metadata")?;
    Ok((before, applied(connection).await?))
}

async fn applied(connection: &mut PgConnection) -> anyhow::Result<Vec<i64>> {
    connection.ensure_migrations_table().await.context("read the database's version")?;
    let applied = connection.list_applied_migrations().await.context("read the database's version")?;
    Ok(applied.into_iter().map(|migration| migration.version).collect())
}
