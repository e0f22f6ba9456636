//! How long an event takes from its production to Kafka until a query finds it, at a low and at a high rate, through the
//! runner, the real writer and committer of GitHub's events. Probes are ten events a second of a type of their own among
//! the others; a reader of the lake asks for the newest of that type again and again. `BENCH_WINDOW=seconds` sets the
//! trigger's window; without it the trigger has Lambda's default, half a second, as in the repository's template.

#[path = "../support/figures.rs"]
mod figures;
mod functions;
mod generate;
#[path = "../support/spread.rs"]
mod spread;
#[path = "../support/stack.rs"]
mod stack;
mod table;
#[path = "../support/topic.rs"]
mod topic;

use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use chrono::{SecondsFormat, Utc};
use figures::{say, say_load};
use functions::{Functions, Place};
use lake::{Lake, Newest, Reader, github};
use rdkafka::producer::{BaseRecord, Producer};
use spread::{ms, quantile};
use stack::Stack;
use uuid::Uuid;

const PROBES: u64 = 10;
const PROBE: &str = "ProbeEvent";
const RATES: [u64; 2] = [10, 5_000];
/// Probes of this first time are not counted: processes start, connections are made.
const WARM_UP: Duration = Duration::from_secs(10);
const MEASURED: Duration = Duration::from_secs(60);
/// After the last event, all must be found within this.
const LONGEST: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    stack::main(measure_all)
}

#[tokio::main]
async fn measure_all() -> anyhow::Result<()> {
    say_load();
    for rate in RATES {
        measure(rate).await?;
    }
    say_load();
    Ok(())
}

/// When each probe was produced.
type Sent = Arc<Mutex<BTreeMap<String, Instant>>>;

async fn measure(rate: u64) -> anyhow::Result<()> {
    let kafka = topic::cluster()?;
    let name = format!("bench-{}", Uuid::new_v4().simple());
    kafka::admin::create_topic(&kafka, &name, topic::PARTITIONS, &BTreeMap::new()).await?;
    let database = pg::testing::database().await;
    let functions = Functions::of("github");
    let place = Place {
        topic: name.clone(),
        database_url: database.url.clone(),
        warehouse: format!("s3://millrace-lake/bench/{}", Uuid::new_v4().simple()),
        window: std::env::var("BENCH_WINDOW").ok(),
        commit_age: "30".to_owned(),
    };
    let mut stack = functions::start(functions, &place)?;
    let mut config = lake::Config::read(github::NAMESPACE, github::TABLE, |name| std::env::var(name).ok());
    config.warehouse.clone_from(&place.warehouse);
    let reader = Reader::new(Lake::new(config, &github::SCHEMA, database.pool.clone()));

    let (sent, ended) = (Sent::default(), Arc::new(AtomicBool::new(false)));
    let began = Instant::now();
    let producing = {
        let (kafka, name, sent, ended) = (kafka.clone(), name.clone(), Arc::clone(&sent), Arc::clone(&ended));
        tokio::task::spawn_blocking(move || {
            let produced = produce(&kafka, &name, rate, &sent);
            ended.store(true, Ordering::Release);
            produced
        })
    };
    let found = look(&reader, &sent, &ended, &mut stack).await?;
    let produced = producing.await??;

    let mut times = times(&sent, &found, began);
    times.sort_unstable();
    let [p50, p95, p99, max] = [0.5, 0.95, 0.99, 1.0].map(|of| ms(quantile(&times, of)));
    say(&format!(
        "{rate} events a second ({produced} in all), window {}: {} probes, p50 {p50} ms, p95 {p95} ms, p99 {p99} ms, max {max} ms",
        place.window.as_deref().map_or_else(|| "0.5 s (not set)".to_owned(), |window| format!("{window} s")),
        times.len(),
    ));
    say_segments(&database.pool, functions.table).await?;
    drop(stack);
    let held = table::check_and_remove(functions.table, &place.database_url, &place.warehouse)?;
    say(&format!(
        "  {} snapshots, {} files of {:.1} MB on average, {} rows, {} distinct ids",
        held.snapshots,
        held.files,
        held.bytes as f64 / held.files as f64 / 1e6,
        held.rows,
        held.distinct
    ));
    database.drop_database().await;
    kafka::admin::delete_topic(&kafka, &name).await
}

/// From production to a query, for each probe after the warm-up.
fn times(sent: &Sent, found: &BTreeMap<String, Instant>, began: Instant) -> Vec<Duration> {
    let sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
    let counted = sent.iter().filter(|(_, at)| at.duration_since(began) > WARM_UP);
    counted.filter_map(|(id, at)| Some(found.get(id)?.saturating_duration_since(*at))).collect()
}

async fn say_segments(pool: &sqlx::PgPool, table: &str) -> anyhow::Result<()> {
    let (segments, mean): (i64, f64) =
        sqlx::query_as("select count(*), coalesce(avg(bytes), 0)::float8 from lake_segments where table_name = $1")
            .bind(table)
            .fetch_one(pool)
            .await?;
    say(&format!("  {segments} segments of {:.0} kB on average", mean / 1e3));
    Ok(())
}

/// Produces at an even rate for as long as is measured; returns how many.
fn produce(kafka: &kafka::Config, topic: &str, rate: u64, sent: &Sent) -> anyhow::Result<u64> {
    let producer = topic::producer(kafka, "5")?;
    let mut values = generate::of("github", 1_000_000)?;
    let (began, mut value, mut number) = (Instant::now(), Vec::new(), 0_u64);
    let length = WARM_UP + MEASURED;
    let total = rate * length.as_secs();
    while number < total {
        let deadline = began + Duration::from_secs_f64(number as f64 / rate as f64);
        std::thread::sleep(deadline.saturating_duration_since(Instant::now()));
        let probe = number.is_multiple_of(rate / PROBES);
        if probe {
            let id = (90_000_000_000 + number).to_string();
            let at = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
            value = format!(
                r#"{{"id":"{id}","type":"{PROBE}","actor":{{"id":1,"login":"probe"}},"repo":{{"id":2,"name":"a/probe"}},"payload":{{}},"public":true,"created_at":"{at}"}}"#
            )
            .into_bytes();
            sent.lock().unwrap_or_else(PoisonError::into_inner).insert(id, Instant::now());
        } else {
            values.next(&mut value);
        }
        // Probes come to each partition in turn.
        let turn = if probe { number / (rate / PROBES) } else { number };
        let partition = i32::try_from(turn % u64::try_from(topic::PARTITIONS)?)?;
        let record = BaseRecord::<[u8], [u8]>::to(topic).partition(partition).payload(&value);
        producer.send(record).map_err(|(error, _)| error).context("produce")?;
        producer.poll(Duration::ZERO);
        number += 1;
    }
    producer.flush(Duration::from_secs(10))?;
    Ok(total)
}

/// Asks for the newest probes until all have been found; when each was seen first.
async fn look(
    reader: &Reader,
    sent: &Sent,
    ended: &AtomicBool,
    stack: &mut Stack,
) -> anyhow::Result<BTreeMap<String, Instant>> {
    let mut found = BTreeMap::new();
    let mut deadline = Instant::now() + WARM_UP + MEASURED + LONGEST;
    let mut over = false;
    loop {
        stack.check()?;
        if ended.load(Ordering::Acquire) && !over {
            (over, deadline) = (true, Instant::now() + LONGEST);
        }
        let count = sent.lock().unwrap_or_else(PoisonError::into_inner).len();
        if over && found.len() == count {
            return Ok(found);
        }
        ensure!(Instant::now() < deadline, "{} of {count} probes were found", found.len());
        // Short of the deadline, ask again.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let newest = Newest { since: 0, equal: Some((github::TYPE, PROBE.to_owned())), limit: 100 };
        let rows = reader.newest(&newest).await?;
        let now = Instant::now();
        for id in rows.iter().filter_map(|row| row.text(github::ID)) {
            found.entry(id.to_owned()).or_insert(now);
        }
    }
}
