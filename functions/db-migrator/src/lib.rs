//! Applies the migrations: `migrations/metadata/` to the master database, `migrations/posts-shard/` to each shard of the
//! posts, and tells the master which shards there are.
//!
//! - **Trigger**: an invocation, by `millrace up` before any trigger starts and by a deployment after it.
//! - **Input**: anything; `{}` will do. **Output**: [`Summary`].
//! - **Idempotency**: each migration has a version and runs once; a second invocation finds nothing to do. Two at once
//!   wait for each other (an advisory lock). A shard that moved is noted at its new place; the map of partitions is made once
//!   and never changed here.
//! - **Failure**: a migration runs in a transaction; one that fails leaves nothing of itself, keeps its version, and
//!   the invocation fails with its name and the database's message. A shard that fails does not keep the others from being
//!   brought up to date; the map is made when all are.

mod shards;

use std::collections::BTreeMap;

use anyhow::Context;
use kit::Invocation;
use serde::{Deserialize, Serialize};
use sqlx::migrate::{Migrate, Migrator};
use sqlx::{Connection, PgConnection, PgPool};
use tracing::{error, info};

/// What the migrator needs, built once a cold start.
#[derive(Debug)]
pub struct Deps {
    pool: PgPool,
    shards: BTreeMap<String, pg::Config>,
}

impl Deps {
    /// Connects to the master database; shards are those that are configured ([`pg::Config::load_shards`]).
    ///
    /// # Errors
    /// When the master is not configured or does not answer.
    pub async fn load() -> anyhow::Result<Self> {
        let (master, shards) = tokio::try_join!(pg::Config::load(), pg::Config::load_shards())?;
        Ok(Self::new(pg::connect(&master).await?, shards))
    }

    /// Migrates the database behind `pool`, and these shards by name.
    #[must_use]
    pub fn new(pool: PgPool, shards: BTreeMap<String, pg::Config>) -> Self {
        Self { pool, shards }
    }
}

/// The input has no fields: the migrator always brings the databases to their newest version.
#[derive(Debug, Default, Deserialize)]
pub struct Request {}

/// What one invocation did to a database.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// Migrations that were new and are applied now.
    pub applied: usize,
    /// The database's version after it.
    pub version: i64,
}

/// What one invocation did.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// To the master.
    #[serde(flatten)]
    pub master: Applied,
    /// To each shard.
    pub shards: BTreeMap<String, Applied>,
}

/// Applies what is new.
///
/// # Errors
/// When a migration fails, or an applied one was changed afterwards; the database keeps its last good version. When a
/// database does not answer.
pub async fn handle(deps: &Deps, _: Request, _: &Invocation) -> anyhow::Result<Summary> {
    let master = bring_up(&deps.pool, &pg::migrations::METADATA, "migrations/metadata").await?;
    let mut summary = Summary { master, shards: BTreeMap::new() };
    let mut failed = None;
    let added = shards::added(&deps.pool, &deps.shards).await?;
    for (name, config) in deps.shards.iter().chain(&added) {
        match shard(config).await.with_context(|| format!("bring {name} up to date")) {
            Ok(applied) => {
                summary.shards.insert(name.clone(), applied);
            }
            Err(failure) => {
                error!(error = format!("{failure:#}"), "a shard is not up to date");
                failed = failed.or(Some(failure));
            }
        }
    }
    if let Some(failure) = failed {
        return Err(failure);
    }
    shards::register(&deps.pool, &deps.shards).await?;
    info!(?summary, "databases are up to date");
    Ok(summary)
}

async fn shard(config: &pg::Config) -> anyhow::Result<Applied> {
    let pool = pg::connect(&pg::Config { max_connections: 1, ..config.clone() }).await?;
    let applied = bring_up(&pool, &pg::migrations::POSTS_SHARD, "migrations/posts-shard").await;
    pool.close().await;
    applied
}

async fn bring_up(pool: &PgPool, migrations: &Migrator, folder: &str) -> anyhow::Result<Applied> {
    // A connection of its own, closed at the end: a migration that fails leaves the advisory lock with its session, and in
    // a pool the next invocation would wait for that lock for ever.
    let connection = pool.acquire().await.context("connect to the database")?;
    let mut connection = connection.detach();
    let migrated = migrate(&mut connection, migrations, folder).await;
    connection.close().await.context("leave the database")?;
    let (before, after) = migrated?;
    Ok(Applied { applied: after.len() - before, version: after.iter().max().copied().unwrap_or_default() })
}

/// How many migrations were applied before, and the versions of all that are applied now.
async fn migrate(
    connection: &mut PgConnection,
    migrations: &Migrator,
    folder: &str,
) -> anyhow::Result<(usize, Vec<i64>)> {
    let before = applied(connection).await?.len();
    migrations.run(&mut *connection).await.with_context(|| format!("apply {folder}"))?;
    Ok((before, applied(connection).await?))
}

async fn applied(connection: &mut PgConnection) -> anyhow::Result<Vec<i64>> {
    connection.ensure_migrations_table().await.context("read the database's version")?;
    let applied = connection.list_applied_migrations().await.context("read the database's version")?;
    Ok(applied.into_iter().map(|migration| migration.version).collect())
}
