//! `conformance`.

use anyhow::Context;

use super::console;
use crate::conformance::{Rule, rules};

/// Prints every rule, those of one subject beneath each other.
pub(super) fn print(json: bool) -> anyhow::Result<()> {
    let listed: Vec<&Rule> = rules().collect();
    let mut all = listed.clone();
    // Rules that were added later stand with the others of their subject; the order is kept otherwise.
    all.sort_by_cached_key(|rule| rank(rule, &listed));
    if json {
        console::line(serde_json::to_string_pretty(&all).context("write the rules")?)?;
        return Ok(());
    }
    let mut last = ("", "");
    for rule in &all {
        let (area, subject, name) = parts(rule);
        if area != last.0 {
            console::line(format!("\n{}", area.to_uppercase()))?;
        }
        if (area, subject) != last {
            console::line(format!("  {subject}"))?;
        }
        last = (area, subject);
        console::line(format!("    {}", rule.text))?;
        let source = if rule.source.is_empty() {
            "a promise of our own".to_owned()
        } else {
            format!("docs.aws.amazon.com/{}", rule.source)
        };
        console::line(format!("      {name} - {source}"))?;
    }
    let documented = all.iter().filter(|rule| !rule.source.is_empty()).count();
    console::line(format!(
        "\n{} rules: {documented} of AWS's documentation, {} promises of our own. Each has a test of the name \
         <area>.<subject>.<rule>.",
        all.len(),
        all.len() - documented
    ))?;
    Ok(())
}

/// `kafka.batching.<rule>` as its three parts.
fn parts(rule: &Rule) -> (&'static str, &'static str, &'static str) {
    let (area, rest) = rule.id.split_once('.').unwrap_or((rule.id, ""));
    let (subject, name) = rest.split_once('.').unwrap_or(("", rest));
    (area, subject, name)
}

/// Where its area, then its subject, comes up first.
fn rank(rule: &Rule, all: &[&Rule]) -> (usize, usize) {
    let (area, subject, _) = parts(rule);
    let first = |same: &dyn Fn(&Rule) -> bool| all.iter().position(|other| same(other)).unwrap_or(usize::MAX);
    let of_area = first(&|other| parts(other).0 == area);
    (of_area, first(&|other| (parts(other).0, parts(other).1) == (area, subject)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{parts, rules};

    #[test]
    fn ids_have_three_parts_and_texts_are_sentences() {
        let mut ids = BTreeSet::new();
        for rule in rules() {
            let (area, subject, name) = parts(rule);
            assert!(![area, subject, name].contains(&""), "{}", rule.id);
            assert!(ids.insert(rule.id), "{} stands twice", rule.id);
            assert!(!rule.text.ends_with('.') && !rule.text.contains("  "), "{}", rule.text);
            assert!(rule.source.is_empty() || rule.source.ends_with(".html"), "{}", rule.source);
        }
    }
}
