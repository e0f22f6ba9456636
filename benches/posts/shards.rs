//! Shards of a bench's own, and what the master knows of them.

use anyhow::Context;
use domain::posts::{ShardId, ShardMap};
use pg::testing::{self, TestDatabase};

#[path = "../support/durable.rs"]
mod durable;

/// Their numbers in the map.
pub(crate) fn ids(shards: &[TestDatabase]) -> Vec<ShardId> {
    (1..).take(shards.len()).collect()
}

/// Empty databases in the first so many of the three servers.
pub(crate) async fn create(count: u8) -> anyhow::Result<Vec<TestDatabase>> {
    let mut shards = Vec::new();
    for number in 1..=count {
        let shard = testing::shard(number.into()).await;
        durable::ensure_durable(&shard.pool, &format!("shard {number}")).await?;
        shards.push(shard);
    }
    Ok(shards)
}

pub(crate) async fn drop_all(databases: Vec<TestDatabase>) {
    for database in databases {
        database.drop_database().await;
    }
}

/// Tells the master where the shards are, and the first map.
pub(crate) async fn register(master: &TestDatabase, shards: &[TestDatabase]) -> anyhow::Result<()> {
    for (number, shard) in (1..).zip(shards) {
        let place = pg::Config::new(kit::Secret::new(&shard.url)).place()?;
        sqlx::query("insert into shard_metadata (shard_name, host, port, database_name) values ($1, $2, $3, $4)")
            .bind(format!("shard-{number}"))
            .bind(&place.host)
            .bind(i32::from(place.port))
            .bind(&place.database)
            .execute(&master.pool)
            .await?;
    }
    let map = ShardMap::first(&ids(shards)).context("no shards")?;
    for (partition, at) in map.iter() {
        sqlx::query("insert into posts_shard_map (partition, shard_id, epoch) values ($1, $2, $3)")
            .bind(partition.number())
            .bind(at.shard)
            .bind(at.epoch)
            .execute(&master.pool)
            .await?;
    }
    Ok(())
}

/// As the servers would do by themselves after a minute.
#[allow(dead_code, reason = "only who reads looks at statistics")]
pub(crate) async fn analyze(shards: &[TestDatabase]) -> anyhow::Result<()> {
    for shard in shards {
        sqlx::query("vacuum analyze").execute(&shard.pool).await?;
    }
    Ok(())
}
