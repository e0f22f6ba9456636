//! `exec`.

use std::{collections::BTreeMap, ffi::OsString, os::unix::process::CommandExt, process::Command};

use anyhow::Context;
use clap::Args;

use super::{
    console,
    control::{call, url},
};
use crate::{instance::Instance, masked::masked};

/// What `exec` takes.
#[derive(Debug, Args)]
pub(super) struct ExecArguments {
    /// Its name, as `millrace status` shows it
    function: String,
    /// Print secrets too: what is masked otherwise
    #[arg(long)]
    show_secrets: bool,
    /// The command with its arguments, after `--`; without one, the environment is printed
    #[arg(last = true)]
    command: Vec<OsString>,
}

/// Becomes the command, so that its exit status and its signals are its own.
pub(super) async fn run(instance: &Instance, arguments: &ExecArguments) -> anyhow::Result<()> {
    let running = instance.require_running()?;
    let name = percent_encoding::utf8_percent_encode(&arguments.function, percent_encoding::NON_ALPHANUMERIC);
    let request = reqwest::Client::new().get(url(&running, &format!("/_millrace/environment/{name}")));
    let variables: BTreeMap<String, String> = call(request).await?.json().await.context("understand the runner")?;
    let Some((program, rest)) = arguments.command.split_first() else {
        for (name, value) in &variables {
            let value = if arguments.show_secrets { value.clone() } else { masked(name, value) };
            console::line(format!("{name}={value}"))?;
        }
        return Ok(());
    };
    let error = Command::new(program).args(rest).env_clear().envs(&variables).exec();
    Err(error).with_context(|| format!("run {}", program.display()))
}
