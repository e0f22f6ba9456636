//! The services beside the functions: a broker, databases, an S3. What they are stands in `localstack/services.yaml`
//! and the scripts beside it; here is only how they are started, watched and stopped.

mod definition;
mod process;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use futures::future::{join_all, try_join_all};
use tokio::sync::Mutex;

pub use definition::{Definitions, ServiceDefinition, expand};
use process::Process;
pub use process::ServiceState;

use crate::{instance::Instance, masked::masked};

/// How long a service may take until it answers.
const READY_LIMIT: Duration = Duration::from_secs(90);

/// What every script gets to know.
#[derive(Debug, Clone)]
pub struct ScriptEnvironment {
    /// The repository.
    pub root: PathBuf,
    /// Installed programs.
    pub opt: PathBuf,
    /// Our own programs.
    pub bin_dir: PathBuf,
    /// Every port by its variable.
    pub ports: BTreeMap<String, u16>,
}

/// The services of one instance.
#[derive(Debug, Clone)]
pub struct Services {
    running: Arc<BTreeMap<String, Arc<Mutex<Process>>>>,
    replaced: Arc<BTreeMap<String, String>>,
    definitions: Arc<Definitions>,
}

/// One line of `millrace status`.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ServiceStatus {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub address: String,
    /// What it does now.
    pub state: ServiceState,
}

impl Services {
    /// Starts the named services, all at once, and waits until each answers. Those that the environment replaces are
    /// not started.
    ///
    /// # Errors
    /// When one does not start; the end of its log is in the message. The others are stopped again.
    pub async fn start(
        definitions: Definitions,
        names: &[String],
        instance: &Instance,
        scripts: &ScriptEnvironment,
        environment: &BTreeMap<String, String>,
        progress: impl Fn(&str),
    ) -> anyhow::Result<Self> {
        let (mut running, mut replaced) = (BTreeMap::new(), BTreeMap::new());
        for name in names {
            let Some(definition) = definitions.services.get(name) else {
                let known: Vec<_> = definitions.services.keys().map(String::as_str).collect();
                bail!("service {name} is not in localstack/services.yaml; there are {}", known.join(", "));
            };
            match definition.replacement(environment) {
                Some((variable, value)) => {
                    let shown = masked(variable, value);
                    progress(&format!("{name}: {shown}, from the environment"));
                    replaced.insert(name.clone(), shown);
                }
                None => {
                    let process = Process::new(name, definition, &definitions.dir, instance, scripts);
                    running.insert(name.clone(), Arc::new(Mutex::new(process)));
                }
            }
        }
        let services =
            Self { running: Arc::new(running), replaced: Arc::new(replaced), definitions: Arc::new(definitions) };
        let starts = services.running.iter().map(|(name, process)| {
            let progress = &progress;
            async move {
                let began = std::time::Instant::now();
                process.lock().await.start(READY_LIMIT).await.with_context(|| format!("start {name}"))?;
                progress(&format!("{name}: ready after {:.1} s", began.elapsed().as_secs_f64()));
                anyhow::Ok(())
            }
        });
        if let Err(error) = try_join_all(starts).await {
            services.stop_all().await;
            return Err(error);
        }
        Ok(services)
    }

    /// Every service with its state.
    pub async fn status(&self, ports: &BTreeMap<String, String>) -> Vec<ServiceStatus> {
        let mut status = Vec::new();
        for (name, process) in self.running.iter() {
            let address = self.definitions.services.get(name).map(|d| expand(&d.address, ports)).unwrap_or_default();
            status.push(ServiceStatus { name: name.clone(), address, state: process.lock().await.state() });
        }
        for (name, address) in self.replaced.iter() {
            status.push(ServiceStatus { name: name.clone(), address: address.clone(), state: ServiceState::External });
        }
        status
    }

    /// Whether there is a service of this name here that can be started and stopped.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.running.contains_key(name)
    }

    /// Starts one service; does nothing when it runs.
    ///
    /// # Errors
    /// When there is no such service, or it does not start.
    pub async fn start_one(&self, name: &str) -> anyhow::Result<()> {
        self.process(name)?.lock().await.start(READY_LIMIT).await.with_context(|| format!("start {name}"))
    }

    /// Stops one service, which stays stopped.
    ///
    /// # Errors
    /// When there is no such service.
    pub async fn stop_one(&self, name: &str) -> anyhow::Result<()> {
        self.process(name)?.lock().await.stop().await;
        Ok(())
    }

    fn process(&self, name: &str) -> anyhow::Result<&Arc<Mutex<Process>>> {
        self.running.get(name).with_context(|| format!("service {name} is not run by this instance"))
    }

    /// Stops all, and waits until each is gone.
    pub async fn stop_all(&self) {
        join_all(self.running.values().map(|process| async { process.lock().await.stop().await })).await;
    }
}

/// Ends every service that an earlier runner of this instance, killed or interrupted, has left behind.
pub async fn end_left_behind(instance: &Instance) {
    let files = std::fs::read_dir(instance.run_dir()).into_iter().flatten().flatten().map(|entry| entry.path());
    let files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == "pid")).collect();
    join_all(files.iter().map(|file| process::end_left_behind(file))).await;
}
