//! The registry looks at every function: one that its list lacks would fall ill unseen.

use std::collections::{BTreeMap, BTreeSet};

use millrace::template::{self, spec::Application};
use serde_json::Value;

use super::{Faults, tree};

/// The function whose variable holds the list.
const PROBER: &str = "registry-prober";

#[test]
fn each_function_of_the_template_is_looked_at_by_its_trigger() {
    let template = tree::root().join("template.yaml");
    let application = template::load(&template, &template::Options::default())
        .unwrap_or_else(|error| panic!("template.yaml cannot be read: {error}"));
    unregistered(&application).assert_none();
}

fn unregistered(application: &Application) -> Faults {
    let mut faults = Faults::default();
    let prober = application.functions.values().find(|function| function.name == PROBER).unwrap();
    let place = format!("template.yaml:{}", prober.line);
    let list: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_str(&prober.environment["SERVICES"])
        .unwrap_or_else(|error| panic!("{place}: SERVICES of {PROBER} is not JSON: {error}"));
    let routes = application.apis.values().flat_map(|api| &api.routes);
    let http: BTreeSet<&String> = routes.map(|route| &route.function).collect();
    let kafka: BTreeSet<&String> = application.kafka_mappings.iter().map(|mapping| &mapping.function).collect();
    let schedules: BTreeSet<&String> = application.schedules.iter().map(|schedule| &schedule.function).collect();
    for (id, function) in &application.functions {
        let (kind, target) = match id {
            id if http.contains(id) => ("http", "${<its api>.ApiEndpoint}".to_owned()),
            id if kafka.contains(id) => ("kafka", format!("${{{id}}}")),
            id if schedules.contains(id) => ("schedule", format!("<name of its schedule: {}>", function.name)),
            _ => continue,
        };
        if !list.get(&function.name).is_some_and(|trigger| trigger.contains_key(kind)) {
            let advice = format!("add the line \"{}\": {{\"{kind}\": \"{target}\"}} to SERVICES", function.name);
            faults.add(&place, format!("the registry does not look at {} as {kind}", function.name), advice);
        }
    }
    let known: BTreeSet<&String> = application.functions.values().map(|function| &function.name).collect();
    for name in list.keys().filter(|name| !known.contains(name)) {
        faults.add(&place, format!("SERVICES has {name}, which is no function"), "take the line out");
    }
    faults
}

#[test]
fn a_function_that_the_list_lacks_is_found() {
    let template = |list: &str| {
        let text = format!(
            "Transform: AWS::Serverless-2016-10-31\nResources:\n  RegistryProber:\n    Type: AWS::Serverless::Function\n    \
             Properties:\n      Runtime: provided.al2023\n      CodeUri: target/lambda/registry-prober/\n      \
             Environment: {{Variables: {{SERVICES: '{list}'}}}}\n      Events:\n        Look:\n          \
             Type: ScheduleV2\n          Properties: {{Name: registry-prober, ScheduleExpression: rate(1 minute)}}\n"
        );
        template::parse(&text, "made-up.yaml".as_ref(), &template::Options::default()).unwrap()
    };
    unregistered(&template(r#"{"registry-prober": {"schedule": "registry-prober"}}"#)).assert_none();
    for list in ["{}", r#"{"registry-prober": {"http": "x"}}"#] {
        assert_eq!(unregistered(&template(list)).places(), ["template.yaml:3"], "{list}");
    }
    let gone = r#"{"registry-prober": {"schedule": "registry-prober"}, "gone": {"kafka": "Gone"}}"#;
    assert_eq!(unregistered(&template(gone)).places(), ["template.yaml:3"]);
}
