//! `up` and `down`.

use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    io::{Read, Seek},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};
use tracing_subscriber::EnvFilter;

use super::{UpArguments, console, live};
use crate::{
    instance::{Instance, Running, is_alive},
    services,
    stack::{self, ServiceChoice, UpOptions},
};

/// How often `up --detach` and `down` look at the runner.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// How long `down` waits: the longest invocation's grace, then the slowest service.
const DOWN_LIMIT: Duration = Duration::from_secs(90);

/// `Name=Value`.
pub(super) fn parse_parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is not NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Starts the stack, in front or detached.
pub(super) async fn run(instance: &Instance, arguments: &UpArguments) -> anyhow::Result<()> {
    if arguments.detach { detach(instance).await } else { in_front(instance, arguments).await }
}

async fn in_front(instance: &Instance, arguments: &UpArguments) -> anyhow::Result<()> {
    log_to(&instance.log_file("millrace"))?;
    let began = Instant::now();
    let options = options(arguments)?;
    // A stop that comes while things start must be seen, so the handlers come first.
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("listen for TERM")?;
    let up = tokio::select! {
        up = stack::up(&options, instance, console::progress) => Some(up?),
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
    };
    let Some(mut up) = up else {
        services::end_left_behind(instance).await;
        instance.withdraw();
        bail!("interrupted while starting; what had started is stopped again");
    };
    let seconds = began.elapsed().as_secs_f64();
    console::progress(&format!("ready after {seconds:.1} s; logs in {}", instance.log_dir().display()));
    let signalled = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    match instance.running().filter(|_| !arguments.plain && live::is_possible()) {
        Some(running) => {
            // The screen belongs to the live view, which tells what is reloaded; it stands in the runner's log too.
            let (sender, news) = mpsc::unbounded_channel();
            let tell = |text: &str| {
                tracing::info!("{text}");
                // A view that was left needs no news.
                let _ = sender.send(text.to_owned());
            };
            tokio::select! {
                () = up.watch(tell) => {}
                done = live::run(instance, &running, news, signalled) => done?,
            }
        }
        None => tokio::select! {
            () = up.watch(console::progress) => {}
            () = signalled => {}
        },
    }
    console::progress("stopping; running invocations end first");
    tokio::select! {
        () = up.down(console::progress) => Ok(()),
        _ = interrupt.recv() => bail!("stopped at once, by a second Ctrl-C"),
    }
}

/// Starts the same command without `--detach` behind, shows its progress, and returns when it is ready.
async fn detach(instance: &Instance) -> anyhow::Result<()> {
    let output = instance.log_file("up");
    let file = OpenOptions::new().create(true).write(true).truncate(true).open(&output);
    let file = file.with_context(|| format!("write {}", output.display()))?;
    let program = std::env::current_exe().context("find the millrace program")?;
    let mut child = std::process::Command::new(program);
    child
        .args(std::env::args_os().skip(1).filter(|argument| argument != "--detach"))
        .stdin(Stdio::null())
        .stdout(file.try_clone().context("open the output")?)
        .stderr(file);
    // A group of its own, so that the terminal's Ctrl-C and its end leave it alone.
    std::os::unix::process::CommandExt::process_group(&mut child, 0);
    let mut child = child.spawn().context("start the runner")?;
    let mut shown = std::fs::File::open(&output).with_context(|| format!("read {}", output.display()))?;
    loop {
        show_new(&mut shown)?;
        if let Some(status) = child.try_wait().context("look at the runner")? {
            show_new(&mut shown)?;
            bail!("the stack did not start ({status}); logs are in {}", instance.log_dir().display());
        }
        if instance.running().is_some_and(|running| running.ready && running.pid == child.id()) {
            // The line that says "ready" follows the announcement at once.
            tokio::time::sleep(LOOK_INTERVAL).await;
            return show_new(&mut shown);
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

fn show_new(file: &mut std::fs::File) -> anyhow::Result<()> {
    let position = file.stream_position().context("read the runner's output")?;
    let mut text = Vec::new();
    file.read_to_end(&mut text).context("read the runner's output")?;
    // Whole lines only; the rest is read again with its end.
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    console::bytes(text.get(..whole).unwrap_or_default())?;
    let next = position + u64::try_from(whole).unwrap_or(0);
    file.seek(std::io::SeekFrom::Start(next)).context("read the runner's output")?;
    Ok(())
}

/// Asks the runner to stop and waits until it has.
pub(super) async fn down(dir: &Path) -> anyhow::Result<()> {
    if !dir.exists() {
        console::line(format!("nothing runs in {}", dir.display()))?;
        return Ok(());
    }
    let instance = Instance::open(dir)?;
    let Some(Running { pid, .. }) = instance.running() else {
        // A runner that was killed cannot have stopped its services.
        services::end_left_behind(&instance).await;
        console::line(format!("nothing runs in {}", instance.dir().display()))?;
        return Ok(());
    };
    // TERM works while the stack is still starting, when no port answers yet.
    if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).context("stop the runner")?;
    }
    let deadline = Instant::now() + DOWN_LIMIT;
    while is_alive(pid) {
        if Instant::now() > deadline {
            bail!("process {pid} does not end; its log is {}", instance.log_file("millrace").display());
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    // One that was killed meanwhile, or before, has not stopped its services.
    services::end_left_behind(&instance).await;
    console::line("stopped; data stays in place")?;
    Ok(())
}

fn options(arguments: &UpArguments) -> anyhow::Result<UpOptions> {
    let program = std::env::current_exe().context("find the millrace program")?;
    let environment: BTreeMap<String, String> = std::env::vars().filter(|(_, value)| !value.is_empty()).collect();
    // Without services of its own a stack lives on those that the shell knows, be they of another instance.
    let lives_on_others = arguments.services == Some(ServiceChoice::None);
    let environment = if lives_on_others { environment } else { stack::without_exports(environment) };
    let environment = kit::connections::settled(environment)?;
    let folder = |name: &str| environment.get(name).map(PathBuf::from);
    // `cargo build` puts all programs beside each other.
    let beside = program.parent().map(Path::to_path_buf).unwrap_or_default();
    Ok(UpOptions {
        template: arguments.template.clone(),
        systems: arguments.systems.clone(),
        ports: arguments.ports,
        services_only: arguments.services_only,
        concurrency: arguments.concurrency,
        enforce_memory: arguments.enforce_memory,
        watch: arguments.watch,
        parameters: arguments.parameters.iter().cloned().collect(),
        services: arguments.services.clone(),
        // Whoever says where the programs are has built them.
        build: !arguments.no_build && !arguments.services_only && folder("MILLRACE_BIN_DIR").is_none(),
        programs_are_given: folder("MILLRACE_BIN_DIR").is_some(),
        bin_dir: folder("MILLRACE_BIN_DIR").unwrap_or(beside),
        opt: folder("MILLRACE_OPT"),
        paths: arguments.paths.options(),
        environment,
    })
}

/// The runner's own log: JSON lines, beside those of the functions.
fn log_to(path: &Path) -> anyhow::Result<()> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    let file = file.with_context(|| format!("open {}", path.display()))?;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter).with_writer(file).init();
    Ok(())
}
