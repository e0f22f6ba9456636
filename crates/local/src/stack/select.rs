//! Which part of the template is wanted, and which services it needs.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::TcpStream,
};

use anyhow::bail;

use super::UpOptions;
use crate::{services::Definitions, template::spec::Application};

/// The variable with the address of the stack's own broker.
const KAFKA: &str = "KAFKA_BOOTSTRAP_SERVERS";

/// Keeps what belongs to the wanted systems, and what runs on up for the services that they need.
pub(super) fn select(mut application: Application, systems: &[String]) -> anyhow::Result<Application> {
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
    application.mq_mappings.retain(|mapping| kept.contains(&mapping.function));
    application.schedules.retain(|schedule| kept.contains(&schedule.function));
    application.urls.retain(|url| kept.contains(&url.function));
    application.apis.retain(|_, api| {
        api.routes.retain(|route| kept.contains(&route.function));
        !api.routes.is_empty()
    });
    Ok(application)
}

/// Which services `up` was asked to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceChoice {
    /// Every one but those that are there on demand only.
    All,
    /// None: endpoints come from the environment.
    None,
    /// These, with those that they need.
    Named(Vec<String>),
}

impl ServiceChoice {
    /// `all`, `none`, or names with commas between them.
    ///
    /// # Errors
    /// When a name is empty.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self::All),
            "none" => Ok(Self::None),
            names if names.split(',').any(str::is_empty) => {
                Err(format!("{text:?} is not `all`, `none`, or names with commas between them"))
            }
            names => Ok(Self::Named(names.split(',').map(str::to_owned).collect())),
        }
    }
}

/// What was asked for. Without a word: everything for `--services-only`; for the whole of a template beside its own
/// definitions all but those that are there on demand only; for a part of it, and for a template from elsewhere, what
/// its functions name and its triggers need.
pub(super) fn wanted_services(
    application: &Application,
    options: &UpOptions,
    definitions: &Definitions,
    without_broker: &BTreeSet<String>,
    own: bool,
) -> anyhow::Result<Vec<String>> {
    let all = definitions.services.iter();
    let usual = || all.clone().filter(|(_, definition)| !definition.on_demand).map(|(name, _)| name.clone());
    let mut wanted: BTreeSet<String> = match &options.services {
        Some(ServiceChoice::None) => return Ok(Vec::new()),
        Some(ServiceChoice::Named(names)) => {
            if let Some(unknown) = names.iter().find(|name| !definitions.services.contains_key(*name)) {
                let known: Vec<&str> = definitions.services.keys().map(String::as_str).collect();
                bail!("service {unknown} is unknown; there are {}", known.join(", "));
            }
            return Ok(names.clone());
        }
        Some(ServiceChoice::All) => usual().collect(),
        None if options.services_only => all.clone().map(|(name, _)| name.clone()).collect(),
        None if options.systems.is_empty() && own => usual().collect(),
        None => BTreeSet::new(),
    };
    wanted.extend(application.functions.values().flat_map(|function| function.services.clone()));
    wanted
        .extend(application.needed_variables().filter_map(|variable| definitions.providing(variable)).map(Into::into));
    if !without_broker.is_empty() {
        wanted.extend(definitions.providing(KAFKA).map(str::to_owned));
    }
    Ok(wanted.into_iter().collect())
}

/// The Kafka mappings whose servers are at the usual address of the stack's own broker, where nobody listens: the
/// template means a broker on this machine, and the stack's own one stands in for it.
pub(super) fn without_broker(application: &Application, definitions: &Definitions) -> BTreeSet<String> {
    let service = definitions.providing(KAFKA).and_then(|name| definitions.services.get(name));
    let usual: Vec<u16> = service.iter().flat_map(|definition| definition.ports.values().copied()).collect();
    let nobody = |server: &String| {
        let local = server.trim().rsplit_once(':').filter(|(host, _)| matches!(*host, "localhost" | "127.0.0.1"));
        let port = local.and_then(|(_, port)| port.parse::<u16>().ok()).filter(|port| usual.contains(port));
        port.is_some_and(|port| TcpStream::connect(("127.0.0.1", port)).is_err())
    };
    let mappings = application.kafka_mappings.iter();
    let absent = mappings.filter(|mapping| !mapping.bootstrap_servers.is_empty());
    absent
        .filter(|mapping| mapping.bootstrap_servers.iter().all(nobody))
        .map(|mapping| mapping.logical_id.clone())
        .collect()
}

/// Points those mappings to the stack's own broker, when it runs.
pub(super) fn stand_in(
    application: &mut Application,
    without_broker: &BTreeSet<String>,
    variables: &BTreeMap<String, String>,
) {
    let Some(servers) = variables.get(KAFKA).filter(|servers| !servers.is_empty()) else { return };
    for mapping in application.kafka_mappings.iter_mut().filter(|m| without_broker.contains(&m.logical_id)) {
        mapping.bootstrap_servers = servers.split(',').map(str::to_owned).collect();
    }
}

/// Refuses to start when a trigger has no endpoint.
pub(super) fn check_endpoints(
    application: &Application,
    variables: &BTreeMap<String, String>,
    definitions: &Definitions,
) -> anyhow::Result<()> {
    let missing = |variable: &&'static str| variables.get(*variable).is_none_or(String::is_empty);
    let Some(variable) = application.needed_variables().find(missing) else { return Ok(()) };
    match definitions.providing(variable) {
        Some(service) => bail!(
            "a trigger of the template needs {variable}: set it, or let the service {service} start (--services {service})"
        ),
        None => bail!("a trigger of the template needs {variable}: set it"),
    }
}

#[cfg(test)]
mod tests {
    use super::ServiceChoice;

    #[test]
    fn services_are_all_none_or_named() {
        assert_eq!(ServiceChoice::parse("all"), Ok(ServiceChoice::All));
        assert_eq!(ServiceChoice::parse("none"), Ok(ServiceChoice::None));
        assert_eq!(ServiceChoice::parse("a,b"), Ok(ServiceChoice::Named(vec!["a".into(), "b".into()])));
        assert!(ServiceChoice::parse("a,,b").is_err() && ServiceChoice::parse("").is_err());
    }
}
