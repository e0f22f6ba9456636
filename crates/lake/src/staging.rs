//! The writer's side of `migrations/metadata/0003_lake.sql`: staged watermarks, and segments with their offset ranges.

use anyhow::Context;
use domain::lake::{OffsetRange, Source, Watermarks};
use sqlx::{PgConnection, PgPool, Row};

/// One partition's part of a segment that is to be registered.
#[derive(Debug, Clone)]
pub(crate) struct StagedRange {
    /// The partition.
    pub source: Source,
    /// The topic's name, for people.
    pub topic: String,
    /// The staged watermark that the trim saw; registration fails when it is another by now.
    pub expected: Option<i64>,
    /// The offsets covered.
    pub range: OffsetRange,
    /// Rows in the segment.
    pub records: u64,
    /// Records that went to the dead-letter topic.
    pub dead_letters: u64,
    /// Offsets that never came.
    pub gap: u64,
}

/// The object of a segment with rows.
#[derive(Debug, Clone)]
pub(crate) struct ObjectRow {
    pub path: String,
    pub bytes: u64,
    pub records: u64,
    pub time: (i64, i64),
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The three arrays that name partitions in a query.
fn arrays<'a>(sources: impl Iterator<Item = &'a Source>) -> (Vec<String>, Vec<String>, Vec<i32>) {
    let mut arrays = (Vec::new(), Vec::new(), Vec::new());
    for source in sources {
        arrays.0.push(source.cluster_id.clone());
        arrays.1.push(source.topic_id.clone());
        arrays.2.push(source.partition);
    }
    arrays
}

/// The staged watermarks of these partitions; a partition never seen is missing.
pub(crate) async fn watermarks(pool: &PgPool, table: &str, sources: &[Source]) -> anyhow::Result<Watermarks> {
    let (clusters, topics, partitions) = arrays(sources.iter());
    let rows = sqlx::query(
        "select cluster_id, topic_id, partition, next_offset from lake_watermarks
          where table_name = $1
            and (cluster_id, topic_id, partition) in (select * from unnest($2::text[], $3::text[], $4::int[]))",
    )
    .bind(table)
    .bind(clusters)
    .bind(topics)
    .bind(partitions)
    .fetch_all(pool)
    .await
    .context("read the staged watermarks")?;
    rows.iter().map(|row| Ok((source_of(row)?, row.try_get("next_offset")?))).collect()
}

fn source_of(row: &sqlx::postgres::PgRow) -> sqlx::Result<Source> {
    Ok(Source {
        cluster_id: row.try_get("cluster_id")?,
        topic_id: row.try_get("topic_id")?,
        partition: row.try_get("partition")?,
    })
}

/// Registers a segment and moves the watermarks, in one transaction; `false`, and nothing changed, when a watermark is
/// no longer what the trim saw.
pub(crate) async fn register(
    pool: &PgPool,
    table: &str,
    object: Option<&ObjectRow>,
    ranges: &[StagedRange],
) -> anyhow::Result<bool> {
    let mut transaction = pool.begin().await.context("begin to register a segment")?;
    let mut sorted: Vec<&StagedRange> = ranges.iter().collect();
    // Rows are locked in one order everywhere, else two writers of the same partitions could block each other.
    sorted.sort_by(|a, b| a.source.cmp(&b.source));
    if !move_watermarks(&mut transaction, table, &sorted).await? {
        transaction.rollback().await.context("give up registering a segment")?;
        return Ok(false);
    }
    let (clusters, topics, partitions) = arrays(sorted.iter().map(|range| &range.source));
    sqlx::query(
        "with segment as (
             insert into lake_segments (table_name, object_path, bytes, records, time_min, time_max)
             values ($1, $2, $3, $4, $5, $6) returning id)
         insert into lake_segment_ranges
                (segment_id, table_name, cluster_id, topic_id, partition, first_offset, next_offset)
         select segment.id, $1, r.* from segment, unnest($7::text[], $8::text[], $9::int[], $10::bigint[], $11::bigint[]) r",
    )
    .bind(table)
    .bind(object.map(|object| &object.path))
    .bind(object.map_or(0, |object| signed(object.bytes)))
    .bind(object.map_or(0, |object| signed(object.records)))
    .bind(object.map(|object| object.time.0))
    .bind(object.map(|object| object.time.1))
    .bind(clusters)
    .bind(topics)
    .bind(partitions)
    .bind(sorted.iter().map(|range| range.range.first).collect::<Vec<_>>())
    .bind(sorted.iter().map(|range| range.range.next).collect::<Vec<_>>())
    .execute(&mut *transaction)
    .await
    .context("insert a segment")?;
    transaction.commit().await.context("commit a segment's registration")?;
    Ok(true)
}

/// Inserts the watermarks of new partitions and moves the others. A row that another transaction is moving makes this
/// wait for it, then miss. `false` when any missed.
async fn move_watermarks(transaction: &mut PgConnection, table: &str, ranges: &[&StagedRange]) -> anyhow::Result<bool> {
    for range in ranges {
        let source = &range.source;
        let moved = sqlx::query(
            "insert into lake_watermarks as w
                    (table_name, cluster_id, topic_id, partition, topic, next_offset, records, dead_letters, gap_offsets)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             on conflict (table_name, cluster_id, topic_id, partition) do update
                set next_offset = excluded.next_offset, topic = excluded.topic, updated_at = now(),
                    records = w.records + excluded.records,
                    dead_letters = w.dead_letters + excluded.dead_letters,
                    gap_offsets = w.gap_offsets + excluded.gap_offsets
                where w.next_offset = $10",
        )
        .bind(table)
        .bind(&source.cluster_id)
        .bind(&source.topic_id)
        .bind(source.partition)
        .bind(&range.topic)
        .bind(range.range.next)
        .bind(signed(range.records))
        .bind(signed(range.dead_letters))
        .bind(signed(range.gap))
        // On a partition never seen the insert takes place; if it was seen meanwhile, null equals nothing and it misses.
        .bind(range.expected)
        .execute(&mut *transaction)
        .await
        .context("move a staged watermark")?;
        if moved.rows_affected() != 1 {
            return Ok(false);
        }
    }
    Ok(true)
}
