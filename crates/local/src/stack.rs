//! `millrace up`: from a template and a folder to a running stack, and back.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use bytes::Bytes;
use indexmap::IndexMap;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::{
    api::{self, Settings, Stack},
    gateway,
    host::{Host, HostConfig, InvokeError},
    instance::{Instance, PortChoice, Running, choose_ports, write_whole},
    kafka_source::Mapping,
    schedule_source::ScheduleSource,
    services::{Definitions, ScriptEnvironment, Services, expand},
    template::{
        self, REGION,
        spec::{Application, FunctionSpec},
    },
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
    /// Values of template parameters.
    pub parameters: BTreeMap<String, String>,
    /// Where our programs are.
    pub bin_dir: PathBuf,
    /// Where installed programs are.
    pub opt: PathBuf,
    /// The caller's environment.
    pub environment: BTreeMap<String, String>,
}

/// A stack that runs.
#[derive(Debug)]
pub struct Up {
    stack: Arc<Stack>,
    instance: Instance,
    running: Running,
    gateways: Vec<JoinHandle<()>>,
    ending: CancellationToken,
}

/// Starts everything, in this order: services, topics, functions that run on up (migrations), then triggers and APIs.
///
/// # Errors
/// When anything does not start; what had started by then is stopped again.
pub async fn up(options: &UpOptions, instance: &Instance, progress: impl Fn(&str)) -> anyhow::Result<Up> {
    if let Some(running) = instance.running() {
        bail!("{} runs already (process {}); stop it with `millrace down`", instance.dir().display(), running.pid);
    }
    let root = options.template.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    let root = root.canonicalize().with_context(|| format!("find {}", root.display()))?;
    let definitions = Definitions::load(&root.join("localstack/services.yaml"))?;

    // Read once to learn which services and ports there are, then again with the ports in place.
    let application = select(read(options, &options.environment)?, &options.systems)?;
    let services = wanted_services(&application, options, &definitions);
    let mut usual = definitions.ports(&services);
    usual.insert(INVOKE_PORT.0.to_owned(), (INVOKE_PORT.1, "the Invoke API".to_owned()));
    if !options.services_only {
        for api in application.apis.values() {
            usual.insert(api.port_variable.clone(), (api.port, api.logical_id.clone()));
        }
    }
    let ports = choose_ports(&usual, options.ports, &options.environment)?;
    let invoke_port = ports.get(INVOKE_PORT.0).copied().unwrap_or(INVOKE_PORT.1);
    let variables = variables(&definitions, &services, &ports, options, instance);
    let mut application = select(read(options, &variables)?, &options.systems)?;
    if options.services_only {
        application = Application { topics: application.topics, ..Application::default() };
    }
    for warning in &application.warnings {
        progress(&format!("warning: {warning}"));
    }
    let running = Running {
        pid: std::process::id(),
        invoke_port,
        ports: ports.clone(),
        exports: exports(&definitions, &variables),
        ready: false,
    };
    instance.announce(&running)?;

    let scripts =
        ScriptEnvironment { root: root.clone(), opt: options.opt.clone(), bin_dir: options.bin_dir.clone(), ports };
    let services =
        Services::start(definitions.clone(), &services, instance, &scripts, &options.environment, &progress).await?;
    let started =
        start_functions(application, services.clone(), options, &root, instance, variables, running, &progress);
    match started.await {
        Ok(mut up) => {
            write_files(&definitions, &up.stack.variables, instance)?;
            up.running.ready = true;
            instance.announce(&up.running)?;
            Ok(up)
        }
        Err(error) => {
            services.stop_all().await;
            instance.withdraw();
            Err(error)
        }
    }
}

#[allow(clippy::too_many_arguments, reason = "called once; the second half of `up`")]
async fn start_functions(
    application: Application,
    services: Services,
    options: &UpOptions,
    root: &Path,
    instance: &Instance,
    variables: BTreeMap<String, String>,
    running: Running,
    progress: &impl Fn(&str),
) -> anyhow::Result<Up> {
    // A broker may be slow with its first topic, so the order of the template's topics is the order of creation.
    let kafka = variables.get("KAFKA_BOOTSTRAP_SERVERS").map(kafka::Config::plaintext);
    create_topics(&application, kafka.as_ref(), progress).await?;
    let listener = TcpListener::bind(("127.0.0.1", running.invoke_port))
        .await
        .with_context(|| format!("open port {} for the Invoke API", running.invoke_port))?;
    let host = host(&application, options, root, instance, &variables);
    for spec in application.functions.values().filter(|spec| spec.run_on_up) {
        run_on_up(&host, spec, progress).await?;
    }
    let settings = Settings::load(&instance.settings_file())?;
    let mappings = mappings(&application, &host, kafka.as_ref(), &settings)?;
    let schedules = schedules(&application, &host, &settings)?;
    let ending = CancellationToken::new();
    let gateways = serve_apis(&application, &host, &ending, progress).await?;
    let stack = Arc::new(Stack {
        host,
        mappings,
        schedules,
        apis: application.apis.values().map(|api| (api.logical_id.clone(), api.port)).collect(),
        services,
        variables,
        settings,
        shutdown: tokio::sync::Notify::new(),
    });
    let router = api::router(Arc::clone(&stack));
    let ended = ending.clone();
    tokio::spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(async move { ended.cancelled().await }).await;
        if let Err(error) = served {
            error!(%error, "the Invoke API has ended");
        }
    });
    start_triggers(&stack, progress).await?;
    Ok(Up { stack, instance: instance.clone(), running, gateways, ending })
}

fn read(options: &UpOptions, environment: &BTreeMap<String, String>) -> anyhow::Result<Application> {
    let options_of_template =
        template::Options { parameters: options.parameters.clone(), environment: environment.clone() };
    Ok(template::load(&options.template, &options_of_template)?)
}

/// Keeps what belongs to the wanted systems, and what runs on up for the services that they need.
fn select(mut application: Application, systems: &[String]) -> anyhow::Result<Application> {
    if systems.is_empty() {
        return Ok(application);
    }
    let known: BTreeSet<String> = application.functions.values().map(|function| function.system.clone()).collect();
    if let Some(unknown) = systems.iter().find(|system| !known.contains(*system)) {
        let known: Vec<String> = known.into_iter().collect();
        bail!("system {unknown} is not in the template; there are {}", known.join(", "));
    }
    let chosen = |system: &String| systems.contains(system);
    let needed: BTreeSet<String> =
        application.functions.values().filter(|f| chosen(&f.system)).flat_map(|f| f.services.clone()).collect();
    application.functions.retain(|_, function| {
        chosen(&function.system) || function.run_on_up && function.services.iter().any(|s| needed.contains(s))
    });
    let kept: BTreeSet<String> = application.functions.keys().cloned().collect();
    application.kafka_mappings.retain(|mapping| kept.contains(&mapping.function));
    application.schedules.retain(|schedule| kept.contains(&schedule.function));
    application.apis.retain(|_, api| {
        api.routes.retain(|route| kept.contains(&route.function));
        !api.routes.is_empty()
    });
    Ok(application)
}

/// All services for the whole, those that its functions name for a part.
fn wanted_services(application: &Application, options: &UpOptions, definitions: &Definitions) -> Vec<String> {
    if options.systems.is_empty() {
        return definitions.services.keys().cloned().collect();
    }
    let named = application.functions.values().flat_map(|function| function.services.clone());
    named.collect::<BTreeSet<String>>().into_iter().collect()
}

/// Ports, what services provide, and what the caller's environment replaces.
fn variables(
    definitions: &Definitions,
    services: &[String],
    ports: &BTreeMap<String, u16>,
    options: &UpOptions,
    instance: &Instance,
) -> BTreeMap<String, String> {
    let mut variables = options.environment.clone();
    variables.extend(ports.iter().map(|(name, port)| (name.clone(), port.to_string())));
    variables.insert("MILLRACE_DIR".into(), instance.dir().display().to_string());
    for definition in services.iter().filter_map(|name| definitions.services.get(name)) {
        if definition.replaced_by.as_ref().is_some_and(|variable| options.environment.contains_key(variable)) {
            continue;
        }
        for (name, value) in &definition.provides {
            let value = expand(value, &variables);
            variables.insert(name.clone(), value);
        }
    }
    // The emulator takes any credentials; with a real endpoint the caller's own are used.
    if !options.environment.contains_key("AWS_ENDPOINT_URL") {
        for (name, value) in [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_REGION", REGION)]
        {
            variables.insert(name.into(), value.into());
        }
        variables.remove("AWS_SESSION_TOKEN");
        variables.remove("AWS_PROFILE");
    }
    let region = variables.get("AWS_REGION").cloned().unwrap_or_else(|| REGION.to_owned());
    variables.insert("AWS_DEFAULT_REGION".into(), region);
    let port = variables.get(INVOKE_PORT.0).cloned().unwrap_or_default();
    for service in ["LAMBDA", "SCHEDULER", "KAFKA"] {
        variables.insert(format!("AWS_ENDPOINT_URL_{service}"), format!("http://127.0.0.1:{port}"));
    }
    variables
}

/// What `millrace env` prints: everything that a program outside needs, and nothing of the caller's own environment.
fn exports(definitions: &Definitions, variables: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let provided = definitions.services.values().flat_map(|definition| definition.provides.keys());
    let wanted = provided.cloned().chain(variables.keys().filter(|name| name.starts_with("AWS_")).cloned());
    let mut exports: BTreeMap<String, String> =
        wanted.filter_map(|name| Some((name.clone(), variables.get(&name)?.clone()))).collect();
    exports.extend(definitions.exports.iter().map(|(name, value)| (name.clone(), expand(value, variables))));
    exports
}

fn write_files(
    definitions: &Definitions,
    variables: &BTreeMap<String, String>,
    instance: &Instance,
) -> anyhow::Result<()> {
    for (path, text) in &definitions.files {
        let path = instance.dir().join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).with_context(|| format!("create {}", parent.display()))?;
        }
        write_whole(&path, expand(text, variables).as_bytes())?;
    }
    Ok(())
}

async fn create_topics(
    application: &Application,
    kafka: Option<&kafka::Config>,
    progress: &impl Fn(&str),
) -> anyhow::Result<()> {
    let Some(kafka) = kafka else { return Ok(()) };
    for (name, topic) in &application.topics {
        kafka::admin::create_topic(kafka, name, topic.partitions, &topic.config).await?;
    }
    if !application.topics.is_empty() {
        progress(&format!("topics: {}", application.topics.keys().cloned().collect::<Vec<_>>().join(", ")));
    }
    Ok(())
}

fn host(
    application: &Application,
    options: &UpOptions,
    root: &Path,
    instance: &Instance,
    variables: &BTreeMap<String, String>,
) -> Host {
    let passed = |name: &str| name.starts_with("AWS_") || name == "RUST_LOG" || name == "RUST_BACKTRACE";
    let environment = variables.iter().filter(|(name, _)| passed(name)).map(|(n, v)| (n.clone(), v.clone())).collect();
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let config = HostConfig {
        program_dir: options.bin_dir.clone(),
        root: root.to_owned(),
        log_dir: instance.log_dir(),
        environment,
        default_concurrency: u32::try_from(cores.max(4)).unwrap_or(4),
    };
    Host::new(application.functions.values().cloned().collect(), config)
}

async fn run_on_up(host: &Host, spec: &FunctionSpec, progress: &impl Fn(&str)) -> anyhow::Result<()> {
    let outcome = host.invoke(&spec.logical_id, Bytes::from_static(b"{}")).await?;
    let answer = String::from_utf8_lossy(&outcome.payload);
    if !outcome.is_success() {
        bail!("{} failed: {answer}", spec.name);
    }
    progress(&format!("{}: {answer}", spec.name));
    Ok(())
}

fn mappings(
    application: &Application,
    host: &Host,
    kafka: Option<&kafka::Config>,
    settings: &Settings,
) -> anyhow::Result<Vec<Arc<Mapping>>> {
    let mut mappings = Vec::new();
    for spec in &application.kafka_mappings {
        let kafka = match (spec.bootstrap_servers.as_slice(), kafka) {
            // An MSK cluster's ARN means the one broker that runs here.
            ([], Some(kafka)) => kafka.clone(),
            ([], None) => bail!("mapping {} (line {}) needs a Kafka broker, and none runs", spec.logical_id, spec.line),
            (servers, _) => kafka::Config::plaintext(servers.join(",")),
        };
        let mapping = Mapping::new(spec.clone(), host.clone(), kafka);
        if let Some(change) = settings.mapping(&spec.logical_id) {
            mapping.change(&change);
        }
        mappings.push(Arc::new(mapping));
    }
    Ok(mappings)
}

fn schedules(
    application: &Application,
    host: &Host,
    settings: &Settings,
) -> anyhow::Result<IndexMap<String, Arc<ScheduleSource>>> {
    let mut schedules = IndexMap::new();
    for spec in &application.schedules {
        let source = ScheduleSource::new(spec.clone(), host.clone())?;
        if let Some(change) = settings.schedule(&spec.name) {
            source.change(&change)?;
        }
        schedules.insert(spec.name.clone(), source);
    }
    Ok(schedules)
}

async fn serve_apis(
    application: &Application,
    host: &Host,
    ending: &CancellationToken,
    progress: &impl Fn(&str),
) -> anyhow::Result<Vec<JoinHandle<()>>> {
    let mut gateways = Vec::new();
    for api in application.apis.values() {
        let listeners = gateway::listen(api.port).await.with_context(|| format!("open port {}", api.port))?;
        progress(&format!("{}: http://localhost:{}", api.logical_id, api.port));
        let (api, host, ended) = (api.clone(), host.clone(), ending.clone());
        gateways.push(tokio::spawn(async move {
            if let Err(error) = gateway::serve(listeners, api, host, async move { ended.cancelled().await }).await {
                error!(%error, "an api has ended");
            }
        }));
    }
    Ok(gateways)
}

async fn start_triggers(stack: &Stack, progress: &impl Fn(&str)) -> anyhow::Result<()> {
    for mapping in &stack.mappings {
        let enabled = stack.settings.mapping(&mapping.spec().logical_id).and_then(|change| change.enabled);
        if enabled.unwrap_or(mapping.spec().enabled) {
            mapping.enable().await?;
        } else {
            progress(&format!("{}: disabled, as it was left", mapping.spec().logical_id));
        }
    }
    for (name, source) in &stack.schedules {
        if !source.spec().enabled {
            progress(&format!("{name}: disabled, as it was left"));
        }
        source.start();
    }
    Ok(())
}

impl Up {
    /// What other commands can know of it.
    #[must_use]
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// Completes when `millrace down` asks for the end.
    pub async fn until_shutdown(&self) {
        self.stack.shutdown.notified().await;
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
        progress("functions have ended");
        self.stack.services.stop_all().await;
        progress("services have ended");
        self.instance.withdraw();
        info!("down");
    }
}

impl gateway::Invoke for Host {
    async fn invoke(&self, function: &str, payload: Bytes, timeout: Duration) -> Result<Bytes, gateway::InvokeError> {
        match tokio::time::timeout(timeout, Self::invoke(self, function, payload)).await {
            Err(_) => Err(gateway::InvokeError::Timeout),
            Ok(Ok(outcome)) if outcome.is_success() => Ok(outcome.payload),
            Ok(Ok(_)) => Err(gateway::InvokeError::FunctionError),
            Ok(Err(InvokeError::Throttled)) => Err(gateway::InvokeError::Throttled),
            Ok(Err(InvokeError::PayloadTooLarge { .. })) => Err(gateway::InvokeError::TooLarge),
            Ok(Err(other)) => Err(gateway::InvokeError::NotReady(other.to_string())),
        }
    }
}
