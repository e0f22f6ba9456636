//! What is known of the running stack by name: for the template's parameters, for functions, and for `millrace env`.

use std::collections::BTreeMap;

use anyhow::Context;

use super::{INVOKE_PORT, ServiceChoice, UpOptions};
use crate::{
    instance::{Instance, write_whole},
    issuer,
    services::{Definitions, expand},
    template::REGION,
};

/// What `millrace env` tells of AWS; other `AWS_*` variables are the caller's own business.
const EXPORTED_OF_AWS: [&str; 6] = [
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];

/// Names what `millrace env` has exported into this shell.
const EXPORTS: &str = "MILLRACE_EXPORTS";

/// The caller's environment without what `millrace env` put there: the addresses of a stack that ran are not endpoints
/// that replace the services of the one that starts.
#[must_use]
pub fn without_exports(mut environment: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let exported = environment.remove(EXPORTS).unwrap_or_default();
    environment.retain(|name, _| !exported.split(',').any(|exported| exported == name));
    environment
}

/// Ports, what services provide, and what the caller's environment replaces.
pub(super) fn variables(
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
        if definition.is_replaced(&options.environment) {
            continue;
        }
        for name in &definition.login {
            variables.remove(name);
        }
        for (name, value) in &definition.provides {
            let value = expand(value, &variables);
            variables.insert(name.clone(), value);
        }
    }
    // The emulator takes any credentials; with a real endpoint, or without services, the caller's own are used.
    let emulated = options.services != Some(ServiceChoice::None);
    if emulated && !options.environment.contains_key("AWS_ENDPOINT_URL") {
        for (name, value) in [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_REGION", REGION)]
        {
            variables.insert(name.into(), value.into());
        }
        variables.remove("AWS_SESSION_TOKEN");
        variables.remove("AWS_PROFILE");
    }
    let region = variables.get("AWS_REGION").or_else(|| variables.get("AWS_DEFAULT_REGION")).cloned();
    let region = region.unwrap_or_else(|| REGION.to_owned());
    variables.insert("AWS_REGION".into(), region.clone());
    variables.insert("AWS_DEFAULT_REGION".into(), region);
    let port = variables.get(INVOKE_PORT.0).cloned().unwrap_or_default();
    for service in ["LAMBDA", "SCHEDULER", "KAFKA"] {
        variables.insert(format!("AWS_ENDPOINT_URL_{service}"), format!("http://127.0.0.1:{port}"));
    }
    variables.insert(issuer::VARIABLE.into(), format!("http://127.0.0.1:{port}{}", issuer::PATH));
    variables
}

/// What `millrace env` prints: everything that a program outside needs, and nothing of the caller's own environment.
pub(super) fn exports(definitions: &Definitions, variables: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let provided = definitions.services.values().flat_map(|definition| definition.provides.keys());
    let of_aws = variables.keys().filter(|name| EXPORTED_OF_AWS.iter().any(|prefix| name.starts_with(prefix)));
    let wanted = provided.cloned().chain(of_aws.cloned()).chain([issuer::VARIABLE.to_owned()]);
    let mut exports: BTreeMap<String, String> =
        wanted.filter_map(|name| Some((name.clone(), variables.get(&name)?.clone()))).collect();
    exports.extend(definitions.exports.iter().map(|(name, value)| (name.clone(), expand(value, variables))));
    let names: Vec<&str> = exports.keys().map(String::as_str).collect();
    exports.insert(EXPORTS.into(), names.join(","));
    exports
}

pub(super) fn write_files(
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_that_has_evaluated_millrace_env_starts_a_stack_of_its_own() {
        let pairs =
            [("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1"), ("HOME", "/root"), (EXPORTS, "KAFKA_BOOTSTRAP_SERVERS")];
        let shell = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(without_exports(shell).into_keys().collect::<Vec<_>>(), ["HOME"]);
    }
}
