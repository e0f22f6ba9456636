//! Shards and partitions as the master says.

use std::collections::BTreeMap;

use anyhow::Context;
use domain::posts::{Assignment, Partition, ShardId, ShardMap};
use pg::Place;
use sqlx::PgExecutor;

/// A row of `shard_metadata`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Its id.
    pub id: ShardId,
    /// `shard_name`.
    pub name: String,
    /// Where it is.
    pub place: Place,
    /// Whether it may get partitions.
    pub active: bool,
}

/// All shards, and which of them has which partition, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// Which shard has which partition.
    pub map: ShardMap,
    /// All shards by id, those without partitions too.
    pub shards: BTreeMap<ShardId, Shard>,
}

impl Directory {
    /// Reads it from the master.
    ///
    /// # Errors
    /// When the master does not answer or has no whole map: db-migrator makes the first one.
    pub async fn load(master: impl PgExecutor<'_> + Copy) -> anyhow::Result<Self> {
        let map: Vec<(i32, ShardId, i64)> = sqlx::query_as("select partition, shard_id, epoch from posts_shard_map")
            .fetch_all(master)
            .await
            .context("read the shard map")?;
        // A shard is never removed, so those of the map are among those that are read after it.
        let shards: Vec<(ShardId, String, String, i32, String, bool)> =
            sqlx::query_as("select id, shard_name, host, port, database_name, is_active from shard_metadata")
                .fetch_all(master)
                .await
                .context("read the shards")?;
        let map = ShardMap::new(map).context("read the shard map")?;
        let shards = shards.into_iter().map(|(id, name, host, port, database, active)| {
            let port = u16::try_from(port).with_context(|| format!("the port of {name} is {port}"))?;
            Ok((id, Shard { id, name, place: Place { host, port, database }, active }))
        });
        Ok(Self { map, shards: shards.collect::<anyhow::Result<_>>()? })
    }

    /// The shards that have partitions, each with its own in order.
    pub fn holders(&self) -> impl Iterator<Item = (&Shard, Vec<(Partition, Assignment)>)> + '_ {
        self.shards.values().filter_map(|shard| {
            let of_shard = self.map.iter().filter(|(_, assignment)| assignment.shard == shard.id);
            let partitions: Vec<_> = of_shard.collect();
            (!partitions.is_empty()).then_some((shard, partitions))
        })
    }
}
