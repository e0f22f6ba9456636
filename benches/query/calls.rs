//! Calls of an API, by one client after the other or by many at once, and what is said of them.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::{
    figures::say,
    spread::{ms, quantile},
};

/// Clients at once, beside one.
const MANY: usize = 16;
/// Calls of each client before those that count: each process of a function has seen the table then.
const WARM_UP: usize = 25;

/// A question.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) path: &'static str,
}

/// What the answer to a question said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    /// Ids of a page, in its order.
    pub(crate) ids: Vec<String>,
}

pub(crate) fn say_head() {
    say(
        "  who          what                   clients  calls    p50 ms    p99 ms    max ms  calls/s   read B   used B",
    );
}

/// Calls with one client and with many; prints a line each.
pub(crate) async fn measure(who: &str, address: &str, case: Case, calls: usize) -> anyhow::Result<Said> {
    let mut said = None;
    for clients in [1, MANY] {
        let began = Instant::now();
        let (mut times, answer) = run(address, case.path, clients, calls).await?;
        times.sort_unstable();
        let rate = times.len() as f64 / began.elapsed().as_secs_f64();
        let [p50, p99, max] = [0.5, 0.99, 1.0].map(|of| ms(quantile(&times, of)));
        let bytes = |what: &str| answer.pointer(&format!("/explain/bytes/{what}")).map_or("-".into(), Value::to_string);
        let (read, used) = (bytes("read"), bytes("used"));
        let (name, count) = (case.name, times.len());
        say(&format!(
            "  {who:<12} {name:<22} {clients:>7} {count:>6} {p50:>9} {p99:>9} {max:>9} {rate:>8.0} {read:>8} {used:>8}"
        ));
        said = Some(answer);
    }
    let events = said.as_ref().and_then(|answer| answer.get("events")).and_then(Value::as_array);
    let ids = events.into_iter().flatten().filter_map(|event| event.get("id")?.as_str().map(str::to_owned));
    Ok(Said { ids: ids.collect() })
}

/// The times of all calls that count, and the last answer.
async fn run(address: &str, path: &str, clients: usize, calls: usize) -> anyhow::Result<(Vec<Duration>, Value)> {
    let url = format!("{address}{path}");
    let started: Vec<_> = (0..clients).map(|_| tokio::spawn(client(url.clone(), calls))).collect();
    let (mut times, mut answer) = (Vec::new(), Value::Null);
    for client in started {
        let (of_client, last) = client.await??;
        times.extend(of_client);
        answer = last;
    }
    Ok((times, answer))
}

async fn client(url: String, calls: usize) -> anyhow::Result<(Vec<Duration>, Value)> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).build()?;
    let (mut times, mut last) = (Vec::with_capacity(calls), Vec::new());
    for call in 0..WARM_UP + calls {
        let began = Instant::now();
        let response = client.get(&url).send().await.with_context(|| format!("call {url}"))?;
        let status = response.status();
        let body = response.bytes().await?;
        ensure!(status.is_success(), "{url}: {status}: {}", String::from_utf8_lossy(&body));
        if call >= WARM_UP {
            times.push(began.elapsed());
        }
        last = body.to_vec();
    }
    Ok((times, serde_json::from_slice(&last).context("an answer is no JSON")?))
}
