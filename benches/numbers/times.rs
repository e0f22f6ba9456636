//! What the tables tell of each stage.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::{FromRow, PgPool};

use crate::figures::say;

/// Half of the messages and 99 of 100, in milliseconds, `[p50, p99]` each.
#[derive(Debug, FromRow)]
pub(crate) struct Times {
    /// 0 is the way into stage 1.
    stage: i16,
    /// From the batch's arrival in this stage to its arrival in the next; of the last until it is published.
    step: Vec<f64>,
    /// Of that, from the batch's arrival in the function until Kafka has acknowledged its outputs.
    inside: Vec<f64>,
    /// Of that, until the statement has stored the rows, without its commit.
    stored: Vec<f64>,
}

/// Of all messages since then.
pub(crate) async fn stages(pool: &PgPool, since: DateTime<Utc>) -> anyhow::Result<Vec<Times>> {
    let times = sqlx::query_as(
        "with point as (
             select s.stage, s.message_id, s.received_at, b.stored_at, b.published_at, s.submitted_at,
                    lead(s.received_at) over (partition by s.message_id order by s.stage) as next
             from number_stages s join number_batches b on b.id = s.batch
             where s.submitted_at >= $1),
         step as (
             select stage, coalesce(next, published_at) - received_at as step, published_at - received_at as inside,
                    stored_at - received_at as stored
             from point
             union all
             select 0, received_at - submitted_at, interval '0', interval '0' from point where stage = 1),
         ms as (
             select stage, (extract(epoch from step) * 1000)::float8 as step,
                    (extract(epoch from inside) * 1000)::float8 as inside,
                    (extract(epoch from stored) * 1000)::float8 as stored
             from step)
         select stage::smallint as stage, percentile_cont(array[0.5, 0.99]) within group (order by step) as step,
                percentile_cont(array[0.5, 0.99]) within group (order by inside) as inside,
                percentile_cont(array[0.5, 0.99]) within group (order by stored) as stored
         from ms group by stage order by stage",
    );
    Ok(times.bind(since).fetch_all(pool).await?)
}

pub(crate) fn say_stages(stages: &[Times]) {
    say("  from the tables, p50 and p99 in ms: to the next stage's function   in the function     until stored");
    for Times { stage, step, inside, stored } in stages {
        let name = if *stage == 0 { "to stage 1".to_owned() } else { format!("stage {stage}") };
        let spread = |of: &[f64]| of.iter().map(|ms| format!("{ms:>8.2}")).collect::<String>();
        let rest = if *stage == 0 { String::new() } else { format!("{:>21}{:>17}", spread(inside), spread(stored)) };
        say(&format!("  {name:>35} {:>31}{rest}", spread(step)));
    }
}

pub(crate) fn to_json(stages: &[Times]) -> Value {
    let stage = |times: &Times| json!({ "stage": times.stage, "step_ms": times.step, "inside_ms": times.inside, "stored_ms": times.stored });
    stages.iter().map(stage).collect()
}

/// A line a stage: when it worked, in seconds since the first batch came, how many batches of one partition it stored, and how
/// long it took for them, half of them and 99 of 100.
pub(crate) async fn batches(pool: &PgPool) -> anyhow::Result<Vec<String>> {
    let found: Vec<(i16, f64, f64, i64, f64, Vec<f64>)> = sqlx::query_as(
        "with batch as (
             select stage, records, extract(epoch from received_at - min(received_at) over ())::float8 as began,
                    extract(epoch from published_at - min(received_at) over ())::float8 as ended
             from number_batches)
         select stage, min(began), max(ended), count(*), avg(records)::float8,
                percentile_cont(array[0.5, 0.99]) within group (order by (ended - began) * 1000)
         from batch group by stage order by stage",
    )
    .fetch_all(pool)
    .await?;
    let line = |(stage, began, ended, count, mean, took): &(i16, f64, f64, i64, f64, Vec<f64>)| {
        let took = took.iter().map(|ms| format!("{ms:.0} ms")).collect::<Vec<_>>().join(" and ");
        format!(
            "stage {stage}: from {began:.2} s to {ended:.2} s, {count} batches of {mean:.0} messages, p50 and p99 {took}"
        )
    };
    Ok(found.iter().map(line).collect())
}
