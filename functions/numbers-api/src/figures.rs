//! Throughput and times of the stages, from what they store.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use crate::stages::{Throughput, Times};

/// Messages whose times are looked at, the newest: more would take longer than whoever asks wants to wait.
const SAMPLE: i64 = 20_000;

/// Batches that hold them; small ones are many.
const BATCHES: i64 = 5_000;

const THROUGHPUT: &str = "
    select stage, sum(records)::bigint, sum(duplicates)::bigint, sum(dead_letters)::bigint
    from number_batches where stored_at > $1 group by stage";

/// What each stage stored since then.
pub(crate) async fn throughput(
    pool: &PgPool,
    since: DateTime<Utc>,
    seconds: u32,
) -> sqlx::Result<BTreeMap<i16, Throughput>> {
    let rows = sqlx::query_as::<_, (i16, i64, i64, i64)>(THROUGHPUT).bind(since).fetch_all(pool).await?;
    let of = |(stage, messages, duplicates, dead_letters)| {
        #[allow(clippy::cast_precision_loss, reason = "a rate has no use for the last digit of 2^53 messages")]
        let per_second = messages as f64 / f64::from(seconds);
        (stage, Throughput { messages, per_second, duplicates, dead_letters })
    };
    Ok(rows.into_iter().map(of).collect())
}

/// The newest published batches of a stage, no more than hold the sample; `$1` stage, `$2` since, `$3` batches, `$4` messages.
macro_rules! newest {
    () => {
        "with batches as (
            select id, received_at, published_at, records,
                   sum(records) over (order by stored_at desc, id desc) as so_far
            from (
                select id, received_at, published_at, stored_at, records from number_batches
                where stage = $1 and stored_at > $2 and published_at is not null
                order by stored_at desc, id desc limit $3
            ) newest
        ), chosen as (select * from batches where so_far - records < $4)"
    };
}

const OF_STAGE: &str = concat!(
    newest!(),
    ", times as (
        select (extract(epoch from c.published_at - n.received_at) * 1000)::float8 as stage,
               (extract(epoch from n.finished_at - n.started_at) * 1000)::float8 as computing
        from chosen c join number_stages n on n.batch = c.id where n.stage = $1
    )
    select count(*), percentile_cont(array[0.5, 0.95, 0.99]) within group (order by stage),
           percentile_cont(array[0.5, 0.95, 0.99]) within group (order by computing)
    from times"
);

const START_TO_FINISH: &str = concat!(
    newest!(),
    ", times as (
        select (extract(epoch from c.published_at - n.submitted_at) * 1000)::float8 as whole
        from chosen c join number_stages n on n.batch = c.id where n.stage = $1 and n.attempt = 0
    )
    select count(*), percentile_cont(array[0.5, 0.95, 0.99]) within group (order by whole) from times"
);

/// Times in a stage, and those of computing.
pub(crate) async fn of_stage(pool: &PgPool, stage: i16, since: DateTime<Utc>) -> sqlx::Result<(Times, Times)> {
    let query = sqlx::query_as::<_, (i64, Option<Vec<f64>>, Option<Vec<f64>>)>(OF_STAGE);
    let row = query.bind(stage).bind(since).bind(BATCHES).bind(SAMPLE).fetch_one(pool).await?;
    let (messages, stage, computing) = row;
    Ok((times(messages, stage.as_deref()), times(messages, computing.as_deref())))
}

/// Times from `start` to the output of the last stage.
pub(crate) async fn start_to_finish(pool: &PgPool, last: usize, since: DateTime<Utc>) -> sqlx::Result<Times> {
    let stage = i16::try_from(last).unwrap_or(i16::MAX);
    let query = sqlx::query_as::<_, (i64, Option<Vec<f64>>)>(START_TO_FINISH);
    let (messages, whole) = query.bind(stage).bind(since).bind(BATCHES).bind(SAMPLE).fetch_one(pool).await?;
    Ok(times(messages, whole.as_deref()))
}

fn times(messages: i64, quantiles: Option<&[f64]>) -> Times {
    let at = |index: usize| quantiles.and_then(|quantiles| quantiles.get(index)).copied();
    Times { messages, p50_ms: at(0), p95_ms: at(1), p99_ms: at(2) }
}
