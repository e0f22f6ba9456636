//! `make load`: writes posts, comments and likes at a steady rate through the running system, and then reads back every
//! write that was acknowledged. Exit status 0: nothing was refused, and nothing is missing.
//!
//! The rate is kept whatever the system does, so that a slow answer delays no other request and counts from the moment
//! at which it was due.

#![allow(clippy::print_stdout, reason = "a command line")]

mod drive;
mod plan;
mod report;
mod verify;

use std::{process::ExitCode, time::Duration};

use anyhow::ensure;
use clap::Parser;

/// Writes posts, comments and likes at a steady rate, then checks that every acknowledged write is readable.
#[derive(Debug, Parser)]
struct Arguments {
    /// Requests a second, all users together
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// Users; each has at most one request under way
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    users: u32,
    /// How long, without the check that follows
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// The ingestion API
    #[arg(long, env = "LOAD_INGEST_URL", default_value = "http://localhost:8081")]
    ingest: String,
    /// The query API
    #[arg(long, env = "LOAD_QUERY_URL", default_value = "http://localhost:8083")]
    query: String,
    /// Seconds that the system has to catch up with the last write before it counts as missing
    #[arg(long, default_value_t = 60)]
    patience: u64,
    /// The report as JSON, without progress
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).build()?;
    for api in [&arguments.ingest, &arguments.query] {
        let answer = client.get(format!("{api}/health")).send().await;
        let healthy = answer.as_ref().is_ok_and(|answer| answer.status().is_success());
        ensure!(healthy, "{api}/health does not answer with 200; is `make up` running?");
    }
    let driven = drive::drive(&client, arguments).await?;
    report::say_writes(&driven, arguments.json);
    let verified = verify::verify(&client, arguments, &driven.acknowledged).await;
    report::say_all(&driven, &verified, arguments);
    Ok(driven.errors.is_empty() && verified.missing.is_empty())
}
