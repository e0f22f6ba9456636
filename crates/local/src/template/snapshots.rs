//! Whole templates of different styles, `tests/templates/*.yaml`, each with what it means beside it in
//! `<name>.expected.txt`. `MILLRACE_UPDATE_EXPECTED=1` writes those files anew.

use std::{
    collections::BTreeMap,
    fmt::Write,
    path::{Path, PathBuf},
};

use super::{Options, parse, spec::Application};

fn templates() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/templates");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "yaml")).collect();
    found.sort();
    found
}

fn read(text: &str) -> Application {
    let environment = BTreeMap::from([("KAFKA_BOOTSTRAP_SERVERS".to_owned(), "localhost:19092".to_owned())]);
    parse(text, Path::new("t.yaml"), &Options { parameters: BTreeMap::new(), environment })
        .unwrap_or_else(|error| panic!("{error}"))
}

/// What a template means, a line a fact.
fn describe(application: &Application) -> String {
    let mut out = String::new();
    for function in application.functions.values() {
        writeln!(out, "function {} ({}), line {}", function.logical_id, function.name, function.line).unwrap();
        writeln!(out, "  program {} of {}", function.binary, function.code_uri.display()).unwrap();
        let reserved = function.reserved_concurrency.map(|n| format!(", {n} at a time")).unwrap_or_default();
        writeln!(out, "  {} MB, {:?}{reserved}", function.memory_mb, function.timeout).unwrap();
        let first = if function.run_on_up { ", runs on up" } else { "" };
        writeln!(out, "  system {}, services {:?}{first}", function.system, function.services).unwrap();
        for (name, value) in &function.environment {
            writeln!(out, "  {name}={value:?}").unwrap();
        }
    }
    triggers(application, &mut out);
    for (name, topic) in &application.topics {
        writeln!(out, "topic {name}: {} partitions {:?}", topic.partitions, topic.config).unwrap();
    }
    for bucket in &application.buckets {
        writeln!(out, "bucket {bucket}").unwrap();
    }
    for (resource, rules) in application.outline.allowed.iter().filter(|(_, rules)| !rules.is_empty()) {
        writeln!(out, "allowed on {resource}: {rules:?}").unwrap();
    }
    for warning in &application.warnings {
        writeln!(out, "warning at {}:{}: {}", warning.place.line, warning.place.column, warning.message).unwrap();
    }
    for finding in crate::lint::check(application) {
        writeln!(out, "lint {}:{}: {} {}", finding.place.line, finding.place.column, finding.rule, finding.message)
            .unwrap();
    }
    out
}

fn triggers(application: &Application, out: &mut String) {
    for mapping in &application.kafka_mappings {
        let source = mapping.event_source_arn.clone().unwrap_or_else(|| mapping.bootstrap_servers.join(" "));
        writeln!(out, "mapping {} of {}, line {}", mapping.logical_id, mapping.function, mapping.line).unwrap();
        writeln!(out, "  topic {} at {source}, group {:?}", mapping.topic, mapping.consumer_group_id).unwrap();
        let (size, window) = (mapping.batch_size, mapping.batching_window);
        writeln!(out, "  {:?}, {size} records or {window:?}", mapping.starting_position).unwrap();
        let (retries, age) = (mapping.maximum_retry_attempts, mapping.maximum_record_age);
        writeln!(out, "  retries {retries:?}, age {age:?}, pollers {}", mapping.maximum_pollers).unwrap();
        let (bisect, partial) = (mapping.bisect_on_error, mapping.report_batch_item_failures);
        writeln!(out, "  bisect {bisect}, partial {partial}, enabled {}", mapping.enabled).unwrap();
        let path = format!("{}.DestinationConfig.OnFailure.Destination", mapping.logical_id);
        if mapping.on_failure.is_some() {
            writeln!(out, "  on failure to {}", application.outline.text(&path).unwrap_or("?")).unwrap();
        }
    }
    for schedule in &application.schedules {
        let state = if schedule.enabled { "enabled" } else { "disabled" };
        let (name, function, kind) = (&schedule.name, &schedule.function, schedule.kind);
        writeln!(out, "schedule {name} of {function} ({kind:?}, {state}), line {}", schedule.line).unwrap();
        writeln!(out, "  {} in {}, input {:?}", schedule.expression, schedule.timezone, schedule.input).unwrap();
    }
    for api in application.apis.values() {
        writeln!(out, "api {} on {} ({}), system {}", api.logical_id, api.port, api.port_variable, api.system).unwrap();
        for route in &api.routes {
            writeln!(out, "  {} {} to {} in {:?}", route.method, route.path, route.function, route.timeout).unwrap();
        }
        if let Some(cors) = &api.cors {
            let (origins, methods, headers) = (&cors.allow_origins, &cors.allow_methods, &cors.allow_headers);
            writeln!(out, "  cors {origins:?} {methods:?} {headers:?} {:?}", cors.max_age_seconds).unwrap();
        }
    }
}

#[test]
fn templates_mean_what_stands_beside_them() {
    let update = std::env::var_os("MILLRACE_UPDATE_EXPECTED").is_some();
    let templates = templates();
    assert!(templates.len() >= 10, "{templates:?}");
    for path in templates {
        let text = std::fs::read_to_string(&path).unwrap();
        let found = describe(&read(&text));
        let beside = path.with_extension("expected.txt");
        if update {
            std::fs::write(&beside, &found).unwrap();
        }
        let expected = std::fs::read_to_string(&beside).unwrap_or_default();
        assert_eq!(found, expected, "{}; MILLRACE_UPDATE_EXPECTED=1 accepts it", path.display());
    }
}

#[test]
fn a_template_from_windows_means_the_same() {
    for path in templates() {
        let text = std::fs::read_to_string(&path).unwrap();
        let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
        assert_eq!(describe(&read(&windows)), describe(&read(&text)), "{}", path.display());
    }
}

/// `# <name>`, the template, `=> <error>`.
#[test]
fn templates_that_are_refused_say_where_and_why() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/templates/refused.txt");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut cases = text.split("\n# ");
    let mut out = cases.next().unwrap_or_default().to_owned();
    let mut count = 0;
    for case in cases {
        let (name, rest) = case.split_once('\n').unwrap();
        let (template, _) = rest.split_once("\n=> ").unwrap();
        let error = match parse(template, Path::new("t.yaml"), &Options::default()) {
            Ok(_) => "accepted".to_owned(),
            Err(error) => error.to_string(),
        };
        write!(out, "\n# {name}\n{template}\n=> {error}\n").unwrap();
        count += 1;
    }
    if std::env::var_os("MILLRACE_UPDATE_EXPECTED").is_some() {
        std::fs::write(&path, &out).unwrap();
    } else {
        assert_eq!(text, out, "MILLRACE_UPDATE_EXPECTED=1 accepts it");
    }
    assert!(count >= 30 && !out.contains("=> accepted"), "{out}");
}
