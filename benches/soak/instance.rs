//! The stack under test: an instance of its own on free ports, with nothing but the soak's records in its topic.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::{Context, bail};
use serde_json::Value;

/// Where the poller asks: nobody listens there, so it brings nothing.
const NOBODY: &str = "http://127.0.0.1:9";

/// How far the trigger is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Progress {
    /// Records in the topic.
    pub(crate) records: u64,
    /// Of these, not finished.
    pub(crate) lag: u64,
}

/// A folder with what runs in it.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    pub(crate) dir: PathBuf,
    programs: PathBuf,
    /// Once chosen they stay: the producer goes on after the runner was killed.
    ports: BTreeMap<String, String>,
    /// Of the template.
    parameters: Vec<String>,
}

impl Instance {
    /// An empty folder; what an interrupted run left there goes first.
    pub(crate) fn new(dir: PathBuf, programs: PathBuf, parameters: Vec<String>) -> anyhow::Result<Self> {
        let instance = Self { dir, programs, ports: BTreeMap::new(), parameters };
        let dir = &instance.dir;
        if dir.exists() {
            instance.down()?;
            std::fs::remove_dir_all(dir).with_context(|| format!("remove {}", dir.display()))?;
        }
        std::fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
        Ok(instance)
    }

    /// Starts it, or starts it again.
    pub(crate) fn up(&mut self) -> anyhow::Result<()> {
        let mut arguments = vec!["up", "github", "--detach", "--ports", "free"];
        arguments.extend(self.parameters.iter().flat_map(|parameter| ["--parameter", parameter]));
        self.millrace(&arguments)?;
        let ports = self.announced()?;
        let ports = ports.get("ports").and_then(Value::as_object).context("instance.json has no ports")?;
        self.ports = ports.iter().map(|(name, port)| (name.clone(), port.to_string())).collect();
        Ok(())
    }

    pub(crate) fn down(&self) -> anyhow::Result<()> {
        self.millrace(&["down"]).map(drop)
    }

    /// Runs a command of `millrace` that must succeed.
    pub(crate) fn millrace(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let mut command = Command::new(self.programs.join("millrace"));
        command.args(arguments).arg("--dir").arg(&self.dir).current_dir(checkout());
        // Nothing of the caller's stack replaces a service of this one.
        let foreign = |name: &str| {
            name.starts_with("MILLRACE_PORT_")
                || name.starts_with("AWS_")
                || name.ends_with("_URL")
                || ["KAFKA_BOOTSTRAP_SERVERS", "MILLRACE_EXPORTS", "MILLRACE_SERVICES", "MILLRACE_DIR"].contains(&name)
        };
        for (name, _) in std::env::vars().filter(|(name, _)| foreign(name)) {
            command.env_remove(name);
        }
        command.envs(&self.ports).env("GITHUB_API_URL", NOBODY).env("MILLRACE_BIN_DIR", &self.programs);
        let output = command.output().context("call millrace")?;
        if !output.status.success() {
            let mut message = String::new();
            for text in [&output.stdout, &output.stderr] {
                let _ = write!(message, "\n{}", String::from_utf8_lossy(text));
            }
            bail!("millrace {} failed:{message}", arguments.join(" "));
        }
        Ok(output)
    }

    /// Runs a command of `millrace` that prints JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        serde_json::from_slice(&self.millrace(arguments)?.stdout)
            .with_context(|| format!("read what {arguments:?} prints"))
    }

    /// What `millrace env` prints, for other programs.
    pub(crate) fn env(&self) -> anyhow::Result<BTreeMap<String, String>> {
        serde_json::from_value(self.json(&["env", "--json"])?).context("read the variables")
    }

    /// How far the writer's trigger is; `None` while the broker does not answer.
    pub(crate) fn progress(&self) -> Option<Progress> {
        let partitions = self.json(&["lag", "--json"]).ok()?;
        let mut progress = Progress::default();
        for partition in partitions.as_array()? {
            progress.records += partition.get("high")?.as_u64()?;
            progress.lag += partition.get("lag")?.as_u64()?;
        }
        Some(progress)
    }

    /// The runner's process.
    pub(crate) fn runner(&self) -> anyhow::Result<u32> {
        let pid = self.announced()?.get("pid").and_then(Value::as_u64).context("instance.json has no pid")?;
        u32::try_from(pid).context("read the runner's process id")
    }

    /// The process that runs a service's script.
    pub(crate) fn service(&self, name: &str) -> Option<u32> {
        std::fs::read_to_string(self.dir.join("run").join(format!("{name}.pid"))).ok()?.lines().next()?.parse().ok()
    }

    fn announced(&self) -> anyhow::Result<Value> {
        let path = self.dir.join("instance.json");
        let text = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("understand {}", path.display()))
    }
}

/// The repository.
pub(crate) fn checkout() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
