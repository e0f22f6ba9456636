//! What stands between the triggers and the functions of a stack: other hosts, injected faults, records.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use anyhow::bail;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::{
    chaos::{Chaos, ChaosSpec},
    host::{Host, Paths, Trigger},
    mapping::Mapping,
    record::Recorder,
    remote::{Endpoints, Remote},
    template::spec::Application,
};

/// What `up` was asked for.
#[derive(Debug, Clone, Default)]
pub struct PathOptions {
    /// Functions that another host runs.
    pub endpoints: Endpoints,
    /// Faults to inject, and the seed that they come from.
    pub chaos: Option<(ChaosSpec, u64)>,
    /// The folder for records, and how many are kept.
    pub record: Option<(PathBuf, usize)>,
}

/// Prepares everything.
///
/// # Errors
/// When an endpoint is given for a function that is not in the template, or AWS's credentials are missing.
pub(super) async fn open(
    options: &PathOptions,
    application: &Application,
    environment: &BTreeMap<String, String>,
    progress: &impl Fn(&str),
) -> anyhow::Result<Paths> {
    let functions = || application.functions.values();
    for name in options.endpoints.by_function.keys() {
        if !functions().any(|function| function.name == *name || function.logical_id == *name) {
            let known: Vec<&str> = functions().map(|function| function.name.as_str()).collect();
            bail!("--function-endpoint {name}: no such function is started; there are {}", known.join(", "));
        }
    }
    let mut remotes: BTreeMap<String, Arc<Remote>> = BTreeMap::new();
    let mut by_address: BTreeMap<String, (Arc<Remote>, Vec<&str>)> = BTreeMap::new();
    for function in functions() {
        let Some(endpoint) = options.endpoints.of(&function.logical_id, &function.name) else { continue };
        let remote = match by_address.get(&endpoint.to_string()) {
            Some((remote, _)) => Arc::clone(remote),
            None => Arc::new(Remote::new(endpoint.clone(), environment).await?),
        };
        remotes.insert(function.logical_id.clone(), Arc::clone(&remote));
        by_address.entry(endpoint.to_string()).or_insert((remote, Vec::new())).1.push(&function.name);
    }
    for (address, (_, functions)) in &by_address {
        progress(&format!("{address} runs {}", functions.join(", ")));
    }
    let chaos = options.chaos.as_ref().map(|(spec, seed)| {
        progress(&format!("chaos: {spec}, seed {seed}"));
        Arc::new(Chaos::new(spec.clone(), *seed))
    });
    let recorder = options.record.as_ref().map(|(folder, limit)| Recorder::start(folder, *limit)).transpose()?;
    if let Some(recorder) = &recorder {
        progress(&format!("records: {}", recorder.status().folder.display()));
    }
    Ok(Paths { remotes, chaos, recorder })
}

/// Lets the consumers of all mappings leave and join again as often as wanted, until `ending`.
pub(super) fn rebalance(host: &Host, mappings: &[Arc<Mapping>], ending: &CancellationToken) {
    let Some((chaos, every)) =
        host.paths().chaos.as_ref().and_then(|chaos| Some((Arc::clone(chaos), chaos.spec().rebalance?)))
    else {
        return;
    };
    for mapping in mappings {
        let function = host.find(mapping.function()).map(|f| f.spec().name.clone()).unwrap_or_default();
        let (mapping, chaos, ending) = (Arc::clone(mapping), Arc::clone(&chaos), ending.clone());
        tokio::spawn(async move {
            // A queue of RabbitMQ has no groups.
            let Mapping::Kafka(mapping) = &*mapping else { return };
            while tokio::time::timeout(every, ending.cancelled()).await.is_err() {
                let spec = mapping.spec();
                chaos.injected(&Trigger::Mapping(spec.logical_id.as_str().into()), &function, "rebalance");
                if let Err(failure) = mapping.rebalance().await {
                    error!(mapping = spec.logical_id, error = format!("{failure:#}"), "cannot join the group again");
                }
            }
        });
    }
}
