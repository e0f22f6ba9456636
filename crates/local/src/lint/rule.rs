//! What a rule is, and what it finds.

use std::fmt;

use serde::Serialize;

use crate::template::spec::{Application, Outline, Place};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// A deploy fails, or data is lost for certain.
    Error,
    /// It may be meant.
    Warning,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One trap.
#[derive(Debug, Serialize)]
pub struct Rule {
    /// `M003`; never given to another rule.
    pub id: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// Why it hurts.
    pub why: &'static str,
    /// What to do about it.
    pub mend: &'static str,
    /// The page of the AWS documentation that it follows from; empty when it is no rule of AWS.
    pub source: &'static str,
    /// Looks for it.
    #[serde(skip)]
    pub(super) check: fn(&Application, &mut Findings<'_>),
}

/// A trap at a place of a template.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// The rule's id.
    pub rule: &'static str,
    /// The rule's level.
    pub level: Level,
    /// The rule's title.
    pub title: &'static str,
    /// Logical id of the resource; empty when it is the whole template.
    pub resource: String,
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// What is there.
    pub message: String,
    /// Why it hurts.
    pub why: &'static str,
    /// What to do about it.
    pub mend: &'static str,
}

impl Finding {
    /// A rule's finding.
    pub(super) fn new(rule: &'static Rule, resource: String, place: Place, message: String) -> Self {
        let Rule { id, level, title, why, mend, .. } = rule;
        Self { rule: id, level: *level, title, resource, place, message, why, mend }
    }

    /// `12:7: error M003: <title>: <what is there>`.
    pub fn line(&self) -> String {
        let Self { rule, level, title, place, message, .. } = self;
        format!("{}:{}: {level} {rule}: {title}: {message}", place.line, place.column)
    }
}

/// Takes what one rule finds.
pub(super) struct Findings<'a> {
    pub(super) rule: &'static Rule,
    pub(super) outline: &'a Outline,
    pub(super) found: &'a mut Vec<Finding>,
}

impl Findings<'_> {
    /// At a property, or where it would be.
    pub(super) fn at(&mut self, path: &str, message: String) {
        let place = self.outline.place(path);
        self.there(path, place, message);
    }

    /// At a place that is known already; `path` says whose it is.
    pub(super) fn there(&mut self, path: &str, place: Place, message: String) {
        let resource = self.outline.resource(path).to_owned();
        self.found.push(Finding::new(self.rule, resource, place, message));
    }
}
