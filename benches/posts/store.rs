//! Writes of posts, comments and likes from a full topic of 48 partitions into three shards, then into one: the runner's real
//! Kafka source and `posts-shard-writer`, and before it the limit: raw `COPY` of the same rows into the same servers, tables and
//! indexes, a connection a shard, without counters and progress. `BENCH_WRITES=600000` says how many.
//!
//! The function must have been built with the same profile: `cargo build --profile bench -p posts-shard-writer`. It is run
//! by this program in the runner's part. The servers run with `fsync` and `synchronous_commit` on, which is looked at.

#[path = "../support/figures.rs"]
mod figures;
mod limit;
mod shards;
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
use domain::posts::{PARTITIONS, Write};
use figures::{say, say_load};
use pg::testing::{self, TestDatabase};
use uuid::Uuid;

const WRITES: usize = 600_000;
/// A drain that takes longer has failed.
const LONGEST: Duration = Duration::from_secs(600);

fn main() -> ExitCode {
    stack::main(measure)
}

#[tokio::main]
async fn measure() -> anyhow::Result<()> {
    let count = std::env::var("BENCH_WRITES").ok().map_or(Ok(WRITES), |count| count.parse())?;
    let writes = writes::generate(count);
    say_load();
    say(&format!("{count} writes (1 post, 2 comments, 2 likes), posts and comments of 100 bytes"));
    for shards in [3, 1] {
        compare(&writes, shards).await?;
    }
    say_load();
    Ok(())
}

/// The limit and the function, on so many shards.
async fn compare(writes: &[Write], count: u8) -> anyhow::Result<()> {
    let shards = shards::create(count).await?;
    let copied = limit::copy(&shards, writes).await?;
    shards::drop_all(shards).await;
    let (master, shards) = (testing::database().await, shards::create(count).await?);
    let stored = drain(&master, &shards, writes).await?;
    shards::drop_all(shards).await;
    master.drop_database().await;
    say(&format!(
        "  {count} shards: raw COPY {:>8.0} rows/s ({:.2} s), posts-shard-writer {:>8.0} rows/s ({:.2} s), {:.0} % of it",
        rate(writes.len(), copied),
        copied.as_secs_f64(),
        rate(writes.len(), stored),
        stored.as_secs_f64(),
        copied.as_secs_f64() / stored.as_secs_f64() * 100.0
    ));
    Ok(())
}

fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// From the runner's start until the last write is stored, by the shards' clocks.
async fn drain(master: &TestDatabase, shards: &[TestDatabase], writes: &[Write]) -> anyhow::Result<Duration> {
    let servers = std::env::var("KAFKA_BOOTSTRAP_SERVERS").context("KAFKA_BOOTSTRAP_SERVERS is not set")?;
    let kafka = kafka::Config::plaintext(servers);
    let topic = format!("bench-{}", Uuid::new_v4().simple());
    kafka::admin::create_topic(&kafka, &topic, i32::from(PARTITIONS), &std::collections::BTreeMap::new()).await?;
    writes::produce(&kafka, &topic, writes).await?;
    shards::register(master, shards).await?;

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
