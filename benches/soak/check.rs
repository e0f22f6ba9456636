//! What came out, against what went in: every row of the committed table, every dead letter.

use std::{
    io::{BufReader, Read},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::Headers as _,
};

use serde::Deserialize;
use serde_json::Value;

use crate::{
    instance::{Instance, checkout},
    producer::TOPIC,
    records::{Kind, PARTITIONS, Records, number_of, number_of_id},
};

/// How long a broker that is there may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// At most so many faults are named.
const NAMED: usize = 10;

/// The account at the end.
#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) fresh: u64,
    pub(crate) bad: u64,
    pub(crate) repeats: u64,
    pub(crate) rows: u64,
    /// Good records whose id is not in the table.
    pub(crate) lost: u64,
    /// Ids that are in the table more than once.
    pub(crate) doubled: u64,
    /// Rows that are not what their position in the topic says.
    pub(crate) misplaced: u64,
    /// Messages in the topic of dead letters.
    pub(crate) dead_letters: u64,
    /// Bad records that are not among them.
    pub(crate) dead_lost: u64,
    /// Good records that are.
    pub(crate) dead_wrong: u64,
    /// Messages in the topic of records that were given up.
    pub(crate) failed: u64,
    /// The lake's own account of the same records.
    pub(crate) own: Own,
    /// The first faults, by record.
    pub(crate) named: Vec<String>,
}

impl Account {
    /// Whether each record is where it belongs, once.
    pub(crate) fn is_exact(&self) -> bool {
        let faults = [self.lost, self.doubled, self.misplaced, self.dead_lost, self.dead_wrong, self.failed];
        let expected = Own {
            topic_records: self.fresh + self.bad + self.repeats,
            rows: self.fresh,
            duplicates: self.repeats,
            dead_letters: self.bad,
            balanced: true,
            ..Own::default()
        };
        faults.iter().all(|count| *count == 0) && self.rows == self.fresh && self.own == expected
    }

    fn name(&mut self, fault: String) {
        if self.named.len() < NAMED {
            self.named.push(fault);
        }
    }
}

/// `reconciliation` of `GET /table/info`.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Own {
    topic_records: u64,
    rows: u64,
    staged: u64,
    duplicates: u64,
    dead_letters: u64,
    failed: u64,
    balanced: bool,
}

/// Rows of the table's current snapshot, by its files' own counts.
pub(crate) fn count(instance: &Instance) -> anyhow::Result<u64> {
    let output = reader(instance, "count")?.output().context("call the reader")?;
    if !output.status.success() {
        bail!("the reader failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8_lossy(&output.stdout).trim().parse().context("read the count")
}

fn reader(instance: &Instance, verb: &str) -> anyhow::Result<Command> {
    let python =
        std::env::var("MILLRACE_READERS_PYTHON").context("MILLRACE_READERS_PYTHON is not set: run `make soak`")?;
    let mut command = Command::new(python);
    command.arg(checkout().join("benches/soak/read.py")).arg(verb).envs(instance.env()?);
    Ok(command)
}

/// Reads the table and the dead letters and compares both with the first `count` records.
pub(crate) fn compare(
    instance: &Instance,
    kafka: &kafka::Config,
    records: &Records,
    count: u64,
) -> anyhow::Result<Account> {
    let mut account = Account::default();
    let size = usize::try_from(count).context("more records than fit into memory")?;
    let mut seen = Seen { ids: vec![0; size], dead: vec![0; size] };
    read_table(instance, records, &mut seen, &mut account)?;
    read_dead_letters(kafka, &mut seen, &mut account)?;
    account.own = own(instance)?;
    account.failed = messages(&consumer(kafka)?, &format!("{TOPIC}.failed"))?;
    for (number, (rows, dead)) in (0..count).zip(seen.ids.iter().zip(&seen.dead)) {
        let (rows, dead) = (*rows, *dead);
        match records.kind(number) {
            Kind::Fresh => {
                account.fresh += 1;
                account.lost += u64::from(rows == 0);
                account.doubled += u64::from(rows > 1);
                account.dead_wrong += u64::from(dead > 0);
                if rows != 1 || dead > 0 {
                    account.name(format!("record {number}: {rows} rows, {dead} dead letters"));
                }
            }
            Kind::Bad => {
                account.bad += 1;
                account.dead_lost += u64::from(dead == 0);
                account.misplaced += u64::from(rows > 0);
                if rows > 0 || dead == 0 {
                    account.name(format!("bad record {number}: {rows} rows, {dead} dead letters"));
                }
            }
            // Its id is that of the earlier record, and counted there.
            Kind::Repeat(_) => account.repeats += 1,
        }
    }
    Ok(account)
}

fn own(instance: &Instance) -> anyhow::Result<Own> {
    let event = checkout().join("events/github-streaming-api/table-info.json");
    let event = event.to_str().context("the checkout's path is not UTF-8")?;
    let answer = instance.json(&["invoke", "github-streaming-api", "--event", event])?;
    let body = answer.get("body").and_then(Value::as_str).with_context(|| format!("the lake answered {answer}"))?;
    let mut info: Value = serde_json::from_str(body).context("read the lake's account")?;
    let own = info.get_mut("reconciliation").map(Value::take).with_context(|| format!("no account in {body}"))?;
    serde_json::from_value(own).context("read the lake's account")
}

/// How often each record's id was found.
struct Seen {
    ids: Vec<u8>,
    dead: Vec<u8>,
}

/// False when there is no such record.
fn note(counts: &mut [u8], number: Option<u64>) -> bool {
    let place = number.and_then(|number| counts.get_mut(usize::try_from(number).ok()?));
    place.is_some_and(|count| {
        *count = count.saturating_add(1);
        true
    })
}

fn read_table(instance: &Instance, records: &Records, seen: &mut Seen, account: &mut Account) -> anyhow::Result<()> {
    let mut child = reader(instance, "rows")?.stdout(Stdio::piped()).spawn().context("call the reader")?;
    let mut rows = BufReader::with_capacity(1 << 20, child.stdout.take().context("read from the reader")?);
    while let Some(batch) = batch(&mut rows)? {
        for (id, partition, offset) in batch {
            account.rows += 1;
            check_row(id, partition, offset, records, seen, account);
        }
    }
    let status = child.wait().context("wait for the reader")?;
    if !status.success() {
        bail!("the reader ended with {status}");
    }
    Ok(())
}

fn check_row(id: i64, partition: i32, offset: i64, records: &Records, seen: &mut Seen, account: &mut Account) {
    let number = number_of_id(id);
    let position = u64::try_from(offset).ok().zip(u64::try_from(partition).ok());
    let at = position.map(|(offset, partition)| offset * PARTITIONS + partition);
    // A repeat may stand for what it repeats.
    let stands_for = at.map(|at| match records.kind(at) {
        Kind::Repeat(earlier) => earlier,
        Kind::Fresh | Kind::Bad => at,
    });
    if !note(&mut seen.ids, number) || stands_for != number {
        account.misplaced += 1;
        account.name(format!("a row of record {number:?} says partition {partition}, offset {offset}"));
    }
}

/// Id, partition and offset of the next rows; `None` at the end. `read.py` says how they are written.
fn batch(from: &mut impl Read) -> anyhow::Result<Option<Vec<(i64, i32, i64)>>> {
    let mut count = [0; 8];
    match from.read_exact(&mut count) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error).context("read from the reader"),
    }
    let count = usize::try_from(u64::from_le_bytes(count)).context("a batch that does not fit into memory")?;
    let ids = column(from, count, i64::from_le_bytes)?;
    let partitions = column(from, count, i32::from_le_bytes)?;
    let offsets = column(from, count, i64::from_le_bytes)?;
    let rows = ids.into_iter().zip(partitions).zip(offsets);
    Ok(Some(rows.map(|((id, partition), offset)| (id, partition, offset)).collect()))
}

fn column<T, const WIDTH: usize>(
    from: &mut impl Read,
    count: usize,
    number: impl Fn([u8; WIDTH]) -> T,
) -> anyhow::Result<Vec<T>> {
    let mut bytes = vec![0; count * WIDTH];
    from.read_exact(&mut bytes).context("read a column from the reader")?;
    Ok(bytes.as_chunks::<WIDTH>().0.iter().map(|chunk| number(*chunk)).collect())
}

fn consumer(kafka: &kafka::Config) -> anyhow::Result<BaseConsumer> {
    let mut client = kafka.client();
    client.set("group.id", "soak").set("enable.auto.commit", "false");
    client.create().context("create a consumer")
}

fn messages(consumer: &BaseConsumer, topic: &str) -> anyhow::Result<u64> {
    let (low, high) =
        consumer.fetch_watermarks(topic, 0, ANSWER_LIMIT).with_context(|| format!("look into {topic}"))?;
    Ok(u64::try_from(high - low).unwrap_or(0))
}

fn read_dead_letters(kafka: &kafka::Config, seen: &mut Seen, account: &mut Account) -> anyhow::Result<()> {
    let consumer = consumer(kafka)?;
    let topic = format!("{TOPIC}.dlq");
    let expected = messages(&consumer, &topic)?;
    let mut from = TopicPartitionList::new();
    from.add_partition_offset(&topic, 0, Offset::Beginning).context("choose where to begin")?;
    consumer.assign(&from).context("read the dead letters")?;
    let mut deadline = Instant::now() + ANSWER_LIMIT;
    while account.dead_letters < expected {
        let Some(message) = consumer.poll(Duration::from_secs(1)) else {
            if Instant::now() > deadline {
                bail!("{} of {expected} dead letters could be read", account.dead_letters);
            }
            continue;
        };
        deadline = Instant::now() + ANSWER_LIMIT;
        let message = message.context("read a dead letter")?;
        account.dead_letters += 1;
        let number = message.payload().and_then(number_of);
        let header = |name: &str| {
            let found = message.headers()?.iter().find(|header| header.key == name)?;
            std::str::from_utf8(found.value?).ok()?.parse::<u64>().ok()
        };
        let origin = header("origin.offset").zip(header("origin.partition"));
        let at = origin.map(|(offset, partition)| offset * PARTITIONS + partition);
        if !note(&mut seen.dead, number) || at != number {
            account.dead_wrong += 1;
            account.name(format!("a dead letter of record {number:?} says it was record {at:?}"));
        }
    }
    Ok(())
}
