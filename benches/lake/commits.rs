//! Time of a commit over a table's life: one small segment a commit, 10,000 commits, the table kept as the committer
//! keeps it; and 2,000 commits of a table that nobody keeps. Needs Postgres and S3, as `make bench` starts them.
//!
//! `COMMITS` and `COMMITS_UNKEPT` give other numbers. What production deletes after an hour is deleted after
//! `COMMITS_HOUR_SECONDS` (30), so that a run sees deletions as well.

#[path = "../support/figures.rs"]
mod figures;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use chrono::Utc;
use domain::lake::{CommitLimits, Source};
use figures::{say, say_load};
use lake::{
    CatalogConfig, Column, ColumnType, Commit, Committer, Lake, Maintainer, Maintenance, Offered, Outcome, Reader,
    TableSchema, Upkeep, Value,
};
use sqlx::PgPool;
use uuid::Uuid;

const SCHEMA: TableSchema = TableSchema {
    columns: &[
        Column::required("id", ColumnType::Text),
        Column::required("ts", ColumnType::Timestamp),
        Column::required("user", ColumnType::Text),
        Column::required("kind", ColumnType::Text),
        Column::required("amount", ColumnType::Double),
        Column::required("note", ColumnType::Document),
    ],
    time: 1,
    key: 0,
};
/// Rows of a segment.
const ROWS: i64 = 10;
/// Commits between two steps of maintenance, as the committer has it.
const EVERY: u64 = 16;
/// Commits of a line.
const LINE: u64 = 1_000;
/// Microseconds since 1970 of the first row; each commit is 30 s later, so days end in a run.
const BEGIN: i64 = 1_795_248_000_000_000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let number = |name: &str, default: u64| std::env::var(name).map_or(Ok(default), |text| text.parse());
    let hour = Duration::from_secs(number("COMMITS_HOUR_SECONDS", 30)?);
    say_load();
    let kept = Maintenance { garbage_age: hour, ..Maintenance::default() };
    run("kept", number("COMMITS", 10_000)?, Some(kept), hour).await?;
    run("not kept", number("COMMITS_UNKEPT", 2_000)?, None, hour).await?;
    say_load();
    Ok(())
}

/// A table of its own.
struct Table {
    lake: Lake,
    pool: PgPool,
    committer: Committer,
    next: i64,
}

impl Table {
    /// Stages a segment, commits and marks it; gives the time from looking at what waits to the mark.
    async fn commit(&mut self) -> anyhow::Result<Duration> {
        self.stage().await?;
        let limits = CommitLimits { bytes: 64 << 20, segments: 1_000, age: Duration::ZERO };
        let began = Instant::now();
        ensure!(self.committer.waiting().await?.segments == 1, "one segment waits");
        let planned = self.committer.plan(&limits).await?;
        let written = self.committer.write(planned, 128 << 20).await?;
        let Commit::Done(committed) = self.committer.commit(written).await? else {
            anyhow::bail!("a commit was lost with nobody else there")
        };
        self.committer.mark(&committed, Utc::now()).await?;
        Ok(began.elapsed())
    }

    async fn stage(&mut self) -> anyhow::Result<()> {
        let source = Source { cluster_id: "bench".into(), topic_id: "commits".into(), partition: 0 };
        let offsets: Vec<i64> = (self.next..self.next + ROWS).collect();
        let offered = Offered { source, topic: "commits".into(), offsets: offsets.clone() };
        let mut plan = self.lake.plan(&[offered]).await?;
        let mut segment = self.lake.segment()?;
        for offset in offsets {
            let time = BEGIN + offset / ROWS * 30_000_000 + offset % ROWS;
            let (user, amount) = (Value::Text("somebody"), Value::Double(1.5));
            let id = format!("{offset:010}");
            let values = [Value::Text(&id), Value::Timestamp(time), user, Value::Text("click"), amount];
            segment.push(&[&values[..], &[Value::Text("a note of some length")]].concat())?;
        }
        for part in &mut plan.partitions {
            part.records = ROWS.unsigned_abs();
        }
        let segment = segment.finish()?;
        ensure!(self.lake.stage(&plan, segment.as_ref()).await? == Outcome::Staged, "staged");
        self.next += ROWS;
        Ok(())
    }

    /// Size of the metadata, bytes, and numbers that might grow.
    async fn state(&self) -> anyhow::Result<String> {
        let (files, rows): (i64, i64) =
            sqlx::query_as("select files, records from lake_tables").fetch_one(&self.pool).await?;
        ensure!(rows == self.next, "the table has {rows} rows, {} were committed", self.next);
        let segments: i64 = sqlx::query_scalar("select count(*) from lake_segments").fetch_one(&self.pool).await?;
        let garbage: i64 = sqlx::query_scalar("select count(*) from lake_garbage").fetch_one(&self.pool).await?;
        let sizes = Maintainer::new(self.lake.clone(), Maintenance::default()).sizes().await?.context("no table")?;
        Ok(format!(
            "{files} files, {} snapshots, {} manifests, {} kB metadata, {segments} segments, {garbage} to delete",
            sizes.snapshots,
            sizes.manifests,
            sizes.metadata_bytes / 1_000
        ))
    }
}

async fn run(what: &str, commits: u64, kept: Option<Maintenance>, hour: Duration) -> anyhow::Result<()> {
    let database = pg::testing::database().await;
    let mut config = lake::Config::read("bench", "commits", |name| std::env::var(name).ok());
    config.warehouse = format!("s3://millrace-lake/bench/{}", Uuid::new_v4());
    let lake = Lake::new(config, &SCHEMA, database.pool.clone());
    let committer = Committer::open(lake.clone(), &CatalogConfig::Sql { uri: database.url.clone() }).await?;
    let maintainer = kept.map(|kept| Maintainer::new(lake.clone(), kept));
    let mut table = Table { lake, pool: database.pool.clone(), committer, next: 0 };
    say(&format!("{what}: {commits} commits of one segment; milliseconds a commit"));
    let mut done = 0;
    while done < commits {
        let (mut times, mut upkeep, mut keeping) = (Vec::new(), Upkeep::default(), Duration::ZERO);
        let processor = processor_time()?;
        for _ in 0..LINE.min(commits - done) {
            times.push(table.commit().await?);
            done += 1;
            if let Some(maintainer) = maintainer.as_ref().filter(|_| done % EVERY == 0) {
                let began = Instant::now();
                upkeep.add(&maintainer.step(true, Utc::now()).await?);
                table.committer.clean(hour, 2_000).await?;
                keeping += began.elapsed();
            }
        }
        let processor = processor_time()? - processor;
        say(&format!("{}; {}", line(done, &mut times, keeping, processor), table.state().await?));
    }
    check(&table).await?;
    database.drop_database().await;
    Ok(())
}

/// A line's figures. Processor time is this process's, of commits, staging and maintenance together.
fn line(done: u64, times: &mut [Duration], keeping: Duration, processor: Duration) -> String {
    times.sort_unstable();
    let count = u32::try_from(times.len()).unwrap_or(1).max(1);
    let at = |share: usize| times.get((times.len() - 1) * share / 100).copied().unwrap_or_default();
    let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
    let mean = times.iter().sum::<Duration>() / count;
    format!(
        "{done:>6}: mean {:>6.1}, p50 {:>6.1}, p99 {:>6.1}; maintenance {:>5.1}, processor {:>5.1}",
        ms(mean),
        ms(at(50)),
        ms(at(99)),
        ms(keeping / count),
        ms(processor / count)
    )
}

/// Every row is there once.
async fn check(table: &Table) -> anyhow::Result<()> {
    let limit = usize::try_from(table.next).context("count rows")? + 1;
    let newest = lake::Newest { since: i64::MIN, equal: None, limit };
    let rows = Reader::new(table.lake.clone()).newest(&newest).await?;
    let found: BTreeSet<Option<&str>> = rows.iter().map(|row| row.text(0)).collect();
    say(&format!("read back {} rows with {} ids", rows.len(), found.len()));
    let all = rows.len() + 1 == limit;
    ensure!(found.len() == rows.len() && all, "the table lost or doubled a row");
    Ok(())
}

/// User and system time of this process, threads that have ended too.
fn processor_time() -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").context("read /proc/self/stat; the benches need Linux")?;
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = [11, 12].into_iter().filter_map(|field| fields.get(field)?.parse::<u64>().ok()).sum::<u64>();
    // Linux counts these in hundredths of a second everywhere.
    Ok(Duration::from_millis(ticks * 10))
}
