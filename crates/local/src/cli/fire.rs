//! `fire`: one run of a schedule now.

use anyhow::Context;
use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;

use super::{
    console,
    control::{call, url},
};
use crate::{instance::Instance, schedule_source::Fired};

/// What `fire` takes.
#[derive(Debug, Args)]
pub(super) struct FireArguments {
    /// Its name, as `millrace status` shows it
    schedule: String,
    /// When the run says that it was due, 2026-11-21T12:00:00Z; now when not given
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    at: Option<DateTime<Utc>>,
}

fn parse_time(text: &str) -> Result<DateTime<Utc>, String> {
    let time = DateTime::parse_from_rfc3339(text);
    time.map(|time| time.with_timezone(&Utc)).map_err(|_| "expected a time like 2026-11-21T12:00:00Z".to_owned())
}

/// Fires the schedule, enabled or not, and prints the event that its function gets.
pub(super) async fn fire(instance: &Instance, arguments: &FireArguments) -> anyhow::Result<()> {
    let running = instance.require_running()?;
    let url = url(&running, &format!("/_millrace/fire/{}", arguments.schedule));
    let mut request = reqwest::Client::new().post(url);
    if let Some(at) = arguments.at {
        request = request.header("x-millrace-at", at.to_rfc3339_opts(SecondsFormat::Secs, true));
    }
    let fired: Fired = call(request).await?.json().await.context("understand the answer")?;
    console::line(fired.event)?;
    console::line(format!("{} has it as event {}", fired.function, fired.request_id))?;
    Ok(())
}
