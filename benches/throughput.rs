//! Records a second from one partition to a function that does nothing, for two sizes of a batch.

#[path = "support/app.rs"]
mod app;
#[path = "support/figures.rs"]
mod figures;
#[path = "support/fill.rs"]
mod fill;

use std::time::{Duration, Instant};

use anyhow::bail;
use app::App;
use figures::{say, say_load};

/// What waits in the topic when the mapping begins.
const RECORDS: u64 = 400_000;

/// Bytes of a value.
const SIZE: usize = 142;

/// Joining the group and the process's start are not what is measured.
const WARM_UP: u64 = RECORDS / 10;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    say_load();
    for batch_size in [100, 1_000, 10_000] {
        measure(batch_size).await?;
    }
    say_load();
    Ok(())
}

async fn measure(batch_size: usize) -> anyhow::Result<()> {
    let app = App::new(batch_size, false).await?;
    fill::fill(&app, (0..RECORDS).map(value)).await?;
    app.mapping.enable().await?;
    let (warm, warm_invocations, started) = reach(&app, WARM_UP).await?;
    let (all, invocations, ended) = reach(&app, RECORDS).await?;
    let seconds = (ended - started).as_secs_f64();
    let rate = (all - warm) as f64 / seconds;
    say(&format!(
        "batch size {batch_size}: {rate:.0} records/s, {:.0} invocations/s, {:.1} MB/s of values ({} records in {seconds:.2} s)",
        (invocations - warm_invocations) as f64 / seconds,
        rate * SIZE as f64 / 1e6,
        all - warm,
    ));
    app.end().await
}

/// A value of exactly `SIZE` bytes.
fn value(number: u64) -> Vec<u8> {
    let head = format!(r#"{{"number":{number:010},"text":""#);
    let fill = "x".repeat(SIZE.saturating_sub(head.len() + 2));
    format!(r#"{head}{fill}"}}"#).into_bytes()
}

/// Waits until so many records are done: the records, the invocations, and when.
async fn reach(app: &App, records: u64) -> anyhow::Result<(u64, u64, Instant)> {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let statistics = app.mapping.statistics();
        if statistics.records >= records {
            return Ok((statistics.records, statistics.invocations, Instant::now()));
        }
        if Instant::now() > deadline {
            bail!("{} of {records} records are done after 120 s", statistics.records);
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
