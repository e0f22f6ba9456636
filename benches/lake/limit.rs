//! The limit that everything else is held to: one plain program that reads a topic, parses its JSON and writes one Parquet
//! file, one thread for all of it (librdkafka's own fetch and decompress beside it). No table, no commit, no checks.

use std::{
    borrow::Cow,
    fs::File,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use arrow::{
    array::{
        ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
    },
    compute::kernels::cast_utils::string_to_timestamp_nanos,
};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::properties::WriterProperties,
};
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
};
use serde::Deserialize;
use serde_json::value::RawValue;

const ROWS_PER_BATCH: usize = 16_384;

/// How much of the work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Work {
    Consume,
    Parse,
    Parquet,
}

impl Work {
    pub(crate) fn named(name: &str) -> anyhow::Result<Self> {
        match name {
            "consume" => Ok(Self::Consume),
            "parse" => Ok(Self::Parse),
            "parquet" => Ok(Self::Parquet),
            other => bail!("work {other:?}, expected consume, parse or parquet"),
        }
    }
}

/// Reads so many records of the topic and says how long it took.
pub(crate) fn run(payload: &str, topic: &str, records: usize, work: Work, dir: &Path) -> anyhow::Result<Duration> {
    match payload {
        "narrow" => drain::<NarrowRows>(topic, records, work, dir),
        _ => drain::<GithubRows>(topic, records, work, dir),
    }
}

#[derive(Deserialize)]
struct Narrow<'a> {
    id: i64,
    #[serde(borrow)]
    ts: &'a str,
    user: Cow<'a, str>,
    kind: Cow<'a, str>,
    amount: f64,
    note: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Github<'a> {
    id: &'a str,
    r#type: &'a str,
    actor: Named<'a>,
    repo: Named<'a>,
    org: Option<Named<'a>>,
    public: bool,
    created_at: &'a str,
    #[serde(borrow)]
    payload: &'a RawValue,
}

#[derive(Deserialize)]
struct Named<'a> {
    id: i64,
    #[serde(alias = "login")]
    name: &'a str,
}

/// Columns under construction; `push` parses one record into them.
trait Rows: Default {
    fn push(&mut self, json: &[u8], keep: bool) -> anyhow::Result<()>;
    fn finish(&mut self) -> anyhow::Result<RecordBatch>;
}

#[derive(Default)]
struct NarrowRows {
    id: Int64Builder,
    ts: TimestampMicrosecondBuilder,
    user: StringBuilder,
    kind: StringBuilder,
    amount: Float64Builder,
    note: StringBuilder,
}

impl Rows for NarrowRows {
    fn push(&mut self, json: &[u8], keep: bool) -> anyhow::Result<()> {
        let row: Narrow<'_> = serde_json::from_slice(json)?;
        let micros = string_to_timestamp_nanos(row.ts)? / 1_000;
        if keep {
            self.id.append_value(row.id);
            self.ts.append_value(micros);
            self.user.append_value(row.user);
            self.kind.append_value(row.kind);
            self.amount.append_value(row.amount);
            self.note.append_value(row.note);
        }
        Ok(())
    }

    fn finish(&mut self) -> anyhow::Result<RecordBatch> {
        Ok(RecordBatch::try_from_iter([
            ("id", Arc::new(self.id.finish()) as ArrayRef),
            ("ts", Arc::new(self.ts.finish().with_timezone("UTC"))),
            ("user", Arc::new(self.user.finish())),
            ("kind", Arc::new(self.kind.finish())),
            ("amount", Arc::new(self.amount.finish())),
            ("note", Arc::new(self.note.finish())),
        ])?)
    }
}

/// The leaves of the peers' nested columns, flat; `payload` is kept as its JSON text.
#[derive(Default)]
struct GithubRows {
    /// id, type, actor_login, repo_name, org_login, payload
    text: [StringBuilder; 6],
    /// actor_id, repo_id, org_id
    number: [Int64Builder; 3],
    public: BooleanBuilder,
    created_at: TimestampMicrosecondBuilder,
}

impl Rows for GithubRows {
    fn push(&mut self, json: &[u8], keep: bool) -> anyhow::Result<()> {
        let row: Github<'_> = serde_json::from_slice(json)?;
        let micros = string_to_timestamp_nanos(row.created_at)? / 1_000;
        if keep {
            let org = row.org.as_ref();
            let text = [row.id, row.r#type, row.actor.name, row.repo.name].map(Some);
            let text = text.into_iter().chain([org.map(|org| org.name), Some(row.payload.get())]);
            let number = [Some(row.actor.id), Some(row.repo.id), org.map(|org| org.id)];
            self.text.iter_mut().zip(text).for_each(|(column, value)| column.append_option(value));
            self.number.iter_mut().zip(number).for_each(|(column, value)| column.append_option(value));
            self.public.append_value(row.public);
            self.created_at.append_value(micros);
        }
        Ok(())
    }

    fn finish(&mut self) -> anyhow::Result<RecordBatch> {
        let mut columns: Vec<(&str, ArrayRef, bool)> = vec![
            ("public", Arc::new(self.public.finish()), true),
            ("created_at", Arc::new(self.created_at.finish().with_timezone("UTC")), true),
        ];
        let names = ["id", "type", "actor_login", "repo_name", "org_login", "payload"];
        let texts = names.into_iter().zip(&mut self.text);
        columns.extend(texts.map(|(name, column)| (name, Arc::new(column.finish()) as ArrayRef, true)));
        let names = ["actor_id", "repo_id", "org_id"];
        let numbers = names.into_iter().zip(&mut self.number);
        columns.extend(numbers.map(|(name, column)| (name, Arc::new(column.finish()) as ArrayRef, true)));
        Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
    }
}

fn drain<R: Rows>(topic: &str, records: usize, work: Work, dir: &Path) -> anyhow::Result<Duration> {
    let consumer = consumer()?;
    let started = Instant::now();
    let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(10))?;
    let mut assignment = TopicPartitionList::new();
    for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
        assignment.add_partition_offset(topic, partition.id(), Offset::Beginning)?;
    }
    consumer.assign(&assignment)?;
    let (mut rows, mut seen) = (R::default(), 0);
    let mut writer: Option<ArrowWriter<File>> = None;
    while seen < records {
        let message = consumer.poll(Duration::from_secs(10)).context("the topic ended early")??;
        seen += 1;
        if work >= Work::Parse {
            rows.push(message.payload().unwrap_or_default(), work == Work::Parquet)?;
        }
        if work == Work::Parquet && (seen % ROWS_PER_BATCH == 0 || seen == records) {
            let batch = rows.finish()?;
            if writer.is_none() {
                let zstd = Compression::ZSTD(ZstdLevel::try_new(3)?);
                let properties = WriterProperties::builder().set_compression(zstd).build();
                let file = File::create(dir.join("limit.parquet"))?;
                writer = Some(ArrowWriter::try_new(file, batch.schema(), Some(properties))?);
            }
            writer.as_mut().context("no file is open")?.write(&batch)?;
        }
    }
    if let Some(writer) = writer {
        writer.into_inner()?.sync_all()?;
    }
    Ok(started.elapsed())
}

/// A consumer that fetches as fast as it can.
pub(crate) fn consumer() -> anyhow::Result<BaseConsumer> {
    let mut client = kafka::Config::plaintext(std::env::var("KAFKA_BOOTSTRAP_SERVERS")?).client();
    for (name, value) in [
        ("group.id", "bench-limit"),
        ("enable.auto.commit", "false"),
        ("fetch.message.max.bytes", "4194304"),
        ("queued.min.messages", "1000000"),
        ("queued.max.messages.kbytes", "262144"),
        // A full queue pauses fetching for this long; the default of a second starves a fast reader.
        ("fetch.queue.backoff.ms", "5"),
    ] {
        client.set(name, value);
    }
    client.create().context("create a consumer")
}
