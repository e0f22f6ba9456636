//! Builds the [`Outline`]: a walk over every resource that is there, which fails at nothing that a template may contain. What has no local value is
//! noted without its text.

use std::collections::BTreeSet;

use super::{
    error::Fault,
    fields::Fields,
    function,
    intrinsics::Scope,
    node::{Entry, Kind, Node, Position},
    spec::{Outline, Place, Root, Written},
};

/// A policy's resource is at level seven.
const MAX_DEPTH: usize = 16;
/// Keys can be long; nobody asks for such a path.
const MAX_PATH: usize = 512;

impl From<Position> for Place {
    fn from(position: Position) -> Self {
        Self { line: position.line, column: position.column }
    }
}

/// The outline of the resources that are there.
///
/// # Errors
/// `Metadata.Millrace.Allow` that names no rule.
pub(super) fn read(scope: &Scope<'_>, resources: &[(&Entry, &str)]) -> Result<Outline, Fault> {
    let mut outline = Outline::default();
    for (entry, kind) in resources {
        let id = entry.key.as_str();
        let root = Root { resource: id.to_owned(), kind: (*kind).to_owned(), place: entry.position.into() };
        outline.roots.insert(id.to_owned(), root);
        let millrace = entry.value.get("Metadata").and_then(|metadata| metadata.get("Millrace"));
        if let Some(node) = millrace {
            walk(scope, &format!("{id}.Metadata.Millrace"), node, 0, &mut outline)?;
            let allowed = allowed(scope, id, node)?;
            outline.allowed.insert(id.to_owned(), allowed);
        }
        if *kind == "AWS::Serverless::Function" {
            let properties = function::properties(scope, entry)?;
            walk(scope, id, &properties, 0, &mut outline)?;
            events(scope, id, &properties, &mut outline)?;
        } else if let Some(properties) = entry.value.get("Properties") {
            walk(scope, id, properties, 0, &mut outline)?;
        }
    }
    Ok(outline)
}

/// SAM makes a resource of each event.
fn events(scope: &Scope<'_>, function: &str, properties: &Node, outline: &mut Outline) -> Result<(), Fault> {
    for event in properties.get("Events").and_then(Node::as_mapping).unwrap_or_default() {
        let id = format!("{function}{}", event.key);
        if outline.roots.contains_key(&id) {
            continue;
        }
        let kind = event.value.get("Type").and_then(Node::as_text).unwrap_or_default().to_owned();
        let root = Root { resource: function.to_owned(), kind, place: event.position.into() };
        outline.roots.insert(id.clone(), root);
        if let Some(properties) = event.value.get("Properties") {
            walk(scope, &id, properties, 0, outline)?;
        }
    }
    Ok(())
}

fn walk(scope: &Scope<'_>, path: &str, node: &Node, depth: usize, outline: &mut Outline) -> Result<(), Fault> {
    if depth > MAX_DEPTH || path.len() > MAX_PATH {
        return Ok(());
    }
    scope.charge(1, node.position)?;
    let chosen = match scope.choose(node) {
        Ok(Some(chosen)) => Some(chosen),
        Ok(None) => return Ok(()),
        Err(_) => None,
    };
    if depth > 0 {
        let text = chosen.as_deref().and_then(Node::as_text).filter(|text| !text.contains("{{resolve:"));
        let literal = matches!(node.kind, Kind::Scalar { .. }) && text.is_some();
        let written = Written { place: node.position.into(), text: text.map(str::to_owned), literal };
        outline.properties.insert(path.to_owned(), written);
    }
    match chosen.as_deref().map(|chosen| &chosen.kind) {
        Some(Kind::Sequence(items)) => {
            for (at, item) in items.iter().enumerate() {
                walk(scope, &format!("{path}.{at}"), item, depth + 1, outline)?;
            }
        }
        Some(Kind::Mapping(entries)) => {
            for entry in entries {
                walk(scope, &format!("{path}.{}", entry.key), &entry.value, depth + 1, outline)?;
            }
        }
        Some(Kind::Scalar { .. }) | None => {}
    }
    Ok(())
}

fn allowed(scope: &Scope<'_>, id: &str, millrace: &Node) -> Result<BTreeSet<String>, Fault> {
    let fields = Fields::new(scope, format!("{id}.Metadata.Millrace"), millrace)?;
    let ids = fields.texts("Allow")?;
    match ids.iter().find(|id| crate::lint::rule(id).is_none()) {
        Some(other) => Err(fields.refuse("Allow", other, "ids of rules, as `millrace lint --rules` prints them")),
        None => Ok(ids.into_iter().collect()),
    }
}
