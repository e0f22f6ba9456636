//! `numbers-generator`: sets of numbers into the topic `start`, so that something moves.
//!
//! - **Trigger**: a schedule, once a minute; its event is not looked at. Within one invocation it posts until its time is nearly
//!   over, at the rate that is set.
//! - **Input**: the settings ([`Config`]), and how many sets of the seed were posted (table `number_generators`).
//! - **Output**: topic `start`: plain JSON with the header `source: generator` and a message id.
//! - **Idempotency**: the set of an index and a seed is always the same, and so is its id. The position moves after Kafka has
//!   acknowledged a tick's messages: a run that dies in between posts the same messages again, with the same ids, and the first
//!   stage drops those that it has.
//! - **Failure**: Kafka or Postgres away fails the invocation; the next one goes on at the position. What was missed meanwhile
//!   is not made up for: the rate is one of now.
//! - **One at a time**: lease `numbers-generator`; an invocation that finds it taken returns at once.

mod config;

use std::time::{Duration, Instant};

use anyhow::Context;
use domain::numbers::{MessageId, Tag};
use kafka::{Message, Producer};
use kit::metrics::Metrics;
use kit::{Env, Invocation};
use pg::Lease;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgPool;
use tracing::info;

pub use config::Config;

/// The lease that makes the generator single.
pub const LEASE: &str = "numbers-generator";
/// A generator that dies is succeeded after this long.
const LEASE_TTL: Duration = Duration::from_secs(15);
/// How often the lease is renewed.
const RENEW_EVERY: Duration = Duration::from_secs(4);
/// What is due is posted this often.
const TICK: Duration = Duration::from_millis(20);
/// Nothing begins in the invocation's last seconds.
const MARGIN: Duration = Duration::from_secs(3);

/// What an invocation needs, built once a cold start.
#[derive(Debug)]
pub struct Deps {
    /// Settings from the environment.
    pub config: Config,
    /// Kafka.
    pub producer: Producer,
    /// Postgres.
    pub pool: PgPool,
}

impl Deps {
    /// Reads the environment and connects.
    ///
    /// # Errors
    /// When a variable is missing or malformed, or Postgres does not answer.
    pub async fn load() -> anyhow::Result<Self> {
        let mut env = Env::from_process();
        let config = Config::read(&mut env);
        env.finish()?;
        let producer = Producer::new(&kafka::Config::load().await?)?;
        let pool = pg::connect_lazy(&pg::Config { max_connections: 2, ..pg::Config::load().await? })?;
        Ok(Self { config, producer, pool })
    }
}

/// What an invocation did.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// True when another invocation posts: then nothing was done.
    pub lease_held_by_another: bool,
    /// Messages that were posted.
    pub posted: u64,
}

/// Posts until the time is nearly over.
///
/// # Errors
/// When Postgres or Kafka does not answer, or the lease was lost.
pub async fn handle(deps: &Deps, _schedule: Value, invocation: &Invocation) -> anyhow::Result<Summary> {
    if deps.config.rate == 0 {
        return Ok(Summary::default());
    }
    // A retry of the same invocation has the same request id and takes over the lease of the one that was killed.
    let Some(lease) = Lease::acquire(&deps.pool, LEASE, &invocation.request_id, LEASE_TTL).await? else {
        info!("another invocation holds the lease");
        return Ok(Summary { lease_held_by_another: true, ..Summary::default() });
    };
    let posted = post_on(deps, &lease, invocation).await;
    if let Err(error) = lease.release(&deps.pool).await {
        tracing::error!(error = format!("{error:#}"), "the lease was not given back, it ends by itself");
    }
    let posted = posted?;
    Metrics::new("Millrace/Numbers", invocation.now).count("posted", posted).emit();
    Ok(Summary { lease_held_by_another: false, posted })
}

async fn post_on(deps: &Deps, lease: &Lease, invocation: &Invocation) -> anyhow::Result<u64> {
    let mut next = position(deps).await?;
    let (began, mut posted, mut renewed) = (Instant::now(), 0, Instant::now());
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    while invocation.remaining() > MARGIN {
        ticks.tick().await;
        if renewed.elapsed() > RENEW_EVERY {
            lease.renew(&deps.pool).await?;
            renewed = Instant::now();
        }
        let due = due(deps.config.rate, began.elapsed(), posted);
        if due == 0 {
            continue;
        }
        let messages = (next..next + due).map(|index| message(&deps.config, index)).collect();
        deps.producer.send_all(messages).await?;
        advance(deps, lease, next, next + due).await?;
        (next, posted) = (next + due, posted + due);
    }
    if posted > 0 {
        lease.succeed(&deps.pool).await?;
    }
    Ok(posted)
}

/// How many are due. A pause is not made up for with more than a second's messages at once.
fn due(rate: u32, elapsed: Duration, posted: u64) -> u64 {
    let whole = u64::try_from(elapsed.as_millis() * u128::from(rate) / 1_000).unwrap_or(u64::MAX);
    whole.saturating_sub(posted).min(u64::from(rate))
}

/// The message of an index. Its id follows from the sets and the index, so that a message that is posted twice is one.
fn message(config: &Config, index: u64) -> Message {
    let place = i64::try_from(index).unwrap_or(i64::MAX);
    // In the place of the time: ids that grow with the index stand together in a table's index.
    let id = MessageId::of_record("numbers-generator", &config.sets.to_string(), 0, place, place);
    let tag = Tag { id: Some(id), source: Some("generator".to_owned()), ..Tag::default() };
    Message {
        topic: config.topic.clone(),
        partition: None,
        key: None,
        value: Some(config.sets.message(index).into_bytes()),
        headers: tag.headers(),
    }
}

/// How many sets of this seed were posted.
async fn position(deps: &Deps) -> anyhow::Result<u64> {
    let next: i64 = sqlx::query_scalar(
        "insert into number_generators (sets, next_index) values ($1, 0)
         on conflict (sets) do update set next_index = number_generators.next_index
         returning next_index",
    )
    .bind(deps.config.sets.to_string())
    .fetch_one(&deps.pool)
    .await
    .context("read the position")?;
    Ok(next.cast_unsigned())
}

async fn advance(deps: &Deps, lease: &Lease, from: u64, to: u64) -> anyhow::Result<()> {
    let moved = sqlx::query(
        "update number_generators set next_index = $3, updated_at = clock_timestamp()
         where sets = $1 and next_index = $2 and exists (select from leases where name = $4 and token = $5)",
    )
    .bind(deps.config.sets.to_string())
    .bind(from.cast_signed())
    .bind(to.cast_signed())
    .bind(LEASE)
    .bind(lease.token())
    .execute(&deps.pool)
    .await
    .context("move the position")?;
    anyhow::ensure!(moved.rows_affected() == 1, "another generator has moved the position");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_follows_the_time_and_a_pause_is_not_made_up_for() {
        assert_eq!(due(1, Duration::from_millis(999), 0), 0);
        assert_eq!(due(1, Duration::from_millis(1_000), 0), 1);
        assert_eq!(due(500, Duration::from_millis(20), 0), 10);
        assert_eq!(due(500, Duration::from_millis(40), 10), 10);
        assert_eq!(due(500, Duration::from_secs(60), 10), 500);
    }
}
