//! `replay`: recorded events, or a mapping's records, once more.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use chrono::DateTime;
use clap::Args;

use super::{console, control, invoke};
use crate::{
    api::{AgainLine, AgainRequest},
    instance::Instance,
    record::{Entry, Store, diff},
    remote::{Endpoint, Remote},
};

/// What `replay` takes.
#[derive(Debug, Args)]
pub(super) struct ReplayArguments {
    /// Records to send again, each by its id or the beginning of it
    #[arg(value_name = "ID", conflicts_with_all = ["list", "from_offset", "from_time"])]
    ids: Vec<String>,
    /// Show the records
    #[arg(long, conflicts_with_all = ["from_offset", "from_time"])]
    list: bool,
    /// Only records of failed invocations
    #[arg(long, requires = "list")]
    failed: bool,
    /// Only records of this function; with --from-offset or --from-time, the function, or one of its triggers
    #[arg(long, short, value_name = "NAME")]
    function: Option<String>,
    /// The folder of records; that of the running instance when not given
    #[arg(long, value_name = "DIR")]
    records: Option<PathBuf>,
    /// Send what its Kafka trigger reads from this offset on; may stand several times, for several partitions
    #[arg(long, value_name = "TOPIC-PARTITION:OFFSET", value_parser = position, requires = "function")]
    from_offset: Vec<Position>,
    /// Send what its Kafka trigger reads from this time on, 2026-11-21T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time, requires = "function", conflicts_with = "from_offset")]
    from_time: Option<i64>,
    /// The last offset to send; the end of the topic when not given
    #[arg(long, value_name = "OFFSET", requires = "from_offset")]
    to: Option<i64>,
    /// Show what would be sent, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// The host to send to; the running instance when not given
    #[arg(long, value_name = "URL", value_parser = Endpoint::parse)]
    endpoint: Option<Endpoint>,
}

/// `orders-0:1234`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Position {
    topic: String,
    partition: i32,
    offset: i64,
}

fn position(text: &str) -> Result<Position, String> {
    let read = || {
        let (partition, offset) = text.rsplit_once(':')?;
        let (topic, partition) = partition.rsplit_once('-')?;
        let offset: i64 = offset.parse().ok().filter(|offset| *offset >= 0)?;
        Some(Position { topic: topic.to_owned(), partition: partition.parse().ok()?, offset })
    };
    read().ok_or_else(|| format!("{text:?} is not TOPIC-PARTITION:OFFSET, such as orders-0:1234"))
}

fn time(text: &str) -> Result<i64, String> {
    let time = DateTime::parse_from_rfc3339(text);
    time.map(|time| time.timestamp_millis())
        .map_err(|error| format!("{text:?} is no time ({error}); accepted is one such as 2026-11-21T12:00:00Z"))
}

/// Sends events again; a function error is this command's failure.
pub(super) async fn run(dir: &Path, arguments: &ReplayArguments) -> anyhow::Result<ExitCode> {
    if !arguments.from_offset.is_empty() || arguments.from_time.is_some() {
        return from_kafka(dir, arguments).await;
    }
    let store = Store::open(&folder(dir, arguments)?)?;
    if arguments.list {
        list(&store, arguments)?;
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.ids.is_empty() {
        bail!("nothing to replay: name records (`millrace replay --list` shows them), or --from-offset or --from-time");
    }
    let entries = arguments.ids.iter().map(|id| store.find(id)).collect::<anyhow::Result<Vec<_>>>()?;
    if arguments.dry_run {
        for entry in &entries {
            console::line(format!("{} to {}", entry.id, entry.function))?;
            show(&entry.event.bytes()?)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let remote = invoke::host(dir, arguments.endpoint.as_ref()).await?;
    let mut failed = false;
    for entry in &entries {
        failed |= again(&remote, entry).await?;
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn folder(dir: &Path, arguments: &ReplayArguments) -> anyhow::Result<PathBuf> {
    if let Some(folder) = &arguments.records {
        return Ok(folder.clone());
    }
    let running = Instance::open(dir)?.running();
    running.and_then(|running| running.records).context(
        "no instance runs that keeps records: name their folder with --records, or start one with `millrace up --record DIR`",
    )
}

fn list(store: &Store, arguments: &ReplayArguments) -> anyhow::Result<()> {
    let head = ["ID", "TIME", "FUNCTION", "ORIGIN", "ATTEMPT", "MS", "ERROR"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for entry in store.list()? {
        let wanted = arguments.function.as_ref().is_none_or(|name| *name == entry.function);
        if wanted && (!arguments.failed || entry.error.is_some()) {
            let (attempt, duration) = (entry.attempt.to_string(), entry.duration_ms.to_string());
            let error = entry.error.unwrap_or_else(|| "-".to_owned());
            rows.push(vec![entry.id, entry.time, entry.function, entry.origin, attempt, duration, error]);
        }
    }
    console::table(&rows)?;
    Ok(())
}

/// Sends one record again and shows how its answer differs. Whether the function failed.
async fn again(remote: &Remote, entry: &Entry) -> anyhow::Result<bool> {
    let answer = invoke::send(remote, &entry.function, entry.event.bytes()?, false, false).await?;
    console::line(format!("{} to {}: {}", entry.id, entry.function, outcome(answer.function_error)))?;
    show(&answer.payload)?;
    let recorded = entry.answer.bytes()?;
    let mut differences = Vec::new();
    if entry.error.is_some() != answer.function_error.is_some() {
        differences.push(format!("- {}", outcome(entry.error.as_deref())));
        differences.push(format!("+ {}", outcome(answer.function_error)));
    }
    differences.extend(diff(&recorded, &answer.payload));
    if differences.is_empty() {
        console::line("as recorded")?;
    } else {
        console::line("differs from what was recorded:")?;
        for difference in differences {
            console::line(format!("  {difference}"))?;
        }
    }
    Ok(answer.function_error.is_some())
}

fn outcome(error: Option<&str>) -> &str {
    error.map_or("success", |_| "function error")
}

fn show(json: &[u8]) -> anyhow::Result<()> {
    console::line(invoke::readable(json, std::io::stdout().is_terminal()))?;
    Ok(())
}

async fn from_kafka(dir: &Path, arguments: &ReplayArguments) -> anyhow::Result<ExitCode> {
    let function = arguments.function.as_deref().context("--function is needed")?;
    let running = Instance::open(dir)?.require_running()?;
    let mut topics: Vec<&str> = arguments.from_offset.iter().map(|position| position.topic.as_str()).collect();
    topics.dedup();
    if topics.len() > 1 {
        bail!("--from-offset names several topics ({}); one at a time is accepted", topics.join(", "));
    }
    let offsets = arguments.from_offset.iter().map(|position| (position.partition, position.offset));
    let wanted = AgainRequest {
        topic: topics.first().map(|topic| (*topic).to_owned()),
        offsets: (!topics.is_empty()).then(|| offsets.collect()),
        time_ms: arguments.from_time,
        to: arguments.to,
    };
    let url = control::url(&running, &format!("/_millrace/again/{function}"));
    let mut answer = control::call(reqwest::Client::new().post(url).json(&wanted)).await?;
    let remote = invoke::host(dir, arguments.endpoint.as_ref()).await?;
    let (mut pending, mut batches, mut records, mut failures) = (Vec::new(), 0, 0, 0);
    while let Some(chunk) = answer.chunk().await.context("read the runner's batches")? {
        pending.extend_from_slice(&chunk);
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            let rest = pending.split_off(end + 1);
            let line: AgainLine = serde_json::from_slice(&pending).context("understand the runner's batches")?;
            pending = rest;
            batches += 1;
            records += line.records;
            failures += u32::from(deliver(&remote, &line, arguments.dry_run).await?);
        }
    }
    let sent = if arguments.dry_run { "would be sent" } else { "sent" };
    console::line(format!("{records} records in {batches} batches {sent}; {failures} failed"))?;
    Ok(if failures > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Sends one batch and shows the answer. Whether it failed.
async fn deliver(remote: &Remote, line: &AgainLine, dry_run: bool) -> anyhow::Result<bool> {
    let Some(event) = &line.event else {
        console::line(format!("{}: {}", line.mapping, line.error.as_deref().unwrap_or("no event")))?;
        return Ok(true);
    };
    let ranges = line.partitions.iter().map(|(partition, (first, last))| format!("{partition}:{first}..{last}"));
    let title = format!("{} {} ({} records)", line.mapping, ranges.collect::<Vec<_>>().join(" "), line.records);
    let event = event.get().as_bytes();
    if dry_run {
        console::line(title)?;
        show(event)?;
        return Ok(false);
    }
    let answer = invoke::send(remote, &line.function, event.to_vec(), false, false).await?;
    console::line(format!("{title}: {}", outcome(answer.function_error)))?;
    show(&answer.payload)?;
    Ok(answer.function_error.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_names_topic_partition_and_offset() {
        let expected = Position { topic: "a-b-c".to_owned(), partition: 12, offset: 34 };
        assert_eq!(position("a-b-c-12:34").unwrap(), expected);
        for wrong in ["a:1", "a-1", "a-1:-2", "a-x:1", "a-1:x"] {
            assert!(position(wrong).unwrap_err().contains("orders-0:1234"), "{wrong}");
        }
        assert_eq!(time("1970-01-01T00:00:01Z").unwrap(), 1000);
        assert!(time("yesterday").unwrap_err().contains("accepted is"));
    }
}
