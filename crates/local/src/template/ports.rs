//! The local port of each HTTP API and each function URL.

use std::collections::BTreeMap;

use super::{
    Options,
    error::Fault,
    fields::Fields,
    function::METADATA,
    intrinsics::Scope,
    metadata, names,
    node::{Entry, Node, Position},
    resources::IMPLICIT_API,
    urls,
};

/// Where APIs without a `Port` begin, as `sam local start-api` does.
pub(super) const FIRST_API_PORT: u16 = 3000;
/// Where function URLs without a `Port` begin.
pub(super) const FIRST_URL_PORT: u16 = 3100;

struct Declared {
    id: String,
    port: Option<u16>,
    first: u16,
    position: Position,
}

/// The port of each, by logical id: the port variable, `Metadata.Millrace.Port`, or the next one free.
///
/// # Errors
/// A port or a variable that stands twice, a variable that is no port.
pub(super) fn read(
    scope: &Scope<'_>,
    resources: &[(&Entry, &str)],
    options: &Options,
) -> Result<BTreeMap<String, u16>, Fault> {
    let declared = declared(scope, resources)?;
    let mut variables: BTreeMap<String, &str> = BTreeMap::new();
    let mut fixed: BTreeMap<&str, u16> = BTreeMap::new();
    for Declared { id, port, position, .. } in &declared {
        let variable = names::port_variable(id);
        let moved = match options.environment.get(&variable) {
            Some(text) => {
                let port = text.parse::<u16>().ok().filter(|port| *port > 0);
                Some(port.ok_or_else(|| {
                    Fault::new(
                        *position,
                        format!("{variable}: \"{text}\" is not accepted; accepted: a port, 1 to 65535"),
                    )
                })?)
            }
            None => *port,
        };
        if let Some(first) = variables.insert(variable.clone(), id) {
            return Err(Fault::new(*position, format!("{id} and {first} have the same port variable, {variable}")));
        }
        let Some(port) = moved else { continue };
        if let Some((first, _)) = fixed.iter().find(|(_, taken)| **taken == port) {
            return Err(Fault::new(*position, format!("{id} and {first} have the same port, {port}")));
        }
        fixed.insert(id, port);
    }
    let mut taken: Vec<u16> = fixed.values().copied().collect();
    let mut ports = BTreeMap::new();
    for Declared { id, first, .. } in &declared {
        let free = || (*first..u16::MAX).find(|port| !taken.contains(port));
        if let Some(port) = fixed.get(id.as_str()).copied().or_else(free) {
            taken.push(port);
            ports.insert(id.clone(), port);
        }
    }
    Ok(ports)
}

fn declared(scope: &Scope<'_>, resources: &[(&Entry, &str)]) -> Result<Vec<Declared>, Fault> {
    let mut declared = Vec::new();
    let mut declare = |id: String, port, first, position| declared.push(Declared { id, port, first, position });
    for (entry, kind) in resources {
        let id = entry.key.as_str();
        match *kind {
            "AWS::Serverless::HttpApi" => {
                let millrace = metadata::read(scope, id, &entry.value, &["Port", "System"])?;
                declare(id.to_owned(), millrace.port, FIRST_API_PORT, entry.position);
            }
            "AWS::Lambda::Url" => {
                let millrace = metadata::read(scope, id, &entry.value, &["Port"])?;
                declare(id.to_owned(), millrace.port, FIRST_URL_PORT, entry.position);
            }
            "AWS::Serverless::Function" => {
                let port = metadata::read(scope, id, &entry.value, &METADATA)?.port;
                let global = scope.root.get("Globals").and_then(|globals| globals.get("Function"));
                let mut given = false;
                for properties in [entry.value.get("Properties"), global].into_iter().flatten() {
                    given = given || Fields::new(scope, id, properties)?.has("FunctionUrlConfig")?;
                }
                if given {
                    declare(urls::generated(id), port, FIRST_URL_PORT, entry.position);
                }
            }
            _ => {}
        }
    }
    if let Some(event) = implicit_event(resources) {
        declare(IMPLICIT_API.to_owned(), None, FIRST_API_PORT, event.position);
    }
    Ok(declared)
}

/// The first `HttpApi` event without an `ApiId`.
fn implicit_event<'n>(resources: &[(&'n Entry, &str)]) -> Option<&'n Entry> {
    let functions = resources.iter().filter(|(_, kind)| *kind == "AWS::Serverless::Function");
    let events = functions.filter_map(|(entry, _)| entry.value.get("Properties")?.get("Events")?.as_mapping());
    events.flatten().find(|event| {
        event.value.get("Type").and_then(Node::as_text) == Some("HttpApi")
            && event.value.get("Properties").is_none_or(|properties| properties.get("ApiId").is_none())
    })
}
