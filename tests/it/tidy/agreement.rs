//! `template.yaml`, `functions/` and `events/` say the same: what is not in all of them runs nowhere, or unseen.

use std::collections::BTreeMap;

use millrace::{
    services::Definitions,
    template::{self, spec::FunctionSpec},
};
use serde_json::Value;

use super::{Faults, manifests::Manifest, tree};

/// `main.rs` wires and does nothing else.
const MAIN_LINES: usize = 25;

/// What the documentation of a function must state: without it nobody can say whether a second delivery does harm.
const STATED: [&str; 3] = ["Trigger", "Idempotency", "Failure"];

#[test]
fn each_function_of_the_template_is_a_folder_in_functions() {
    functions_of_the_template(&resources(), &tree::folders_in("functions")).assert_none();
}

#[test]
fn each_folder_in_functions_is_in_the_template() {
    folders_in_functions(&resources(), &tree::folders_in("functions")).assert_none();
}

#[test]
fn each_function_has_sample_events_and_each_sample_event_a_function() {
    let mut faults = Faults::default();
    let (resources, folders) = (resources(), tree::folders_in("events"));
    for resource in resources.iter().filter(|resource| !folders.contains(&resource.name)) {
        let path = format!("events/{}", resource.name);
        faults.add(path, "does not exist", "add a sample event as ok.json: the demo, the tests and the docs use it");
    }
    for folder in folders {
        let path = format!("events/{folder}");
        if !resources.iter().any(|resource| resource.name == folder) {
            faults.add(&path, "no function of the template has this name", "rename the folder, or remove it");
        }
        let mut events = tree::files().iter().filter(|file| file.path.starts_with(&format!("{path}/"))).peekable();
        if events.peek().is_none() {
            faults.add(&path, "holds no event", "add a sample event as ok.json");
        }
        for event in events {
            if !event.path.ends_with(".json") {
                faults.add(&event.path, "is not a .json file", "keep only events here");
            } else if let Err(error) = serde_json::from_str::<Value>(&event.text) {
                faults.add(&event.path, format!("is not JSON: {error}"), "mend the event");
            }
        }
    }
    faults.assert_none();
}

#[test]
fn each_function_has_the_shape_of_all_others() {
    let mut faults = Faults::default();
    for folder in tree::folders_in("functions") {
        let path = |end: &str| format!("functions/{folder}/{end}");
        match Manifest::at(&path("Cargo.toml")) {
            None => faults.add(path("Cargo.toml"), "does not exist", "copy it from functions/db-migrator"),
            Some(manifest) => names(&mut faults, &folder, manifest),
        }
        match tree::file(&path("src/main.rs")).map(|main| main.text.lines().count()) {
            None => faults.add(path("src/main.rs"), "does not exist", "copy it from functions/db-migrator"),
            Some(lines) if lines > MAIN_LINES => {
                let found = format!("has {lines} lines, at most {MAIN_LINES} are right");
                faults.add(path("src/main.rs"), found, "move what it does to lib.rs, where tests reach it");
            }
            Some(_) => {}
        }
        let Some(lib) = tree::file(&path("src/lib.rs")) else {
            faults.add(path("src/lib.rs"), "does not exist", "put the handler there, where tests reach it");
            continue;
        };
        let opening = lib.opening();
        for word in STATED.iter().filter(|word| !opening.contains(**word)) {
            let advice = format!("add a line `//! - {word}: ...`; functions/db-migrator shows how");
            faults.add(&lib.path, format!("its opening //! does not state the {word}"), advice);
        }
    }
    faults.assert_none();
}

#[test]
fn each_service_that_a_function_names_can_be_started() {
    let mut faults = Faults::default();
    let definitions = Definitions::load(&tree::root().join("localstack/services.yaml")).unwrap();
    for resource in resources() {
        for service in resource.services.iter().filter(|name| !definitions.services.contains_key(*name)) {
            let known: Vec<&str> = definitions.services.keys().map(String::as_str).collect();
            faults.add(
                format!("template.yaml:{}", resource.line),
                format!(
                    "{} needs service {service}, which localstack/services.yaml does not have",
                    resource.logical_id
                ),
                format!("name one of {}, or add it there", known.join(", ")),
            );
        }
    }
    faults.assert_none();
}

/// The functions of the template, in its order.
fn resources() -> Vec<FunctionSpec> {
    let template = tree::root().join("template.yaml");
    let application = template::load(&template, &template::Options::default());
    application
        .unwrap_or_else(|error| panic!("template.yaml cannot be read: {error}"))
        .functions
        .into_values()
        .collect()
}

fn functions_of_the_template(resources: &[FunctionSpec], folders: &[String]) -> Faults {
    let mut faults = Faults::default();
    for FunctionSpec { logical_id, name, binary, code_uri, line, .. } in resources {
        let place = format!("template.yaml:{line}");
        if *logical_id != pascal(name) {
            let advice = format!("call it {}, or leave FunctionName out", pascal(name));
            faults.add(&place, format!("function {name} has the logical id {logical_id}"), advice);
        }
        let expected = format!("target/lambda/{binary}/");
        if code_uri.to_str() != Some(expected.as_str()) {
            let found = format!("CodeUri of {logical_id} is {}", code_uri.display());
            faults.add(&place, found, "write target/lambda/<binary>/, where cargo lambda build puts it");
        }
        if !folders.contains(binary) {
            let advice = format!("add functions/{binary}, mend CodeUri, or remove the resource");
            faults.add(&place, format!("{logical_id} runs {binary}, and functions/{binary} does not exist"), advice);
        }
    }
    faults
}

/// A binary that one resource runs has that resource's name; one that several share is named by none of them.
fn folders_in_functions(resources: &[FunctionSpec], folders: &[String]) -> Faults {
    let mut by_binary: BTreeMap<&str, Vec<&FunctionSpec>> = BTreeMap::new();
    for resource in resources {
        by_binary.entry(&resource.binary).or_default().push(resource);
    }
    let mut faults = Faults::default();
    for folder in folders {
        let place = format!("functions/{folder}");
        match by_binary.get(folder.as_str()).map(Vec::as_slice) {
            None => {
                let advice = format!("add the resource {} with CodeUri target/lambda/{folder}/", pascal(folder));
                faults.add(place, "no resource of template.yaml runs it", advice);
            }
            Some([only]) if only.name != *folder => {
                let found = format!("only {} runs it (template.yaml:{})", only.logical_id, only.line);
                faults.add(
                    place,
                    found,
                    format!("rename the resource to {}, or the folder to {}", pascal(folder), only.name),
                );
            }
            Some(_) => {}
        }
    }
    faults
}

/// Folder, package and binary have one name, and no target is built for tests that it does not have.
fn names(faults: &mut Faults, folder: &str, manifest: &Manifest) {
    let path = &manifest.path;
    if manifest.name() != folder {
        let found = format!("the package is called {}, its folder {folder}", manifest.name());
        faults.add(path, found, format!("write name = \"{folder}\""));
    }
    let is_ours = |bin: &&toml::Value| bin.get("name").and_then(toml::Value::as_str) == Some(folder);
    let bins = manifest.table.get("bin").and_then(toml::Value::as_array);
    match bins.and_then(|bins| bins.iter().find(is_ours)) {
        None => {
            faults.add(path, "has no [[bin]] of the folder's name", format!("write [[bin]] with name = \"{folder}\""));
        }
        Some(bin) if bin.get("test").and_then(toml::Value::as_bool) != Some(false) => {
            faults.add(
                path,
                "its [[bin]] is built for tests that it does not have",
                "write test = false under [[bin]]",
            );
        }
        Some(_) => {}
    }
}

/// `github-poller` -> `GithubPoller`.
fn pascal(name: &str) -> String {
    let capital = |part: &str| part[..1].to_ascii_uppercase() + &part[1..];
    name.split('-').filter(|part| !part.is_empty()).map(capital).collect()
}

#[test]
fn a_missing_folder_a_foreign_name_and_a_strange_code_uri_are_found() {
    let template = |uris: &[(&str, &str)]| {
        let mut text = "Transform: AWS::Serverless-2016-10-31\nResources:\n".to_owned();
        for (id, uri) in uris {
            text += &format!(
                "  {id}:\n    Type: AWS::Serverless::Function\n    Properties:\n      Runtime: provided.al2023\n      \
                 Handler: bootstrap\n      CodeUri: {uri}\n"
            );
        }
        let application = template::parse(&text, "made-up.yaml".as_ref(), &template::Options::default());
        application.unwrap().functions.into_values().collect::<Vec<_>>()
    };
    let folders = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();

    let shared = template(&[("StageOne", "target/lambda/stages/"), ("StageTwo", "target/lambda/stages/")]);
    functions_of_the_template(&shared, &folders(&["stages"])).assert_none();
    folders_in_functions(&shared, &folders(&["stages"])).assert_none();
    assert_eq!(folders_in_functions(&shared, &folders(&["other", "stages"])).places(), ["functions/other"]);

    let single = template(&[("One", "target/lambda/two/")]);
    assert_eq!(folders_in_functions(&single, &folders(&["two"])).places(), ["functions/two"]);
    assert_eq!(functions_of_the_template(&single, &[]).places(), ["template.yaml:3"]);
    let elsewhere = template(&[("One", "build/one/")]);
    assert_eq!(functions_of_the_template(&elsewhere, &folders(&["one"])).places(), ["template.yaml:3"]);
}
