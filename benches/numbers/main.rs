//! Messages of three numbers through all five stages: the runner's real Kafka source, `numbers-stages` in five processes, each
//! with its table in Postgres and its topic behind it, all as the repository's template has it.
//!
//! Two parts: `BENCH_MESSAGES=100000` fill the topic `start` before the stages begin, which tells the highest rate; then
//! `BENCH_RATE=500` messages a second come for `BENCH_SECONDS=20` after 5 s that do not count, which tells the time from
//! produce() until a reader of `finish` has the message. 0 messages or a rate of 0 leave a part out. After each part every
//! stage's table and `finish` must hold exactly the messages. `BENCH_RESULTS=file` adds a line of JSON a part; `BENCH_BATCH=1000`
//! is another batch size than the template's.
//!
//! The function must have been built with the same profile: `cargo build --profile bench -p numbers-stages`. It is run by
//! this program in the runner's part. Postgres runs with `fsync` and `synchronous_commit` on, which is looked at.

#[path = "../support/cpu.rs"]
#[allow(dead_code, reason = "this bench looks at whole processes")]
mod cpu;
mod drain;
#[path = "../support/durable.rs"]
mod durable;
#[path = "../support/figures.rs"]
mod figures;
mod finish;
mod pipeline;
mod rate;
#[path = "../support/results.rs"]
mod results;
#[path = "../support/spread.rs"]
mod spread;
#[path = "../support/stack.rs"]
mod stack;
mod times;
#[path = "../support/topic.rs"]
mod topic;
#[path = "../support/usage.rs"]
#[allow(dead_code, reason = "this bench does not look at single threads")]
mod usage;

use std::{process::ExitCode, time::Duration};

use anyhow::Context;
use figures::say_load;

fn main() -> ExitCode {
    stack::main(measure)
}

#[tokio::main]
async fn measure() -> anyhow::Result<()> {
    let (messages, rate, seconds) =
        (number("BENCH_MESSAGES", 100_000)?, number("BENCH_RATE", 500)?, number("BENCH_SECONDS", 20)?);
    say_load();
    if messages > 0 {
        drain::measure(messages).await?;
    }
    if rate > 0 {
        rate::measure(rate, Duration::from_secs(seconds)).await?;
    }
    say_load();
    Ok(())
}

fn number(name: &str, default: u64) -> anyhow::Result<u64> {
    std::env::var(name)
        .map_or(Ok(default), |text| text.parse().with_context(|| format!("{name}: {text:?} is no number")))
}
