//! What `up` will start, decided before anything runs.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::{
    INVOKE_PORT, UpOptions,
    select::{check_endpoints, select, stand_in, wanted_services, without_broker},
    variables::{exports, variables},
};
use crate::{
    instance::{Instance, Running},
    ports::{PortChoice, Wanted, choose_ports, holder},
    services::Definitions,
    template::{self, spec::Application},
};

/// What will be started, with every port and name settled; nothing runs yet.
pub(super) struct Plan {
    pub(super) root: PathBuf,
    /// The repository that the services' scripts belong to.
    pub(super) checkout: PathBuf,
    /// Whether the services' definitions stand beside the template.
    pub(super) own: bool,
    /// What the user should know before anything starts.
    pub(super) notices: Vec<String>,
    pub(super) definitions: Definitions,
    pub(super) application: Application,
    pub(super) services: Vec<String>,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) running: Running,
}

/// Reads the template, finds the services, and chooses the ports.
///
/// # Errors
/// When the template is wrong, a port is taken, or a trigger has no endpoint.
pub(super) fn plan(options: &UpOptions, instance: &Instance) -> anyhow::Result<Plan> {
    let root = options.template.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let root = root.canonicalize().with_context(|| format!("find {}", root.display()))?;
    // Read once to learn which services and ports there are, then again with the ports in place.
    let application = select(read(options, &options.environment)?, &options.systems)?;
    let found = Definitions::find(&root, &options.environment)?;
    let own = found.as_ref().is_some_and(|definitions| definitions.checkout() == root);
    let definitions = found.unwrap_or_default();
    let without_broker = without_broker(&application, &definitions);
    let services = wanted_services(&application, options, &definitions, &without_broker, own)?;
    let mut usual = definitions.ports(&services);
    let wanted = |usual: u16, owner: &str, may_move: bool| Wanted { usual, owner: owner.to_owned(), may_move };
    usual.insert(INVOKE_PORT.0.to_owned(), wanted(INVOKE_PORT.1, "the Invoke API", true));
    if !options.services_only {
        let apis = application.apis.values();
        usual.extend(apis.map(|api| (api.port_variable.clone(), wanted(api.port, &api.logical_id, false))));
        let urls = application.urls.iter();
        usual.extend(urls.map(|url| (url.port_variable.clone(), wanted(url.port, &url.logical_id, false))));
    }
    let ports = choose_ports(&usual, options.ports, &options.environment)?;
    let invoke_port = ports.get(INVOKE_PORT.0).copied().unwrap_or(INVOKE_PORT.1);
    let mut notices = Vec::new();
    if options.ports == PortChoice::Fixed
        && invoke_port != INVOKE_PORT.1
        && !options.environment.contains_key(INVOKE_PORT.0)
    {
        let by = holder(INVOKE_PORT.1).map(|holder| format!(" by {holder}")).unwrap_or_default();
        notices.push(format!("port {} is taken{by}: the Invoke API is on {invoke_port}", INVOKE_PORT.1));
    }
    let variables = variables(&definitions, &services, &ports, options, instance);
    let mut application = select(read(options, &variables)?, &options.systems)?;
    stand_in(&mut application, &without_broker, &variables);
    if options.services_only {
        // Nothing is driven then, so nothing is missed.
        let Application { topics, buckets, queues, sns_topics, .. } = application;
        application = Application { topics, buckets, queues, sns_topics, ..Application::default() };
    }
    check_endpoints(&application, &variables, &definitions)?;
    let exports = exports(&definitions, &variables);
    let running = Running { pid: std::process::id(), invoke_port, ports, exports, records: None, ready: false };
    let checkout = definitions.checkout().to_owned();
    Ok(Plan { root, checkout, own, notices, definitions, application, services, variables, running })
}

/// Reads the template with these variables in place of its mapped parameters.
pub(super) fn read(options: &UpOptions, environment: &BTreeMap<String, String>) -> anyhow::Result<Application> {
    let options_of_template =
        template::Options { parameters: options.parameters.clone(), environment: environment.clone() };
    Ok(template::load(&options.template, &options_of_template)?)
}
