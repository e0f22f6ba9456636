//! `GET /api/posts` from page 1 to page 10,000: one client follows the cursors through posts that lie in three shards, and the
//! times of each thousand pages stand beside each other. Flat is what they should be: a page costs the same however deep it lies.
//! `BENCH_PAGES=10000` of 20 posts; 100 more, before, that do not count.
//!
//! The function must have been built with the same profile: `cargo build --profile bench -p posts-query-api`. It is run by
//! this program in the runner's part.

#[path = "../support/figures.rs"]
mod figures;
mod limit;
mod shards;
#[path = "../support/spread.rs"]
mod spread;
#[path = "../support/stack.rs"]
mod stack;
mod template;
mod writes;

use std::{
    collections::BTreeSet,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use figures::{say, say_load};
use pg::testing;
use serde_json::Value;
use spread::{ms, quantile};

/// Posts of a page: the API's default.
const PAGE: usize = 20;
/// Times of so many pages are a line.
const LINE: usize = 1_000;
/// Pages before those that count: the process has started, and has its connections.
const WARM_UP: usize = 100;

fn main() -> ExitCode {
    stack::main(measure)
}

#[tokio::main]
async fn measure() -> anyhow::Result<()> {
    let pages: usize = std::env::var("BENCH_PAGES").ok().map_or(Ok(10_000), |pages| pages.parse())?;
    say_load();
    let (master, shards) = (testing::database().await, shards::create(3).await?);
    let posts = writes::posts(pages * PAGE);
    limit::copy(&shards, &posts).await?;
    shards::register(&master, &shards).await?;
    shards::analyze(&shards).await?;
    let mut stack = template::start(&template::query(), &["posts-query-api"], &master, &shards)?;
    let address = stack.address("Api").await?;
    let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).build()?;
    walk(&client, &address, WARM_UP).await?;
    let (times, ids) = walk(&client, &address, pages).await?;
    ensure!(ids == pages * PAGE, "the walk saw {ids} posts, expected {} once each", pages * PAGE);
    say(&format!(
        "GET /api/posts?limit={PAGE}, {} posts in three shards, one client, page after page; ms",
        posts.len()
    ));
    say("  pages               p50      p90      p99      max");
    for (number, times) in times.chunks(LINE).enumerate() {
        let mut times = times.to_vec();
        times.sort_unstable();
        let [p50, p90, p99, max] = [0.5, 0.9, 0.99, 1.0].map(|of| ms(quantile(&times, of)));
        let (from, to) = (number * LINE + 1, number * LINE + times.len());
        say(&format!("  {from:>6} to {to:>6} {p50:>8} {p90:>8} {p99:>8} {max:>8}"));
    }
    drop(stack);
    shards::drop_all(shards).await;
    master.drop_database().await;
    say_load();
    Ok(())
}

/// Follows the cursors: the time of each page, and how many different posts there were.
async fn walk(client: &reqwest::Client, address: &str, pages: usize) -> anyhow::Result<(Vec<Duration>, usize)> {
    let (mut times, mut ids, mut cursor) = (Vec::with_capacity(pages), BTreeSet::new(), String::new());
    for number in 1..=pages {
        let began = Instant::now();
        let answer = client.get(format!("http://{address}/api/posts?limit={PAGE}{cursor}")).send().await?;
        let status = answer.status();
        let body = answer.bytes().await?;
        times.push(began.elapsed());
        ensure!(status.is_success(), "page {number}: {status}: {}", String::from_utf8_lossy(&body));
        let page: Value = serde_json::from_slice(&body)?;
        let posts = page.get("posts").and_then(Value::as_array).context("a page without posts")?;
        ids.extend(posts.iter().filter_map(|post| post.get("id")?.as_str().map(str::to_owned)));
        match page.get("next_cursor").and_then(Value::as_str) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => ensure!(number == pages, "page {number} is the last one, expected {pages}"),
        }
    }
    Ok((times, ids.len()))
}
