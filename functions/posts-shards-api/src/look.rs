//! Looks at the master, at every shard and at Kafka, all at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use domain::posts::breaker::Breaker;
use domain::posts::{Partition, ShardId, TOPIC};
use futures::future::join_all;
use kafka::admin::Inspector;
use shards::{Away, Directory, Shard, Shards};
use sqlx::PgPool;
use tokio::sync::OnceCell;
use tokio::time::timeout;
use tracing::warn;

/// Kafka is asked for the end of each of 48 partitions.
const KAFKA_PATIENCE: Duration = Duration::from_secs(8);

/// Who fills the shards.
#[derive(Debug, Clone)]
pub struct Watched {
    /// The topic in Kafka. Shards call it by its one name, whatever a test's broker has.
    pub topic: String,
    /// The consumer group of the writer's trigger.
    pub group: String,
}

impl Default for Watched {
    fn default() -> Self {
        Self { topic: TOPIC.into(), group: "posts-shard-writer".into() }
    }
}

/// What a shard says of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Progress {
    pub(crate) partition: i32,
    pub(crate) epoch: i64,
    pub(crate) next_offset: i64,
    pub(crate) records: i64,
    pub(crate) duplicates: i64,
    pub(crate) dead_letters: i64,
    /// Writers are kept away while it moves.
    pub(crate) frozen: bool,
}

/// Rows of each table, as the server counts them on the way: close, and cheap at any size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Rows {
    pub(crate) posts: i64,
    pub(crate) comments: i64,
    pub(crate) likes: i64,
}

/// What a shard says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Of every partition that it knows, those of other shards too.
    pub(crate) progress: Vec<Progress>,
    pub(crate) rows: Rows,
}

/// A shard, its partitions by the map, and what it says.
#[derive(Debug)]
pub(crate) struct Looked {
    pub(crate) shard: Shard,
    /// Partition and epoch.
    pub(crate) partitions: Vec<(Partition, i64)>,
    pub(crate) seen: Result<Seen, Away>,
}

/// The writers' breaker of a shard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rest {
    pub(crate) breaker: Breaker,
    pub(crate) last_error: Option<String>,
}

/// Where a partition of the topic begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) low: i64,
    pub(crate) high: i64,
}

/// Everything at about one moment.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) epoch: i64,
    pub(crate) shards: Vec<Looked>,
    /// By shard; one that has never failed has none.
    pub(crate) rests: BTreeMap<ShardId, Rest>,
    /// By partition; `None` when Kafka does not answer.
    pub(crate) ends: Option<BTreeMap<i32, Ends>>,
}

pub(crate) struct Observer {
    shards: Shards,
    kafka: kafka::Config,
    watched: Watched,
    patience: Duration,
    inspector: OnceCell<Inspector>,
}

impl Observer {
    pub(crate) fn new(shards: Shards, kafka: kafka::Config, watched: Watched, patience: Duration) -> Self {
        Self { shards, kafka, watched, patience, inspector: OnceCell::new() }
    }

    /// The master's database.
    pub(crate) fn master(&self) -> &PgPool {
        self.shards.master()
    }

    /// What each shard says now.
    pub(crate) async fn shards(&self) -> anyhow::Result<Vec<Looked>> {
        let directory = self.directory().await?;
        Ok(self.ask(&directory).await)
    }

    /// Everything.
    pub(crate) async fn look(&self) -> anyhow::Result<World> {
        let directory = self.directory().await?;
        // Ends before progress: a shard may have stored more by then, and no lag is invented.
        let ends = timeout(KAFKA_PATIENCE, self.ends()).await.map_err(anyhow::Error::from).flatten();
        let (shards, rests) = tokio::join!(self.ask(&directory), self.rests());
        let ends = ends.inspect_err(|error| warn!(error = format!("{error:#}"), "kafka does not answer")).ok();
        Ok(World { epoch: directory.map.epoch(), shards, rests: rests?, ends })
    }

    /// Always the newest one: who looks here wants to see moves.
    async fn directory(&self) -> anyhow::Result<Arc<Directory>> {
        timeout(self.patience, self.shards.refresh()).await.context("ask the master")?
    }

    async fn ask(&self, directory: &Directory) -> Vec<Looked> {
        let looked = directory.shards.values().map(|shard| {
            let of_shard = directory.map.iter().filter(|(_, assignment)| assignment.shard == shard.id);
            let partitions = of_shard.map(|(partition, assignment)| (partition, assignment.epoch)).collect();
            async {
                let seen = async { seen(&self.shards.pool(shard).map_err(|_| Away::Failed)?).await };
                let seen = timeout(self.patience, seen).await.unwrap_or(Err(Away::Slow));
                if seen == Err(Away::Slow) {
                    self.shards.renew(shard.id);
                }
                Looked { shard: shard.clone(), partitions, seen }
            }
        });
        join_all(looked).await
    }

    async fn rests(&self) -> anyhow::Result<BTreeMap<ShardId, Rest>> {
        type Row = (ShardId, i32, Option<DateTime<Utc>>, Option<DateTime<Utc>>, Option<String>);
        let query = "select shard_id, failures, open_until, probe_until, last_error from posts_shard_breakers";
        let rows: Vec<Row> =
            sqlx::query_as(query).fetch_all(self.shards.master()).await.context("read the breakers")?;
        let rest = |(shard, failures, open_until, probe_until, last_error)| {
            (shard, Rest { breaker: Breaker { failures, open_until, probe_until }, last_error })
        };
        Ok(rows.into_iter().map(rest).collect())
    }

    async fn ends(&self) -> anyhow::Result<BTreeMap<i32, Ends>> {
        let make = || async { Inspector::new(&self.kafka, &self.watched.group) };
        let inspector = self.inspector.get_or_try_init(make).await?;
        let partitions = inspector.partitions(&self.watched.topic).await?.unwrap_or_default();
        Ok(partitions.into_iter().map(|state| (state.partition, Ends { low: state.low, high: state.high })).collect())
    }
}

async fn seen(shard: &PgPool) -> Result<Seen, Away> {
    let progress = "select partition, epoch, next_offset, records, duplicates, dead_letters, frozen from posts_progress
         where topic = $1 order by partition";
    let progress = sqlx::query_as(progress).bind(TOPIC).fetch_all(shard).await.map_err(|error| noted(&error))?;
    let rows = "select coalesce(max(n_live_tup) filter (where relname = 'posts'), 0) as posts,
                coalesce(max(n_live_tup) filter (where relname = 'comments'), 0) as comments,
                coalesce(max(n_live_tup) filter (where relname = 'likes'), 0) as likes
         from pg_stat_user_tables where schemaname = current_schema()";
    let rows = sqlx::query_as(rows).fetch_one(shard).await.map_err(|error| noted(&error))?;
    Ok(Seen { progress, rows })
}

fn noted(error: &sqlx::Error) -> Away {
    warn!(%error, "a shard does not answer");
    Away::of(error)
}
