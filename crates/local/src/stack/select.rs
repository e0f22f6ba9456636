//! Which part of the template is wanted, and which services it needs.

use std::collections::BTreeSet;

use anyhow::bail;

use super::UpOptions;
use crate::{services::Definitions, template::spec::Application};

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
    application.apis.retain(|_, api| {
        api.routes.retain(|route| kept.contains(&route.function));
        !api.routes.is_empty()
    });
    Ok(application)
}

/// Everything for `--services-only`; for the whole template all but those that are there on demand only; for a part what
/// its functions name; and always what a trigger needs.
pub(super) fn wanted_services(
    application: &Application,
    options: &UpOptions,
    definitions: &Definitions,
) -> Vec<String> {
    let all = definitions.services.iter();
    let mut wanted: BTreeSet<String> = if options.services_only {
        all.map(|(name, _)| name.clone()).collect()
    } else if options.systems.is_empty() {
        all.filter(|(_, definition)| !definition.on_demand).map(|(name, _)| name.clone()).collect()
    } else {
        BTreeSet::new()
    };
    wanted.extend(application.functions.values().flat_map(|function| function.services.clone()));
    wanted
        .extend(application.needed_variables().filter_map(|variable| definitions.providing(variable)).map(Into::into));
    wanted.into_iter().collect()
}
