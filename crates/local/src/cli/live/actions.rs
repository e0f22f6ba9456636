//! What the view asks of the runner, by the same calls as everybody else.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
    time::Duration,
};

use anyhow::Context;
use serde_json::json;

use super::{snapshot::Snapshot, state::Command};
use crate::{
    cli::{
        control::{self, call},
        invoke::Samples,
    },
    instance::{Instance, Running},
};

/// How much of a log's end is looked at.
const LOG_BYTES: u64 = 32 * 1024;

/// A runner on the same machine answers at once, or is ill.
const LIMIT: Duration = Duration::from_secs(5);

/// The running stack, and where its logs are.
pub(super) struct Actions {
    client: reqwest::Client,
    running: Running,
    instance: Instance,
}

impl Actions {
    pub(super) fn new(instance: &Instance, running: &Running) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().no_proxy().timeout(LIMIT).build().context("create an HTTP client")?;
        Ok(Self { client, running: running.clone(), instance: instance.clone() })
    }

    fn url(&self, path: &str) -> String {
        control::url(&self.running, path)
    }

    pub(super) async fn snapshot(&self) -> anyhow::Result<Snapshot> {
        let answer = self.client.get(self.url("/_millrace/status")).send().await?;
        answer.json().await.context("understand the status")
    }

    /// The newest lines of a function's log.
    pub(super) fn log_end(&self, function: Option<&str>) -> Vec<String> {
        let end = function.and_then(|name| end_of(&self.instance.log_file(name)));
        end.unwrap_or_default().lines().map(|line| line.replace('\t', "  ")).collect()
    }

    /// Does it, and says what was done.
    pub(super) async fn run(&self, command: &Command) -> anyhow::Result<String> {
        match command {
            Command::Quit => Ok(String::new()),
            Command::SetEnabled { mappings, schedules, enabled } => {
                for uuid in mappings {
                    let url = self.url(&format!("/2015-03-31/event-source-mappings/{uuid}"));
                    call(self.client.put(url).json(&json!({"Enabled": enabled}))).await?;
                }
                for name in schedules {
                    self.set_schedule(name, *enabled).await?;
                }
                Ok(if *enabled { "resumed" } else { "paused; what had begun ends first" }.to_owned())
            }
            Command::Invoke(function) => {
                let (event, from) = sample(function)?;
                let url = self.url(&format!("/2015-03-31/functions/{function}/invocations"));
                call(self.client.post(url).header("x-amz-invocation-type", "Event").body(event)).await?;
                Ok(format!("invoked {function} with {from}"))
            }
            Command::Restart(function) => {
                call(self.client.post(self.url(&format!("/_millrace/restart/{function}")))).await?;
                Ok(format!("{function}: the next invocation starts a new process"))
            }
            Command::Open(address) => Ok(open(address)),
        }
    }

    /// UpdateSchedule replaces everything, so that what is there is read first.
    async fn set_schedule(&self, name: &str, enabled: bool) -> anyhow::Result<()> {
        let url = self.url(&format!("/schedules/{name}"));
        let mut schedule: serde_json::Value = call(self.client.get(&url)).await?.json().await?;
        if let Some(fields) = schedule.as_object_mut() {
            fields.insert("State".into(), json!(if enabled { "ENABLED" } else { "DISABLED" }));
        }
        call(self.client.put(url).json(&schedule)).await.map(drop)
    }
}

/// The first of the function's sample events, `{}` when there is none.
fn sample(function: &str) -> anyhow::Result<(Vec<u8>, String)> {
    let Some(Samples { folder, names }) = Samples::find(Path::new("."), function)? else {
        return Ok((b"{}".to_vec(), "{}".to_owned()));
    };
    match names.first() {
        Some(name) => {
            let path = folder.join(format!("{name}.json"));
            let event = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
            Ok((event, path.display().to_string()))
        }
        None => Ok((b"{}".to_vec(), "{}".to_owned())),
    }
}

fn end_of(path: &Path) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOG_BYTES))).ok()?;
    let mut bytes = Vec::new();
    file.take(LOG_BYTES).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Opens a page where there is a browser; where there is none, the address is what helps.
fn open(address: &str) -> String {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = std::process::Command::new(program);
    command.arg(address).stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    match command.spawn() {
        Ok(_) => format!("opened {address}"),
        Err(_) => format!("open {address} in a browser"),
    }
}
