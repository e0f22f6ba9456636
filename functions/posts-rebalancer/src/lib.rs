//! Moves partitions of the posts between shards while clients write and read, one mover at a time.
//!
//! - Trigger: `POST /moves` of posts-shards-api (an asynchronous invocation), and a schedule, each minute, for what was
//!   interrupted. One invocation works until nothing is left to do or its time is nearly over.
//! - Input: anything; what to do stands in `posts_moves` of the master.
//! - Output: partitions at other shards, and their rows in `posts_moves` and `posts_shard_map`. What a move does, and why it is
//!   right, stands in [`domain::posts::moves`].
//! - Idempotency: each step can be done again. What it replaces is a range of rows in one transaction; what it is to do next
//!   is recorded in the master by whoever has the newest lease.
//! - Failure: a shard that is away: its moves are tried again, later each time; a frozen partition is thawed after 20 s, and
//!   after 10 minutes, or when rows cannot be made equal, the move is undone. The master away: the invocation fails. The
//!   process killed: the lease ends after 10 s, and the next invocation goes on with the recorded step. While there are moves
//!   one stands by, so a partition does not stay frozen until the next minute.
//!
//! A partition's writers wait from `Freeze` to `Switch`, which is one pass of digests over its rows; its readers never wait.
//! The copy goes from shard to shard as Postgres' binary rows, never as a whole in memory.

mod crash;
mod piece;
mod record;
mod seat;
mod step;
mod table;
mod work;

use std::collections::BTreeMap;
use std::time::Duration;

use kit::Invocation;
use shards::{Limits, Shards};
use sqlx::PgPool;

pub use crash::POINTS;
pub use work::{Rebalancer, Settings, Summary};

/// What the pools to the shards may take. A piece is a few thousand rows.
const LIMITS: Limits = Limits { connections: 3, acquire: Duration::from_secs(5), statement: Duration::from_secs(20) };

/// Reads the configuration: `DATABASE_URL` or `DATABASE_SECRET_ARN`, and the shards' ([`pg::Config::load_shards`]).
///
/// # Errors
/// When the master or no shard is configured, or a secret cannot be read.
pub async fn load() -> anyhow::Result<Rebalancer> {
    let (master, credentials) = tokio::try_join!(pg::Config::load(), pg::Config::load_shards())?;
    Ok(rebalancer(pg::connect_lazy(&master)?, credentials, Settings::default()))
}

/// One that works in this master and with these credentials.
#[must_use]
pub fn rebalancer(master: PgPool, credentials: BTreeMap<String, pg::Config>, settings: Settings) -> Rebalancer {
    Rebalancer::new(Shards::new(master, credentials, LIMITS), settings)
}

/// Moves what is to be moved.
///
/// # Errors
/// When the master does not answer.
pub async fn handle(
    rebalancer: &Rebalancer,
    _event: serde_json::Value,
    invocation: &Invocation,
) -> anyhow::Result<Summary> {
    rebalancer.run(invocation).await
}
