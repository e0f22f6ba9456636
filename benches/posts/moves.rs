//! A third of the partitions goes to a fourth shard while clients write and read: how long it takes, and what the clients notice.
//!
//! The five functions of the posts run as the repository's template has them. 300,000 writes lie in three shards; then
//! `make load`'s program writes at `BENCH_RATE=300` a second and checks that each acknowledged write can be read, and a
//! reader asks for the first page again and again: once without a move, for `BENCH_SECONDS=30`, and once with it.
//!
//! What it starts must have been built with the same profile: `cargo build --profile bench -p posts-ingest-api -p
//! posts-shard-writer -p posts-query-api -p posts-shards-api -p posts-rebalancer -p millrace-tests --bins`. It uses the topic
//! `posts-writes` of the instance, which is thrown away.

#[path = "../support/figures.rs"]
mod figures;
mod reader;
mod shards;
#[path = "../support/spread.rs"]
mod spread;
#[path = "../support/stack.rs"]
mod stack;
mod template;
mod writes;

use std::{
    path::Path,
    process::{ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use figures::{say, say_load};
use pg::testing::{self, TestDatabase};
use reader::Reader;
use serde_json::{Value, json};
use stack::Stack;

const FUNCTIONS: [&str; 5] =
    ["posts-ingest-api", "posts-query-api", "posts-shards-api", "posts-rebalancer", "posts-shard-writer"];
const TOPIC: &str = "posts-writes";
const WRITES: usize = 300_000;
/// A third of the 48 partitions.
const MOVED: usize = 16;
/// The load runs alone for this long before partitions move.
const BEFORE: Duration = Duration::from_secs(3);
const LONGEST: Duration = Duration::from_secs(600);

fn main() -> ExitCode {
    stack::main(measure)
}

/// Where the APIs are.
struct Apis {
    ingest: String,
    query: String,
    shards: String,
    client: reqwest::Client,
}

#[tokio::main]
async fn measure() -> anyhow::Result<()> {
    let number = |name: &str, default: u64| std::env::var(name).ok().map_or(Ok(default), |text| text.parse());
    let (rate, seconds) = (number("BENCH_RATE", 300)?, number("BENCH_SECONDS", 30)?);
    say_load();
    let (master, shards) = (testing::database().await, shards::create(3).await?);
    shards::register(&master, &shards).await?;
    let servers = std::env::var("KAFKA_BOOTSTRAP_SERVERS").context("KAFKA_BOOTSTRAP_SERVERS is not set")?;
    let kafka = kafka::Config::plaintext(servers);
    writes::produce(&kafka, TOPIC, &writes::generate(WRITES)).await?;
    let mut stack = template::start(&template::system(), &FUNCTIONS, &master, &shards)?;
    let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).build()?;
    let mut address = async |api: &str| anyhow::Ok(format!("http://{}", stack.address(api).await?));
    let (ingest, query) = (address("IngestApi").await?, address("QueryApi").await?);
    let apis = Apis { ingest, query, shards: address("ShardsApi").await?, client };
    stored(&kafka, &shards, &mut stack).await?;

    say(&format!("{rate} writes a second, 50 users, and one reader of GET /api/posts?limit=20"));
    load(&apis, rate, 5).await?;
    let reader = Reader::start(&apis.client, format!("{}/api/posts?limit=20", apis.query));
    let quiet = load(&apis, rate, seconds).await?;
    report("nothing moves", &quiet, &reader.end().await?);

    let fourth = testing::shard(1).await;
    let (moving, during) = tokio::try_join!(load(&apis, rate, seconds), async {
        // Nothing is waited for, so there is no deadline: the load is to run alone for a while.
        tokio::time::sleep(BEFORE).await;
        move_a_third(&apis, &fourth).await
    })?;
    report("a third moves", &moving, &during);
    for report in [&quiet, &moving] {
        let missing = report.pointer("/verified/missing").and_then(Value::as_array).map(Vec::len);
        ensure!(missing == Some(0), "writes are missing: {report:#}");
    }
    drop(stack);
    shards::drop_all(shards.into_iter().chain([fourth]).collect()).await;
    master.drop_database().await;
    say_load();
    Ok(())
}

/// Waits until the shards have everything that the topic holds.
async fn stored(kafka: &kafka::Config, shards: &[TestDatabase], stack: &mut Stack) -> anyhow::Result<()> {
    let deadline = Instant::now() + LONGEST;
    let held: i64 =
        kafka::admin::partitions(kafka, TOPIC, "bench-posts-moves").await?.iter().map(|partition| partition.high).sum();
    loop {
        stack.check()?;
        let mut next = 0;
        for shard in shards {
            next += sqlx::query_scalar::<_, i64>("select coalesce(sum(next_offset), 0)::bigint from posts_progress")
                .fetch_one(&shard.pool)
                .await?;
        }
        if next >= held {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{next} of {held} writes are stored: {}", stack.said());
        // Short of the deadline, look again.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The report of `make load`'s program.
async fn load(apis: &Apis, rate: u64, seconds: u64) -> anyhow::Result<Value> {
    let built = Path::new(env!("CARGO_BIN_EXE_bench-function")).parent().context("the build's folder is nowhere")?;
    let output = tokio::process::Command::new(built.join("millrace-load"))
        .args(["--rate", &rate.to_string(), "--seconds", &seconds.to_string(), "--users", "50", "--json"])
        .args(["--ingest", &apis.ingest, "--query", &apis.query])
        .stderr(Stdio::inherit())
        .output()
        .await
        .context("start millrace-load")?;
    serde_json::from_slice(&output.stdout).with_context(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Adds the shard, moves partitions to it and waits until they are there; what a reader saw meanwhile.
async fn move_a_third(apis: &Apis, fourth: &TestDatabase) -> anyhow::Result<Vec<Duration>> {
    let place = pg::Config::new(kit::Secret::new(&fourth.url)).place()?;
    let shard = json!({"name": "shard-4", "host": place.host, "port": place.port, "database": place.database});
    apis.post("/shards", &shard).await?;
    let reader = Reader::start(&apis.client, format!("{}/api/posts?limit=20", apis.query));
    let began = Instant::now();
    let asked = apis.post("/moves", &json!({"to": "shard-4", "count": MOVED})).await?;
    ensure!(asked.get("open").and_then(Value::as_u64) == Some(MOVED as u64), "not all move: {asked}");
    let moves = loop {
        let moves: Value = apis.client.get(format!("{}/moves", apis.shards)).send().await?.json().await?;
        if moves.get("open").and_then(Value::as_u64) == Some(0) {
            break moves;
        }
        ensure!(began.elapsed() < LONGEST, "still moving: {moves:#}");
        // Short of the deadline, look again.
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let took = began.elapsed();
    let during = reader.end().await?;
    let moves = moves.get("moves").and_then(Value::as_array).context("an answer without moves")?;
    let column = |name: &str| moves.iter().filter_map(|step| step.get(name)?.as_u64()).collect::<Vec<u64>>();
    let done = moves.iter().filter(|step| step.get("step").and_then(Value::as_str) == Some("done")).count();
    ensure!(done == MOVED, "{done} of {MOVED} moves are done: {moves:?}");
    let (mut pauses, rows) = (column("pause_ms"), column("rows_copied").iter().sum::<u64>());
    pauses.sort_unstable();
    say(&format!(
        "  {MOVED} partitions, {rows} rows copied, in {:.1} s; each one's writes waited {} ms in the median, {} ms at most",
        took.as_secs_f64(),
        pauses.get(pauses.len() / 2).copied().unwrap_or_default(),
        pauses.last().copied().unwrap_or_default()
    ));
    Ok(during)
}

impl Apis {
    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let answer = self.client.post(format!("{}{path}", self.shards)).json(body).send().await?;
        let status = answer.status();
        let answer: Value = answer.json().await?;
        ensure!(status.is_success(), "POST {path}: {status}: {answer}");
        Ok(answer)
    }
}

fn report(when: &str, load: &Value, read: &[Duration]) {
    let at = |pointer: &str| load.pointer(pointer).cloned().unwrap_or_default();
    let latency = |name: &str| at(&format!("/latency_ms/{name}")).as_f64().unwrap_or_default();
    let [p50, p99, max] = ["p50", "p99", "max"].map(latency);
    say(&format!(
        "  {when}: {} writes acknowledged, errors {}; due to acknowledged p50 {p50:.1} ms, p99 {p99:.1} ms, max {max:.1} ms",
        at("/acknowledged"),
        at("/errors")
    ));
    let mut times = read.to_vec();
    times.sort_unstable();
    let [p50, p99, max] = [0.5, 0.99, 1.0].map(|of| spread::ms(spread::quantile(&times, of)));
    say(&format!("    {} pages read without an error: p50 {p50} ms, p99 {p99} ms, max {max} ms", times.len()));
}
