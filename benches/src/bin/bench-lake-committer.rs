//! The committer of the bench's own table: what `lake-committer` is, with another table.

use ingest::{CommitWorker, Settings, Summary};
use kit::{Env, Invocation};
use lake::Lake;
use millrace_bench::narrow::{NAMESPACE, SCHEMA, TABLE};

#[tokio::main]
async fn main() -> Result<(), kit::Error> {
    kit::run(load(), handle).await
}

async fn load() -> anyhow::Result<CommitWorker> {
    let mut env = Env::from_process();
    let settings = Settings::read(&mut env);
    let config = lake::Config::read(NAMESPACE, TABLE, |name| env.optional(name));
    env.finish()?;
    let postgres = pg::Config::load().await?;
    let pool = pg::connect_lazy(&pg::Config { max_connections: 2, ..postgres.clone() })?;
    let lake = Lake::new(config, &SCHEMA, pool.clone());
    let catalog = ingest::load_catalog(&postgres.url).await?;
    Ok(CommitWorker::new(lake, pool, catalog, settings))
}

async fn handle(worker: &CommitWorker, _: serde_json::Value, invocation: &Invocation) -> anyhow::Result<Summary> {
    worker.run(invocation).await
}
