//! What a record's way from Kafka into a handler costs in processor time, stage by stage, for narrow and for wide records.

#[path = "support/app.rs"]
mod app;
#[path = "support/cpu.rs"]
mod cpu;
#[path = "support/figures.rs"]
mod figures;
#[path = "support/fill.rs"]
mod fill;

use std::{sync::Arc, time::Duration};

use anyhow::{Context, bail, ensure};
use app::App;
use bytes::Bytes;
use figures::{say, say_load};
use kit::kafka::KafkaEvent;
use millrace::{host::Origin, kafka_source::measured};
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::BorrowedMessage,
};

/// Lambda's most.
const BATCH_SIZE: usize = 10_000;

/// Payloads are handed over and decoded so many times.
const ROUNDS: usize = 3;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    say_load();
    measure("narrow", 300_000, narrow).await?;
    measure("wide", 40_000, wide).await?;
    say_load();
    Ok(())
}

async fn measure(name: &str, records: u64, value: fn(u64) -> Vec<u8>) -> anyhow::Result<()> {
    let app = App::new(BATCH_SIZE, false).await?;
    fill::fill(&app, (0..records).map(value)).await?;
    let read = read(&app, usize::try_from(records)?)?;
    let transfer = transfer(&app, &read.payloads).await?;
    let decode = decode(&read.payloads, usize::try_from(records)?)?;
    app.end().await?;

    let table = Table { records: records as f64, bytes: read.value_bytes as f64 };
    let encoded: usize = read.payloads.iter().map(Bytes::len).sum();
    say(&format!(
        "\n{name}: {records} records of {:.0} bytes, {} payloads, {:.0} bytes of JSON a record, at most {:.2} MB",
        table.bytes / table.records,
        read.payloads.len(),
        encoded as f64 / table.records,
        read.payloads.iter().map(Bytes::len).max().unwrap_or_default() as f64 / 1e6,
    ));
    say("  stage                                    CPU us/record   records/s/core   MB/s of values a core");
    table.row("consume (librdkafka, all its threads)", read.consume);
    table.row("encode (base64, JSON, payload)", read.encode);
    table.row("hand over: the runner's side", transfer.runner);
    table.row("receive and decode: the function's side", transfer.function);
    table.row("  of which decode to KafkaEvent", decode);
    table.row("all", read.consume + read.encode + transfer.runner + transfer.function);
    Ok(())
}

struct Table {
    records: f64,
    bytes: f64,
}

impl Table {
    fn row(&self, stage: &str, cpu: Duration) {
        let micros = cpu.as_secs_f64() * 1e6 / self.records;
        let (rate, bytes) = (self.records / cpu.as_secs_f64(), self.bytes / cpu.as_secs_f64() / 1e6);
        say(&format!("  {stage:<42} {micros:>11.3} {rate:>16.0} {bytes:>23.1}"));
    }
}

struct Read {
    payloads: Vec<Bytes>,
    value_bytes: usize,
    consume: Duration,
    encode: Duration,
}

/// Reads the topic as a poller does and encodes it into batches.
fn read(app: &App, records: usize) -> anyhow::Result<Read> {
    let mut client = app.kafka.client();
    for (name, value) in [
        ("group.id", "reads-without-a-group"),
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("queued.min.messages", "100000"),
        ("queued.max.messages.kbytes", "65536"),
        ("fetch.queue.backoff.ms", "5"),
        ("fetch.message.max.bytes", "8388608"),
    ] {
        client.set(name, value);
    }
    let consumer: BaseConsumer = client.create().context("create a consumer")?;
    let topic: Arc<str> = app.topic.as_str().into();
    let mut from = TopicPartitionList::new();
    from.add_partition_offset(&topic, 0, Offset::Beginning)?;
    let before = cpu::of_process(std::process::id())?;
    consumer.assign(&from)?;
    let mut read = Read { payloads: Vec::new(), value_bytes: 0, consume: Duration::ZERO, encode: Duration::ZERO };
    let (mut waiting, mut polled): (Vec<BorrowedMessage<'_>>, usize) = (Vec::new(), 0);
    while polled < records || !waiting.is_empty() {
        while polled < records && waiting.len() < BATCH_SIZE {
            let message = consumer.poll(Duration::from_secs(30)).context("the topic ended early")??;
            read.value_bytes += message.payload().map_or(0, <[u8]>::len);
            waiting.push(message);
            polled += 1;
        }
        let started = cpu::of_this_thread()?;
        let (taken, payload) = measured::encode(&topic, &waiting, BATCH_SIZE);
        read.encode += cpu::of_this_thread()?.saturating_sub(started);
        ensure!(taken > 0, "a record fits into no batch");
        waiting.drain(..taken);
        read.payloads.push(payload);
    }
    // librdkafka's threads work beside this one: what is not the encoding is theirs, and the polling.
    read.consume = (cpu::of_process(std::process::id())? - before).saturating_sub(read.encode);
    Ok(read)
}

struct Transfer {
    runner: Duration,
    function: Duration,
}

/// Invokes the function with each payload, one after the other.
async fn transfer(app: &App, payloads: &[Bytes]) -> anyhow::Result<Transfer> {
    let first = payloads.first().context("there is no payload")?;
    for _ in 0..3 {
        invoke(app, first).await?;
    }
    let idle = app.host.find("F").map(|function| function.idle_pids()).unwrap_or_default();
    let [function] = idle.as_slice() else { bail!("{} processes run, one is expected", idle.len()) };
    let runner_before = cpu::of_process(std::process::id())?;
    let function_before = cpu::of_process(*function)?;
    for payload in payloads.iter().cycle().take(payloads.len() * ROUNDS) {
        invoke(app, payload).await?;
    }
    let rounds = u32::try_from(ROUNDS)?;
    Ok(Transfer {
        runner: (cpu::of_process(std::process::id())? - runner_before) / rounds,
        function: (cpu::of_process(*function)? - function_before) / rounds,
    })
}

async fn invoke(app: &App, payload: &Bytes) -> anyhow::Result<()> {
    let outcome = app.host.invoke(&Origin::caller(), "F", payload.clone()).await?;
    ensure!(outcome.is_success(), "{}", String::from_utf8_lossy(&outcome.payload));
    Ok(())
}

fn decode(payloads: &[Bytes], records: usize) -> anyhow::Result<Duration> {
    let before = cpu::of_this_thread()?;
    let mut seen = 0;
    for payload in payloads.iter().cycle().take(payloads.len() * ROUNDS) {
        seen += serde_json::from_slice::<KafkaEvent>(payload)?.records.len();
    }
    ensure!(seen == records * ROUNDS, "{seen} records were decoded, {} expected", records * ROUNDS);
    Ok((cpu::of_this_thread()? - before) / u32::try_from(ROUNDS)?)
}

/// 142 bytes of JSON.
fn narrow(number: u64) -> Vec<u8> {
    let noise = noise(number);
    let text = format!(
        r#"{{"id":"{number:012}","device":"sensor-{:04}","at":"2026-11-21T09:41:{:02}.{:03}Z","value":{:08},"unit":"C","check":"{noise:016x}"#,
        noise % 10_000,
        number % 60,
        number % 1_000,
        noise % 100_000_000,
    );
    padded(text, 142)
}

/// 2 kB of JSON that looks like an event of GitHub: long addresses, many ids.
fn wide(number: u64) -> Vec<u8> {
    let actor = noise(number) % 1_000_000;
    let mut text = format!(
        r#"{{"id":"{number:012}","type":"PushEvent","actor":{{"id":{actor},"login":"user-{actor}","url":"https://api.github.com/users/user-{actor}"}},"created_at":"2026-11-21T09:41:00Z","payload":{{"commits":["#
    );
    for commit in 0..6 {
        let (sha, author) = (noise(number * 7 + commit), noise(number * 11 + commit));
        text += &format!(
            r#"{{"sha":"{sha:016x}{author:016x}","author":{{"name":"user-{actor}","email":"{author:x}@example.com"}},"message":"Change {sha:x} for {author:x}","distinct":true,"url":"https://api.github.com/repos/owner-{actor}/repository-{actor}/commits/{sha:016x}"}},"#
        );
    }
    text += r#"{}]},"org":""#;
    padded(text, 2_000)
}

/// Brings JSON that stands in its last text to `size` bytes and closes it; `wide` has one more bracket inside.
fn padded(mut text: String, size: usize) -> Vec<u8> {
    while text.len() + 2 < size {
        text.push('x');
    }
    text.push_str("\"}");
    text.into_bytes()
}

/// A number that looks like chance (splitmix64).
fn noise(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
