//! A table of events over the last 24 hours, staged and committed as the functions do it.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use chrono::Utc;
use domain::lake::{CommitLimits, Source};
use lake::{CatalogConfig, Commit, Committer, Lake, Offered, Outcome, SegmentBuilder, Value, github};
use pg::testing::TestDatabase;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{
    figures::say,
    generate::{Github, Values},
};

/// Rows of a segment: a full batch of Lambda's.
const SEGMENT: u64 = 10_000;
/// Segments that are committed together.
const TOGETHER: u64 = 25;
/// Microseconds of a day.
const DAY: u64 = 86_400_000_000;

/// A filled table.
pub(crate) struct Table {
    pub(crate) database: TestDatabase,
    pub(crate) warehouse: String,
    /// Of the last commit.
    pub(crate) metadata: String,
    pub(crate) rows: u64,
}

#[derive(Deserialize)]
struct Event<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    actor: Named<'a>,
    repo: Named<'a>,
    org: Option<Named<'a>>,
    public: Option<bool>,
    #[serde(borrow)]
    payload: &'a RawValue,
}

#[derive(Deserialize)]
struct Named<'a> {
    id: i64,
    #[serde(rename = "login", alias = "name")]
    name: &'a str,
}

/// Makes the table.
pub(crate) async fn filled(rows: u64) -> anyhow::Result<Table> {
    let began = Instant::now();
    let database = pg::testing::database().await;
    let mut config = lake::Config::read(github::NAMESPACE, github::TABLE, |name| std::env::var(name).ok());
    config.warehouse = format!("s3://millrace-lake/bench/{}", Uuid::new_v4());
    let warehouse = config.warehouse.clone();
    let lake = Lake::new(config, &github::SCHEMA, database.pool.clone());
    let committer = Committer::open(lake.clone(), &CatalogConfig::Sql { uri: database.url.clone() }).await?;
    let (mut events, mut value) = (Github::new(rows), Vec::new());
    let first = Utc::now().timestamp_micros() - i64::try_from(DAY)?;
    let mut segments = 0;
    for begin in (0..rows).step_by(usize::try_from(SEGMENT)?) {
        let offsets: Vec<i64> = (begin..rows.min(begin + SEGMENT)).map(i64::try_from).collect::<Result<_, _>>()?;
        let source = Source { cluster_id: "bench".into(), topic_id: "query".into(), partition: 0 };
        let offered = Offered { source, topic: "query".into(), offsets: offsets.clone() };
        let mut plan = lake.plan(&[offered]).await?;
        let mut segment = lake.segment()?;
        for offset in &offsets {
            events.next(&mut value);
            let of_day = u128::from(u64::try_from(*offset)?) * u128::from(DAY) / u128::from(rows);
            push(&mut segment, &value, first + i64::try_from(of_day)?, *offset)?;
        }
        plan.partitions.iter_mut().for_each(|part| part.records = offsets.len() as u64);
        let segment = segment.finish()?;
        ensure!(lake.stage(&plan, segment.as_ref()).await? == Outcome::Staged, "a segment was staged by another");
        segments += 1;
        if segments % TOGETHER == 0 || begin + SEGMENT >= rows {
            commit(&committer).await?;
        }
    }
    let (metadata, files, bytes): (String, i64, i64) =
        sqlx::query_as("select metadata_location, files, bytes from lake_tables").fetch_one(&database.pool).await?;
    let seconds = began.elapsed().as_secs();
    say(&format!("{rows} rows of 24 hours in {files} files, {} MB, after {seconds} s", bytes / 1_000_000));
    Ok(Table { database, warehouse, metadata, rows })
}

fn push(segment: &mut SegmentBuilder, event: &[u8], at: i64, offset: i64) -> anyhow::Result<()> {
    let event: Event = serde_json::from_slice(event).context("read an event")?;
    let org = event.org.as_ref().map(|org| (Value::Long(org.id), Value::Text(org.name)));
    let (org_id, org_login) = org.unwrap_or((Value::Null, Value::Null));
    segment.push(&[
        Value::Text(event.id),
        Value::Text(event.kind),
        Value::Null,
        Value::Long(event.actor.id),
        Value::Text(event.actor.name),
        Value::Long(event.repo.id),
        Value::Text(event.repo.name),
        org_id,
        org_login,
        event.public.map_or(Value::Null, Value::Bool),
        Value::Timestamp(at),
        Value::Timestamp(at),
        Value::Text(event.payload.get()),
        Value::Text("github-events"),
        Value::Int(0),
        Value::Long(offset),
    ])
}

async fn commit(committer: &Committer) -> anyhow::Result<()> {
    let limits = CommitLimits { bytes: 256 << 20, segments: 1_000, age: Duration::ZERO };
    let planned = committer.plan(&limits).await?;
    let written = committer.write(planned, 128 << 20).await?;
    let Commit::Done(committed) = committer.commit(written).await? else {
        anyhow::bail!("a commit was lost with nobody else there")
    };
    committer.mark(&committed, Utc::now()).await?;
    Ok(())
}
