//! Writes of posts, comments and likes from a full topic of 48 partitions into three shards: the runner's real Kafka source and
//! `posts-shard-writer`, and before it the limit: raw `COPY` of the same rows into the same three servers, tables and indexes,
//! a connection a shard, without counters and progress. `BENCH_WRITES=600000` says how many.
//!
//! The function must have been built with the same profile: `cargo build --profile bench -p posts-shard-writer`. It is run
//! by this program in the runner's part. The servers run with `fsync` and `synchronous_commit` on, which is looked at.

#[path = "../support/durable.rs"]
mod durable;
#[path = "../support/figures.rs"]
mod figures;
mod limit;
#[path = "../support/stack.rs"]
mod stack;
mod template;
mod writes;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use domain::posts::{PARTITIONS, ShardMap, Write};
use figures::{say, say_load};
use pg::testing::{self, TestDatabase};
use uuid::Uuid;

const WRITES: usize = 600_000;
/// A drain that takes longer has failed.
const LONGEST: Duration = Duration::from_secs(600);

fn main() -> ExitCode {
    if stack::is_runner() {
        return millrace::cli::main();
    }
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("failed: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn measure() -> anyhow::Result<()> {
    let count = std::env::var("BENCH_WRITES").ok().map_or(Ok(WRITES), |count| count.parse())?;
    let writes = writes::generate(count);
    say_load();
    say(&format!("{count} writes (1 post, 2 comments, 2 likes), posts and comments of 100 bytes, three shards"));
    let shards = shards().await?;
    let copied = limit::copy(&shards, &writes).await?;
    say(&format!("  raw COPY           {:>9.0} rows/s  ({:.2} s)", rate(count, copied), copied.as_secs_f64()));
    drop_all(shards).await;

    let (master, shards) = (testing::database().await, self::shards().await?);
    let stored = drain(&master, &shards, &writes).await?;
    say(&format!("  posts-shard-writer {:>9.0} rows/s  ({:.2} s)", rate(count, stored), stored.as_secs_f64()));
    say(&format!("  {:.0} % of raw COPY", copied.as_secs_f64() / stored.as_secs_f64() * 100.0));
    drop_all(shards).await;
    master.drop_database().await;
    say_load();
    Ok(())
}

fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

async fn shards() -> anyhow::Result<Vec<TestDatabase>> {
    let mut shards = Vec::new();
    for number in 1..=3 {
        let shard = testing::shard(number).await;
        durable::ensure_durable(&shard.pool, &format!("shard {number}")).await?;
        shards.push(shard);
    }
    Ok(shards)
}

async fn drop_all(databases: Vec<TestDatabase>) {
    for database in databases {
        database.drop_database().await;
    }
}

/// From the runner's start until the last write is stored, by the shards' clocks.
async fn drain(master: &TestDatabase, shards: &[TestDatabase], writes: &[Write]) -> anyhow::Result<Duration> {
    let servers = std::env::var("KAFKA_BOOTSTRAP_SERVERS").context("KAFKA_BOOTSTRAP_SERVERS is not set")?;
    let kafka = kafka::Config::plaintext(servers);
    let topic = format!("bench-{}", Uuid::new_v4().simple());
    kafka::admin::create_topic(&kafka, &topic, i32::from(PARTITIONS), &std::collections::BTreeMap::new()).await?;
    writes::produce(&kafka, &topic, writes).await?;
    register(master, shards).await?;

    let (began, deadline) = (Utc::now(), Instant::now() + LONGEST);
    let mut stack = template::start(&template::writer(&topic), &["posts-shard-writer"], master, shards)?;
    loop {
        ensure!(Instant::now() < deadline, "not stored after {LONGEST:?}; {}", stack.said());
        stack.check()?;
        // Short of the deadline, look again.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let mut records = 0;
        let mut last: Option<DateTime<Utc>> = None;
        for shard in shards {
            let found: (i64, Option<DateTime<Utc>>) =
                sqlx::query_as("select coalesce(sum(records), 0)::bigint, max(updated_at) from posts_progress")
                    .fetch_one(&shard.pool)
                    .await?;
            records += found.0;
            last = last.max(found.1);
        }
        if let Some(last) = last.filter(|_| records >= writes.len() as i64) {
            ensure!(records == writes.len() as i64, "{records} rows of {} writes", writes.len());
            kafka::admin::delete_topic(&kafka, &topic).await?;
            return (last - began).to_std().context("stored before it began");
        }
    }
}

/// Tells the master where the shards are, and the first map.
async fn register(master: &TestDatabase, shards: &[TestDatabase]) -> anyhow::Result<()> {
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
    let map = ShardMap::first(&[1, 2, 3]).context("three shards")?;
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
