//! From a process's spawn to its first call for an event, for each function as it is deployed: the release binaries.
//! They are built first: `cargo build --release -p db-migrator -p github-poller -p github-lake-writer ...`.

#[path = "support/figures.rs"]
mod figures;
#[path = "support/spread.rs"]
mod spread;

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use figures::{say, say_load};
use spread::{ms, quantile};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};

const STARTS: usize = 100;

/// The functions, and the target in milliseconds.
const FUNCTIONS: [(&str, u32); 5] = [
    ("db-migrator", 15),
    ("github-poller", 15),
    ("github-lake-writer", 40),
    ("lake-committer", 40),
    ("github-query-api", 40),
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    for name in ["DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "AWS_ENDPOINT_URL", "GITHUB_API_URL"] {
        ensure!(std::env::var_os(name).is_some(), "{name} is not set: run `make bench`");
    }
    let programs = release_dir()?;
    say_load();
    say(&format!("{STARTS} starts each, of {}", programs.display()));
    say("  function             target    min     p50     p90     p99     max      RSS p50   RSS max   binary");
    for (name, target_ms) in FUNCTIONS {
        measure(&programs.join(name), name, target_ms).await?;
    }
    say_load();
    Ok(())
}

/// `release` beside the folder of whatever profile this bench was built with.
fn release_dir() -> anyhow::Result<PathBuf> {
    let ours = Path::new(env!("CARGO_BIN_EXE_bench-function")).parent();
    Ok(ours.and_then(Path::parent).context("the build's folder is nowhere")?.join("release"))
}

async fn measure(program: &Path, name: &str, target_ms: u32) -> anyhow::Result<()> {
    ensure!(program.is_file(), "{} is missing; build it with `cargo build --release -p {name}`", program.display());
    let size = program.metadata()?.len() as f64 / 1e6;
    let (mut times, mut memory) = (Vec::new(), Vec::new());
    // The first start reads the file from the disk.
    for _ in 0..=STARTS {
        let (time, kilobytes) = start(program, name).await.with_context(|| format!("start {name}"))?;
        times.push(time);
        memory.push(kilobytes);
    }
    let first = times.remove(0);
    times.sort_unstable();
    memory.sort_unstable();
    let [min, p50, p90, p99, max] = [0.0, 0.5, 0.9, 0.99, 1.0].map(|of| ms(quantile(&times, of)));
    let mb = |kilobytes: Option<&u64>| kilobytes.copied().unwrap_or_default() as f64 * 1024.0 / 1e6;
    let (rss, rss_max) = (mb(memory.get(STARTS / 2)), mb(memory.last()));
    say(&format!(
        "  {name:<20} {target_ms:>3} ms {min:>7} {p50:>7} {p90:>7} {p99:>7} {max:>7} ms {rss:>6.1} MB {rss_max:>6.1} MB {size:>6.1} MB   first {} ms",
        ms(first)
    ));
    Ok(())
}

/// Starts the program once: the time to its first call for an event, and the kilobytes that it holds then.
async fn start(program: &Path, name: &str) -> anyhow::Result<(Duration, u64)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let mut command = Command::new(program);
    command
        .env("AWS_LAMBDA_RUNTIME_API", listener.local_addr()?.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", name)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "bench")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "bench")
        .env("LAKE_WAREHOUSE", "s3://millrace-lake/warehouse")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let started = Instant::now();
    let mut child = command.spawn()?;
    let (request, _connection) = tokio::select! {
        request = tokio::time::timeout(Duration::from_secs(10), first_request(&listener)) => {
            request.context("no call came within 10 s")??
        }
        status = child.wait() => bail!("it ended before it asked for an event: {}", status?),
    };
    let time = started.elapsed();
    ensure!(request.contains("/invocation/next"), "its first call was {}", request.trim());
    let memory = resident(&child)?;
    child.kill().await?;
    Ok((time, memory))
}

/// The request line of the first request, and its connection: a process that loses it ends.
async fn first_request(listener: &TcpListener) -> anyhow::Result<(String, BufReader<TcpStream>)> {
    let (stream, _) = listener.accept().await?;
    let (mut line, mut stream) = (String::new(), BufReader::new(stream));
    stream.read_line(&mut line).await?;
    Ok((line, stream))
}

/// Kilobytes of memory that the process holds, shared pages of its own file among them.
fn resident(child: &Child) -> anyhow::Result<u64> {
    let pid = child.id().context("the process is gone")?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS; this needs Linux")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
