//! `invoke`, `restart`, `stop`, `start`.

use std::{io::Read, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::Value;

use super::console;
use crate::instance::{Instance, Running};

/// Longer than Lambda's longest timeout.
const INVOKE_LIMIT: Duration = Duration::from_secs(920);

/// What `invoke` takes.
#[derive(Debug, Args)]
pub(super) struct InvokeArguments {
    /// Its name, as `millrace status` shows it
    function: String,
    /// File with the event, - for standard input; `{}` when not given
    #[arg(long, short, value_name = "FILE")]
    event: Option<PathBuf>,
    /// Do not wait for the answer
    #[arg(long, short = 'a')]
    asynchronous: bool,
}

/// Invokes a function and prints its answer; a function error is this command's failure.
pub(super) async fn invoke(instance: &Instance, arguments: &InvokeArguments) -> anyhow::Result<ExitCode> {
    let running = instance.require_running()?;
    let event = match &arguments.event {
        None => b"{}".to_vec(),
        Some(path) if path.as_os_str() == "-" => {
            let mut event = Vec::new();
            std::io::stdin().read_to_end(&mut event).context("read the event from standard input")?;
            event
        }
        Some(path) => std::fs::read(path).with_context(|| format!("read {}", path.display()))?,
    };
    let kind = if arguments.asynchronous { "Event" } else { "RequestResponse" };
    let url = url(&running, &format!("/2015-03-31/functions/{}/invocations", arguments.function));
    let client = reqwest::Client::builder().timeout(INVOKE_LIMIT).build().context("create an HTTP client")?;
    let request = client.post(url).header("x-amz-invocation-type", kind).body(event);
    let answer = request.send().await.context("reach the runner")?;
    let (status, failed) = (answer.status(), answer.headers().contains_key("x-amz-function-error"));
    let body = answer.bytes().await.context("read the answer")?;
    if !status.is_success() {
        bail!("{}", message(&body));
    }
    console::bytes(&body)?;
    console::line("")?;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Starts, stops or restarts one function or service.
pub(super) async fn act(instance: &Instance, action: &str, name: &str) -> anyhow::Result<()> {
    let running = instance.require_running()?;
    let url = url(&running, &format!("/_millrace/{action}/{name}"));
    let answer = reqwest::Client::new().post(url).send().await.context("reach the runner")?;
    if !answer.status().is_success() {
        bail!("{}", message(&answer.bytes().await.context("read the answer")?));
    }
    console::line(format!("{action} {name}: done"))?;
    Ok(())
}

/// The address of a call to the runner.
pub(super) fn url(running: &Running, path: &str) -> String {
    format!("http://127.0.0.1:{}{path}", running.invoke_port)
}

/// What an error answer says.
pub(super) fn message(body: &[u8]) -> String {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let message = parsed.as_ref().and_then(|body| body.get("message")).and_then(Value::as_str);
    message.map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned)
}
