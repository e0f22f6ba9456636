//! GitHub events from Kafka into staged segments of the lake.
//!
//! - Trigger: a Kafka mapping on `github-events`, with partial batch responses.
//! - Input: a batch of records, each a GitHub event as JSON.
//! - Output: one Parquet segment on S3 and its row in Postgres; records that break a rule go to `<topic>.dlq`.
//! - Idempotency: `(cluster id, topic id, partition, offset)`, see [`ingest::Writer`]; the same batch again changes nothing.
//! - Failure: a service that is away fails the whole batch, which Lambda delivers again; a topic whose identity cannot be
//!   read fails only its own partitions.
//!
//! Not here yet: topics re-created while a batch is on its way.

mod format;

use ingest::Writer;
use kit::Invocation;
use kit::kafka::{BatchResponse, KafkaEvent};
use lake::{Lake, github};

pub use format::GithubEvents;

/// Reads the configuration: `DATABASE_URL` or `DATABASE_SECRET_ARN`, `KAFKA_BOOTSTRAP_SERVERS` or `MSK_CLUSTER_ARN`, the
/// lake's variables, and those of repeats ([`ingest::repeat_limits`]).
///
/// # Errors
/// When one is missing or malformed, or a secret cannot be read.
pub async fn load() -> anyhow::Result<Writer<GithubEvents>> {
    let mut env = kit::Env::from_process();
    let repeats = ingest::repeat_limits(&mut env);
    let config = lake::Config::read(github::NAMESPACE, github::TABLE, |name| env.optional(name));
    env.finish()?;
    let (postgres, kafka) = tokio::try_join!(pg::Config::load(), kafka::Config::load())?;
    let pool = pg::connect_lazy(&pg::Config { max_connections: 2, ..postgres })?;
    let lake = Lake::new(config, &github::SCHEMA, pool).with_repeats(repeats);
    Ok(Writer::new(GithubEvents, lake, kafka))
}

/// Stages what of the batch is new.
///
/// # Errors
/// Those of [`Writer::handle`].
pub async fn handle(
    writer: &Writer<GithubEvents>,
    event: KafkaEvent,
    invocation: &Invocation,
) -> anyhow::Result<BatchResponse> {
    writer.handle(event, invocation).await
}
