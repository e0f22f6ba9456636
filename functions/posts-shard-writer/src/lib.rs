//! Posts, comments and likes from Kafka into the shards.
//!
//! - Trigger: a Kafka mapping on `posts-writes`, with partial batch responses and no failure destination.
//! - Input: a batch of records of any of the 48 partitions, each a write as JSON (`domain::posts::Write`).
//! - Output: rows in the shards, one transaction for each shard that the batch touches; records that can never be stored go
//!   to `<topic>.dlq`.
//! - Idempotency: by the write's id, which is a primary key, and a like by user and post. Counters move by the rows that were
//!   new. Each kind is copied as if all of it were new; where a row was there already, the copy is taken back and the kind is
//!   inserted passing over what is there, also in the batches that follow. The partition's progress moves in the same
//!   transaction; what lies below it is not looked at again. A like with another id, for a post and user that have one,
//!   changes nothing.
//! - Failure: a partition belongs to one shard, so a shard that is away fails its own partitions (from their first offset),
//!   and the others are done. After three failures in a row nobody asks the shard for a while, whichever instance (a circuit
//!   breaker in the master). A partition that is being moved is left in Kafka. The mapping tries for ever, or as long as
//!   Lambda lets it, so an outage of a day loses nothing. With the master away the last map is used: shards refuse an old one.
//!
//! A topic that was deleted and made again begins at 0 under another id; its partitions' progress does too.

mod batch;
mod breakers;
mod insert;
mod origin;
mod route;
mod rows;
mod store;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use kafka::{Identifier, Lookup, Producer};
use kit::Invocation;
use kit::kafka::{BatchResponse, KafkaEvent};
use shards::{Limits, Shards};
use tokio::sync::OnceCell;

pub use store::POINTS;

/// What a shard may take. Other shards of the batch wait for the slowest, so it is far less than an invocation's time.
const LIMITS: Limits = Limits { connections: 2, acquire: Duration::from_secs(3), statement: Duration::from_secs(10) };

/// Longest time for one shard's part of a batch.
const PATIENCE: Duration = Duration::from_secs(12);

/// Stores batches; nothing of it connects before the first one.
pub struct Writer {
    shards: Shards,
    kafka: kafka::Config,
    /// Asked with each batch.
    identifier: OnceCell<Identifier>,
    /// The last answers, for a broker that does not answer now.
    identities: Mutex<BTreeMap<String, String>>,
    /// Only needed where offsets are missing.
    lookup: OnceCell<Lookup>,
    /// Only dead letters need it.
    producer: OnceCell<Producer>,
    caution: insert::Caution,
}

/// Reads the configuration: `DATABASE_URL` or `DATABASE_SECRET_ARN` of the master, `POSTGRES_SHARD_<n>_URL` or `_SECRET_ARN`,
/// `KAFKA_BOOTSTRAP_SERVERS` or `MSK_CLUSTER_ARN`.
///
/// # Errors
/// When one is missing or malformed, or a secret cannot be read.
pub async fn load() -> anyhow::Result<Writer> {
    let (master, credentials, kafka) =
        tokio::try_join!(pg::Config::load(), pg::Config::load_shards(), kafka::Config::load())?;
    // A master that is away must not hold up batches: the last map does.
    let master = pg::Config { max_connections: 2, acquire_timeout: Duration::from_secs(2), ..master };
    Ok(Writer::new(Shards::new(pg::connect_lazy(&master)?, credentials, LIMITS), kafka))
}

impl Writer {
    /// A writer to these shards, of records of this cluster.
    #[must_use]
    pub fn new(shards: Shards, kafka: kafka::Config) -> Self {
        Self {
            shards,
            kafka,
            identifier: OnceCell::new(),
            identities: Mutex::default(),
            lookup: OnceCell::new(),
            producer: OnceCell::new(),
            caution: insert::Caution::default(),
        }
    }
}

/// Stores what of the batch is new.
///
/// # Errors
/// When the map was never read and the master does not answer, or a topic's id was never read and Kafka does not answer.
pub async fn handle(writer: &Writer, event: KafkaEvent, invocation: &Invocation) -> anyhow::Result<BatchResponse> {
    writer.route(&event.records, invocation).await
}
