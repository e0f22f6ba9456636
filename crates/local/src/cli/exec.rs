//! `exec`.

use std::{collections::BTreeMap, ffi::OsString, os::unix::process::CommandExt, process::Command};

use anyhow::Context;
use clap::Args;

use super::{
    console,
    control::{call, url},
};
use crate::instance::Instance;

/// Stands for a value that is not shown.
const MASK: &str = "********";

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

/// A value as it may stand on a screen: nothing of a secret, no password in a URL.
fn masked(name: &str, value: &str) -> String {
    let words = ["SECRET", "PASSWORD", "PASSWD", "TOKEN", "CREDENTIAL", "PRIVATE", "API_KEY"];
    let named = words.iter().any(|word| name.contains(word)) && !name.ends_with("_ARN");
    if named && !value.is_empty() {
        return MASK.to_owned();
    }
    let password = value.split_once("://").and_then(|(scheme, rest)| {
        let (authority, after) = rest.split_once('@')?;
        let (user, _) = authority.split_once(':').filter(|_| !authority.contains('/'))?;
        Some(format!("{scheme}://{user}:{MASK}@{after}"))
    });
    password.unwrap_or_else(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn secrets_and_passwords_are_not_shown() {
        assert_eq!(masked("AWS_SECRET_ACCESS_KEY", "abc"), "********");
        assert_eq!(masked("GITHUB_TOKEN", ""), "");
        assert_eq!(masked("DATABASE_SECRET_ARN", "arn:x"), "arn:x");
        assert_eq!(masked("DATABASE_URL", "postgres://me:pw@host/db"), "postgres://me:********@host/db");
        assert_eq!(masked("URL", "http://host:80/a@b"), "http://host:80/a@b");
        assert_eq!(masked("WORD", "hello"), "hello");
    }
}
