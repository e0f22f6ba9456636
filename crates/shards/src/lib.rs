//! Where the shards of the posts are: [`Directory`] is what the master says of shards and partitions at one moment,
//! [`Shards`] keeps it for an instance, with a pool to each shard, and [`Away`] says why one does not answer.
//!
//! Deliberately absent: what is asked of a shard, and what follows from its failure. A writer and a reader differ there.

mod away;
mod directory;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use domain::posts::ShardId;
use pg::Place;
use sqlx::PgPool;
use tracing::warn;

pub use away::Away;
pub use directory::{Directory, Shard};

/// A directory older than this is read again when it is next needed: a shard may have a new address, which no epoch tells.
const FRESH: Duration = Duration::from_secs(10);

/// What a pool to a shard may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections to each shard.
    pub connections: u32,
    /// How long to wait for one.
    pub acquire: Duration,
    /// After this the shard ends a statement.
    pub statement: Duration,
}

/// The shards as one instance knows them. The directory is kept, and stays in use while the master is away.
#[derive(Debug)]
pub struct Shards {
    master: PgPool,
    /// By name; the place of each is the master's to say.
    credentials: BTreeMap<String, pg::Config>,
    limits: Limits,
    known: Mutex<Option<(Arc<Directory>, Instant)>>,
    /// By shard, each with the place where it was when the pool was made.
    pools: Mutex<BTreeMap<ShardId, (Place, PgPool)>>,
}

impl Shards {
    /// Asks nobody yet. A shard that `credentials` ([`pg::Config::load_shards`]) do not name is entered with those of the
    /// first one: a shard that was added while this runs.
    #[must_use]
    pub fn new(master: PgPool, credentials: BTreeMap<String, pg::Config>, limits: Limits) -> Self {
        Self { master, credentials, limits, known: Mutex::default(), pools: Mutex::default() }
    }

    /// The master's database.
    #[must_use]
    pub fn master(&self) -> &PgPool {
        &self.master
    }

    /// The directory, at most some seconds old while the master answers.
    ///
    /// # Errors
    /// When it was never read and the master does not answer, or has no map.
    pub async fn directory(&self) -> anyhow::Result<Arc<Directory>> {
        let known = self.known();
        match &known {
            Some((directory, since)) if since.elapsed() < FRESH => return Ok(Arc::clone(directory)),
            _ => {}
        }
        match (self.refresh().await, known) {
            (Err(error), Some((directory, _))) => {
                warn!(error = format!("{error:#}"), "the master does not answer; its last map stays in use");
                self.keep(Arc::clone(&directory));
                Ok(directory)
            }
            (read, _) => read,
        }
    }

    /// The directory as the master has it now: for whoever has seen that the kept one is old.
    ///
    /// # Errors
    /// When the master does not answer, or has no map.
    pub async fn refresh(&self) -> anyhow::Result<Arc<Directory>> {
        let directory = Arc::new(Directory::load(&self.master).await?);
        self.keep(Arc::clone(&directory));
        Ok(directory)
    }

    /// A pool to a shard. It connects when it is first used.
    ///
    /// # Errors
    /// When there are no credentials for it.
    pub fn pool(&self, shard: &Shard) -> anyhow::Result<PgPool> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, pool)) = pools.get(&shard.id).filter(|(place, _)| *place == shard.place) {
            return Ok(pool.clone());
        }
        let credentials = self.credentials.get(&shard.name).or_else(|| self.credentials.values().next());
        let credentials = credentials.context("configuration: no POSTGRES_SHARD_<n>_URL or _SECRET_ARN is set")?;
        let pool = pg::connect_lazy(&pg::Config {
            max_connections: self.limits.connections,
            acquire_timeout: self.limits.acquire,
            statement_timeout: Some(self.limits.statement),
            ..credentials.at(shard.place.clone())
        })?;
        pools.insert(shard.id, (shard.place.clone(), pool.clone()));
        Ok(pool)
    }

    /// Gives up the pool to a shard, with its connections. One on which nothing comes back (the server has failed over, and
    /// the old one cannot say so) holds its place in the pool until TCP gives up, which takes a quarter of an hour.
    pub fn renew(&self, shard: ShardId) {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner).remove(&shard);
    }

    fn known(&self) -> Option<(Arc<Directory>, Instant)> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, directory: Arc<Directory>) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((directory, Instant::now()));
    }
}
