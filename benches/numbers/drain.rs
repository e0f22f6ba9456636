//! The highest rate: messages that wait in `start` before the stages begin.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use serde_json::json;

use crate::{
    figures::say,
    finish::{Finish, Out},
    pipeline::Pipeline,
    results,
    times::batches,
    usage::{Machine, Used, Watch},
};

/// A drain that takes longer has failed.
const LONGEST: Duration = Duration::from_secs(600);

pub(crate) async fn measure(messages: u64) -> anyhow::Result<()> {
    let pipeline = Pipeline::new().await?;
    let producer = pipeline.producer("50")?;
    (0..messages).try_for_each(|position| producer.produce(position))?;
    producer.flush()?;
    let finish = Finish::of(&pipeline)?;
    let (before, began) = (Machine::now(), Instant::now());
    let mut stack = pipeline.start()?;
    let watch = Watch::of(stack.runner.id());
    let out = finish.wait_for(messages, &mut stack, LONGEST).await?;
    let (used, cpu) = (watch.so_far(), Machine::now());
    let took = began.elapsed().as_secs_f64();
    drop(stack);
    // Distinct messages that are as many as were sent, each of a position that was sent, are all of them.
    let distinct: BTreeSet<u64> = out.iter().map(|out| out.position).filter(|position| *position < messages).collect();
    ensure!(
        distinct.len() == out.len() && out.len() as u64 == messages,
        "finish has others than were sent, or doubles"
    );
    pipeline.ensure_exactly(messages).await?;

    let received: DateTime<Utc> = sqlx::query_scalar("select min(received_at) from number_batches where stage = 1")
        .fetch_one(&pipeline.database.pool)
        .await?;
    let last = out.last().context("nothing came out")?;
    let seconds = (last.time - received).as_seconds_f64();
    let (span, steady) = spans(&out)?;
    let rate = messages as f64 / seconds;
    say(&format!(
        "\n{messages} messages of three numbers waited in start; 4 partitions, every table and finish hold {messages}"
    ));
    say(&format!("  {rate:.0} messages/s, from stage 1's first batch to the last record in finish ({seconds:.2} s)"));
    say(&format!(
        "  {:.0}/s from the first to the last record in finish; {steady:.0}/s steady, from 10 % to 90 %",
        messages as f64 / span
    ));
    let services = cpu.services.iter().map(|(name, used)| (*name, used - before.services.get(name).unwrap_or(&0.0)));
    let services: BTreeMap<&str, f64> = services.collect();
    let others = (cpu.all - before.all - used.cpu() - services.values().sum::<f64>()) / took;
    let by_process = by_process(&used, services, messages);
    let named: Vec<String> = by_process.iter().map(|(name, us)| format!("{name} {us:.1}")).collect();
    say(&format!("  CPU us a message, start of the processes included: {}", named.join(", ")));
    say(&format!(
        "  others' cores {others:.2} (this bench's reader is one of them); peak RSS {:.0} MB",
        used.peak_rss as f64 / 1e6
    ));
    batches(&pipeline.database.pool).await?.iter().for_each(|line| say(&format!("  {line}")));
    results::keep(&json!({
        "peer": "millrace", "payload": "numbers", "what": "drain", "records": messages, "seconds": seconds,
        "rec_s": rate, "first_to_last_rec_s": messages as f64 / span, "steady_rec_s": steady,
        "cpu_us": by_process, "cpu_s": used.cpu(), "peak_rss_mb": used.peak_rss as f64 / 1e6, "others_cores": others,
        "rows": messages, "distinct": messages,
    }))?;
    drop(finish);
    pipeline.end().await
}

/// Seconds from the first to the last, and messages a second between a tenth and nine tenths of them.
fn spans(out: &[Out]) -> anyhow::Result<(f64, f64)> {
    let at = |tenths: usize| out.get(out.len() * tenths / 10).context("too few messages").map(|out| out.at);
    let (first, last) = (at(0)?, out.last().context("no messages")?.at);
    let (from, to) = (at(1)?, at(9)?);
    let middle = (out.len() * 9 / 10 - out.len() / 10) as f64;
    Ok(((last - first).as_secs_f64(), middle / (to - from).as_secs_f64()))
}

/// CPU microseconds a message. A stage's process is named by its folder; the rest below the runner is the runner.
fn by_process(used: &Used, services: BTreeMap<&str, f64>, messages: u64) -> BTreeMap<String, f64> {
    let mut sums: BTreeMap<String, f64> = BTreeMap::new();
    let own = used
        .by_program()
        .into_iter()
        .map(|(program, seconds)| (if program.starts_with("stage") { program } else { "runner" }, seconds));
    for (name, seconds) in own.chain(services) {
        *sums.entry(name.to_owned()).or_default() += seconds / messages as f64 * 1e6;
    }
    sums
}
