//! Staged segments into commits of the Iceberg table, one committer at a time.
//!
//! - Trigger: a schedule, each minute. A schedule has a minute's precision, so one invocation loops until its time is
//!   nearly over, or until nothing has come for a while (a function costs nothing while nothing flows).
//! - Input: anything; what to do stands in Postgres.
//! - Output: Iceberg snapshots that carry the watermarks of what they hold; the segments marked; the table's row in
//!   `lake_tables`. Objects of segments committed more than an hour ago are deleted.
//! - Idempotency: the table's own watermarks. A committer that died after its commit finds its segments done.
//! - Failure: the invocation fails and the next one begins again; what was written but not committed is an orphan.
//!   A lease keeps a second committer away; should both run, the fence of the commit lets one through.
//!
//! Between commits it keeps the table ([`ingest::Settings`] has the variables): small files joined, manifests merged,
//! snapshots expired, unreachable objects and orphans deleted. Only where the catalog is the Postgres of the lake.

use ingest::{CommitWorker, Settings, Summary};
use kit::{Env, Invocation};
use lake::{Lake, github};

/// Reads the configuration: `DATABASE_URL` or `DATABASE_SECRET_ARN`, the lake's variables, those of the catalog
/// ([`ingest::load_catalog`]), those of repeats ([`ingest::repeat_limits`]), and [`Settings`].
///
/// # Errors
/// When one is missing or malformed, or a secret cannot be read.
pub async fn load() -> anyhow::Result<CommitWorker> {
    let mut env = Env::from_process();
    let settings = Settings::read(&mut env);
    let repeats = ingest::repeat_limits(&mut env);
    let config = lake::Config::read(github::NAMESPACE, github::TABLE, |name| env.optional(name));
    env.finish()?;
    let postgres = pg::Config::load().await?;
    let pool = pg::connect_lazy(&pg::Config { max_connections: 2, ..postgres.clone() })?;
    let lake = Lake::new(config, &github::SCHEMA, pool.clone()).with_repeats(repeats);
    let catalog = ingest::load_catalog(&postgres.url).await?;
    Ok(CommitWorker::new(lake, pool, catalog, settings))
}

/// Commits what waits, for as long as the invocation may run.
///
/// # Errors
/// Those of [`CommitWorker::run`].
pub async fn handle(
    worker: &CommitWorker,
    _event: serde_json::Value,
    invocation: &Invocation,
) -> anyhow::Result<Summary> {
    worker.run(invocation).await
}
