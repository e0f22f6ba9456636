//! An instance: one running stack with its folder, its ports, and what the other commands must know of it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

/// The folder of an instance, `.millrace/` unless `--dir` says otherwise.
#[derive(Debug, Clone)]
pub struct Instance {
    dir: PathBuf,
}

/// What a running instance leaves for other commands, in `instance.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Running {
    /// The runner's process.
    pub pid: u32,
    /// Port of the Invoke API and of the control calls.
    pub invoke_port: u16,
    /// Every port by its variable.
    pub ports: BTreeMap<String, u16>,
    /// What `millrace env` prints.
    pub exports: BTreeMap<String, String>,
    /// The folder of records, when they are kept.
    #[serde(default)]
    pub records: Option<PathBuf>,
    /// Whether everything had started.
    pub ready: bool,
}

impl Instance {
    /// The instance in `dir`, which is created.
    ///
    /// # Errors
    /// When the folder cannot be created.
    pub fn open(dir: &Path) -> anyhow::Result<Self> {
        for sub in ["log", "run", "data"] {
            let path = dir.join(sub);
            std::fs::create_dir_all(&path).with_context(|| format!("create {}", path.display()))?;
        }
        let dir = dir.canonicalize().with_context(|| format!("find {}", dir.display()))?;
        Ok(Self { dir })
    }

    /// The folder, absolute.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Logs of functions, services and the runner.
    #[must_use]
    pub fn log_dir(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// The log of one function or service.
    #[must_use]
    pub fn log_file(&self, name: &str) -> PathBuf {
        self.log_dir().join(format!("{name}.log"))
    }

    /// Process ids of services.
    #[must_use]
    pub fn run_dir(&self) -> PathBuf {
        self.dir.join("run")
    }

    /// Settings that outlive a restart, as they would on AWS: which mappings and schedules are switched off.
    #[must_use]
    pub fn settings_file(&self) -> PathBuf {
        self.dir.join("settings.json")
    }

    /// Events that wait for their function.
    #[must_use]
    pub fn events_file(&self) -> PathBuf {
        self.dir.join("events.jsonl")
    }

    fn running_file(&self) -> PathBuf {
        self.dir.join("instance.json")
    }

    /// What runs here, whether ready or still starting; `None` when nothing does.
    #[must_use]
    pub fn running(&self) -> Option<Running> {
        let text = std::fs::read(self.running_file()).ok()?;
        let running: Running = serde_json::from_slice(&text).ok()?;
        is_alive(running.pid).then_some(running)
    }

    /// As [`Instance::running`], for commands that need a running instance.
    ///
    /// # Errors
    /// When nothing runs here.
    pub fn require_running(&self) -> anyhow::Result<Running> {
        let Some(running) = self.running() else {
            bail!("nothing runs in {}; start it with `millrace up`", self.dir.display());
        };
        Ok(running)
    }

    /// Says what runs here.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn announce(&self, running: &Running) -> anyhow::Result<()> {
        write_whole(&self.running_file(), &serde_json::to_vec_pretty(running).context("write instance.json")?)
    }

    /// Says that nothing runs here any more.
    pub fn withdraw(&self) {
        // A file that stays names a process that is gone, and is not believed.
        let _ = std::fs::remove_file(self.running_file());
    }
}

/// Writes a file so that a reader sees the old or the new one, never a part.
///
/// # Errors
/// When the folder cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let beside = path.with_extension("new");
    std::fs::write(&beside, bytes).with_context(|| format!("write {}", beside.display()))?;
    std::fs::rename(&beside, path).with_context(|| format!("write {}", path.display()))
}

/// Whether a process exists and has not ended. One that has ended stays in the table until its parent has looked.
#[must_use]
pub fn is_alive(pid: u32) -> bool {
    let known = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    if known.is_none_or(|known| rustix::process::test_kill_process(known).is_err()) {
        return false;
    }
    let state = std::process::Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output();
    // Without `ps` there is nothing better than what the signal said.
    let Ok(output) = state else { return true };
    let state = output.stdout.trim_ascii();
    !state.is_empty() && !state.starts_with(b"Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_does_not_run() {
        let dir = tempfile::tempdir().unwrap();
        let instance = Instance::open(dir.path()).unwrap();
        assert!(instance.require_running().is_err());
        let mut running = Running {
            pid: std::process::id(),
            invoke_port: 9000,
            ports: BTreeMap::new(),
            exports: BTreeMap::new(),
            records: None,
            ready: true,
        };
        instance.announce(&running).unwrap();
        assert_eq!(instance.running().unwrap().invoke_port, 9000);
        running.pid = 0x3fff_fff0;
        instance.announce(&running).unwrap();
        assert!(instance.running().is_none(), "a process that is gone runs nothing");
    }
}
