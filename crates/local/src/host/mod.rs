//! The Lambda host: runs functions as processes, speaks the Runtime API to them, and gives each invocation an answer:
//! the function's own, or the error that Lambda would report when it crashes, runs out of time or cannot start.
//!
//! A function has up to its concurrency of execution environments (processes). One environment serves one invocation
//! at a time and is kept for the next; one that crashed or ran out of time is gone, and the next invocation is cold.

mod asynchronous;
mod carry;
mod concurrency;
mod durations;
mod elsewhere;
mod environment;
mod extensions;
mod function;
mod guard;
mod inject;
mod invocation;
mod link;
mod log;
mod memory;
mod origin;
mod outcome;
mod paths;
mod processes;
mod program;
mod runtime_api;
mod statistics;
mod stream;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use indexmap::IndexMap;

use asynchronous::Asynchronous;
pub use asynchronous::{EventConfig, Journal};
pub use durations::{BUCKET_BOUNDS_MS, Durations};
pub use function::Function;
pub use origin::{Caller, Origin, Trigger};
pub use outcome::{InvokeError, Outcome};
pub use paths::Paths;
pub use processes::Usage;
pub use statistics::{FunctionState, Statistics};
pub use stream::{Head, Reply, ResponseStream, STREAM_LIMIT};

use crate::{destination::Destinations, template::spec::FunctionSpec};

/// The most that a synchronous payload or answer may hold: Lambda's 6 MB.
pub const PAYLOAD_LIMIT: usize = 6 * 1024 * 1024;

/// What every function of the host shares.
#[derive(Debug, Clone, Default)]
pub struct HostConfig {
    /// Programs by the function's logical id, as far as it is known where cargo puts them.
    pub programs: BTreeMap<String, PathBuf>,
    /// Where the others are: `<program_dir>/<binary>`. Empty: only the `bootstrap` in a `CodeUri` counts.
    pub program_dir: PathBuf,
    /// The template's folder, to which a `CodeUri` is relative.
    pub root: PathBuf,
    /// One log a function: `<log_dir>/<name>.log`.
    pub log_dir: PathBuf,
    /// Variables that every function gets before its own: endpoints, region, credentials of the local stack.
    pub environment: BTreeMap<String, String>,
    /// Environments of a function that reserves no concurrency.
    pub default_concurrency: u32,
    /// How events (invocation type `Event`) are kept and retried.
    pub events: EventConfig,
    /// Whether a process that has more memory than the function's `MemorySize` is ended, as on Lambda.
    pub enforce_memory: bool,
    /// What stands between a trigger and an answer.
    pub paths: Paths,
}

impl HostConfig {
    /// Functions of the template in `root`: with no variables of the stack, one environment each, nothing in between, and
    /// events in memory.
    #[must_use]
    pub fn new(program_dir: PathBuf, root: PathBuf, log_dir: PathBuf) -> Self {
        Self { program_dir, root, log_dir, default_concurrency: 1, ..Self::default() }
    }
}

/// All functions of one application. Cheap to clone.
#[derive(Clone)]
pub struct Host {
    functions: Arc<IndexMap<String, Arc<Function>>>,
    asynchronous: Asynchronous,
    destinations: Destinations,
    paths: Paths,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.functions.keys()).finish()
    }
}

impl Host {
    /// Prepares the functions. No process starts before the first invocation.
    #[must_use]
    pub fn new(specs: Vec<FunctionSpec>, config: HostConfig) -> Self {
        let paths = config.paths.clone();
        let config = Arc::new(config);
        let destinations = Destinations::new(&config.environment);
        let function =
            |spec: FunctionSpec| (spec.logical_id.clone(), Arc::new(Function::new(spec, Arc::clone(&config))));
        let functions: Arc<IndexMap<_, _>> = Arc::new(specs.into_iter().map(function).collect());
        let asynchronous = Asynchronous::new(Arc::clone(&functions), destinations.clone(), config.events.clone());
        Self { functions, asynchronous, destinations, paths }
    }

    /// What stands between the triggers and the functions.
    #[must_use]
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// The function with this logical id, name, or ARN.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Arc<Function>> {
        find(&self.functions, name)
    }

    /// The queues, topics and buckets that the functions' stack has.
    #[must_use]
    pub fn destinations(&self) -> &Destinations {
        &self.destinations
    }

    /// All functions, in the template's order.
    pub fn functions(&self) -> impl Iterator<Item = &Arc<Function>> {
        self.functions.values()
    }

    /// Invokes a function for `origin` and waits for its answer.
    ///
    /// # Errors
    /// When there is no such function, its concurrency is used up, the payload is over 6 MB, or its program cannot be
    /// started. What goes wrong inside the function is an [`Outcome`] with a function error.
    pub async fn invoke(&self, origin: &Origin, function: &str, payload: Bytes) -> Result<Outcome, InvokeError> {
        let function = self.find(function).ok_or_else(|| self.unknown(function))?;
        // On a task of its own: a caller that leaves (an HTTP client, say) does not end the invocation, as on AWS.
        let (function, name, origin) = (Arc::clone(function), function.spec().name.clone(), origin.clone());
        let invocation = tokio::spawn(async move { function.invoke(&origin, payload).await });
        let crashed =
            |error: tokio::task::JoinError| InvokeError::NotRunnable { function: name, reason: error.to_string() };
        invocation.await.map_err(crashed)?
    }

    /// Takes an event for later (invocation type `Event`): two retries after a function error, as Lambda does.
    ///
    /// # Errors
    /// When there is no such function or the payload is over Lambda's limit for events, 1 MB.
    pub fn invoke_asynchronously(
        &self,
        origin: &Origin,
        function: &str,
        payload: Bytes,
    ) -> Result<String, InvokeError> {
        let function = self.find(function).ok_or_else(|| self.unknown(function))?;
        self.asynchronous.accept(origin.clone(), function, payload)
    }

    fn unknown(&self, name: &str) -> InvokeError {
        let known = self.functions.values().map(|function| function.spec().name.clone()).collect();
        InvokeError::UnknownFunction { name: name.to_owned(), known }
    }

    /// Takes up the events that an earlier host has left in the journal; how many.
    pub fn resume_events(&self) -> usize {
        self.asynchronous.resume()
    }

    /// Lets running invocations end within `grace`, then ends every process. Events that still wait for a retry are in
    /// the journal, for the next host.
    pub async fn shut_down(&self, grace: Duration) {
        self.asynchronous.begin_shut_down();
        let ends = self.functions.values().map(|function| function.shut_down(grace));
        futures::future::join_all(ends).await;
        self.asynchronous.end_shut_down().await;
    }
}

fn find<'f>(functions: &'f IndexMap<String, Arc<Function>>, name: &str) -> Option<&'f Arc<Function>> {
    // An ARN may carry a qualifier after the name: arn:aws:lambda:region:account:function:name[:qualifier].
    let name = match name.strip_prefix("arn:") {
        Some(arn) => arn.split(':').nth(5)?,
        None => name.split(':').next().unwrap_or(name),
    };
    functions.get(name).or_else(|| functions.values().find(|function| function.spec().name == name))
}
