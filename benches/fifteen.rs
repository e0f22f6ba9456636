//! A stack of fifteen functions that do nothing: how long the runner takes until every route and poller is ready, from a
//! build that is done and with services that run, and what the runner and one warm process of each function hold in
//! memory. The runner is the one of `MILLRACE_BIN_DIR`, as `make up` builds it.

#[path = "support/figures.rs"]
mod figures;
#[path = "support/spread.rs"]
mod spread;

use std::{
    fmt::Write,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use figures::{say, say_load};
use serde_json::Value;
use spread::{ms, quantile};
use uuid::Uuid;

const FUNCTIONS: usize = 15;
/// Of these, with a Kafka trigger; the others have a route.
const KAFKA_FUNCTIONS: usize = 6;
const STARTS: usize = 15;

fn main() -> anyhow::Result<()> {
    let stack = Stack::new()?;
    say_load();
    let mut starts = Vec::new();
    for run in 0..STARTS {
        let began = Instant::now();
        stack.call(&["up", "--services", "none", "--ports", "free", "--detach", "--template", "template.yaml"])?;
        starts.push(began.elapsed());
        if run + 1 < STARTS {
            stack.call(&["down"])?;
        }
    }
    say_starts(starts);
    for number in 1..=FUNCTIONS {
        stack.call(&["invoke", &format!("nothing{number}"), "--event", "event.json"])?;
    }
    say_memory(&stack)?;
    stack.call(&["down"])?;
    say_load();
    Ok(())
}

fn say_starts(mut starts: Vec<Duration>) {
    // The first one makes the consumer groups.
    let first = starts.first().copied().unwrap_or_default();
    starts.sort();
    say(&format!(
        "start of {FUNCTIONS} functions ({KAFKA_FUNCTIONS} Kafka triggers, {} routes), from the command to ready, {STARTS} runs: \
         min {} ms, median {} ms, p90 {} ms, max {} ms; the first {} ms",
        FUNCTIONS - KAFKA_FUNCTIONS,
        ms(quantile(&starts, 0.0)),
        ms(quantile(&starts, 0.5)),
        ms(quantile(&starts, 0.9)),
        ms(quantile(&starts, 1.0)),
        ms(first),
    ));
}

fn say_memory(stack: &Stack) -> anyhow::Result<()> {
    let running: Value = serde_json::from_slice(&std::fs::read(stack.dir.join("i/instance.json"))?)?;
    let runner = running.get("pid").and_then(Value::as_u64).context("instance.json has no pid")?;
    let status: Value = serde_json::from_slice(&stack.call(&["status", "--json"])?.stdout)?;
    let functions = status.get("functions").and_then(Value::as_array).context("the status has no functions")?;
    let pids: Vec<u64> =
        functions.iter().filter_map(|function| function.get("idle_pids")?.as_array()?.first()?.as_u64()).collect();
    ensure!(pids.len() == FUNCTIONS, "{} of {FUNCTIONS} functions are warm", pids.len());
    let of_runner = Memory::of(runner)?;
    let of_functions = pids.iter().map(|pid| Memory::of(*pid)).collect::<anyhow::Result<Vec<_>>>()?;
    let sum = |of: fn(&Memory) -> f64| of(&of_runner) + of_functions.iter().map(of).sum::<f64>();
    say(&format!(
        "memory: runner {:.1} MB, {FUNCTIONS} functions {:.1} MB, together {:.1} MB (PSS: shared pages counted once); \
         together {:.1} MB as RSS",
        of_runner.pss_mb,
        of_functions.iter().map(|memory| memory.pss_mb).sum::<f64>(),
        sum(|memory| memory.pss_mb),
        sum(|memory| memory.rss_mb),
    ));
    Ok(())
}

/// Megabytes of one process.
struct Memory {
    pss_mb: f64,
    rss_mb: f64,
}

impl Memory {
    fn of(pid: u64) -> anyhow::Result<Self> {
        let path = format!("/proc/{pid}/smaps_rollup");
        let text = std::fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
        let read = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let kilobytes = line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
            kilobytes.map(|kilobytes| kilobytes / 1024.0).with_context(|| format!("{path} has no {name}"))
        };
        Ok(Self { pss_mb: read("Pss:")?, rss_mb: read("Rss:")? })
    }
}

/// A folder with a template, and the runner on it.
struct Stack {
    dir: PathBuf,
    millrace: PathBuf,
}

impl Stack {
    fn new() -> anyhow::Result<Self> {
        ensure!(
            std::env::var_os("KAFKA_BOOTSTRAP_SERVERS").is_some(),
            "KAFKA_BOOTSTRAP_SERVERS is not set: run `make bench`"
        );
        let programs = std::env::var("MILLRACE_BIN_DIR").context("MILLRACE_BIN_DIR is not set: run `make bench`")?;
        let dir = std::env::temp_dir().join(format!("millrace-bench-{}", Uuid::new_v4().simple()));
        std::fs::create_dir_all(dir.join("f"))?;
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_bench-function"), dir.join("f/bootstrap"))?;
        std::fs::write(dir.join("template.yaml"), template()?)?;
        std::fs::write(
            dir.join("event.json"),
            r#"{"eventSource":"SelfManagedKafka","bootstrapServers":"b:9092","records":{}}"#,
        )?;
        Ok(Self { dir, millrace: Path::new(&programs).join("millrace") })
    }

    fn call(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let output = Command::new(&self.millrace)
            .args(["--dir", "i"])
            .args(arguments)
            .current_dir(&self.dir)
            .env_remove("MILLRACE_EXPORTS")
            .env_remove("MILLRACE_BIN_DIR")
            .output()
            .with_context(|| format!("run {}", self.millrace.display()))?;
        let said = || format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "millrace {}: {}", arguments.join(" "), said());
        Ok(output)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // Down already, unless something failed; and then the failure is what matters.
        let _ = self.call(&["down"]);
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn template() -> anyhow::Result<String> {
    let run = Uuid::new_v4().simple().to_string();
    let mut text = "Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: provided.al2023, CodeUri: f/, Timeout: 30, ReservedConcurrentExecutions: 1}}
Parameters: {Brokers: {Type: String}}
Metadata: {Millrace: {Parameters: {Brokers: KAFKA_BOOTSTRAP_SERVERS}}}
Resources:
"
    .to_owned();
    for number in 1..=FUNCTIONS {
        let event = if number <= KAFKA_FUNCTIONS {
            format!(
                "{{Type: SelfManagedKafka, Properties: {{KafkaBootstrapServers: [!Ref Brokers], \
                 Topics: [bench-{run}-{number}], ConsumerGroupId: bench-{run}-{number}, StartingPosition: TRIM_HORIZON}}}}"
            )
        } else {
            format!("{{Type: HttpApi, Properties: {{Method: GET, Path: /nothing{number}}}}}")
        };
        writeln!(
            text,
            "  Nothing{number}: {{Type: AWS::Serverless::Function, Properties: {{Events: {{Event: {event}}}}}}}"
        )?;
    }
    Ok(text)
}
