//! One stage of the numbers: messages from its topic through a pure function (`domain::numbers`) into its table and the next
//! topic. One program for all stages; the variable `STAGE` says which one it is.
//!
//! - Trigger: a Kafka mapping on the stage's topic, with partial batch responses and no batching window.
//! - Input: a batch of records, each a message as JSON. It needs no header and no key; what headers may say: `domain::numbers::Tag`.
//! - Output: a row in the table of the stage and a record in the next topic for each message; for the first stage a row in `inputs1`
//!   too. What is no message, or breaks a limit, goes whole to `<topic>.dlq` with the rule that it breaks.
//! - Idempotency: a message is its id and its attempt, the primary key of the stage's table. The id comes from a header, or from
//!   the record's place (cluster, topic's id, partition, offset). The partition's progress moves in the transaction that stores
//!   the rows; what lies below it is not looked at again. That transaction also notes the batch as pending, with the end of the
//!   next topic's partition: after a crash the outputs are looked for from there on, and only those that are missing are
//!   published. Each partition goes on into one partition, so the order of a key is kept.
//! - Failure: Postgres or Kafka away fails the batch, which is delivered again. One owner a partition: the session that stores it
//!   holds a lock in Postgres until its outputs are acknowledged, and a dead process's session ends with it. Who finds the lock
//!   taken leaves the partition for the next delivery. A message is given up by its own fault only.

mod batch;
mod compute;
mod crash;
mod publish;
mod recover;
mod runner;
mod seats;
mod session;
mod store;

use anyhow::Context;
use domain::numbers::{STAGES, Stage};
use kit::kafka::{BatchResponse, KafkaEvent};
use kit::{Env, Invocation};

pub use crash::POINTS;
pub use runner::Runner;
pub use seats::lock_of;

/// Reads the configuration: `STAGE`, `DATABASE_URL` or `DATABASE_SECRET_ARN`, `KAFKA_BOOTSTRAP_SERVERS` or `MSK_CLUSTER_ARN`,
/// and `NUMBERS_TOPIC_PREFIX`, which stands before the name of the topic that is written, for clusters that several share.
///
/// # Errors
/// When one is missing or malformed, or a secret cannot be read.
pub async fn load() -> anyhow::Result<Runner> {
    let mut env = Env::from_process();
    let number: u8 = env.parsed_or("STAGE", 0);
    let stage = Stage::of(number);
    if stage.is_none() {
        env.fault(format!("STAGE is {number}, expected a number from 1 to {}", STAGES.len()));
    }
    let prefix = env.optional("NUMBERS_TOPIC_PREFIX").unwrap_or_default();
    env.finish()?;
    let (postgres, kafka) = tokio::try_join!(pg::Config::load(), kafka::Config::load())?;
    let pool = pg::connect_lazy(&pg::Config { max_connections: 2, ..postgres })?;
    Ok(Runner::new(stage.context("a stage")?, &prefix, pool, kafka))
}

/// Passes what of the batch is new through the stage.
///
/// # Errors
/// When Postgres or Kafka does not answer. The next delivery finds out how far it came.
pub async fn handle(runner: &Runner, event: KafkaEvent, invocation: &Invocation) -> anyhow::Result<BatchResponse> {
    runner.handle(&event, invocation).await
}
