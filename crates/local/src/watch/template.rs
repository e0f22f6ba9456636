//! What a changed template means for a stack that runs: a function's environment, memory and timeout hold from its next
//! process on; everything else needs a new start, and is named.

use std::collections::BTreeMap;

use crate::template::spec::{Application, FunctionSpec, Outline};

/// The difference between two readings of a template.
#[derive(Debug, Default)]
pub(super) struct Difference {
    /// Functions that run on with new settings, each with what changed.
    pub(super) settings: Vec<(FunctionSpec, Vec<String>)>,
    /// What only a new start brings.
    pub(super) needs_start: Vec<String>,
}

impl Difference {
    pub(super) fn of(before: &Application, after: &Application) -> Self {
        let mut difference = Self::default();
        for (id, new) in &after.functions {
            let Some(old) = before.functions.get(id) else {
                difference.needs_start.push(format!("{id} is new"));
                continue;
            };
            let changed = settings(old, new);
            if !changed.is_empty() {
                difference.settings.push((new.clone(), changed));
            }
            // The same but for what holds at once.
            let as_new = FunctionSpec {
                environment: new.environment.clone(),
                timeout: new.timeout,
                memory_mb: new.memory_mb,
                ..old.clone()
            };
            if shape(&as_new) != shape(new) {
                difference.needs_start.push(format!("{id}: its name, code or concurrency"));
            }
        }
        let gone = before.functions.keys().filter(|id| !after.functions.contains_key(*id));
        difference.needs_start.extend(gone.map(|id| format!("{id} is gone")));
        // Everything but functions, compared as a whole: what of it changed is for the reader of the template.
        let rest = |application: &Application| {
            let mut rest = application.clone();
            rest.functions.clear();
            rest.warnings.clear();
            rest.outline = Outline::default();
            shape(&rest)
        };
        if rest(before) != rest(after) {
            difference.needs_start.push("triggers, APIs, topics or other resources".to_owned());
        }
        difference
    }
}

fn settings(old: &FunctionSpec, new: &FunctionSpec) -> Vec<String> {
    let mut changed = Vec::new();
    if old.timeout != new.timeout {
        changed.push(format!("Timeout {} s", new.timeout.as_secs()));
    }
    if old.memory_mb != new.memory_mb {
        changed.push(format!("MemorySize {} MB", new.memory_mb));
    }
    let names = variables(&old.environment, &new.environment);
    if !names.is_empty() {
        // Values may be secrets.
        changed.push(format!("environment {}", names.join(", ")));
    }
    changed
}

fn variables(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<String> {
    let mut names: Vec<String> = old.iter().chain(new).map(|(name, _)| name.clone()).collect();
    names.sort();
    names.dedup();
    names.retain(|name| old.get(name) != new.get(name));
    names
}

/// All that is said of something, less the lines where it is said: a line above moves them.
fn shape(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    let mut parts = text.split("line: ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |shape, part| shape + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::template::{Options, parse};

    fn read(properties: &str, rest: &str) -> Application {
        let text = format!(
            "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {{Runtime: provided.al2023, CodeUri: f/{properties}}}\n{rest}"
        );
        parse(&text, Path::new("template.yaml"), &Options::default()).unwrap()
    }

    #[test]
    fn environment_memory_and_timeout_hold_at_once() {
        let before = read(", Environment: {Variables: {OLD: a, SAME: b}}", "");
        let after = read(", Timeout: 5, MemorySize: 256, Environment: {Variables: {NEW: c, SAME: b}}", "");
        let difference = Difference::of(&before, &after);
        let [(spec, changed)] = difference.settings.as_slice() else { panic!("{difference:?}") };
        assert_eq!(changed, &["Timeout 5 s", "MemorySize 256 MB", "environment NEW, OLD"]);
        assert_eq!(spec.memory_mb, 256);
        assert!(difference.needs_start.is_empty(), "{difference:?}");
    }

    #[test]
    fn all_else_needs_a_start_and_a_moved_line_is_no_change() {
        let function =
            "  G:\n    Type: AWS::Serverless::Function\n    Properties: {Runtime: provided.al2023, CodeUri: g/}\n";
        let before = read("", function);
        let moved = read("", &format!("# a comment\n{function}"));
        let difference = Difference::of(&before, &moved);
        assert!(difference.settings.is_empty() && difference.needs_start.is_empty(), "{difference:?}");
        let scheduled = read(
            ", ReservedConcurrentExecutions: 2, Events: {T: {Type: Schedule, Properties: {Schedule: rate(1 minute)}}}",
            "",
        );
        let difference = Difference::of(&before, &scheduled);
        let expected = ["F: its name, code or concurrency", "G is gone", "triggers, APIs, topics or other resources"];
        assert_eq!(difference.needs_start, expected);
    }
}
