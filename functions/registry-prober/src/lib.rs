//! `registry-prober`: how each function is, every ten seconds, into Postgres.
//!
//! - **Trigger**: a schedule, once a minute; its event is not looked at. Within one invocation it looks again every ten
//!   seconds until its time is nearly over.
//! - **Input**: variable `SERVICES`, which the template fills: each function with what triggers it. What it looks at: an
//!   HTTP API's `GET /health`; a Kafka trigger's state (Lambda), and its backlog (Kafka); a schedule's state (EventBridge
//!   Scheduler), and when its function last succeeded (table `leases`).
//! - **Output**: table `service_checks`, the newest check of each; `service_check_history`, the last hour;
//!   `registry_rounds`, since when there is no break.
//! - **Idempotency**: a round replaces the one before. The same event twice looks twice; a second one at the same time
//!   finds the lease taken and returns at once.
//! - **Failure policy**: whatever does not answer within five seconds is a finding, not a failure. The invocation fails
//!   when Postgres does; a round is written whole or not at all.
//! - **One at a time**: lease `registry-prober`; a prober whose lease has passed on writes nothing.

pub mod config;
mod decide;
mod probe;
mod state;

use std::time::Duration;

use chrono::Utc;
use futures::future::join_all;
use kit::Invocation;
use kit::metrics::Metrics;
use pg::Lease;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgPool;
use tokio::time::{Instant, sleep};
use tracing::{error, info};

pub use crate::decide::Status;
pub use crate::probe::Probes;

use crate::config::Config;
use crate::state::State;

/// The lease that makes the prober single.
pub const LEASE: &str = "registry-prober";
/// A prober that dies is succeeded after this long.
const LEASE_TTL: Duration = Duration::from_secs(30);

/// What an invocation needs, built once a cold start.
pub struct Deps {
    /// Settings from the environment.
    pub config: Config,
    /// Whom to ask.
    pub probes: Probes,
    /// Postgres.
    pub pool: PgPool,
}

impl Deps {
    /// Reads the environment and connects.
    ///
    /// # Errors
    /// When a variable is missing or malformed, a secret cannot be read, or Postgres does not answer.
    pub async fn load() -> anyhow::Result<Self> {
        let config = Config::load()?;
        let kafka = kafka::Config::load().await?;
        let aws = aws_config::load_from_env().await;
        let pool = pg::connect(&pg::Config::load().await?).await?;
        Ok(Self { probes: Probes::new(&aws, kafka, pool.clone())?, config, pool })
    }
}

/// What an invocation did.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// True when another invocation is looking: then nothing else was done.
    pub lease_held_by_another: bool,
    /// Rounds written.
    pub rounds: u64,
    /// Functions that the last round found ill.
    pub unhealthy: u64,
}

/// Looks until the time is nearly over.
///
/// # Errors
/// When Postgres does not answer, or the lease was lost.
pub async fn handle(deps: &Deps, _schedule: Value, invocation: &Invocation) -> anyhow::Result<Summary> {
    // A retry of the same invocation has the same request id and takes over the lease of the one that was killed.
    let Some(lease) = Lease::acquire(&deps.pool, LEASE, &invocation.request_id, LEASE_TTL).await? else {
        info!("another invocation holds the lease");
        return Ok(Summary { lease_held_by_another: true, ..Summary::default() });
    };
    let result = look_on(deps, &lease, invocation).await;
    if let Err(error) = lease.release(&deps.pool).await {
        error!(error = format!("{error:#}"), "the lease was not given back, it ends by itself");
    }
    let summary = result?;
    let metrics = Metrics::new("Millrace/Platform", invocation.now);
    metrics.count("probe_rounds", summary.rounds).count("unhealthy_services", summary.unhealthy).emit();
    info!(rounds = summary.rounds, unhealthy = summary.unhealthy, "looked at every function");
    Ok(summary)
}

async fn look_on(deps: &Deps, lease: &Lease, invocation: &Invocation) -> anyhow::Result<Summary> {
    let mut summary = Summary::default();
    loop {
        let began = Instant::now();
        summary.unhealthy = round(deps, lease).await?;
        summary.rounds += 1;
        let rest = deps.config.interval.saturating_sub(began.elapsed());
        if rest + deps.config.margin > invocation.remaining() {
            return Ok(summary);
        }
        pause(rest, invocation).await;
        if deps.config.margin > invocation.remaining() {
            return Ok(summary);
        }
        lease.renew(&deps.pool).await?;
    }
}

/// Waits, unless the process is asked to end meanwhile.
async fn pause(mut rest: Duration, invocation: &Invocation) {
    while !rest.is_zero() && !invocation.remaining().is_zero() {
        let nap = rest.min(Duration::from_millis(500));
        sleep(nap).await;
        rest -= nap;
    }
}

/// Looks at every function once, all at the same time, and writes down what was found. Gives the number of ill ones.
async fn round(deps: &Deps, lease: &Lease) -> anyhow::Result<u64> {
    let mut state = State::load(&deps.pool).await?;
    let looks = deps.config.services.iter().map(|service| async move {
        let seen = deps.probes.look(service, deps.config.deadline).await;
        (service, seen)
    });
    let seen = join_all(looks).await;
    let now = Utc::now();
    state.forget_after_a_break(now);
    let findings: Vec<_> = seen
        .into_iter()
        .map(|(service, seen)| decide::decide(service, state.previous.get(&service.name), seen, now))
        .collect();
    state.save(&deps.pool, lease, &findings, now).await?;
    let unhealthy = findings.iter().filter(|finding| finding.status == Status::Unhealthy);
    Ok(u64::try_from(unhealthy.count()).unwrap_or(u64::MAX))
}
