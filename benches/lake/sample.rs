//! A sample of a topic, cut into the runner's payloads, and what a record of it costs at each stage.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, ensure};
use bytes::Bytes;
use ingest::Format;
use lake::Lake;
use millrace::kafka_source::measured;
use rdkafka::{Offset, TopicPartitionList, consumer::Consumer, message::BorrowedMessage};

use crate::{cpu, fill::Topic, limit, stages};

/// Lambda's most.
const BATCH_SIZE: usize = 10_000;
/// Records of the sample, all of one partition.
const RECORDS: usize = 60_000;

/// Microseconds of processor time a record, of stages that can be run alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Alone {
    pub(crate) encode: f64,
    pub(crate) decode: f64,
    /// Reading and rules with it.
    pub(crate) parquet: f64,
}

/// Encodes and writes a sample of the topic as runner and writer do.
pub(crate) fn alone<F: Format>(format: &F, lake: &Lake, topic: &Topic) -> anyhow::Result<Alone> {
    let (records, encode, payloads) = payloads(topic)?;
    // The first payload warms up.
    stages::written(format, lake, payloads.iter().take(1))?;
    let written = stages::written(format, lake, payloads.iter())?;
    ensure!(written.records == records, "{} records were decoded, {records} encoded", written.records);
    let micros = |took: Duration| took.as_secs_f64() * 1e6 / records as f64;
    Ok(Alone {
        encode: micros(encode),
        decode: micros(written.decode),
        parquet: micros(written.read + written.parquet),
    })
}

fn payloads(topic: &Topic) -> anyhow::Result<(usize, Duration, Vec<Bytes>)> {
    let consumer = limit::consumer()?;
    let mut from = TopicPartitionList::new();
    from.add_partition_offset(&topic.name, 0, Offset::Beginning)?;
    consumer.assign(&from)?;
    let (wanted, name): (usize, Arc<str>) =
        (RECORDS.min(usize::try_from(topic.records / 8)?), topic.name.as_str().into());
    let mut waiting = Vec::with_capacity(wanted);
    while waiting.len() < wanted {
        waiting.push(consumer.poll(Duration::from_secs(10)).context("the topic ended early")??);
    }
    // The first round only warms up: its buffers are new to the process, those of a runner at work are not.
    encoded(&name, &waiting)?;
    let (encode, payloads) = encoded(&name, &waiting)?;
    Ok((wanted, encode, payloads))
}

fn encoded(topic: &Arc<str>, messages: &[BorrowedMessage<'_>]) -> anyhow::Result<(Duration, Vec<Bytes>)> {
    let (mut encode, mut payloads, mut left) = (Duration::ZERO, Vec::new(), messages);
    while !left.is_empty() {
        let began = cpu::of_this_thread()?;
        let (taken, payload) = measured::encode(topic, left, BATCH_SIZE);
        encode += cpu::of_this_thread()? - began;
        ensure!(taken > 0, "a record fits into no batch");
        left = left.get(taken..).unwrap_or_default();
        payloads.push(payload);
    }
    Ok((encode, payloads))
}
