//! `AWS::Serverless::Function`.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    asynchronous,
    error::Fault,
    fields::Fields,
    globals, ignored,
    intrinsics::Scope,
    kafka, metadata, mq,
    node::{Entry, Node},
    resources::Reader,
    schedules,
    spec::FunctionSpec,
    variables,
};

const SUPPORTED: [&str; 14] = [
    "CodeUri",
    "DeadLetterQueue",
    "Environment",
    "EventInvokeConfig",
    "Events",
    "FunctionName",
    "FunctionUrlConfig",
    "Handler",
    "LoggingConfig",
    "MemorySize",
    "PackageType",
    "ReservedConcurrentExecutions",
    "Runtime",
    "Timeout",
];

/// Keys of `Metadata.Millrace` of a function; `Port` is that of its URL.
pub(super) const METADATA: [&str; 5] = ["System", "Services", "RunOnUp", "Topics", "Port"];

/// Would change what a function does; said once, not an error, because the function runs without it.
const WARNED: [(&str, &str); 2] = [("Layers", "layers are not loaded"), ("FileSystemConfigs", "nothing is mounted")];

/// The function's own properties over those of `Globals`.
///
/// # Errors
/// More of them than can be meant.
pub(super) fn properties(scope: &Scope<'_>, entry: &Entry) -> Result<Node, Fault> {
    let own = entry.value.get("Properties");
    let global = scope.root.get("Globals").and_then(|globals| globals.get("Function"));
    // Each function has a copy of the Globals.
    let size = [global, own].into_iter().flatten().map(Node::size).sum();
    scope.charge(size, entry.position)?;
    Ok(match (global, own) {
        (Some(global), Some(own)) => globals::merge(global, own),
        (Some(only), None) | (None, Some(only)) => only.clone(),
        (None, None) => Node { kind: super::node::Kind::Mapping(Vec::new()), position: entry.position },
    })
}

/// Reads a function, without its events.
///
/// # Errors
/// A property that is wrong or not supported.
pub(super) fn read(reader: &mut Reader<'_, '_>, entry: &Entry) -> Result<(), Fault> {
    let id = entry.key.as_str();
    let scope = reader.scope;
    let merged = properties(scope, entry)?;
    let mut fields = Fields::new(scope, id, &merged)?;
    fields.position = entry.position;
    for (key, effect) in WARNED {
        if fields.has(key)? {
            reader.warn(id, fields.place(key), format!("{id}.{key} is not applied here: {effect}"));
        }
    }
    for key in ["ImageUri", "ImageConfig", "InlineCode"] {
        fields.not_yet(key, "a function is a program in CodeUri")?;
    }
    let ignored: Vec<_> = ignored::FUNCTION.iter().chain(&WARNED).copied().collect();
    fields.only(&SUPPORTED, &ignored)?;
    fields.word("PackageType", &["Zip"])?;
    let runtime = fields.required("Runtime")?;
    if !runtime.starts_with("provided") {
        return Err(fields.refuse("Runtime", &runtime, "provided.al2023, provided.al2 (custom runtimes)"));
    }
    let millrace = metadata::read(scope, id, &entry.value, &METADATA)?;
    reader.declare_topics(&millrace)?;
    let code_uri = code_uri(&fields)?;
    let environment = fields.nested("Environment", |environment| {
        environment.only(&["Variables"], &[])?;
        environment.nested("Variables", variables::read)
    })?;
    let function = FunctionSpec {
        logical_id: id.to_owned(),
        name: scope.function_name(id)?,
        binary: binary(reader, entry, &code_uri)?,
        code_uri,
        handler: fields.text("Handler")?.unwrap_or_else(|| "bootstrap".to_owned()),
        logging: variables::logging(&fields)?,
        memory_mb: fields.count("MemorySize", 128..=10_240)?.unwrap_or(128),
        timeout: Duration::from_secs(fields.count("Timeout", 1..=900)?.unwrap_or(3).into()),
        environment: environment.flatten().unwrap_or_default(),
        asynchronous: asynchronous::of_function(reader, id, &fields)?,
        reserved_concurrency: fields.count("ReservedConcurrentExecutions", 0..=100_000)?,
        system: millrace.system.unwrap_or_else(|| "default".to_owned()),
        services: millrace.services,
        run_on_up: millrace.run_on_up,
        line: entry.position.line,
    };
    reader.app.functions.insert(id.to_owned(), function);
    reader.function_url(id, &fields)
}

fn code_uri(fields: &Fields<'_, '_>) -> Result<PathBuf, Fault> {
    let uri = fields.required("CodeUri")?;
    if uri.is_empty() || uri.contains("://") {
        return Err(fields.refuse("CodeUri", &uri, "a folder, relative to the template"));
    }
    Ok(PathBuf::from(uri))
}

/// `BuildProperties.Binary`, or the last component of `CodeUri`.
fn binary(reader: &Reader<'_, '_>, entry: &Entry, code_uri: &Path) -> Result<String, Fault> {
    if let Some(node) = entry.value.get("Metadata").and_then(|metadata| metadata.get("BuildProperties")) {
        let build = Fields::new(reader.scope, format!("{}.Metadata.BuildProperties", entry.key), node)?;
        if let Some(binary) = build.text("Binary")? {
            return Ok(binary);
        }
    }
    // The template's own folder has no name of use: its package says what the program is called.
    Ok(code_uri.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned())
}

impl Reader<'_, '_> {
    /// Reads the triggers of a function.
    ///
    /// # Errors
    /// An event that is wrong or not supported.
    pub(super) fn events(&mut self, entry: &Entry) -> Result<(), Fault> {
        let merged = properties(self.scope, entry)?;
        let Some(node) = merged.get("Events") else { return Ok(()) };
        let id = entry.key.as_str();
        let events = Fields::new(self.scope, format!("{id}.Events"), node)?;
        for event in events.entries() {
            let what = format!("{id}.Events.{}", event.key);
            let fields = Fields::new(self.scope, what.clone(), &event.value)?;
            fields.only(&["Type", "Properties"], &[])?;
            let kind = fields.required("Type")?;
            let properties = match fields.entry("Properties") {
                Some(properties) => Fields::new(self.scope, what, &properties.value)?,
                None => Fields::empty(self.scope, what, event.position),
            };
            match kind.as_str() {
                "MSK" | "SelfManagedKafka" => kafka::event(self, id, event, &properties, kind == "MSK")?,
                "Schedule" => schedules::rule_event(self, id, event, &properties)?,
                "ScheduleV2" => schedules::scheduler_event(self, id, event, &properties)?,
                "HttpApi" => self.route(id, event, &properties)?,
                "MQ" => mq::event(self, id, event, &properties)?,
                other => {
                    let accepted = "HttpApi, MQ, MSK, Schedule, ScheduleV2, SelfManagedKafka";
                    return Err(fields.refuse("Type", other, accepted));
                }
            }
        }
        Ok(())
    }
}
