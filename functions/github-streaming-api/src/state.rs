//! The table's state in Postgres, all of one moment.

use std::collections::BTreeMap;

use anyhow::Context;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::types::Json;
use utoipa::ToSchema;

use crate::RepeatLimits;

/// What writers and the committer have left there.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct State {
    /// The last commit; none before the first.
    pub(crate) commit: Option<Commit>,
    pub(crate) staged: Staged,
    pub(crate) chains: Vec<Chain>,
    /// Dead letters by rule.
    pub(crate) rules: BTreeMap<String, i64>,
    pub(crate) windows: Vec<Window>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Commit {
    pub(crate) snapshot_id: Option<i64>,
    pub(crate) sequence_number: i64,
    pub(crate) files: i64,
    pub(crate) records: i64,
    pub(crate) bytes: i64,
    /// By the property key of a partition.
    pub(crate) watermarks: BTreeMap<String, i64>,
    pub(crate) committed_at: DateTime<Utc>,
    pub(crate) first_day: Option<NaiveDate>,
    pub(crate) last_day: Option<NaiveDate>,
}

/// Segments beyond the last commit.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Staged {
    pub(crate) segments: i64,
    pub(crate) records: i64,
    pub(crate) bytes: i64,
    pub(crate) oldest_at: Option<DateTime<Utc>>,
}

/// A partition of one incarnation of a topic, as far as it is staged.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Chain {
    pub(crate) cluster_id: String,
    pub(crate) topic_id: String,
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) first_offset: i64,
    pub(crate) next_offset: i64,
    pub(crate) records: i64,
    pub(crate) duplicates: i64,
    pub(crate) dead_letters: i64,
    pub(crate) gap_offsets: i64,
    pub(crate) batches: i64,
    pub(crate) updated_at: DateTime<Utc>,
}

/// The ids that a partition's window holds now; shown as it is read.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
pub(crate) struct Window {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    /// Ids that the window holds.
    pub(crate) ids: i64,
    pub(crate) oldest_at: Option<DateTime<Utc>>,
    pub(crate) newest_at: Option<DateTime<Utc>>,
}

/// One statement, so that a segment is either staged or in the commit, and each record in one counter.
const STATE: &str = "
    with chains as (select * from lake_watermarks where table_name = $1),
         partitions as (select distinct topic, partition from chains),
         windows as (
             select p.topic, p.partition, coalesce(last.total - first.total + first.ids, 0) as ids,
                    first.staged_at as oldest_at, case when first.ids is not null then last.staged_at end as newest_at
               from partitions p
               left join lateral (select total, staged_at from lake_repeats
                                   where table_name = $1 and topic = p.topic and partition = p.partition
                                   order by sequence desc limit 1) last on true
               left join lateral (select total, ids, staged_at from lake_repeats
                                   where table_name = $1 and topic = p.topic and partition = p.partition
                                     and staged_at >= now() - make_interval(hours => $2)
                                     and total > last.total - $3 / (select count(*) from partitions)
                                   order by sequence limit 1) first on true)
    select jsonb_build_object(
        'commit', (select to_jsonb(t) from lake_tables t where table_name = $1),
        'staged', (select jsonb_build_object('segments', count(*), 'records', coalesce(sum(records), 0),
                                             'bytes', coalesce(sum(bytes), 0), 'oldest_at', min(staged_at))
                     from lake_segments where table_name = $1 and committed_at is null),
        'chains', (select coalesce(jsonb_agg(to_jsonb(c) order by topic, partition, updated_at), '[]') from chains c),
        'rules', (select coalesce(jsonb_object_agg(rule, records), '{}')
                    from (select rule, sum(records) as records from lake_rule_counts where table_name = $1
                           group by rule) r),
        'windows', (select coalesce(jsonb_agg(to_jsonb(w) order by topic, partition), '[]') from windows w))";

/// Reads the state of `table`; one that nothing was staged for is empty.
pub(crate) async fn read(pool: &PgPool, table: &str, limits: RepeatLimits) -> anyhow::Result<State> {
    let state: Json<State> = sqlx::query_scalar(STATE)
        .bind(table)
        .bind(i32::try_from(limits.hours).unwrap_or(i32::MAX))
        .bind(i64::try_from(limits.ids).unwrap_or(i64::MAX))
        .fetch_one(pool)
        .await
        .context("read the table's state")?;
    Ok(state.0)
}

/// Whether the table has been committed to.
pub(crate) async fn is_committed(pool: &PgPool, table: &str) -> anyhow::Result<bool> {
    sqlx::query_scalar("select exists (select from lake_tables where table_name = $1)")
        .bind(table)
        .fetch_one(pool)
        .await
        .context("look for the table's row")
}
