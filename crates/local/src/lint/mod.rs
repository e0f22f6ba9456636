//! Traps: settings that a deploy accepts and that lose data or surprise. `millrace lint` prints them, `millrace up` shows
//! the same ones as warnings.
//!
//! A rule is a pure function of the resolved template. It says only what the template alone can tell, and it is not
//! heard where its id stands in `Metadata: Millrace: Allow:` of the resource.

mod batches;
mod functions;
mod groups;
mod http;
mod pollers;
mod retries;
mod rule;
mod schedules;
#[cfg(test)]
mod tests;
mod topics;

pub use rule::{Finding, Level, Rule};

use rule::Findings;

use crate::template::{TemplateError, spec::Application};

/// What the reader refuses; it has no check of its own, because there is nothing to check then.
const REFUSED: Rule = Rule {
    id: "M000",
    level: Level::Error,
    title: "the template cannot be read",
    why: "Nothing starts: the template is wrong, or asks for what does not exist here.",
    mend: "Do what the message says; docs/templates.md lists what is supported.",
    source: "",
    check: |_, _| {},
};

/// What the reader accepts and does not apply.
const NOT_APPLIED: Rule = Rule {
    id: "M090",
    level: Level::Warning,
    title: "a setting has no effect here",
    why: "The setting changes what happens on AWS and not on this machine, so that the two behave differently.",
    mend: "Know it, and allow the rule on this resource.",
    source: "",
    check: |application, findings| {
        for warning in &application.warnings {
            findings.there(&warning.resource, warning.place, warning.message.clone());
        }
    },
};

/// All rules, in the order of their ids.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    let groups: [&'static [Rule]; 8] = [
        &[REFUSED],
        retries::RULES,
        groups::RULES,
        batches::RULES,
        pollers::RULES,
        topics::RULES,
        http::RULES,
        schedules::RULES,
    ];
    groups.into_iter().chain([functions::RULES, &[NOT_APPLIED]]).flatten()
}

/// The rule with this id.
pub fn rule(id: &str) -> Option<&'static Rule> {
    rules().find(|rule| rule.id == id)
}

/// What the rules find, in the order of the template; what is allowed is left out.
pub fn check(application: &Application) -> Vec<Finding> {
    let mut found = Vec::new();
    for rule in rules() {
        (rule.check)(application, &mut Findings { rule, outline: &application.outline, found: &mut found });
    }
    found.retain(|finding: &Finding| {
        let allowed = application.outline.allowed.get(&finding.resource);
        !allowed.is_some_and(|allowed| allowed.contains(finding.rule))
    });
    found.sort_by(|one, other| (one.place, one.rule, &one.message).cmp(&(other.place, other.rule, &other.message)));
    // What stands in `Globals` is found once for each function.
    found.dedup_by(|one, other| (one.place, one.rule, &one.message) == (other.place, other.rule, &other.message));
    found
}

/// A template that is refused, as a finding; `None` when the file itself cannot be read.
pub fn refused(error: &TemplateError) -> Option<Finding> {
    let TemplateError::At { line, column, message, .. } = error else { return None };
    let place = crate::template::spec::Place { line: *line, column: *column };
    Some(Finding::new(&REFUSED, String::new(), place, message.clone()))
}
