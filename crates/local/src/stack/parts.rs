//! The parts of a stack, each made from the template: topics, the host, triggers, APIs.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use anyhow::{Context, bail};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use indexmap::IndexMap;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::{
    UpOptions,
    backend::Backend,
    plan::{self, Plan},
    select::select,
};
use crate::{
    api::{Settings, Stack},
    build::Build,
    destination::Destinations,
    gateway,
    host::{EventConfig, Host, HostConfig, Journal, Origin, Paths},
    instance::Instance,
    kafka_source,
    mapping::Mapping,
    metrics::Metrics,
    rabbitmq_source,
    schedule_source::ScheduleSource,
    template::spec::{Application, FunctionSpec, TopicSpec},
    watch::Watch,
};

pub(super) async fn create_topics(
    application: &Application,
    kafka: Option<&kafka::Config>,
    progress: &impl Fn(&str),
) -> anyhow::Result<()> {
    let Some(kafka) = kafka else { return Ok(()) };
    let create = |(name, topic): (&'_ String, &'_ TopicSpec)| {
        let (name, topic) = (name.clone(), topic.clone());
        async move { kafka::admin::create_topic(kafka, &name, topic.partitions, &topic.config).await }
    };
    at_once(application.topics.iter().map(create)).await?;
    if !application.topics.is_empty() {
        progress(&format!("topics: {}", application.topics.keys().cloned().collect::<Vec<_>>().join(", ")));
    }
    Ok(())
}

/// Calls to a broker wait most of the time, so several run at once.
async fn at_once(calls: impl Iterator<Item = impl Future<Output = anyhow::Result<()>>>) -> anyhow::Result<()> {
    futures::stream::iter(calls).map(Ok).try_for_each_concurrent(8, |call| call).await
}

/// Queues, SNS topics and buckets of the template.
pub(super) async fn create_resources(
    application: &Application,
    variables: &BTreeMap<String, String>,
    progress: &impl Fn(&str),
) -> anyhow::Result<()> {
    let made = Destinations::new(variables).prepare(application).await?;
    if !made.is_empty() {
        progress(&made.join(", "));
    }
    Ok(())
}

/// Where the functions' programs are.
#[derive(Debug, Default)]
pub(super) struct Programs {
    /// What cargo knows of them, when it was asked.
    pub(super) build: Option<Build>,
    /// A folder that holds them by name; none for a template from elsewhere.
    folder: PathBuf,
}

/// Asks cargo for the functions' programs, and builds them. Nobody is asked when the caller says where they are, or when
/// nothing is to be built and the template is this repository's own: then they lie beside the runner.
pub(super) async fn programs(plan: &Plan, options: &UpOptions, progress: &impl Fn(&str)) -> anyhow::Result<Programs> {
    let beside = options.programs_are_given || plan.own;
    let folder = if beside { options.bin_dir.clone() } else { PathBuf::new() };
    if options.programs_are_given && !options.watch
        || options.services_only
        || plan.own && !options.build && !options.watch
    {
        return Ok(Programs { build: None, folder });
    }
    let build = match Build::of(&plan.root, &plan.application, &options.bin_dir).await {
        Ok(build) => build,
        Err(error) if options.build => return Err(error.context("--no-build starts what is built already")),
        Err(error) => {
            progress(&format!("warning: {error:#}"));
            return Ok(Programs { build: None, folder });
        }
    };
    let elsewhere = |id: &str| {
        let function = plan.application.functions.get(id);
        function.is_some_and(|function| options.paths.endpoints.of(id, &function.name).is_some())
    };
    let functions: Vec<&str> = build.programs().keys().map(String::as_str).filter(|id| !elsewhere(id)).collect();
    if options.build && !functions.is_empty() {
        let began = Instant::now();
        if build.run(&functions, true).await?.failed {
            bail!("the functions do not compile; --no-build starts what is built already");
        }
        progress(&format!("built {} functions in {:.1} s", functions.len(), began.elapsed().as_secs_f64()));
    }
    Ok(Programs { build: Some(build), folder })
}

/// Watches what the functions are made of, and the template.
pub(super) fn watch(
    stack: &Stack,
    build: Option<Build>,
    application: Application,
    options: &UpOptions,
    instance: &Instance,
) -> anyhow::Result<Watch> {
    let (again, variables) = (options.clone(), stack.variables.clone());
    let read = move || select(plan::read(&again, &variables)?, &again.systems);
    Watch::new(stack.host.clone(), build, &options.template, instance.dir(), application, Box::new(read))
}

/// Names the functions that have no program; they fail when they are invoked.
pub(super) fn warn_of_missing(host: &Host, progress: &impl Fn(&str)) {
    // What another host runs needs no program here.
    for function in host.functions().filter(|function| function.remote().is_none()) {
        if let Err(reason) = function.program() {
            progress(&format!("warning: {} has no program: {reason}", function.spec().name));
        }
    }
}

pub(super) fn host(
    application: &Application,
    options: &UpOptions,
    root: &Path,
    programs: Programs,
    instance: &Instance,
    variables: &BTreeMap<String, String>,
    paths: Paths,
) -> anyhow::Result<Host> {
    let journal = Journal::open(&instance.events_file())?;
    let passed = |name: &str| name.starts_with("AWS_") || name == "RUST_LOG" || name == "RUST_BACKTRACE";
    let environment = variables.iter().filter(|(name, _)| passed(name)).map(|(n, v)| (n.clone(), v.clone())).collect();
    let config = HostConfig {
        programs: programs.build.map(|build| build.paths()).unwrap_or_default(),
        environment,
        enforce_memory: options.enforce_memory,
        default_concurrency: options.concurrency.unwrap_or_else(default_concurrency),
        events: EventConfig { journal, ..EventConfig::default() },
        paths,
        ..HostConfig::new(programs.folder, root.to_owned(), instance.log_dir())
    };
    Ok(Host::new(application.functions.values().cloned().collect(), config))
}

/// Twice the cores: functions wait for storage more than they compute. Two at least, because a function that invokes
/// another of its own kind would wait for itself.
fn default_concurrency() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    u32::try_from(cores.saturating_mul(2)).unwrap_or(2)
}

pub(super) async fn run_on_up(host: &Host, spec: &FunctionSpec, progress: &impl Fn(&str)) -> anyhow::Result<()> {
    let outcome = host.invoke(&Origin::caller(), &spec.logical_id, Bytes::from_static(b"{}")).await?;
    let answer = String::from_utf8_lossy(&outcome.payload);
    if !outcome.is_success() {
        bail!("{} failed: {answer}", spec.name);
    }
    progress(&format!("{}: {answer}", spec.name));
    Ok(())
}

/// What PutFunctionConcurrency has set in an earlier run.
pub(super) fn apply_concurrency(host: &Host, settings: &Settings) {
    for function in host.functions() {
        if let Some(reserved) = settings.concurrency(&function.spec().logical_id) {
            function.reserve_concurrency(reserved);
        }
    }
}

pub(super) async fn mappings(
    application: &Application,
    host: &Host,
    kafka: Option<&kafka::Config>,
    variables: &BTreeMap<String, String>,
    settings: &Settings,
    progress: &impl Fn(&str),
) -> anyhow::Result<Vec<Arc<Mapping>>> {
    let mut mappings = Vec::new();
    for spec in &application.kafka_mappings {
        let kafka = kafka_source::cluster(spec, kafka, variables, progress).await?;
        mappings.push(Mapping::Kafka(kafka_source::Mapping::new(spec.clone(), host.clone(), kafka)));
    }
    for spec in &application.mq_mappings {
        let broker = rabbitmq_source::Broker::of_stack(spec, variables)
            .with_context(|| format!("mapping {} (line {})", spec.logical_id, spec.line))?;
        mappings.push(Mapping::RabbitMq(rabbitmq_source::Mapping::new(spec.clone(), host.clone(), broker)));
    }
    for mapping in &mappings {
        if let Some(change) = settings.mapping(mapping.logical_id()) {
            mapping.change(&change);
        }
    }
    Ok(mappings.into_iter().map(Arc::new).collect())
}

pub(super) fn schedules(
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

pub(super) async fn serve_apis(
    application: &Application,
    host: &Host,
    metrics: &Arc<Metrics>,
    ending: &CancellationToken,
    progress: &impl Fn(&str),
) -> anyhow::Result<Vec<JoinHandle<()>>> {
    let backend = Backend::new(host.clone(), Arc::clone(metrics));
    let mut gateways = Vec::new();
    for api in application.apis.values() {
        let listeners = gateway::listen(api.port).await.with_context(|| format!("open port {}", api.port))?;
        progress(&format!("{}: http://localhost:{}", api.logical_id, api.port));
        let (api, backend, ended) = (api.clone(), backend.clone(), ending.clone());
        gateways.push(tokio::spawn(async move {
            if let Err(error) = gateway::serve(listeners, api, backend, async move { ended.cancelled().await }).await {
                error!(%error, "an api has ended");
            }
        }));
    }
    for url in &application.urls {
        let listeners = gateway::listen(url.port).await.with_context(|| format!("open port {}", url.port))?;
        progress(&format!("{}: http://localhost:{}/", url.logical_id, url.port));
        let (url, backend, ended) = (url.clone(), backend.clone(), ending.clone());
        gateways.push(tokio::spawn(async move {
            if let Err(error) =
                gateway::serve_url(listeners, url, backend, async move { ended.cancelled().await }).await
            {
                error!(%error, "a function url has ended");
            }
        }));
    }
    Ok(gateways)
}

/// Name and port of each HTTP API and function URL.
pub(super) fn addresses(application: &Application) -> Vec<(String, u16)> {
    let apis = application.apis.values().map(|api| (api.logical_id.clone(), api.port));
    apis.chain(application.urls.iter().map(|url| (url.logical_id.clone(), url.port))).collect()
}

pub(super) async fn start_triggers(stack: &Stack, progress: &impl Fn(&str)) -> anyhow::Result<()> {
    let enabled = |mapping: &&Arc<Mapping>| {
        let changed = stack.settings.mapping(mapping.logical_id()).and_then(|change| change.enabled);
        changed.unwrap_or(mapping.enabled_in_template())
    };
    for mapping in stack.mappings.iter().filter(|mapping| !enabled(mapping)) {
        let name = stack.host.find(mapping.function()).map(|function| function.spec().name.clone());
        let what = format!("{} of {}", mapping.source(), name.as_deref().unwrap_or(mapping.function()));
        progress(&stopped("mapping", mapping.logical_id(), &what, mapping.enabled_in_template()));
    }
    at_once(stack.mappings.iter().filter(enabled).map(|mapping| mapping.enable())).await?;
    for (name, source) in &stack.schedules {
        let spec = source.spec();
        if !spec.enabled {
            let function = stack.host.find(&spec.function).map(|function| function.spec().name.clone());
            let what = format!("{} of {}", spec.expression, function.unwrap_or(spec.function));
            // A change by a call replaces all of a schedule, whatever the template says.
            progress(&stopped("schedule", name, &what, stack.settings.schedule(name).is_some()));
        }
        source.start();
    }
    Ok(())
}

/// What does not begin although everything else does, and why.
fn stopped(kind: &str, name: &str, what: &str, as_left: bool) -> String {
    format!("{kind} {name} ({what}) is stopped, {}", if as_left { "as it was left" } else { "as the template says" })
}
