//! The two calls of cargo.

use std::{collections::BTreeSet, path::Path, process::Stdio};

use anyhow::{Context, bail};
use serde::Deserialize;
use tokio::process::Command;

use super::{Program, Workspace};

/// What came of a build.
#[derive(Debug, Clone, Default)]
pub struct Output {
    /// What was made anew, rather than found up to date.
    pub made: BTreeSet<String>,
    /// Whether something did not compile.
    pub failed: bool,
    /// Cargo's and the compiler's words, when they were not shown.
    pub diagnostics: String,
}

/// The workspace around a folder, as cargo sees it.
pub(super) async fn metadata(folder: &Path) -> anyhow::Result<Vec<u8>> {
    let mut command = cargo(folder);
    command.args(["metadata", "--format-version", "1"]).stderr(Stdio::piped());
    let output = command.output().await.with_context(|| format!("call cargo in {}", folder.display()))?;
    if !output.status.success() {
        bail!("cargo metadata failed in {}:\n{}", folder.display(), String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(output.stdout)
}

/// Builds programs of one workspace.
pub(super) async fn build(
    workspace: &Workspace,
    profile: &str,
    programs: &[&Program],
    show: bool,
) -> anyhow::Result<Output> {
    let bins: BTreeSet<&str> = programs.iter().map(|program| program.bin.as_str()).collect();
    let mut command = cargo(&workspace.root);
    command.args(["build", "--workspace", "--profile", profile, "--message-format=json-render-diagnostics"]);
    command.args(bins.iter().flat_map(|bin| ["--bin", bin]));
    command.stderr(if show { Stdio::inherit() } else { Stdio::piped() });
    // `Command::output` would take what is to be shown.
    let child = command.spawn().with_context(|| format!("call cargo in {}", workspace.root.display()))?;
    let output = child.wait_with_output().await.context("wait for cargo")?;
    Ok(Output {
        made: made(&output.stdout),
        failed: !output.status.success(),
        diagnostics: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

fn cargo(folder: &Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    // From within the folder, so that its toolchain file and its .cargo/config.toml hold.
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    command
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    target: Option<Target>,
    #[serde(default)]
    fresh: bool,
    executable: Option<String>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// The programs that cargo linked anew, from its messages.
fn made(messages: &[u8]) -> BTreeSet<String> {
    let lines = messages.split(|byte| *byte == b'\n');
    let messages = lines.filter_map(|line| serde_json::from_slice::<Message>(line).ok());
    messages
        .filter(|message| message.reason == "compiler-artifact" && !message.fresh && message.executable.is_some())
        .filter_map(|message| message.target.map(|target| target.name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_linked_anew_is_made() {
        let messages = br#"{"reason":"compiler-artifact","target":{"name":"shared"},"fresh":false,"executable":null}
{"reason":"compiler-artifact","target":{"name":"a"},"fresh":false,"executable":"/t/a"}
{"reason":"compiler-artifact","target":{"name":"b"},"fresh":true,"executable":"/t/b"}
{"reason":"build-script-executed","package_id":"x"}
no json
{"reason":"build-finished","success":true}"#;
        assert_eq!(made(messages), BTreeSet::from(["a".to_owned()]));
    }
}
