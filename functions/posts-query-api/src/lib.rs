//! Posts, comments and likes over HTTP, gathered from all shards.
//!
//! - Trigger: an HTTP API (`GET /api/posts`, `/api/posts/{id}`, `/api/posts/{id}/comments`, `/api/users/{id}/posts`,
//!   `/api/users/{id}/stats`, `/health`, `/docs`).
//! - Input: `limit`, `cursor` and `partial` in the query, tokens of writes in `X-Consistency-Token`; one that is unknown or
//!   malformed is answered with 400 and its name. A cursor outlives moves of partitions: the order of a list does not
//!   depend on where its rows are.
//! - Output: JSON; errors as `application/problem+json`. Every row once, counters exact: a row is taken only from the shard
//!   that has its partition in the map's epoch. A write named by a token is in the answer, or the answer is 503.
//! - Idempotency: reads only.
//! - Failure: shards that are away are left out of lists and named (`"partial": true`), unless `partial=false` asks for 503
//!   then; a post of a shard that is away is 503. A shard that is away costs an instance its deadline once: then a circuit
//!   breaker leaves it alone for a while. The master is needed for the map, whose last state stays in use without it.

mod cache;
mod cursor;
mod fence;
mod health;
mod lists;
mod missing;
mod parameters;
mod parts;
mod question;
mod reader;
mod refusal;
mod single;
mod stats;
mod views;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use chrono::Utc;
use domain::posts::{Partition, Token};
use kit::{Env, Secret, metrics::Metrics};
use serde::de::DeserializeOwned;
use shards::Shards;
use sqlx::PgPool;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use cursor::Signer;
use parts::{Failure, Gathered};
pub use reader::Limits;
use reader::Reader;

/// Connections of an instance to each shard: it serves one request at a time.
const CONNECTIONS: u32 = 2;

/// What the API needs to know beside the databases.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Signs cursors; the same for all instances.
    pub cursor_key: Secret,
    /// What a request may take.
    pub limits: Limits,
}

struct Api {
    reader: Reader,
    signer: Signer,
}

/// Reads the configuration and builds the router: the master (`DATABASE_URL` or `DATABASE_SECRET_ARN`), credentials of the
/// shards (`POSTGRES_SHARD_<n>_URL` or `_SECRET_ARN`), `CURSOR_KEY` or `CURSOR_KEY_SECRET_ARN`, and the times
/// `SHARD_DEADLINE_MS` and `CONSISTENCY_WAIT_MS`. Nothing connects before the first request.
///
/// # Errors
/// When a variable is missing or malformed, or a secret cannot be read.
pub async fn load() -> anyhow::Result<Router> {
    let mut env = Env::from_process();
    let mut limits = Limits::default();
    let mut millis = |name, default: Duration| {
        let default = u64::try_from(default.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(env.parsed_or(name, default))
    };
    limits.shard = millis("SHARD_DEADLINE_MS", limits.shard);
    limits.wait = millis("CONSISTENCY_WAIT_MS", limits.wait);
    let cursor_key = match (env.secret("CURSOR_KEY"), env.optional("CURSOR_KEY_SECRET_ARN")) {
        (Some(key), _) => key,
        (None, Some(arn)) => kit::secrets::load(&arn).await.context("read the key of the cursors")?,
        (None, None) => {
            env.fault("neither CURSOR_KEY nor CURSOR_KEY_SECRET_ARN is set");
            Secret::new("")
        }
    };
    env.finish()?;
    let (master, shards) = (pg::Config::load().await?, pg::Config::load_shards().await?);
    let master = pg::connect_lazy(&pg::Config { max_connections: 1, acquire_timeout: limits.shard, ..master })?;
    Ok(router(master, shards, Settings { cursor_key, limits }))
}

/// The API over the shards that this master names.
pub fn router(master: PgPool, credentials: BTreeMap<String, pg::Config>, settings: Settings) -> Router {
    let Settings { cursor_key, limits } = settings;
    let pools = shards::Limits { connections: CONNECTIONS, acquire: limits.shard, statement: limits.shard };
    let reader = Reader::new(Shards::new(master, credentials, pools), limits);
    let router = OpenApiRouter::new()
        .routes(routes!(lists::posts))
        .routes(routes!(lists::user_posts))
        .routes(routes!(single::post))
        .routes(routes!(single::comments))
        .routes(routes!(stats::stats))
        .routes(routes!(health::health))
        .with_state(Arc::new(Api { reader, signer: Signer::new(&cursor_key) }));
    kit::http::documented("posts-query-api", "Posts, comments and likes, gathered from all shards.", router)
}

impl Api {
    /// Asks the shards, and tells the figures of it.
    async fn gather(
        &self,
        question: &question::Question,
        wanted: Option<Partition>,
        tokens: &[Token],
    ) -> Result<Gathered, Failure> {
        let gathered = self.reader.gather(question, wanted, tokens).await?;
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        Metrics::new("Posts", Utc::now())
            .count("cache_hits", count(gathered.hits))
            .count("cache_misses", count(gathered.parts.len() - gathered.hits))
            .count("partial_answers", u64::from(!gathered.missing.is_empty()))
            .emit();
        Ok(gathered)
    }
}

/// Rows out of a shard's JSON, which a statement of this program has made.
fn rows<T: DeserializeOwned>(part: &str) -> anyhow::Result<T> {
    serde_json::from_str(part).context("read what a shard gave")
}
