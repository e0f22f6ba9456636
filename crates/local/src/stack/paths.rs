//! What stands between the triggers and the functions of a stack: other hosts.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::bail;

use crate::{
    host::Paths,
    remote::{Endpoints, Remote},
    template::spec::Application,
};

/// What `up` was asked for.
#[derive(Debug, Clone, Default)]
pub struct PathOptions {
    /// Functions that another host runs.
    pub endpoints: Endpoints,
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
    Ok(Paths { remotes })
}
