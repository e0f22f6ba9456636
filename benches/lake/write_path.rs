//! A writer's own work in one process: the bytes of an invocation, as Lambda sends them, to Parquet on S3 and its row in
//! Postgres. Processor time of all threads, from the kernel's `schedstat`; the services' own is not in it.

#[path = "../support/cpu.rs"]
mod cpu;
#[path = "../support/figures.rs"]
mod figures;
mod generate;
#[path = "../../functions/github-lake-writer/src/format.rs"]
#[allow(unreachable_pub, unused_imports, reason = "the function's own file, whose tests do not run here")]
mod github_format;
mod stages;

use std::{
    collections::BTreeMap,
    fmt::Write,
    time::{Duration, Instant},
};

use anyhow::Context;
use figures::{say, say_load};
use futures::future::try_join_all;
use github_format::GithubEvents;
use ingest::{Format, Writer};
use kit::{Invocation, kafka::KafkaEvent};
use lake::{Lake, TableSchema, github};
use millrace_bench::narrow;
use rdkafka::producer::{FutureProducer, FutureRecord};
use stages::Written;
use uuid::Uuid;

/// Lambda's most.
const BATCH_SIZE: usize = 10_000;
/// What a batch's records may take of Lambda's 6 MB.
const BATCH_BYTES: usize = 6 * 1024 * 1024 - 512;
const PARTITIONS: usize = 4;
/// Batches handed over before the clock starts.
const WARM_UP: usize = PARTITIONS;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    say_load();
    let lake = |namespace, table| lake::Config::read(namespace, table, |name| std::env::var(name).ok());
    measure("narrow", 640_000, narrow::Narrow, lake(narrow::NAMESPACE, narrow::TABLE), &narrow::SCHEMA).await?;
    measure("github", 120_000, GithubEvents, lake(github::NAMESPACE, github::TABLE), &github::SCHEMA).await?;
    say_load();
    Ok(())
}

/// Batches as the runner cuts them: of one partition each, which come in turn.
struct Batches {
    payloads: Vec<String>,
    /// Records, bytes of their values and bytes of JSON of all but the warm-up.
    records: f64,
    value_bytes: f64,
    json_bytes: f64,
}

fn batches(topic: &str, payload: &str, records: u64) -> anyhow::Result<Batches> {
    let mut values = generate::of(payload, records)?;
    let mut batches = Batches { payloads: Vec::new(), records: 0.0, value_bytes: 0.0, json_bytes: 0.0 };
    let (mut value, mut offsets, mut made) = (Vec::new(), [0_u64; PARTITIONS], 0);
    while made < records {
        let partition = batches.payloads.len() % PARTITIONS;
        let offset = offsets.get_mut(partition).context("no such partition")?;
        let (mut json, mut taken, mut bytes) = (String::new(), 0, 0);
        while taken < BATCH_SIZE && made < records && json.len() < BATCH_BYTES - 32_768 {
            values.next(&mut value);
            let comma = if taken > 0 { "," } else { "" };
            let encoded = base64_simd::STANDARD.encode_to_string(&value);
            write!(
                json,
                r#"{comma}{{"topic":"{topic}","partition":{partition},"offset":{offset},"timestamp":1767225600000,"timestampType":"CREATE_TIME","value":"{encoded}","headers":[]}}"#
            )?;
            (taken, made, bytes, *offset) = (taken + 1, made + 1, bytes + value.len(), *offset + 1);
        }
        if batches.payloads.len() >= WARM_UP {
            batches.records += taken as f64;
            batches.value_bytes += bytes as f64;
            batches.json_bytes += json.len() as f64;
        }
        batches.payloads.push(format!(
            r#"{{"eventSource":"SelfManagedKafka","bootstrapServers":"b:9092","records":{{"{topic}-{partition}":[{json}]}}}}"#
        ));
    }
    Ok(batches)
}

async fn measure<F: Format>(
    name: &str,
    records: u64,
    format: F,
    mut config: lake::Config,
    schema: &'static TableSchema,
) -> anyhow::Result<()> {
    let servers =
        std::env::var("KAFKA_BOOTSTRAP_SERVERS").context("KAFKA_BOOTSTRAP_SERVERS is not set: run `make bench`")?;
    let kafka = kafka::Config::plaintext(servers);
    let topic = format!("bench-{}", Uuid::new_v4().simple());
    kafka::admin::create_topic(&kafka, &topic, i32::try_from(PARTITIONS)?, &BTreeMap::new()).await?;
    let database = pg::testing::database().await;
    config.warehouse = format!("s3://millrace-lake/bench/{}", Uuid::new_v4().simple());
    let lake = Lake::new(config, schema, database.pool.clone());
    let batches = batches(&topic, name, records)?;

    let Written { decode, read, parquet, .. } = stages::written(&format, &lake, batches.timed())?;
    let writer = Writer::new(format, lake, kafka.clone());
    let (all, wall) = hand_over(&kafka, &writer, &batches).await?;

    say(&format!(
        "\n{name}: {:.0} records of {:.0} bytes in {} batches, {:.0} bytes of JSON a record",
        batches.records,
        batches.value_bytes / batches.records,
        batches.payloads.len() - WARM_UP,
        batches.json_bytes / batches.records
    ));
    say("  stage                                    CPU us/record   records/s/core   MB/s of values a core");
    batches.row("decode (JSON, base64)", decode);
    batches.row("read (the record's own JSON, rules)", read);
    batches.row("Parquet (columns, encoding, zstd)", parquet);
    batches.row("trim, S3, Postgres, all else", all.saturating_sub(decode + read + parquet));
    batches.row("all, CPU", all);
    batches.row("all, by the clock, one batch at a time", wall);
    database.drop_database().await;
    kafka::admin::delete_topic(&kafka, &topic).await
}

impl Batches {
    fn row(&self, stage: &str, took: Duration) {
        let seconds = took.as_secs_f64();
        let (micros, rate, bytes) =
            (seconds * 1e6 / self.records, self.records / seconds, self.value_bytes / seconds / 1e6);
        say(&format!("  {stage:<42} {micros:>11.3} {rate:>16.0} {bytes:>23.1}"));
    }

    fn timed(&self) -> impl Iterator<Item = &String> {
        self.payloads.iter().skip(WARM_UP)
    }
}

/// The first batch of each partition is in the topic for real: the writer compares the first records of a partition with
/// what the broker has, and those that continue them no more.
async fn produce(kafka: &kafka::Config, event: &KafkaEvent) -> anyhow::Result<()> {
    let producer: FutureProducer =
        kafka.client().set("compression.type", "lz4").create().context("create a producer")?;
    let sent = event.records.iter().map(|record| {
        let message = FutureRecord::<[u8], [u8]>::to(&record.topic).partition(record.partition);
        let message = message.timestamp(record.timestamp_ms).payload(record.value.as_deref().unwrap_or_default());
        producer.send(message, Duration::from_secs(30))
    });
    try_join_all(sent).await.map_err(|(error, _)| error).context("fill the topic's beginning")?;
    Ok(())
}

/// All of it, one batch after the other: processor time and time by the clock.
async fn hand_over<F: Format>(
    kafka: &kafka::Config,
    writer: &Writer<F>,
    batches: &Batches,
) -> anyhow::Result<(Duration, Duration)> {
    let (mut began, mut before) = (Instant::now(), Duration::ZERO);
    for (position, payload) in batches.payloads.iter().enumerate() {
        if position == WARM_UP {
            (began, before) = (Instant::now(), cpu::of_process(std::process::id())?);
        }
        let event: KafkaEvent = serde_json::from_slice(payload.as_bytes())?;
        if position < WARM_UP {
            produce(kafka, &event).await?;
        }
        writer.handle(event, &Invocation::for_test(Duration::from_secs(60))).await?;
    }
    let wall = began.elapsed();
    Ok((cpu::of_process(std::process::id())? - before, wall))
}
