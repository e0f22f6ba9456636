//! One service's process: started by its script, watched, started again when it crashes, stopped with its children.

use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    process::{Child, Command},
    sync::{oneshot, watch},
    task::JoinHandle,
};
use tracing::{info, warn};

use super::{ScriptEnvironment, definition::ServiceDefinition};
use crate::instance::Instance;

/// How often a service is asked whether it is ready.
const PROBE_INTERVAL: Duration = Duration::from_millis(100);

/// How long a service may take to stop by itself; RabbitMQ needs six seconds.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// How soon a service that crashed is started again.
const RESTART_DELAY: Duration = Duration::from_secs(1);

/// What a service does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceState {
    /// Its process runs.
    Running,
    /// Stopped by hand.
    Stopped,
    /// It crashed and will be started again.
    Crashed,
    /// Not started here: the environment names one that is already there.
    External,
}

#[derive(Debug)]
pub(super) struct Process {
    launch: Arc<Launch>,
    supervisor: Option<Supervisor>,
}

#[derive(Debug)]
struct Supervisor {
    task: JoinHandle<()>,
    stop: oneshot::Sender<()>,
    state: watch::Receiver<Supervised>,
}

#[derive(Debug, Clone, Copy)]
enum Supervised {
    Runs,
    Exited(ExitStatus),
}

/// How the script is called.
#[derive(Debug)]
struct Launch {
    name: String,
    script: PathBuf,
    prepare: bool,
    variables: Vec<(String, String)>,
    log: PathBuf,
    pid_file: PathBuf,
}

impl Process {
    pub(super) fn new(
        name: &str,
        definition: &ServiceDefinition,
        dir: &Path,
        instance: &Instance,
        scripts: &ScriptEnvironment,
    ) -> Self {
        let path = |path: &Path| path.display().to_string();
        let mut variables = vec![
            ("MILLRACE_SERVICE".to_owned(), name.to_owned()),
            ("MILLRACE_DIR".to_owned(), path(instance.dir())),
            ("MILLRACE_DATA".to_owned(), path(&instance.dir().join("data").join(name))),
            ("MILLRACE_OPT".to_owned(), path(&scripts.opt)),
            ("MILLRACE_BIN_DIR".to_owned(), path(&scripts.bin_dir)),
            ("MILLRACE_ROOT".to_owned(), path(&scripts.root)),
        ];
        variables.extend(scripts.ports.iter().map(|(name, port)| (name.clone(), port.to_string())));
        let launch = Launch {
            name: name.to_owned(),
            script: dir.join(&definition.script),
            prepare: definition.prepare,
            variables,
            log: instance.log_file(name),
            pid_file: instance.run_dir().join(format!("{name}.pid")),
        };
        Self { launch: Arc::new(launch), supervisor: None }
    }

    pub(super) fn state(&self) -> ServiceState {
        match &self.supervisor {
            None => ServiceState::Stopped,
            Some(supervisor) => match *supervisor.state.borrow() {
                Supervised::Runs => ServiceState::Running,
                Supervised::Exited(_) => ServiceState::Crashed,
            },
        }
    }

    /// Starts it and waits until it answers and is prepared.
    pub(super) async fn start(&mut self, limit: Duration) -> anyhow::Result<()> {
        if self.supervisor.is_some() {
            return Ok(());
        }
        end_left_behind(&self.launch.pid_file).await;
        let child = self.launch.spawn()?;
        let (stop, stopped) = oneshot::channel();
        let (state_sender, state) = watch::channel(Supervised::Runs);
        let task = tokio::spawn(supervise(Arc::clone(&self.launch), child, stopped, state_sender));
        self.supervisor = Some(Supervisor { task, stop, state });
        let ready = self.wait_until_ready(limit).await;
        if ready.is_err() {
            self.stop().await;
        }
        ready
    }

    async fn wait_until_ready(&self, limit: Duration) -> anyhow::Result<()> {
        let deadline = Instant::now() + limit;
        while !self.launch.call("ready").await?.success() {
            if let Some(Supervised::Exited(status)) = self.supervisor.as_ref().map(|s| *s.state.borrow()) {
                bail!("it ended with {status}; its log ends:\n{}", self.launch.log_end());
            }
            if Instant::now() > deadline {
                bail!("it did not answer within {} s; its log ends:\n{}", limit.as_secs(), self.launch.log_end());
            }
            tokio::time::sleep(PROBE_INTERVAL).await;
        }
        if self.launch.prepare && !self.launch.call("prepare").await?.success() {
            bail!("it could not be prepared; its log ends:\n{}", self.launch.log_end());
        }
        Ok(())
    }

    /// Stops it and waits until it is gone.
    pub(super) async fn stop(&mut self) {
        if let Some(supervisor) = self.supervisor.take() {
            // The supervisor ends by itself only when its process cannot be started again.
            let _ = supervisor.stop.send(());
            if let Err(failure) = supervisor.task.await {
                warn!(service = self.launch.name, %failure, "the supervisor has crashed");
            }
        }
    }
}

impl Launch {
    fn command(&self, verb: &str) -> anyhow::Result<Command> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.with_context(|| format!("open {}", self.log.display()))?;
        let mut command = Command::new("bash");
        command
            .arg(&self.script)
            .arg(verb)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("open the log")?)
            .stderr(log);
        Ok(command)
    }

    async fn call(&self, verb: &str) -> anyhow::Result<ExitStatus> {
        let mut command = self.command(verb)?;
        if verb == "ready" {
            // "Not yet" is not worth a line in the log.
            command.stdout(Stdio::null()).stderr(Stdio::null());
        }
        command.status().await.with_context(|| format!("call {} {verb}", self.script.display()))
    }

    fn spawn(&self) -> anyhow::Result<Child> {
        // A group of its own: a Ctrl-C is for the runner, and a stop reaches the server's own children too.
        let child = self.command("run")?.process_group(0).spawn();
        let child = child.with_context(|| format!("start {}", self.script.display()))?;
        if let Some(pid) = child.id() {
            let text = format!("{pid}\n{}", started_at(pid));
            std::fs::write(&self.pid_file, text).with_context(|| format!("write {}", self.pid_file.display()))?;
        }
        Ok(child)
    }

    fn log_end(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(8)..).unwrap_or_default().join("\n")
    }
}

/// Ends the process of a pid file that an earlier runner, killed or interrupted, has left behind.
pub(super) async fn end_left_behind(pid_file: &Path) {
    let Ok(text) = std::fs::read_to_string(pid_file) else { return };
    let mut lines = text.splitn(2, '\n');
    let pid = lines.next().and_then(|pid| pid.parse::<u32>().ok());
    let (Some(pid), Some(started)) = (pid, lines.next()) else { return };
    // The same start time means the same process, not a stranger with its number.
    if !started.is_empty() && started_at(pid) == started {
        info!(pid, file = %pid_file.display(), "ending what an earlier run left");
        signal_group(pid, Signal::TERM);
        let deadline = Instant::now() + STOP_LIMIT;
        while started_at(pid) == started {
            if Instant::now() > deadline {
                signal_group(pid, Signal::KILL);
                break;
            }
            tokio::time::sleep(PROBE_INTERVAL).await;
        }
    }
    let _ = std::fs::remove_file(pid_file);
}

async fn supervise(
    launch: Arc<Launch>,
    mut child: Child,
    mut stopped: oneshot::Receiver<()>,
    state: watch::Sender<Supervised>,
) {
    loop {
        let exited = tokio::select! {
            status = child.wait() => status.unwrap_or_default(),
            _ = &mut stopped => {
                end(&launch, &mut child).await;
                return;
            }
        };
        warn!(service = launch.name, status = %exited, "the service has ended; it is started again");
        state.send_replace(Supervised::Exited(exited));
        tokio::select! {
            () = tokio::time::sleep(RESTART_DELAY) => {}
            _ = &mut stopped => return,
        }
        match launch.spawn() {
            Ok(next) => child = next,
            Err(error) => {
                warn!(service = launch.name, error = format!("{error:#}"), "the service cannot be started again");
                return;
            }
        }
        state.send_replace(Supervised::Runs);
    }
}

async fn end(launch: &Launch, child: &mut Child) {
    let Some(pid) = child.id() else { return };
    signal_group(pid, Signal::TERM);
    if tokio::time::timeout(STOP_LIMIT, child.wait()).await.is_err() {
        warn!(service = launch.name, "the service does not stop; it is killed");
        signal_group(pid, Signal::KILL);
        let _ = child.wait().await;
    }
    let _ = std::fs::remove_file(&launch.pid_file);
}

fn signal_group(pid: u32, signal: Signal) {
    if let Some(group) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // A group that is gone already needs no signal.
        let _ = kill_process_group(group, signal);
    }
}

/// When a process started, in `ps`'s words; empty when it does not exist. Linux and macOS both have it.
fn started_at(pid: u32) -> String {
    let output = std::process::Command::new("ps").args(["-o", "lstart=", "-p", &pid.to_string()]).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
