//! From a record's production to the start of the handler that gets it: window 0, 150 records a second for 20 s.

#[path = "support/app.rs"]
mod app;
#[path = "support/figures.rs"]
mod figures;
#[path = "support/spread.rs"]
mod spread;

use std::{
    collections::HashMap,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, bail};
use app::App;
use figures::{say, say_load};
use rdkafka::{
    producer::{FutureProducer, FutureRecord},
    util::Timeout,
};
use spread::{ms, quantile};

const A_SECOND: u64 = 150;
const SECONDS: u64 = 20;

/// Joining the group, the process's start and the first connections are not what is measured.
const WARM_UP: u64 = 2 * A_SECOND;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    say_load();
    for (linger_ms, whose) in [(0, "a producer without linger"), (5, "a producer with a linger of 5 ms")] {
        say(&format!("\n{whose}, {A_SECOND} records a second for {SECONDS} s, window 0, batch size 100"));
        measure(linger_ms).await?;
    }
    say_load();
    Ok(())
}

async fn measure(linger_ms: u32) -> anyhow::Result<()> {
    let app = App::new(100, true).await?;
    app.mapping.enable().await?;
    let producer = app.producer(linger_ms)?;
    // The first record brings the group and the process up.
    produce(producer.clone(), app.topic.clone(), 0).await?;
    arrivals(&app, 1).await?;
    let total = WARM_UP + SECONDS * A_SECOND;
    let mut pace = tokio::time::interval(Duration::from_nanos(1_000_000_000 / A_SECOND));
    let mut sent = Vec::new();
    for number in 1..=total {
        pace.tick().await;
        sent.push(tokio::spawn(produce(producer.clone(), app.topic.clone(), number)));
    }
    let arrived = arrivals(&app, usize::try_from(total)? + 1).await?;
    let (mut from_call, mut from_ack, mut negative) = (Vec::new(), Vec::new(), 0);
    for sent in sent {
        let Sent { number, called, acknowledged } = sent.await??;
        let arrival = *arrived.get(&number).with_context(|| format!("record {number} did not arrive"))?;
        if number > WARM_UP {
            from_call.push(Duration::from_nanos(arrival.saturating_sub(called)));
            negative += u32::from(arrival < acknowledged);
            from_ack.push(Duration::from_nanos(arrival.saturating_sub(acknowledged)));
        }
    }
    report("produce() to handler start", from_call);
    report("acknowledgement to handler start", from_ack);
    say(&format!("  the handler began before the producer had its acknowledgement: {negative} records (counted as 0)"));
    let statistics = app.mapping.statistics();
    say(&format!("  {} records in {} invocations", statistics.records, statistics.invocations));
    app.end().await
}

fn report(what: &str, mut measured: Vec<Duration>) {
    measured.sort_unstable();
    let [p50, p90, p99, max] = [0.5, 0.9, 0.99, 1.0].map(|of| ms(quantile(&measured, of)));
    say(&format!("  {what}: p50 {p50} ms, p90 {p90} ms, p99 {p99} ms, max {max} ms ({} records)", measured.len()));
}

struct Sent {
    number: u64,
    /// Nanoseconds since the epoch.
    called: u64,
    acknowledged: u64,
}

async fn produce(producer: FutureProducer, topic: String, number: u64) -> anyhow::Result<Sent> {
    let value = number.to_string();
    let called = now()?;
    let record = FutureRecord::<[u8], [u8]>::to(&topic).partition(0).payload(value.as_bytes());
    producer.send(record, Timeout::Never).await.map_err(|(error, _)| error)?;
    Ok(Sent { number, called, acknowledged: now()? })
}

fn now() -> anyhow::Result<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos())?)
}

/// Waits until the function has noted so many records: their numbers and when the handler began.
async fn arrivals(app: &App, count: usize) -> anyhow::Result<HashMap<u64, u64>> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let text = std::fs::read_to_string(app.folder.join("arrivals")).unwrap_or_default();
        if text.lines().count() >= count && text.ends_with('\n') {
            let pair = |line: &str| {
                let (number, arrival) = line.split_once(' ')?;
                Some((number.parse().ok()?, arrival.parse().ok()?))
            };
            return text.lines().map(|line| pair(line).with_context(|| format!("strange line {line:?}"))).collect();
        }
        if Instant::now() > deadline {
            bail!("{} of {count} records have arrived after 60 s", text.lines().count());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
