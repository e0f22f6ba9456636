//! One execution environment: a process, and the hand-over of events and answers between it and the host.

use std::{
    process::ExitStatus,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    sync::{Mutex, mpsc, oneshot, watch},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    guard,
    link::{Answer, Job, Link},
    log::FunctionLog,
    memory,
    outcome::Outcome,
    processes::Processes,
    program::Program,
    runtime_api,
    stream::Sink,
};
use crate::template::{names::function_arn, spec::FunctionSpec};

/// How long a process that reported an error of its init phase may take to end.
const INIT_ERROR_GRACE: Duration = Duration::from_millis(500);

/// What Lambda says of a process that had more memory than it may have.
pub(super) const OUT_OF_MEMORY: &str = "Runtime exited with error: signal: killed";

/// The side that the host sees. Dropping it kills the process.
#[derive(Debug)]
pub(super) struct Environment {
    link: Arc<Link>,
    jobs: mpsc::Sender<Job>,
    pid: u32,
    /// What it may have, when somebody looks.
    memory_mb: Option<u32>,
    exited: watch::Receiver<Option<ExitStatus>>,
    kill: Option<oneshot::Sender<()>>,
    started: Instant,
    /// Whom it served last.
    pub(super) seat: Option<u32>,
    ready: watch::Receiver<bool>,
    /// How long the init phase took, until the first invocation has reported it.
    init: Option<Duration>,
    /// The Runtime API lives as long as its one client.
    _server: AbortOnDropHandle<()>,
}

/// How a wait for a process ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// With an answer.
    Answered(Answer),
    /// The process ended first.
    Exited(ExitStatus),
    /// Time was over first.
    TimedOut,
    /// It had more memory than it may have.
    OutOfMemory,
}

impl Environment {
    /// Starts `program` with exactly these variables and the address of its Runtime API. What it prints goes to the log.
    pub(super) async fn spawn(
        program: &Program,
        variables: &[(String, String)],
        spec: &FunctionSpec,
        memory_mb: Option<u32>,
        log: &FunctionLog,
        processes: &Arc<Processes>,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("open a port for the Runtime API")?;
        let address = listener.local_addr().context("read the Runtime API's port")?;
        let mut command = Command::new(program.path());
        command
            .current_dir(program.task_root())
            .env_clear()
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .stdin(std::process::Stdio::null())
            .stdout(log.stdio()?)
            .stderr(log.stdio()?)
            // A Ctrl-C at the terminal is for the runner, which lets invocations end first.
            .process_group(0)
            .kill_on_drop(true);
        let child = command.spawn().with_context(|| format!("start {}", program.path().display()))?;
        let pid = child.id().context("the process ended at once")?;
        guard::add(pid);
        processes.began(pid);
        let (jobs, job_receiver) = mpsc::channel(1);
        let (ready_sender, ready) = watch::channel(false);
        let (exit_sender, exited) = watch::channel(None);
        let (kill, killed) = oneshot::channel();
        tokio::spawn(watch_over(child, pid, killed, exit_sender, Arc::clone(processes)));
        let link = Arc::new(Link {
            function_arn: function_arn(&spec.name),
            function_name: spec.name.clone(),
            handler: spec.handler.clone(),
            extensions: Mutex::default(),
            jobs: Mutex::new(job_receiver),
            waiting: Mutex::new(None),
            ready: ready_sender,
            init_error: watch::Sender::new(None),
            has_extension: AtomicBool::new(false),
        });
        let server = runtime_api::serve(listener, Arc::clone(&link));
        Ok(Self {
            link,
            jobs,
            pid,
            memory_mb,
            exited,
            kill: Some(kill),
            started: Instant::now(),
            seat: None,
            ready,
            init: None,
            _server: server,
        })
    }

    /// Waits until the process asks for its first event.
    pub(super) async fn wait_until_ready(&mut self, limit: Duration) -> Result<(), Outcome> {
        let (mut exited, mut ended) = (self.exited.clone(), self.exited.clone());
        let mut init_error = self.link.init_error.subscribe();
        let reported = async {
            drop(init_error.wait_for(Option::is_some).await);
            // Most processes end by themselves then, and may still write to their log.
            drop(tokio::time::timeout(INIT_ERROR_GRACE, ended.wait_for(Option::is_some)).await);
        };
        let (kind, message) = tokio::select! {
            biased;
            ready = self.ready.wait_for(|ready| *ready) => match ready {
                Ok(_) => { self.init = Some(self.started.elapsed()); return Ok(()) }
                Err(_) => ("Runtime.ExitError", "the process ended during its init phase".to_owned()),
            },
            () = reported => ("Runtime.InitError", "the process reported an error of its init phase".to_owned()),
            status = exited.wait_for(Option::is_some) => {
                let status = status.ok().and_then(|status| *status);
                ("Runtime.ExitError", format!("the process ended during its init phase: {}", describe(status)))
            }
            () = memory::exceeds(self.pid, self.memory_mb) => ("Runtime.ExitError", OUT_OF_MEMORY.to_owned()),
            () = tokio::time::sleep(limit) => {
                ("Sandbox.Timedout", format!("init took longer than {:.2} seconds", limit.as_secs_f64()))
            }
        };
        let mut outcome = Outcome::error("", kind, &message, self.started.elapsed());
        if let Some(reported) = self.link.init_error.borrow().clone() {
            outcome.payload = reported;
        }
        Err(outcome)
    }

    /// Hands one event over and waits for what comes of it.
    /// When the host is ending, a process that wants to know is told, so that long work can stop early.
    /// A streamed answer goes to `sink` part by part, and is an answer when it is complete.
    pub(super) async fn serve(
        &mut self,
        job: Job,
        limit: Duration,
        ending: &CancellationToken,
        sink: &mut Sink,
    ) -> Ended {
        let (sender, answer) = oneshot::channel();
        *self.link.waiting.lock().await = Some((job.request_id.clone(), sender));
        let mut exited = self.exited.clone();
        let work = async {
            // A closed channel means that the process is gone; the other branch says how.
            if self.jobs.send(job).await.is_err() {
                std::future::pending::<()>().await;
            }
            match answer.await {
                Ok(answer) => sink.pass(answer).await,
                Err(_) => std::future::pending().await,
            }
        };
        let tell = async {
            ending.cancelled().await;
            if self.link.has_extension.load(Ordering::Acquire)
                && let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw)
            {
                // One that is gone already needs no signal.
                let _ = kill_process(pid, Signal::TERM);
            }
            std::future::pending::<Ended>().await
        };
        tokio::select! {
            biased;
            answer = work => Ended::Answered(answer),
            never = tell => never,
            status = exited.wait_for(Option::is_some) => {
                Ended::Exited(status.ok().and_then(|status| *status).unwrap_or_default())
            }
            () = memory::exceeds(self.pid, self.memory_mb) => Ended::OutOfMemory,
            () = tokio::time::sleep(limit) => Ended::TimedOut,
        }
    }

    /// How long the init phase took; told once, for the REPORT line of the cold invocation.
    pub(super) fn take_init(&mut self) -> Option<Duration> {
        self.init.take()
    }

    pub(super) fn memory_used_mb(&self) -> Option<u64> {
        memory::peak_mb(self.pid)
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    pub(super) fn is_alive(&self) -> bool {
        self.exited.borrow().is_none()
    }

    /// Ends the process and waits until it is gone.
    pub(super) async fn end(mut self) {
        if let Some(kill) = self.kill.take() {
            // The watcher is gone only when the process is.
            let _ = kill.send(());
        }
        let _ = self.exited.wait_for(Option::is_some).await;
    }
}

/// Says how a process ended, as Lambda does.
pub(super) fn describe(status: Option<ExitStatus>) -> String {
    status.map_or_else(|| "unknown".to_owned(), |status| status.to_string())
}

/// Kills the process with all that it started (a shell's handler, say); it leads a process group of its own.
fn kill(child: &mut Child) {
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    let group_killed =
        group.is_some_and(|group| rustix::process::kill_process_group(group, rustix::process::Signal::KILL).is_ok());
    if !group_killed {
        let _ = child.start_kill();
    }
}

async fn watch_over(
    mut child: Child,
    pid: u32,
    killed: oneshot::Receiver<()>,
    exited: watch::Sender<Option<ExitStatus>>,
    processes: Arc<Processes>,
) {
    let status = tokio::select! {
        status = child.wait() => status,
        // Sent by `end`, or dropped with the environment: either way the process has to go. An idle process holds no
        // work, so it is not asked first; Lambda does the same.
        _ = killed => {
            processes.ending(pid);
            kill(&mut child);
            child.wait().await
        }
    };
    guard::remove(pid);
    processes.ended(pid);
    exited.send_replace(Some(status.unwrap_or_default()));
}
