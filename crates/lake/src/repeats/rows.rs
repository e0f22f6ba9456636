//! `lake_repeats` in Postgres: the keys of each registered segment, a chain a partition.

use std::time::Duration;

use anyhow::Context;
use futures::{Stream, TryStreamExt};
use sqlx::{PgConnection, PgPool, Row};

use super::RepeatLimits;
use super::key::Keys;
use super::window::{Place, Span};

/// A segment's keys in one partition.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) place: Place,
    /// When it was registered, microseconds.
    pub(crate) at: i64,
    pub(crate) keys: Keys,
}

/// A segment's keys that are to be stored.
#[derive(Debug, Clone)]
pub(crate) struct Fresh {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    /// The place after them.
    pub(crate) place: Place,
    pub(crate) span: Span,
    pub(crate) keys: Keys,
}

/// The rows after `from` up to `to` that are within the window, oldest first.
pub(super) fn load<'a>(
    pool: &'a PgPool,
    (table, topic, partition): (&'a str, &'a str, i32),
    (from, to): (Place, Place),
    span: Span,
) -> impl Stream<Item = anyhow::Result<Stored>> + 'a {
    sqlx::query(
        "select sequence, total, (extract(epoch from staged_at) * 1000000)::bigint as at, numbers, others
           from lake_repeats
          where table_name = $1 and topic = $2 and partition = $3 and sequence > $4 and sequence <= $5
            and staged_at >= now() - make_interval(secs => $6) and total > $7
          order by sequence",
    )
    .bind(table)
    .bind(topic)
    .bind(partition)
    .bind(from.sequence)
    .bind(to.sequence)
    .bind(Duration::from_micros(span.micros.unsigned_abs()).as_secs_f64())
    .bind(to.total.saturating_sub(span.ids))
    .fetch(pool)
    .map_err(|error| anyhow::Error::new(error).context("read the keys of repeats"))
    .and_then(|row| std::future::ready(stored(&row).context("read a row of lake_repeats")))
}

fn stored(row: &sqlx::postgres::PgRow) -> anyhow::Result<Stored> {
    let place = Place { sequence: row.try_get("sequence")?, total: row.try_get("total")? };
    let keys = Keys::from_bytes(row.try_get("numbers")?, row.try_get("others")?)?;
    Ok(Stored { place, at: row.try_get("at")?, keys })
}

/// Stores the keys; `None` when another writer has continued one of the chains. Returns the time of registration,
/// microseconds.
pub(crate) async fn insert(
    transaction: &mut PgConnection,
    table: &str,
    fresh: &[Fresh],
) -> anyhow::Result<Option<i64>> {
    let mut sorted: Vec<&Fresh> = fresh.iter().collect();
    // In one order everywhere: an insert waits for another one of the same number to end.
    sorted.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
    let (numbers, others): (Vec<_>, Vec<_>) = sorted.iter().map(|fresh| fresh.keys.to_bytes()).unzip();
    let counts = sorted.iter().map(|fresh| i64::try_from(fresh.keys.len()).unwrap_or(i64::MAX));
    let times: Vec<i64> = sqlx::query_scalar(
        "insert into lake_repeats (table_name, topic, partition, sequence, ids, total, numbers, others)
         select $1, r.* from unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bytea[],
                                    $8::bytea[]) r
         on conflict do nothing
         returning (extract(epoch from staged_at) * 1000000)::bigint",
    )
    .bind(table)
    .bind(sorted.iter().map(|fresh| fresh.topic.clone()).collect::<Vec<_>>())
    .bind(sorted.iter().map(|fresh| fresh.partition).collect::<Vec<_>>())
    .bind(sorted.iter().map(|fresh| fresh.place.sequence).collect::<Vec<_>>())
    .bind(counts.collect::<Vec<_>>())
    .bind(sorted.iter().map(|fresh| fresh.place.total).collect::<Vec<_>>())
    .bind(numbers)
    .bind(others)
    .fetch_all(transaction)
    .await
    .context("store the keys of a segment")?;
    Ok(times.first().copied().filter(|_| times.len() == fresh.len()))
}

/// Deletes rows that no window reaches any more, at most `limit` a partition, and never a chain's last one. Returns how
/// many.
pub(crate) async fn clean(pool: &PgPool, table: &str, limits: RepeatLimits, limit: i64) -> anyhow::Result<u64> {
    let deleted = sqlx::query(
        "with chains as (select distinct topic, partition from lake_watermarks where table_name = $1),
              old as (
                  select r.topic, r.partition, r.sequence
                    from chains c
                   cross join lateral (select sequence, total from lake_repeats
                                        where table_name = $1 and topic = c.topic and partition = c.partition
                                        order by sequence desc limit 1) last
                   cross join lateral (select * from lake_repeats
                                        where table_name = $1 and topic = c.topic and partition = c.partition
                                          and sequence < last.sequence
                                        order by sequence limit $2) r
                   where r.staged_at < now() - make_interval(secs => $3)
                      or r.total <= last.total - $4 / (select count(*) from chains))
         delete from lake_repeats r using old
          where r.table_name = $1
            and (r.topic, r.partition, r.sequence) = (old.topic, old.partition, old.sequence)",
    )
    .bind(table)
    .bind(limit)
    .bind(limits.age.as_secs_f64())
    .bind(i64::try_from(limits.ids).unwrap_or(i64::MAX))
    .execute(pool)
    .await
    .context("delete keys that no window reaches")?;
    Ok(deleted.rows_affected())
}
