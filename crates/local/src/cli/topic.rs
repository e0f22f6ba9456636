//! `topic list`, `topic create`, `topic consume`, `topic produce`.

use std::{
    collections::BTreeMap,
    io::{BufRead, Write},
    time::{Duration, Instant},
};

use anyhow::Context;
use clap::{Args, Subcommand};
use kafka::{Message, Producer, admin};
use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::Headers,
};
use serde_json::{Value, json};

use super::{console, inspect};
use crate::instance::Instance;

/// Records that are produced with one wait for their acknowledgements.
const PRODUCE_CHUNK: usize = 10_000;

/// Looking into topics.
#[derive(Debug, Subcommand)]
pub(super) enum TopicCommand {
    /// All topics with their partitions
    List {
        /// As JSON, for scripts
        #[arg(long)]
        json: bool,
    },
    /// Make a topic; one that is there already stays as it is
    Create(CreateArguments),
    /// Print records, one value a line
    Consume(ConsumeArguments),
    /// Produce one record a line of standard input
    Produce(ProduceArguments),
}

/// What `create` takes.
#[derive(Debug, Args)]
pub(super) struct CreateArguments {
    /// The topic
    topic: String,
    /// How many partitions it gets
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=10_000))]
    partitions: i32,
}

/// What `consume` takes.
#[derive(Debug, Args)]
pub(super) struct ConsumeArguments {
    /// The topic
    topic: String,
    /// Begin with the oldest records instead of waiting for new ones
    #[arg(long)]
    from_beginning: bool,
    /// Stop after this many records
    #[arg(long, short = 'n', value_name = "N")]
    max: Option<usize>,
    /// Stop at the end that the topic has now instead of waiting for more
    #[arg(long)]
    until_end: bool,
    /// Whole records as JSON: partition, offset, timestamp, key, headers, value
    #[arg(long)]
    json: bool,
}

/// What `produce` takes.
#[derive(Debug, Args)]
pub(super) struct ProduceArguments {
    /// The topic; it must exist
    topic: String,
    /// The key of every record
    #[arg(long)]
    key: Option<String>,
}

/// Runs one of the topic commands.
pub(super) async fn run(instance: &Instance, command: &TopicCommand) -> anyhow::Result<()> {
    let kafka = inspect::kafka(instance)?;
    match command {
        TopicCommand::List { json } => list(&kafka, *json).await,
        TopicCommand::Create(arguments) => create(&kafka, arguments).await,
        TopicCommand::Produce(arguments) => produce(&kafka, arguments).await,
        TopicCommand::Consume(arguments) => consume(&kafka, arguments).await,
    }
}

async fn list(kafka: &kafka::Config, json: bool) -> anyhow::Result<()> {
    let topics = admin::topics(kafka).await?;
    if json {
        console::line(serde_json::to_string_pretty(&topics).context("write the topics")?)?;
        return Ok(());
    }
    let mut rows = vec![vec!["TOPIC".to_owned(), "PARTITIONS".to_owned()]];
    rows.extend(topics.into_iter().map(|(name, partitions)| vec![name, partitions.to_string()]));
    console::table(&rows)?;
    Ok(())
}

async fn create(kafka: &kafka::Config, arguments: &CreateArguments) -> anyhow::Result<()> {
    admin::create_topic(kafka, &arguments.topic, arguments.partitions, &BTreeMap::new()).await?;
    let there = admin::partitions(kafka, &arguments.topic, "millrace-inspect").await?.len();
    console::line(format!("{} has {there} partitions", arguments.topic))?;
    Ok(())
}

async fn produce(kafka: &kafka::Config, arguments: &ProduceArguments) -> anyhow::Result<()> {
    // Waiting for a topic that nobody makes would look like a hang.
    admin::partitions(kafka, &arguments.topic, "millrace-inspect").await?;
    let producer = Producer::new(kafka)?;
    let key = arguments.key.as_ref().map(|key| key.clone().into_bytes());
    let mut lines = std::io::stdin().lock().split(b'\n').peekable();
    let mut produced = 0;
    while lines.peek().is_some() {
        let mut chunk = Vec::new();
        for line in lines.by_ref().take(PRODUCE_CHUNK) {
            let value = line.context("read standard input")?;
            let topic = arguments.topic.clone();
            chunk.push(Message { topic, key: key.clone(), value: Some(value), ..Message::default() });
        }
        produced += chunk.len();
        producer.send_all(chunk).await?;
    }
    console::line(format!("{produced} records are acknowledged"))?;
    Ok(())
}

async fn consume(kafka: &kafka::Config, arguments: &ConsumeArguments) -> anyhow::Result<()> {
    let partitions = admin::partitions(kafka, &arguments.topic, "millrace-inspect").await?;
    let consumer: BaseConsumer = kafka
        .client()
        .set("group.id", "millrace-inspect")
        .set("enable.auto.commit", "false")
        .create()
        .context("create a kafka consumer")?;
    let mut assignment = TopicPartitionList::new();
    for state in &partitions {
        let start = if arguments.from_beginning { state.low } else { state.high };
        assignment.add_partition_offset(&arguments.topic, state.partition, Offset::Offset(start)).context("assign")?;
    }
    consumer.assign(&assignment).context("assign the topic's partitions")?;
    let mut left: i64 = if arguments.from_beginning { partitions.iter().map(|s| s.high - s.low).sum() } else { 0 };
    let ends: Vec<(i32, i64)> = partitions.iter().map(|state| (state.partition, state.high)).collect();
    let mut printed = 0;
    let mut last = Instant::now();
    tokio::task::block_in_place(|| {
        while arguments.max.is_none_or(|max| printed < max) && !(arguments.until_end && left <= 0) {
            let Some(record) = consumer.poll(Duration::from_millis(200)) else {
                // Offsets that are only transaction markers never arrive; quiet for this long means the end.
                if arguments.until_end && last.elapsed() > Duration::from_secs(5) {
                    break;
                }
                continue;
            };
            let record = record.context("consume")?;
            last = Instant::now();
            let old = ends.iter().any(|(partition, end)| *partition == record.partition() && record.offset() < *end);
            left -= i64::from(old);
            if arguments.until_end && !old {
                continue;
            }
            print(&record, arguments.json)?;
            printed += 1;
        }
        std::io::stdout().flush().context("write")
    })
}

fn print(record: &rdkafka::message::BorrowedMessage<'_>, json: bool) -> anyhow::Result<()> {
    if !json {
        console::bytes(record.payload().unwrap_or_default())?;
        console::line("")?;
        return Ok(());
    }
    let text = |bytes: Option<&[u8]>| bytes.map_or(Value::Null, |b| String::from_utf8_lossy(b).into_owned().into());
    let headers: Vec<Value> = record
        .headers()
        .map(|headers| headers.iter().map(|header| json!({header.key: text(header.value)})).collect())
        .unwrap_or_default();
    let whole = json!({
        "partition": record.partition(),
        "offset": record.offset(),
        "timestamp": record.timestamp().to_millis(),
        "key": text(record.key()),
        "headers": headers,
        "value": text(record.payload()),
    });
    console::line(whole.to_string())?;
    Ok(())
}
