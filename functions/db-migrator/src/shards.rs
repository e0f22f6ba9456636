//! Tells the master which shards there are, and makes the first map of partitions.

use std::collections::BTreeMap;

use anyhow::Context;
use domain::posts::{ShardId, ShardMap};
use sqlx::{PgPool, Postgres, Transaction};

/// Notes each shard at its place. Without a map yet, the first one gives each of them equally many partitions.
///
/// # Errors
/// When the master does not answer.
pub(crate) async fn register(master: &PgPool, shards: &BTreeMap<String, pg::Config>) -> anyhow::Result<()> {
    if shards.is_empty() {
        return Ok(());
    }
    let mut transaction = master.begin().await.context("begin to note the shards")?;
    // Two migrators at once would each count the shards while the other adds some.
    sqlx::query("lock table shard_metadata in exclusive mode")
        .execute(&mut *transaction)
        .await
        .context("wait for another migrator")?;
    let mut ids: Vec<ShardId> = Vec::new();
    for (name, config) in shards {
        ids.push(note(&mut transaction, name, &config.place()?).await?);
    }
    let mapped: bool = sqlx::query_scalar("select exists (select from posts_shard_map)")
        .fetch_one(&mut *transaction)
        .await
        .context("look for the map")?;
    if !mapped && let Some(map) = ShardMap::first(&ids) {
        write(&mut transaction, &map).await?;
    }
    transaction.commit().await.context("note the shards")
}

/// The shards that the master knows and nobody has configured, because they were added while the functions ran: entered with
/// the credentials of the first that is configured.
///
/// # Errors
/// When the master does not answer.
pub(crate) async fn added(
    master: &PgPool,
    configured: &BTreeMap<String, pg::Config>,
) -> anyhow::Result<BTreeMap<String, pg::Config>> {
    let Some(credentials) = configured.values().next() else { return Ok(BTreeMap::new()) };
    let known: Vec<(String, String, i32, String)> =
        sqlx::query_as("select shard_name, host, port, database_name from shard_metadata")
            .fetch_all(master)
            .await
            .context("read the shards")?;
    let added = known.into_iter().filter(|(name, ..)| !configured.contains_key(name));
    let config = added.map(|(name, host, port, database)| {
        let port = u16::try_from(port).with_context(|| format!("the port of {name} is {port}"))?;
        Ok((name, credentials.at(pg::Place { host, port, database })))
    });
    config.collect()
}

/// Not `on conflict`: each of its attempts would use up a number of the sequence.
async fn note(transaction: &mut Transaction<'_, Postgres>, name: &str, place: &pg::Place) -> anyhow::Result<ShardId> {
    let known: Option<ShardId> = sqlx::query_scalar(
        "update shard_metadata set host = $2, port = $3, database_name = $4 where shard_name = $1 returning id",
    )
    .bind(name)
    .bind(&place.host)
    .bind(i32::from(place.port))
    .bind(&place.database)
    .fetch_optional(&mut **transaction)
    .await
    .with_context(|| format!("note {name}"))?;
    if let Some(id) = known {
        return Ok(id);
    }
    sqlx::query_scalar(
        "insert into shard_metadata (shard_name, host, port, database_name) values ($1, $2, $3, $4) returning id",
    )
    .bind(name)
    .bind(&place.host)
    .bind(i32::from(place.port))
    .bind(&place.database)
    .fetch_one(&mut **transaction)
    .await
    .with_context(|| format!("note {name}"))
}

async fn write(transaction: &mut Transaction<'_, Postgres>, map: &ShardMap) -> anyhow::Result<()> {
    let (mut partitions, mut shards, mut epochs) = (Vec::new(), Vec::new(), Vec::new());
    for (partition, assignment) in map.iter() {
        partitions.push(partition.number());
        shards.push(assignment.shard);
        epochs.push(assignment.epoch);
    }
    sqlx::query(
        "insert into posts_shard_map (partition, shard_id, epoch)
         select * from unnest($1::int[], $2::int[], $3::bigint[])",
    )
    .bind(partitions)
    .bind(shards)
    .bind(epochs)
    .execute(&mut **transaction)
    .await
    .context("write the first map")?;
    Ok(())
}
