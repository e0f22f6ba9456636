//! `POST /api/posts` as clients see it: the runner's gateway, `posts-ingest-api` in as many processes as it takes, and Kafka's
//! acknowledgement. 1, 4 and 16 connections, each of which sends its next request when it has the answer, for
//! `BENCH_SECONDS=10`.
//!
//! The function must have been built with the same profile: `cargo build --profile bench -p posts-ingest-api`. It writes to
//! the topic `posts-writes` of the instance, which is thrown away.

#[path = "../support/figures.rs"]
mod figures;
#[path = "../support/spread.rs"]
mod spread;
#[path = "../support/stack.rs"]
mod stack;
mod template;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use figures::{say, say_load};
use futures::future::try_join_all;
use pg::testing;
use spread::{ms, quantile};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

const CONNECTIONS: [usize; 3] = [1, 4, 16];
/// Before anything is measured: processes start, and Kafka gets to know its clients.
const WARM_UP: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    stack::main(measure)
}

#[tokio::main]
async fn measure() -> anyhow::Result<()> {
    let seconds: u64 = std::env::var("BENCH_SECONDS").ok().map_or(Ok(10), |seconds| seconds.parse())?;
    say_load();
    let master = testing::database().await;
    let mut stack = template::start(&template::ingest(), &["posts-ingest-api"], &master, &[])?;
    let address = stack.address("Api").await?;
    say("POST /api/posts, each write acknowledged by Kafka (acks=all)");
    say("  connections   requests/s      p50      p90      p99    p99.9      max   errors");
    for connections in CONNECTIONS {
        clients(&address, connections, WARM_UP).await?;
        let began = Instant::now();
        let (mut times, errors) = clients(&address, connections, Duration::from_secs(seconds)).await?;
        let rate = times.len() as f64 / began.elapsed().as_secs_f64();
        times.sort_unstable();
        let [p50, p90, p99, p999, max] = [0.5, 0.9, 0.99, 0.999, 1.0].map(|of| ms(quantile(&times, of)));
        say(&format!("  {connections:>11} {rate:>12.0} {p50:>8} {p90:>8} {p99:>8} {p999:>8} {max:>8} ms {errors:>6}"));
    }
    drop(stack);
    master.drop_database().await;
    say_load();
    Ok(())
}

/// The time of each request of all connections, and how many were not accepted.
async fn clients(address: &str, connections: usize, time: Duration) -> anyhow::Result<(Vec<Duration>, usize)> {
    let all = try_join_all((0..connections).map(|number| client(address, number, time))).await?;
    let errors = all.iter().map(|(_, errors)| errors).sum();
    Ok((all.into_iter().flat_map(|(times, _)| times).collect(), errors))
}

async fn client(address: &str, number: usize, time: Duration) -> anyhow::Result<(Vec<Duration>, usize)> {
    let stream = TcpStream::connect(address).await.with_context(|| format!("connect to {address}"))?;
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let body = format!(r#"{{"user_id":"user-{number}","content":"{}"}}"#, "x".repeat(100));
    let request = format!(
        "POST /api/posts HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let (mut times, mut errors) = (Vec::new(), 0);
    let end = Instant::now() + time;
    while Instant::now() < end {
        let sent = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        let status = answer(&mut stream).await?;
        times.push(sent.elapsed());
        errors += usize::from(status != "202");
    }
    Ok((times, errors))
}

/// Reads one answer whole; its status.
async fn answer(stream: &mut BufReader<TcpStream>) -> anyhow::Result<String> {
    let (mut line, mut status, mut length) = (String::new(), String::new(), 0);
    loop {
        line.clear();
        ensure!(stream.read_line(&mut line).await? > 0, "the gateway has closed the connection");
        if line.trim().is_empty() {
            break;
        }
        if status.is_empty() {
            status = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
        } else if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
    }
    stream.read_exact(&mut vec![0; length]).await?;
    Ok(status)
}
