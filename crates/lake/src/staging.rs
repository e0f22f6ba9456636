//! The writer's side of `migrations/metadata/0003_lake.sql` and `0004_lake_accounting.sql`: staged watermarks with the
//! account of what became of each record, and segments with their offset ranges.

use std::collections::BTreeMap;

use anyhow::Context;
use domain::lake::{OffsetRange, Source};
use sqlx::{PgConnection, PgPool, Row};

use crate::Offered;
use crate::known::{self, Incarnations};
use crate::repeats::rows::Fresh;
use crate::repeats::{self, Place};

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

/// What is registered at once.
#[derive(Clone, Copy)]
pub(crate) struct Registration<'a> {
    pub object: Option<&'a ObjectRow>,
    pub ranges: &'a [StagedRange],
    /// Keys of the rows.
    pub fresh: &'a [Fresh],
}

/// Postgres has no unsigned numbers.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The three arrays that name partitions in a query.
pub(crate) fn arrays<'a>(sources: impl Iterator<Item = &'a Source>) -> (Vec<String>, Vec<String>, Vec<i32>) {
    let mut arrays = (Vec::new(), Vec::new(), Vec::new());
    for source in sources {
        arrays.0.push(source.cluster_id.clone());
        arrays.1.push(source.topic_id.clone());
        arrays.2.push(source.partition);
    }
    arrays
}

/// How far a partition has come, as one statement saw it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    /// The staged watermark; none on a partition never seen.
    pub watermark: Option<i64>,
    /// The end of its chain of keys, which all incarnations of the topic share.
    pub repeats: Place,
    /// Partitions that the table has been fed from, this one or not.
    pub partitions: i64,
    /// Postgres' time, microseconds.
    pub now: i64,
}

/// How far each of these partitions has come, in their order.
pub(crate) async fn ends(pool: &PgPool, table: &str, offered: &[Offered]) -> anyhow::Result<Vec<End>> {
    let (clusters, topic_ids, partitions) = arrays(offered.iter().map(|part| &part.source));
    let rows = sqlx::query(
        "select w.next_offset, coalesce(r.sequence, 0) as sequence, coalesce(r.total, 0) as total,
                (select count(distinct (topic, partition)) from lake_watermarks where table_name = $1) as partitions,
                (extract(epoch from now()) * 1000000)::bigint as now
           from unnest($2::text[], $3::text[], $4::int[], $5::text[]) with ordinality
                as o (cluster_id, topic_id, partition, topic, position)
           left join lake_watermarks w on (w.table_name, w.cluster_id, w.topic_id, w.partition)
                                        = ($1, o.cluster_id, o.topic_id, o.partition)
           left join lateral (select sequence, total from lake_repeats
                               where table_name = $1 and topic = o.topic and partition = o.partition
                               order by sequence desc limit 1) r on true
          order by o.position",
    )
    .bind(table)
    .bind(clusters)
    .bind(topic_ids)
    .bind(partitions)
    .bind(offered.iter().map(|part| part.topic.clone()).collect::<Vec<_>>())
    .fetch_all(pool)
    .await
    .context("read the staged watermarks")?;
    let ends = rows.iter().map(|row| {
        Ok(End {
            watermark: row.try_get("next_offset")?,
            repeats: Place { sequence: row.try_get("sequence")?, total: row.try_get("total")? },
            partitions: row.try_get("partitions")?,
            now: row.try_get("now")?,
        })
    });
    ends.collect::<sqlx::Result<_>>().context("read the staged watermarks")
}

/// Registers a segment with its keys and moves the watermarks, in one transaction; `None`, and nothing changed, when a
/// watermark or the end of a chain of keys is no longer what the plan saw, or an incarnation came that it did not know. Returns when the keys were stored,
/// microseconds.
pub(crate) async fn register(
    pool: &PgPool,
    table: &str,
    Registration { object, ranges, fresh }: Registration<'_>,
    incarnations: &Incarnations,
) -> anyhow::Result<Option<i64>> {
    let mut transaction = pool.begin().await.context("begin to register a segment")?;
    let mut sorted: Vec<&StagedRange> = ranges.iter().collect();
    // Rows are locked in one order everywhere, else two writers of the same partitions could block each other.
    sorted.sort_by(|a, b| a.source.cmp(&b.source));
    let mut at = None;
    if known::unchanged(&mut transaction, table, incarnations).await?
        && move_watermarks(&mut transaction, table, &sorted).await?
    {
        at = if fresh.is_empty() { Some(0) } else { repeats::rows::insert(&mut transaction, table, fresh).await? };
    }
    if at.is_none() {
        transaction.rollback().await.context("give up registering a segment")?;
        return Ok(None);
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
    Ok(at)
}

/// Inserts the watermarks of new partitions and moves the others. A row that another transaction is moving makes this
/// wait for it, then miss. `false` when any missed. The batch is counted at the first of them.
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
                 records, duplicates, dead_letters, gap_offsets, batches)
         select $1, cluster_id, topic_id, partition, topic, first_offset, next_offset,
                records, duplicates, dead_letters, gap_offsets, (position = 1)::int
           from moves order by position
         on conflict (table_name, cluster_id, topic_id, partition) do update
            set next_offset = excluded.next_offset, topic = excluded.topic, updated_at = now(),
                records = w.records + excluded.records,
                duplicates = w.duplicates + excluded.duplicates,
                dead_letters = w.dead_letters + excluded.dead_letters,
                gap_offsets = w.gap_offsets + excluded.gap_offsets,
                batches = w.batches + excluded.batches
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
