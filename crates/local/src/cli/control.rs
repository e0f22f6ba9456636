//! `restart`, `stop`, `start`.

use anyhow::{Context, bail};
use reqwest::{RequestBuilder, Response};
use serde_json::Value;

use super::console;
use crate::instance::{Instance, Running};

/// Starts, stops or restarts one function or service.
pub(super) async fn act(instance: &Instance, action: &str, name: &str) -> anyhow::Result<()> {
    let running = instance.require_running()?;
    let url = url(&running, &format!("/_millrace/{action}/{name}"));
    call(reqwest::Client::new().post(url)).await?;
    console::line(format!("{action} {name}: done"))?;
    Ok(())
}

/// The address of a call to the runner.
pub(super) fn url(running: &Running, path: &str) -> String {
    format!("http://127.0.0.1:{}{path}", running.invoke_port)
}

/// Calls the runner; an answer that is no success is an error with what it says.
pub(super) async fn call(request: RequestBuilder) -> anyhow::Result<Response> {
    let answer = request.send().await.context("reach the runner")?;
    if !answer.status().is_success() {
        bail!("{}", message(&answer.bytes().await.context("read the answer")?));
    }
    Ok(answer)
}

/// What an error answer says.
fn message(body: &[u8]) -> String {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let message = parsed.as_ref().and_then(|body| body.get("message")).and_then(Value::as_str);
    message.map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned)
}
