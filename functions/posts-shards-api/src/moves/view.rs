//! A move, as it is shown.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// The move of one partition.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Move {
    pub(crate) id: i64,
    pub(crate) partition: i32,
    /// Names of shards.
    pub(crate) from: String,
    pub(crate) to: String,
    /// What is done next: `prepare`, `copy`, `freeze`, `verify`, `admit`, `switch`, `depart`, `clean`, then it is `done`; on
    /// the way back `thaw`, `undo`, then it has `failed`. From `depart` on the partition is at its new shard.
    pub(crate) step: String,
    /// The epoch in which it is there.
    pub(crate) epoch: Option<i64>,
    pub(crate) rows_copied: i64,
    pub(crate) rows_verified: i64,
    /// At the source, or at the target of a move that is undone.
    pub(crate) rows_deleted: i64,
    /// Failures in a row, and the reason of the last one.
    pub(crate) attempts: i32,
    pub(crate) error: Option<String>,
    pub(crate) retry_at: Option<DateTime<Utc>>,
    /// How often its writers were let go on because a shard was away.
    pub(crate) thaws: i32,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) started_at: Option<DateTime<Utc>>,
    /// From here to `switched_at` its writes waited in Kafka.
    pub(crate) frozen_at: Option<DateTime<Utc>>,
    pub(crate) switched_at: Option<DateTime<Utc>>,
    /// So long did they wait.
    pub(crate) pause_ms: Option<i64>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
}

/// Moves, and how many of all are not over.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Moves {
    pub(crate) moves: Vec<Move>,
    /// Of all moves, those that are not over.
    pub(crate) open: i64,
}
