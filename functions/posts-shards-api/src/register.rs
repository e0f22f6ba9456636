//! A further shard.

use std::sync::Arc;

use anyhow::Context;
use axum::Json;
use axum::extract::{RawQuery, State};
use http::StatusCode;
use kit::http::{Body, Problem, Query};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use utoipa::ToSchema;

use crate::{Api, Later, away};

/// A shard, new or known. Its credentials are in the functions' configuration: those of its name, or of the first shard.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewShard {
    /// 1 to 50 of a-z, 0-9 and `-`.
    name: String,
    /// Host name or address.
    host: String,
    /// TCP port.
    #[schema(minimum = 1, maximum = 65535)]
    port: u16,
    /// A database that is there; it may be empty.
    database: String,
}

/// A shard, as the master has it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Registered {
    id: i32,
    name: String,
    host: String,
    port: u16,
    database: String,
}

/// Adds a shard. It gets its tables soon, from posts-rebalancer, and partitions when somebody asks for moves.
#[utoipa::path(
    post, path = "/shards",
    request_body = NewShard,
    responses(
        (status = 201, body = Registered, description = "It may get partitions now"),
        (status = 200, body = Registered, description = "It is known already"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "A field cannot be used"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "The name is known at another place, or the place by another name"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "The body is too large"),
        (status = 415, body = Problem, content_type = "application/problem+json", description = "The body is not JSON"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "The master is away"),
    )
)]
pub(crate) async fn register(
    State(api): State<Arc<Api>>,
    RawQuery(query): RawQuery,
    Body(shard): Body<NewShard>,
) -> Result<(StatusCode, Json<Registered>), Later> {
    Query::parse(query.as_deref(), &[])?;
    shard.check()?;
    let (id, known, is_new) = note(api.observer.master(), &shard).await.map_err(away)?;
    if known != shard {
        let NewShard { name, host, port, database } = known;
        return Err(Problem::conflict(format!("{name} is at {host}:{port}/{database} already")).into());
    }
    if is_new && let Err(error) = api.rebalancer.start().await {
        tracing::warn!(error = format!("{error:#}"), "the shard gets its tables with the rebalancer's schedule");
    }
    let NewShard { name, host, port, database } = shard;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(Registered { id, name, host, port, database })))
}

impl NewShard {
    fn check(&self) -> Result<(), Problem> {
        let fits = |text: &str, most: usize, others: &str| {
            let known = |c: char| c.is_ascii_alphanumeric() || others.contains(c);
            (1..=most).contains(&text.len()) && text.chars().all(known)
        };
        let fault = |name: &str, accepted: &str| Err(Problem::bad_parameter(name, "cannot be used", accepted));
        if !fits(&self.name, 50, "-") || self.name.chars().any(|c| c.is_ascii_uppercase()) {
            return fault("name", "1 to 50 of a-z, 0-9 and -");
        }
        // A slash would make it a socket's path.
        if !fits(&self.host, 255, ".-_:") {
            return fault("host", "a host name or address of 1 to 255 characters");
        }
        if self.port == 0 {
            return fault("port", "1 to 65535");
        }
        if !fits(&self.database, 63, "-_") {
            return fault("database", "1 to 63 letters, digits, - and _");
        }
        Ok(())
    }
}

/// Id and place of the shard with this name or this place, which may be another one, and whether it was added now.
async fn note(master: &PgPool, shard: &NewShard) -> anyhow::Result<(i32, NewShard, bool)> {
    let mut transaction = master.begin().await.context("reach the master")?;
    // db-migrator notes shards under the same lock.
    sqlx::query("lock table shard_metadata in exclusive mode")
        .execute(&mut *transaction)
        .await
        .context("wait for who else notes shards")?;
    let known: Option<(i32, String, String, i32, String)> = sqlx::query_as(
        "select id, shard_name, host, port, database_name from shard_metadata
         where shard_name = $1 or (host, port, database_name) = ($2, $3, $4) order by shard_name <> $1 limit 1",
    )
    .bind(&shard.name)
    .bind(&shard.host)
    .bind(i32::from(shard.port))
    .bind(&shard.database)
    .fetch_optional(&mut *transaction)
    .await
    .context("look for the shard")?;
    if let Some((id, name, host, port, database)) = known {
        let port = u16::try_from(port).with_context(|| format!("the port of {name} is {port}"))?;
        return Ok((id, NewShard { name, host, port, database }, false));
    }
    let id = sqlx::query_scalar(
        "insert into shard_metadata (shard_name, host, port, database_name) values ($1, $2, $3, $4) returning id",
    )
    .bind(&shard.name)
    .bind(&shard.host)
    .bind(i32::from(shard.port))
    .bind(&shard.database)
    .fetch_one(&mut *transaction)
    .await
    .context("note the shard")?;
    transaction.commit().await.context("note the shard")?;
    Ok((id, shard.clone(), true))
}
