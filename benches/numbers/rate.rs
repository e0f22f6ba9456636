//! Messages at an even rate: the time from produce() until a reader of `finish` has them, and where it goes.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use chrono::Utc;
use serde_json::json;

use crate::{
    figures::say,
    finish::Finish,
    pipeline::{Pipeline, Producer},
    results,
    spread::{ms, quantile},
    times,
};

/// Messages of this first time are not counted.
const WARM_UP: Duration = Duration::from_secs(5);
/// The first message starts all processes, and the consumer groups form.
const LONGEST_START: Duration = Duration::from_secs(120);
/// After the last message, all must be out within this.
const LONGEST: Duration = Duration::from_secs(60);

pub(crate) async fn measure(rate: u64, measured: Duration) -> anyhow::Result<()> {
    let pipeline = Pipeline::new().await?;
    let finish = Finish::of(&pipeline)?;
    let mut stack = pipeline.start()?;
    let producer = pipeline.producer("0")?;
    // One a partition, before the clock begins.
    let first = u64::try_from(crate::topic::PARTITIONS)?;
    (0..first).try_for_each(|position| producer.produce(position))?;
    finish.wait_for(first, &mut stack, LONGEST_START).await?;

    let warm = rate * WARM_UP.as_secs();
    let total = warm + rate * measured.as_secs();
    let since = Utc::now() + WARM_UP;
    let sent = tokio::task::spawn_blocking(move || produce(&producer, first, total, rate)).await??;
    let out = finish.wait_for(first + total, &mut stack, LONGEST).await?;
    drop(stack);
    pipeline.ensure_exactly(first + total).await?;

    let mut taken: Vec<Duration> = Vec::new();
    for out in out.iter().filter(|out| out.position >= first + warm) {
        let sent = sent.get(usize::try_from(out.position - first)?).context("a message that nobody sent")?;
        taken.push(out.at.saturating_duration_since(*sent));
    }
    ensure!(taken.len() as u64 == total - warm, "{} messages came out of {}", taken.len(), total - warm);
    taken.sort_unstable();
    let all = [0.5, 0.9, 0.99, 1.0].map(|of| quantile(&taken, of));
    let [p50, p90, p99, max] = all.map(ms);
    say(&format!(
        "\n{rate} messages a second for {} s, from produce() to finish: p50 {p50} ms, p90 {p90} ms, p99 {p99} ms, max {max} ms ({} messages)",
        measured.as_secs(),
        taken.len()
    ));
    let stages = times::stages(&pipeline.database.pool, since).await?;
    times::say_stages(&stages);
    let [p50, p90, p99, max] = all.map(|duration| duration.as_secs_f64() * 1e3);
    results::keep(&json!({
        "peer": "millrace", "payload": "numbers", "what": "rate", "rate": rate, "records": taken.len(),
        "p50_ms": p50, "p90_ms": p90, "p99_ms": p99, "max_ms": max, "stages": times::to_json(&stages),
    }))?;
    drop(finish);
    pipeline.end().await
}

/// Produces `total` messages from position `first` on, evenly; when each was produced.
fn produce(producer: &Producer, first: u64, total: u64, rate: u64) -> anyhow::Result<Vec<Instant>> {
    let (began, mut sent) = (Instant::now(), Vec::new());
    for number in 0..total {
        // Each has a deadline of its own: one that is late makes none of the others late.
        let deadline = began + Duration::from_secs_f64(number as f64 / rate as f64);
        std::thread::sleep(deadline.saturating_duration_since(Instant::now()));
        sent.push(Instant::now());
        producer.produce(first + number)?;
    }
    producer.flush()?;
    Ok(sent)
}
