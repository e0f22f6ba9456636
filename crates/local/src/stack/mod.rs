//! `millrace up`: from a template and a folder to a running stack, and back.

mod backend;
mod parts;
mod paths;
mod plan;
mod select;
mod variables;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

pub use backend::Backend;
pub use paths::PathOptions;
pub use select::ServiceChoice;
pub use variables::without_exports;

use self::{
    plan::{Plan, plan},
    variables::write_files,
};
use crate::{
    api::{self, Settings, Stack},
    instance::Instance,
    lint,
    metrics::Metrics,
    ports::PortChoice,
    services::{self, ScriptEnvironment, Services},
    watch::Watch,
};

/// The variable that moves the Invoke API, and its usual port: that of `cargo lambda watch`, so that tools find it.
const INVOKE_PORT: (&str, u16) = ("MILLRACE_PORT_INVOKE", 9000);

/// How long running invocations may go on after a stop was asked for.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(30);

/// What `up` was asked for.
#[derive(Debug, Clone)]
pub struct UpOptions {
    /// The template; its folder is the project's root.
    pub template: PathBuf,
    /// Systems to start; empty means all.
    pub systems: Vec<String>,
    /// Fixed or free ports.
    pub ports: PortChoice,
    /// Start services and no function.
    pub services_only: bool,
    /// Invocations of a function without reserved concurrency that run at once; the cores when not given.
    pub concurrency: Option<u32>,
    /// Whether a function that takes more than its `MemorySize` is ended.
    pub enforce_memory: bool,
    /// Whether edits are watched for.
    pub watch: bool,
    /// Values of template parameters.
    pub parameters: BTreeMap<String, String>,
    /// Services to start, when it was said.
    pub services: Option<ServiceChoice>,
    /// Whether cargo is called before the functions start.
    pub build: bool,
    /// Whether `bin_dir` was named by the caller, and so holds any template's programs.
    pub programs_are_given: bool,
    /// Where our programs are.
    pub bin_dir: PathBuf,
    /// Where installed programs are; in the checkout of the services when not given.
    pub opt: Option<PathBuf>,
    /// The caller's environment.
    pub environment: BTreeMap<String, String>,
    /// What stands between triggers and functions.
    pub paths: PathOptions,
}

/// A stack that runs.
#[derive(Debug)]
pub struct Up {
    stack: Arc<Stack>,
    instance: Instance,
    gateways: Vec<JoinHandle<()>>,
    ending: CancellationToken,
    watch: Option<Watch>,
}

/// Starts everything, in this order: services, topics, queues and buckets, functions that run on up (migrations), then triggers and APIs.
///
/// # Errors
/// When anything does not start; what had started by then is stopped again.
pub async fn up(options: &UpOptions, instance: &Instance, progress: impl Fn(&str)) -> anyhow::Result<Up> {
    if let Some(running) = instance.running() {
        bail!("{} runs already (process {}); stop it with `millrace down`", instance.dir().display(), running.pid);
    }
    // A runner that was killed has not stopped its services, and they hold their ports.
    services::end_left_behind(instance).await;
    let plan = plan(options, instance)?;
    for finding in lint::check(&plan.application) {
        progress(&format!("{}:{}", options.template.display(), finding.line()));
    }
    for notice in &plan.notices {
        progress(notice);
    }
    let programs = parts::programs(&plan, options, &progress).await?;
    instance.announce(&plan.running)?;
    let scripts = ScriptEnvironment {
        root: plan.checkout.clone(),
        opt: options.opt.clone().unwrap_or_else(|| plan.checkout.join(".millrace/opt")),
        bin_dir: options.bin_dir.clone(),
        ports: plan.running.ports.clone(),
    };
    let definitions = plan.definitions.clone();
    let services =
        Services::start(definitions, &plan.services, instance, &scripts, &options.environment, &progress).await;
    let started = match services {
        Ok(services) => match start_functions(plan, programs, services.clone(), options, instance, &progress).await {
            Ok(up) => Ok(up),
            Err(error) => {
                services.stop_all().await;
                Err(error)
            }
        },
        Err(error) => Err(error),
    };
    if started.is_err() {
        instance.withdraw();
    }
    started
}

async fn start_functions(
    plan: Plan,
    programs: parts::Programs,
    services: Services,
    options: &UpOptions,
    instance: &Instance,
    progress: &impl Fn(&str),
) -> anyhow::Result<Up> {
    let Plan { root, definitions, application, variables, mut running, .. } = plan;
    let kafka = kafka::Config::from_variables(variables.clone())?;
    parts::create_topics(&application, kafka.as_ref(), progress).await?;
    parts::create_resources(&application, &variables, progress).await?;
    let listener = TcpListener::bind(("127.0.0.1", running.invoke_port))
        .await
        .with_context(|| format!("open port {} for the Invoke API", running.invoke_port))?;
    let paths = paths::open(&options.paths, &application, &options.environment, progress).await?;
    let build = programs.build.clone();
    let host = parts::host(&application, options, &root, programs, instance, &variables, paths)?;
    parts::warn_of_missing(&host, progress);
    for spec in application.functions.values().filter(|spec| spec.run_on_up) {
        parts::run_on_up(&host, spec, progress).await?;
    }
    let metrics = Arc::new(Metrics::start(host.clone()));
    let settings = Settings::load(&instance.settings_file())?;
    parts::apply_concurrency(&host, &settings);
    let mappings = parts::mappings(&application, &host, kafka.as_ref(), &variables, &settings, progress).await?;
    let schedules = parts::schedules(&application, &host, &settings)?;
    let ending = CancellationToken::new();
    let gateways = parts::serve_apis(&application, &host, &metrics, &ending, progress).await?;
    write_files(&definitions, &variables, instance)?;
    let stack = Arc::new(Stack {
        host,
        mappings,
        metrics,
        schedules,
        apis: parts::addresses(&application),
        services,
        variables,
        settings,
        switching: api::Switching::default(),
    });
    let watch = if options.watch { Some(parts::watch(&stack, build, application, options, instance)?) } else { None };
    let router = api::router(Arc::clone(&stack));
    let ended = ending.clone();
    tokio::spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(async move { ended.cancelled().await }).await;
        if let Err(error) = served {
            error!(%error, "the Invoke API has ended");
        }
    });
    parts::start_triggers(&stack, progress).await?;
    let left = stack.host.resume_events();
    if left > 0 {
        progress(&format!("{left} events that were left are taken up"));
    }
    paths::rebalance(&stack.host, &stack.mappings, &ending);
    running.records = stack.host.paths().recorder.as_ref().map(|recorder| recorder.status().folder);
    running.ready = true;
    instance.announce(&running)?;
    Ok(Up { stack, instance: instance.clone(), gateways, ending, watch })
}

impl Up {
    /// Reloads what is edited, when that was asked for; without end.
    pub async fn watch(&mut self, progress: impl Fn(&str)) {
        if let Some(watch) = self.watch.take() {
            watch.run(progress).await;
        }
        std::future::pending::<()>().await;
    }

    /// Stops everything, so that nothing is lost: schedules first, then pollers (which end and commit their batches),
    /// then requests and invocations, then services.
    pub async fn down(self, progress: impl Fn(&str)) {
        for source in self.stack.schedules.values() {
            source.stop();
        }
        futures::future::join_all(self.stack.mappings.iter().map(|mapping| mapping.disable())).await;
        self.ending.cancel();
        for gateway in self.gateways {
            let _ = tokio::time::timeout(SHUTDOWN_GRACE, gateway).await;
        }
        self.stack.host.shut_down(SHUTDOWN_GRACE).await;
        if let Some(recorder) = &self.stack.host.paths().recorder {
            recorder.flush().await;
        }
        progress("functions have ended");
        self.stack.services.stop_all().await;
        progress("services have ended");
        self.instance.withdraw();
        info!("down");
    }
}
