//! Kafka to committed Iceberg, drained from a full topic of 4 partitions: the runner's real Kafka source, the writer and
//! the committer, each a process of its own, and before it the limit: one plain program that reads Kafka, parses and
//! writes Parquet. `BENCH_RECORDS=narrow:6000000,github:1000000` says how many; `BENCH_TOPIC=name-` keeps the topics
//! `name-narrow` and `name-github`, for a second run or another system; `BENCH_RESULTS=file` adds a line of JSON a result;
//! `BENCH_CONCURRENCY=4` lets so many writers work at once instead of the runner's default.
//!
//! GitHub's records go through the real functions, which must have been built with the same profile:
//! `cargo build --profile bench -p github-lake-writer -p lake-committer`. This program is also the runner (its own process,
//! from the same code as `millrace`) and the limit, in other parts.

#[expect(dead_code, reason = "this bench looks at single threads of a process")]
#[path = "../support/cpu.rs"]
mod cpu;
#[path = "../support/figures.rs"]
mod figures;
mod fill;
mod functions;
mod generate;
#[path = "../../functions/github-lake-writer/src/format.rs"]
#[allow(unreachable_pub, unused_imports, reason = "the function's own file, whose tests do not run here")]
mod github_format;
mod limit;
mod result;
#[path = "../support/results.rs"]
mod results;
mod sample;
#[path = "../support/stack.rs"]
mod stack;
mod stages;
mod table;
#[path = "../support/topic.rs"]
mod topic;
#[path = "../support/usage.rs"]
mod usage;

use std::{
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, Utc};
use figures::{say, say_load};
use fill::Topic;
use functions::{Functions, Place};
use github_format::GithubEvents;
use lake::{Lake, github};
use millrace_bench::narrow::{self, Narrow};
use result::Result as Drained;
use usage::{Machine, Watch};
use uuid::Uuid;

const PAYLOADS: &str = "narrow:6000000,github:1000000";
/// A drain that takes longer has failed.
const LONGEST: Duration = Duration::from_secs(600);

fn main() -> ExitCode {
    stack::main(|| {
        let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
        match arguments.as_slice() {
            [part, payload, topic, records, work, dir] if part == "limit" => {
                limit_part(payload, topic, records, work, dir)
            }
            _ => measure_all(),
        }
    })
}

fn limit_part(payload: &str, topic: &str, records: &str, work: &str, dir: &str) -> anyhow::Result<()> {
    let took = limit::run(payload, topic, records.parse()?, limit::Work::named(work)?, Path::new(dir))?;
    say(&took.as_secs_f64().to_string());
    Ok(())
}

#[tokio::main]
async fn measure_all() -> anyhow::Result<()> {
    let wanted = std::env::var("BENCH_RECORDS").unwrap_or_else(|_| PAYLOADS.to_owned());
    say_load();
    for part in wanted.split(',') {
        let (payload, records) = part.split_once(':').context("BENCH_RECORDS is not payload:records,...")?;
        measure(payload, records.parse().with_context(|| format!("{records:?} is no number"))?).await?;
    }
    say_load();
    Ok(())
}

async fn measure(payload: &str, records: u64) -> anyhow::Result<()> {
    let kafka = topic::cluster()?;
    let kept = std::env::var("BENCH_TOPIC").ok();
    let prefix = kept.clone().unwrap_or_else(|| format!("bench-{}-", Uuid::new_v4().simple()));
    let topic = fill::filled(&kafka, &format!("{prefix}{payload}"), payload, records).await?;
    let mean = topic.bytes as f64 / topic.records as f64;
    say(&format!("\n{payload}: {records} records of {mean:.0} bytes, {} partitions, lz4", topic::PARTITIONS));
    Drained::say_head();
    let mut limit = None;
    if std::env::var_os("BENCH_WITHOUT_LIMIT").is_none() {
        for work in ["consume", "parse", "parquet"] {
            let result = run_limit(payload, &topic, work)?;
            result.say()?;
            limit = Some(result.seconds);
        }
    }
    let ours = drain(payload, &topic).await?;
    ours.say()?;
    if let Some(limit) = limit {
        say(&format!("  {:.0} % of the limit", limit / ours.seconds * 100.0));
    }
    if kept.is_none() {
        kafka::admin::delete_topic(&kafka, &topic.name).await?;
    }
    Ok(())
}

/// The limit in a process of its own.
fn run_limit(payload: &str, topic: &Topic, work: &str) -> anyhow::Result<Drained> {
    let dir = std::env::temp_dir().join(format!("millrace-bench-{}", Uuid::new_v4().simple()));
    std::fs::create_dir(&dir)?;
    let before = Machine::now();
    let child = std::process::Command::new(std::env::current_exe()?)
        .args(["limit", payload, &topic.name, &topic.records.to_string(), work])
        .arg(&dir)
        .stdout(std::process::Stdio::piped())
        .spawn()?;
    let watch = Watch::of(child.id());
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "the limit failed: {said}");
    std::fs::remove_dir_all(&dir)?;
    let seconds = said.trim().parse().with_context(|| format!("the limit said {said:?}"))?;
    Ok(Drained::new(&format!("limit: {work}"), payload, topic, seconds, watch.so_far(), &before))
}

/// The runner and the functions, from their start until the commit that completes the table.
async fn drain(payload: &str, topic: &Topic) -> anyhow::Result<Drained> {
    let functions = Functions::of(payload);
    let database = pg::testing::database().await;
    let place = Place {
        topic: topic.name.clone(),
        database_url: database.url.clone(),
        warehouse: format!("s3://millrace-lake/bench/{}", Uuid::new_v4().simple()),
        window: std::env::var("BENCH_WINDOW").ok(),
        commit_age: std::env::var("BENCH_COMMIT_AGE").unwrap_or_else(|_| "2".to_owned()),
    };
    let before = Machine::now();
    let (began, deadline) = (Utc::now(), Instant::now() + LONGEST);
    let mut stack = functions::start(functions, &place)?;
    let watch = Watch::of(stack.runner.id());
    let mut commits: Vec<(DateTime<Utc>, u64)> = Vec::new();
    while commits.last().is_none_or(|(_, records)| *records < topic.records) {
        ensure!(Instant::now() < deadline, "not drained after {LONGEST:?}: {commits:?}");
        stack.check()?;
        // Short of the deadline, look again.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let found = sqlx::query_as("select committed_at, records from lake_tables where table_name = $1")
            .bind(functions.table)
            .fetch_optional(&database.pool)
            .await?;
        let Some((at, records)) = found.map(|(at, records): (DateTime<Utc>, i64)| (at, records.cast_unsigned())) else {
            continue;
        };
        if commits.last().is_none_or(|(_, before)| *before < records) {
            commits.push((at, records));
        }
    }
    let used = watch.so_far();
    let (Some(first), Some(last)) = (commits.first(), commits.last()) else { bail!("nothing was committed") };
    let seconds = |from: DateTime<Utc>, to: DateTime<Utc>| (to - from).num_milliseconds() as f64 / 1e3;
    let mut result = Drained::new("millrace", payload, topic, seconds(began, last.0), used, &before);
    result.steady = (commits.len() > 1).then(|| (last.1 - first.1) as f64 / seconds(first.0, last.0));
    drop(stack);
    let held = table::check_and_remove(functions.table, &place.database_url, &place.warehouse)?;
    ensure!(held.rows == topic.records && held.distinct == topic.records, "lost or doubled: {held:?}");
    result.held = Some(held);
    result.alone = Some(alone(payload, topic, &database.pool)?);
    database.drop_database().await;
    Ok(result)
}

/// The stages that can be run alone, over a sample of the topic.
fn alone(payload: &str, topic: &Topic, pool: &sqlx::PgPool) -> anyhow::Result<sample::Alone> {
    let lake = |namespace, table, schema| {
        Lake::new(lake::Config::read(namespace, table, |name| std::env::var(name).ok()), schema, pool.clone())
    };
    match payload {
        "narrow" => sample::alone(&Narrow, &lake(narrow::NAMESPACE, narrow::TABLE, &narrow::SCHEMA), topic),
        _ => sample::alone(&GithubEvents, &lake(github::NAMESPACE, github::TABLE, &github::SCHEMA), topic),
    }
}
