//! The committer's and the query's side of `migrations/metadata/0003_lake.sql`: what waits, what is committed, and the
//! one consistent view of both.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, NaiveDate, Utc};
use domain::lake::pace::weight;
use domain::lake::{OffsetRange, Source, Staged, Waiting, Watermarks, watermarks_of};
use iceberg::spec::{MAIN_BRANCH, TableMetadata};
use sqlx::types::Json;
use sqlx::{FromRow, PgPool, Row};
use uuid::Uuid;

use crate::schema::day_of;
use crate::staging::arrays;

/// A segment that waits, as the committer needs it.
#[derive(Debug, Clone)]
pub(crate) struct WaitingSegment {
    pub staged: Staged,
    pub path: Option<String>,
    /// The object's size, bytes.
    pub bytes: u64,
}

/// A segment that a query reads.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct SegmentRef {
    pub id: i64,
    pub path: String,
    /// The object's size.
    #[sqlx(try_from = "i64")]
    pub bytes: u64,
    pub time_min: i64,
    pub time_max: i64,
}

/// A table as of its last marked commit.
#[derive(Debug, Clone, PartialEq)]
pub struct TableStatus {
    /// Tells a table from another that was made later under its name.
    pub table_uuid: Uuid,
    /// Where the table's metadata lies.
    pub metadata_location: String,
    /// The current snapshot; none before the first commit.
    pub snapshot_id: Option<i64>,
    /// Iceberg's sequence number of the last commit.
    pub sequence_number: i64,
    /// Data files.
    pub files: i64,
    /// Rows.
    pub records: i64,
    /// Size of the data files.
    pub bytes: i64,
    /// Committed watermark of each partition, by its property key.
    pub watermarks: BTreeMap<String, i64>,
    /// When it was committed.
    pub committed_at: DateTime<Utc>,
}

impl TableStatus {
    /// What the metadata at `location` says; without a snapshot it counts as committed now.
    pub(crate) fn of(metadata: &TableMetadata, location: &str, now: DateTime<Utc>) -> Self {
        let snapshot = metadata.snapshot_for_ref(MAIN_BRANCH);
        let total = |name: &str| {
            let properties = snapshot.map(|snapshot| &snapshot.summary().additional_properties);
            properties.and_then(|properties| properties.get(name)?.parse().ok()).unwrap_or(0)
        };
        let committed_at = snapshot.and_then(|snapshot| DateTime::from_timestamp_millis(snapshot.timestamp_ms()));
        let watermarks = watermarks_of(metadata.properties()).into_iter();
        Self {
            table_uuid: metadata.uuid(),
            metadata_location: location.to_owned(),
            snapshot_id: snapshot.map(|snapshot| snapshot.snapshot_id()),
            sequence_number: metadata.last_sequence_number(),
            files: total("total-data-files"),
            records: total("total-records"),
            bytes: total("total-files-size"),
            watermarks: watermarks.map(|(source, next)| (source.property_key(), next)).collect(),
            committed_at: committed_at.unwrap_or(now),
        }
    }
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// What waits, summed up: cheap enough to ask several times a second.
pub(crate) async fn summary(pool: &PgPool, table: &str) -> anyhow::Result<Waiting> {
    let row = sqlx::query(
        "select count(*) as segments, coalesce(sum(records), 0)::bigint as records,
                coalesce(sum(bytes), 0)::bigint as bytes,
                coalesce(extract(epoch from now() - min(staged_at)), 0)::float8 as oldest
           from lake_segments where table_name = $1 and committed_at is null",
    )
    .bind(table)
    .fetch_one(pool)
    .await
    .context("sum up the staged segments")?;
    let read = || -> sqlx::Result<Waiting> {
        Ok(Waiting {
            segments: usize::try_from(row.try_get::<i64, _>("segments")?).unwrap_or(usize::MAX),
            records: unsigned(row.try_get("records")?),
            bytes: unsigned(row.try_get("bytes")?),
            oldest: Duration::try_from_secs_f64(row.try_get("oldest")?).unwrap_or_default(),
        })
    };
    read().context("sum up the staged segments")
}

/// The oldest `limit` segments that are not marked committed, in order of registration.
pub(crate) async fn waiting(pool: &PgPool, table: &str, limit: i64) -> anyhow::Result<Vec<WaitingSegment>> {
    let rows = sqlx::query(
        "select s.id, s.object_path, s.bytes, s.records, s.time_min, s.time_max,
                array_agg(r.cluster_id order by r.cluster_id, r.topic_id, r.partition) as clusters,
                array_agg(r.topic_id order by r.cluster_id, r.topic_id, r.partition) as topics,
                array_agg(r.partition order by r.cluster_id, r.topic_id, r.partition) as partitions,
                array_agg(r.first_offset order by r.cluster_id, r.topic_id, r.partition) as firsts,
                array_agg(r.next_offset order by r.cluster_id, r.topic_id, r.partition) as nexts
           from (select * from lake_segments where table_name = $1 and committed_at is null order by id limit $2) s
           join lake_segment_ranges r on r.segment_id = s.id
          group by s.id, s.object_path, s.bytes, s.records, s.time_min, s.time_max order by s.id",
    )
    .bind(table)
    .bind(limit)
    .fetch_all(pool)
    .await
    .context("read the staged segments")?;
    rows.iter().map(|row| waiting_segment(row).context("read a staged segment")).collect()
}

fn waiting_segment(row: &sqlx::postgres::PgRow) -> sqlx::Result<WaitingSegment> {
    let clusters: Vec<String> = row.try_get("clusters")?;
    let topics: Vec<String> = row.try_get("topics")?;
    let partitions: Vec<i32> = row.try_get("partitions")?;
    let firsts: Vec<i64> = row.try_get("firsts")?;
    let nexts: Vec<i64> = row.try_get("nexts")?;
    let sources = clusters.into_iter().zip(topics).zip(partitions).map(|((cluster_id, topic_id), partition)| Source {
        cluster_id,
        topic_id,
        partition,
    });
    let ranges =
        sources.zip(firsts.into_iter().zip(nexts)).map(|(source, (first, next))| (source, OffsetRange { first, next }));
    let times: (Option<i64>, Option<i64>) = (row.try_get("time_min")?, row.try_get("time_max")?);
    let days = times.0.zip(times.1).map_or(0, |(min, max)| i64::from(day_of(max)) - i64::from(day_of(min)) + 1);
    let bytes = unsigned(row.try_get("bytes")?);
    Ok(WaitingSegment {
        bytes,
        staged: Staged {
            id: row.try_get("id")?,
            records: unsigned(row.try_get("records")?),
            bytes: weight(bytes, unsigned(days)),
            ranges: ranges.collect(),
        },
        path: row.try_get("object_path")?,
    })
}

/// Leaves the table's row and marks the segments that this state of the table has (`domain::lake::is_committed`), in one
/// transaction, so that one read of both is a consistent view: also those that another committer put there and has not
/// marked yet. A state older than the row's is not written over it. Returns how many were marked.
pub(crate) async fn mark(
    pool: &PgPool,
    table: &str,
    status: &TableStatus,
    watermarks: &Watermarks,
    days: Option<(NaiveDate, NaiveDate)>,
) -> anyhow::Result<u64> {
    let mut transaction = pool.begin().await.context("begin to mark a commit")?;
    sqlx::query(
        "insert into lake_tables as t (table_name, table_uuid, metadata_location, snapshot_id, sequence_number,
                                       files, records, bytes, watermarks, committed_at, first_day, last_day)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict (table_name) do update set
                table_uuid = excluded.table_uuid, metadata_location = excluded.metadata_location,
                snapshot_id = excluded.snapshot_id, sequence_number = excluded.sequence_number,
                files = excluded.files, records = excluded.records, bytes = excluded.bytes,
                watermarks = excluded.watermarks, committed_at = excluded.committed_at,
                first_day = coalesce(excluded.first_day, t.first_day),
                last_day = coalesce(excluded.last_day, t.last_day)
          where t.table_uuid <> excluded.table_uuid or t.sequence_number <= excluded.sequence_number",
    )
    .bind(table)
    .bind(status.table_uuid)
    .bind(&status.metadata_location)
    .bind(status.snapshot_id)
    .bind(status.sequence_number)
    .bind(status.files)
    .bind(status.records)
    .bind(status.bytes)
    .bind(Json(&status.watermarks))
    .bind(status.committed_at)
    .bind(days.map(|(first, _)| first))
    .bind(days.map(|(_, last)| last))
    .execute(&mut *transaction)
    .await
    .context("write the table's row")?;
    let (clusters, topic_ids, partitions) = arrays(watermarks.keys());
    let marked = sqlx::query(
        "update lake_segments s set committed_at = now()
          where s.table_name = $1 and s.committed_at is null
            and not exists (
                select from lake_segment_ranges r
                  left join unnest($2::text[], $3::text[], $4::int[], $5::bigint[])
                            w (cluster_id, topic_id, partition, next_offset) using (cluster_id, topic_id, partition)
                 where r.segment_id = s.id and (w.next_offset is null or r.next_offset > w.next_offset))",
    )
    .bind(table)
    .bind(clusters)
    .bind(topic_ids)
    .bind(partitions)
    .bind(watermarks.values().copied().collect::<Vec<_>>())
    .execute(&mut *transaction)
    .await
    .context("mark the committed segments")?;
    transaction.commit().await.context("commit the marks")?;
    Ok(marked.rows_affected())
}

/// What a query reads: the last marked commit's metadata, if any, and the ids of the segments beyond it, ascending.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub metadata_location: Option<String>,
    pub segments: Vec<i64>,
}

/// One statement, so both are of one moment.
pub(crate) async fn state(pool: &PgPool, table: &str) -> anyhow::Result<State> {
    let row = sqlx::query(
        "select (select metadata_location from lake_tables where table_name = $1) as metadata_location,
                array(select id from lake_segments
                       where table_name = $1 and committed_at is null and object_path is not null order by id)
                    as segments",
    )
    .bind(table)
    .fetch_one(pool)
    .await
    .context("read the lake's state")?;
    Ok(State {
        metadata_location: row.try_get("metadata_location").context("read the table's row")?,
        segments: row.try_get("segments").context("read the staged segments")?,
    })
}

/// These segments, committed by now or not; those whose objects are gone are missing.
pub(crate) async fn segments(pool: &PgPool, table: &str, ids: &[i64]) -> anyhow::Result<Vec<SegmentRef>> {
    sqlx::query_as(
        "select id, object_path as path, bytes, time_min, time_max from lake_segments
          where table_name = $1 and id = any($2) and object_path is not null",
    )
    .bind(table)
    .bind(ids)
    .fetch_all(pool)
    .await
    .context("read segments")
}

/// The objects of segments that were committed longer than `age` ago, at most `limit`.
pub(crate) async fn expired(
    pool: &PgPool,
    table: &str,
    age: Duration,
    limit: i64,
) -> anyhow::Result<Vec<(i64, Option<String>)>> {
    sqlx::query_as(
        "select id, object_path from lake_segments
          where table_name = $1 and committed_at < now() - make_interval(secs => $2) order by committed_at limit $3",
    )
    .bind(table)
    .bind(age.as_secs_f64())
    .bind(limit)
    .fetch_all(pool)
    .await
    .context("read the expired segments")
}

/// Forgets segments whose objects are gone.
pub(crate) async fn forget(pool: &PgPool, segments: &[i64]) -> anyhow::Result<()> {
    sqlx::query("delete from lake_segments where id = any($1)")
        .bind(segments)
        .execute(pool)
        .await
        .context("forget expired segments")?;
    Ok(())
}
