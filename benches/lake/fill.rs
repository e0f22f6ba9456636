//! Topics that are full before anything reads them.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, bail, ensure};
use rdkafka::{
    error::{KafkaError, RDKafkaErrorCode},
    producer::{BaseProducer, BaseRecord, Producer},
};

use crate::{
    generate,
    topic::{PARTITIONS, producer},
};

/// A filled topic.
#[derive(Debug, Clone)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) records: u64,
    /// Bytes of all values.
    pub(crate) bytes: u64,
}

/// Makes the topic and fills it with the payload's first `records` values; one that is full already stays as it is.
pub(crate) async fn filled(kafka: &kafka::Config, name: &str, payload: &str, records: u64) -> anyhow::Result<Topic> {
    kafka::admin::create_topic(kafka, name, PARTITIONS, &BTreeMap::new()).await?;
    let there = kafka::admin::partitions(kafka, name, "bench-fill").await?;
    let held: i64 = there.iter().map(|partition| partition.high).sum();
    let (name_, payload_, producing) = (name.to_owned(), payload.to_owned(), held == 0);
    let producer = producer(kafka, "50")?;
    let bytes = tokio::task::spawn_blocking(move || fill(&producer, &name_, &payload_, records, producing)).await??;
    let held = u64::try_from(held)?;
    ensure!(producing || held == records, "topic {name} holds {held} records, {records} are asked for");
    Ok(Topic { name: name.to_owned(), records, bytes })
}

/// The values' bytes; `producing` says whether they are sent or only counted.
fn fill(producer: &BaseProducer, topic: &str, payload: &str, records: u64, producing: bool) -> anyhow::Result<u64> {
    let mut values = generate::of(payload, records)?;
    let (mut value, mut bytes) = (Vec::new(), 0);
    for number in 0..records {
        values.next(&mut value);
        bytes += value.len() as u64;
        if !producing {
            continue;
        }
        let partition = i32::try_from(number % u64::try_from(PARTITIONS)?)?;
        let mut record = BaseRecord::<[u8], [u8]>::to(topic).partition(partition).payload(&value);
        loop {
            match producer.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    producer.poll(Duration::from_millis(50));
                }
                Err((error, _)) => bail!("produce to {topic}: {error}"),
            }
        }
        if number % 20_000 == 0 {
            producer.poll(Duration::ZERO);
        }
    }
    producer.flush(Duration::from_secs(60)).with_context(|| format!("fill {topic}"))?;
    Ok(bytes)
}
