//! The cluster, and what the topics of the lake's benches have in common.

use anyhow::Context;
use rdkafka::producer::BaseProducer;

pub(crate) const PARTITIONS: i32 = 4;

/// The cluster that the environment names.
pub(crate) fn cluster() -> anyhow::Result<kafka::Config> {
    let servers = std::env::var("KAFKA_BOOTSTRAP_SERVERS");
    let servers = servers.context("KAFKA_BOOTSTRAP_SERVERS is not set: run `make bench`")?;
    Ok(kafka::Config::plaintext(servers))
}

/// A producer that waits `linger_ms` for more records before it sends.
pub(crate) fn producer(kafka: &kafka::Config, linger_ms: &str) -> anyhow::Result<BaseProducer> {
    let mut client = kafka.client();
    for (name, value) in [
        ("compression.type", "lz4"),
        ("linger.ms", linger_ms),
        ("batch.size", "1000000"),
        ("batch.num.messages", "10000"),
        ("queue.buffering.max.messages", "500000"),
        ("queue.buffering.max.kbytes", "512000"),
    ] {
        client.set(name, value);
    }
    client.create().context("create a producer")
}
