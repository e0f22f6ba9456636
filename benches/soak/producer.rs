//! The producer: idempotent, acknowledged by all, never giving up. What Kafka has acknowledged must come out at the end.

use std::{
    fs::File,
    io::Write,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use chrono::{SecondsFormat, Utc};
use rdkafka::{
    ClientContext, Message as _,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
    producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer},
};

use crate::records::{PARTITIONS, Records};

pub(crate) const TOPIC: &str = "github-events";

/// How long nothing at all may be acknowledged, and how long the last acknowledgements may take.
const STANDSTILL: Duration = Duration::from_secs(300);

/// How long nothing is acknowledged before the client is told its brokers again: [`kafka::remind`].
const REMIND_AFTER: Duration = Duration::from_secs(5);

/// What is known of the records so far.
#[derive(Debug, Default)]
pub(crate) struct Acknowledged {
    pub(crate) records: AtomicU64,
    /// The first record that Kafka refused or put elsewhere than the producer's order says.
    fault: Mutex<Option<String>>,
}

impl Acknowledged {
    pub(crate) fn count(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    pub(crate) fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends the producer.
    pub(crate) fn note(&self, fault: String) {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(fault);
    }
}

struct Watch {
    acknowledged: Arc<Acknowledged>,
    log: Mutex<File>,
}

impl ClientContext for Watch {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        // A broker that is killed every half minute is away often; whoever wants to know reads the file.
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(log, "{} {facility}: {message}", Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true));
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
            self.acknowledged.note(format!("the producer has given up: {reason}"));
        }
    }
}

impl ProducerContext for Watch {
    type DeliveryOpaque = Box<u64>;

    fn delivery(&self, result: &DeliveryResult<'_>, number: Box<u64>) {
        match result {
            Ok(message) => {
                let offset = u64::try_from(message.offset()).unwrap_or(u64::MAX);
                if offset != *number / PARTITIONS {
                    self.acknowledged
                        .note(format!("record {number} is at offset {offset}, expected {}", *number / PARTITIONS));
                }
                self.acknowledged.records.fetch_add(1, Ordering::Relaxed);
            }
            Err((error, _)) => self.acknowledged.note(format!("record {number} was not taken: {error}")),
        }
    }
}

/// How fast, and how far ahead of the table's writer at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) records: u64,
    pub(crate) per_second: u64,
    pub(crate) ahead: u64,
    /// After so long the rest is left out.
    pub(crate) at_most: Duration,
}

/// Produces the records and waits for their acknowledgements; tells how many there are. `done` is how many the writer has
/// finished.
pub(crate) fn produce(
    records: &Records,
    pace: Pace,
    kafka: &kafka::Config,
    acknowledged: &Arc<Acknowledged>,
    done: &AtomicU64,
    log: &Path,
) -> anyhow::Result<u64> {
    let mut client = kafka.client();
    client.set("acks", "all").set("enable.idempotence", "true").set("compression.type", "lz4");
    client.set("linger.ms", "50").set("message.timeout.ms", "0").set("queue.buffering.max.messages", "100000");
    if let Ok(contexts) = std::env::var("SOAK_KAFKA_DEBUG") {
        client.set("debug", contexts).set_log_level(RDKafkaLogLevel::Debug);
    }
    let log = File::create(log).with_context(|| format!("create {}", log.display()))?;
    let watch = Watch { acknowledged: Arc::clone(acknowledged), log: Mutex::new(log) };
    let producer: ThreadedProducer<Watch> = client.create_with_context(watch).context("create the producer")?;
    let (mut number, mut credit, mut last) = (0, 0.0, Instant::now());
    let (mut known, mut deadline, mut remind_at) = (0, Instant::now() + STANDSTILL, Instant::now() + REMIND_AFTER);
    let began = Instant::now();
    while number < pace.records && began.elapsed() < pace.at_most {
        if let Some(fault) = acknowledged.fault() {
            bail!(fault);
        }
        // What could not be sent is not made up for in one go.
        credit = (credit + last.elapsed().as_secs_f64() * pace.per_second as f64).min(pace.per_second as f64);
        last = Instant::now();
        let most = pace.records.min(done.load(Ordering::Relaxed) + pace.ahead);
        while credit >= 1.0 && number < most && send(&producer, records, number)? {
            number += 1;
            credit -= 1.0;
        }
        if acknowledged.count() > known {
            (known, deadline) = (acknowledged.count(), Instant::now() + STANDSTILL);
            remind_at = Instant::now() + REMIND_AFTER;
        } else if Instant::now() > deadline {
            bail!("{known} records are acknowledged, and none for {} s", STANDSTILL.as_secs());
        } else if Instant::now() > remind_at {
            kafka::remind(producer.client(), kafka);
            remind_at = Instant::now() + REMIND_AFTER;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    producer.flush(STANDSTILL).context("wait for the last acknowledgements")?;
    match acknowledged.fault() {
        Some(fault) => bail!(fault),
        None if acknowledged.count() != number => {
            bail!("{} of {number} records are acknowledged", acknowledged.count())
        }
        None => Ok(number),
    }
}

/// False when the queue is full.
fn send(producer: &ThreadedProducer<Watch>, records: &Records, number: u64) -> anyhow::Result<bool> {
    let value = records.value(number);
    let partition = i32::try_from(number % PARTITIONS).context("choose a partition")?;
    let record = BaseRecord::<[u8], [u8], Box<u64>>::with_opaque_to(TOPIC, Box::new(number));
    match producer.send(record.partition(partition).payload(&value)) {
        Ok(()) => Ok(true),
        Err((error, _)) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull) => Ok(false),
        Err((error, _)) => Err(error).with_context(|| format!("send record {number}")),
    }
}
