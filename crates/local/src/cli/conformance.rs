//! `conformance`.

use anyhow::Context;

use super::console;
use crate::conformance::rules;

/// Prints every rule.
pub(super) fn print(json: bool) -> anyhow::Result<()> {
    if json {
        let rules: Vec<_> = rules().collect();
        console::line(serde_json::to_string_pretty(&rules).context("write the rules")?)?;
        return Ok(());
    }
    for rule in rules() {
        let source = if rule.source.is_empty() { "our own" } else { rule.source };
        console::line(format!("{}\n    {} ({source})", rule.id, rule.text))?;
    }
    Ok(())
}
