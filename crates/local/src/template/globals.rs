//! `Globals`: what every function, or every API, has unless it says otherwise.

use super::{
    error::Fault,
    intrinsics::is_call,
    node::{Entry, Kind, Node},
};

/// Sections of `Globals` for resources that are errors or ignored where they stand.
const OTHER_SECTIONS: [&str; 6] =
    ["Api", "SimpleTable", "StateMachine", "LayerVersion", "CapacityProvider", "GraphQLApi"];

/// Refuses unknown sections.
///
/// # Errors
/// A section that SAM does not have.
pub(super) fn check(globals: &Node) -> Result<(), Fault> {
    let entries = globals.as_mapping().ok_or_else(|| Fault::value("Globals", globals, "a mapping"))?;
    for entry in entries {
        let key = entry.key.as_str();
        if !matches!(key, "Function" | "HttpApi") && !OTHER_SECTIONS.contains(&key) {
            let message = format!("Globals.{key} is not supported; supported: Function, HttpApi");
            return Err(Fault::new(entry.position, message));
        }
    }
    Ok(())
}

/// SAM's rule: mappings merge, lists append (the global's first), anything else of the resource's own wins.
pub(super) fn merge(global: &Node, own: &Node) -> Node {
    match (&global.kind, &own.kind) {
        (Kind::Mapping(theirs), Kind::Mapping(ours)) if !is_call(global) && !is_call(own) => {
            let mut entries: Vec<Entry> = Vec::with_capacity(theirs.len() + ours.len());
            for entry in theirs {
                let value = own.get(&entry.key).map_or_else(|| entry.value.clone(), |own| merge(&entry.value, own));
                let position = ours.iter().find(|own| own.key == entry.key).map_or(entry.position, |own| own.position);
                entries.push(Entry { key: entry.key.clone(), position, value });
            }
            entries.extend(ours.iter().filter(|entry| global.get(&entry.key).is_none()).cloned());
            Node { kind: Kind::Mapping(entries), position: own.position }
        }
        (Kind::Sequence(theirs), Kind::Sequence(ours)) => {
            Node::sequence(theirs.iter().chain(ours).cloned().collect(), own.position)
        }
        (Kind::Mapping(_), _) if own.is_null() => global.clone(),
        _ => own.clone(),
    }
}
