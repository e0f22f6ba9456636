//! The writer's side of `migrations/metadata/0003_lake.sql` and `0004_lake_accounting.sql`: staged watermarks with the
//! account of what became of each record, and segments with their offset ranges.

use std::collections::BTreeMap;

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
    /// Records whose key was known already.
    pub duplicates: u64,
    /// Records that went to the dead-letter topic, by the rule that they broke.
    pub rejected: BTreeMap<&'static str, u64>,
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
    count_rules(&mut transaction, table, &sorted).await?;
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
    let (clusters, topic_ids, partitions) = arrays(ranges.iter().map(|range| &range.source));
    let column = |value: fn(&StagedRange) -> i64| ranges.iter().map(|range| value(range)).collect::<Vec<i64>>();
    let moved = sqlx::query(
        "with moves as (
             select * from unnest($2::text[], $3::text[], $4::int[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[],
                                  $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[])
                    with ordinality as m (cluster_id, topic_id, partition, topic, expected, first_offset, next_offset,
                                          records, duplicates, dead_letters, gap_offsets, position))
         insert into lake_watermarks as w
                (table_name, cluster_id, topic_id, partition, topic, first_offset, next_offset,
                 records, duplicates, dead_letters, gap_offsets)
         select $1, cluster_id, topic_id, partition, topic, first_offset, next_offset,
                records, duplicates, dead_letters, gap_offsets
           from moves order by position
         on conflict (table_name, cluster_id, topic_id, partition) do update
            set next_offset = excluded.next_offset, topic = excluded.topic, updated_at = now(),
                records = w.records + excluded.records,
                duplicates = w.duplicates + excluded.duplicates,
                dead_letters = w.dead_letters + excluded.dead_letters,
                gap_offsets = w.gap_offsets + excluded.gap_offsets
            where w.next_offset = (select m.expected from moves m
                                    where (m.cluster_id, m.topic_id, m.partition)
                                        = (w.cluster_id, w.topic_id, w.partition))",
    )
    .bind(table)
    .bind(clusters)
    .bind(topic_ids)
    .bind(partitions)
    .bind(ranges.iter().map(|range| range.topic.clone()).collect::<Vec<_>>())
    // On a partition never seen the insert takes place; if it was seen meanwhile, null equals nothing and it misses.
    .bind(ranges.iter().map(|range| range.expected).collect::<Vec<_>>())
    .bind(column(|range| range.range.first))
    .bind(column(|range| range.range.next))
    .bind(column(|range| signed(range.records)))
    .bind(column(|range| signed(range.duplicates)))
    .bind(column(|range| signed(range.rejected.values().sum())))
    .bind(column(|range| signed(range.gap)))
    .execute(transaction)
    .await
    .context("move the staged watermarks")?;
    Ok(usize::try_from(moved.rows_affected()) == Ok(ranges.len()))
}

/// Adds to the counter of each rule that a record broke.
async fn count_rules(transaction: &mut PgConnection, table: &str, ranges: &[&StagedRange]) -> anyhow::Result<()> {
    let broken =
        || ranges.iter().flat_map(|range| range.rejected.iter().map(move |(rule, count)| (range, rule, count)));
    if broken().next().is_none() {
        return Ok(());
    }
    let (clusters, topic_ids, partitions) = arrays(broken().map(|(range, _, _)| &range.source));
    sqlx::query(
        "insert into lake_rule_counts as c (table_name, cluster_id, topic_id, partition, rule, records)
         select $1, r.* from unnest($2::text[], $3::text[], $4::int[], $5::text[], $6::bigint[]) r
         on conflict (table_name, cluster_id, topic_id, partition, rule) do update
            set records = c.records + excluded.records",
    )
    .bind(table)
    .bind(clusters)
    .bind(topic_ids)
    .bind(partitions)
    .bind(broken().map(|(_, rule, _)| (*rule).to_owned()).collect::<Vec<_>>())
    .bind(broken().map(|(_, _, count)| signed(*count)).collect::<Vec<_>>())
    .execute(transaction)
    .await
    .context("count the rules that were broken")?;
    Ok(())
}
