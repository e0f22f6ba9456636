//! Event filtering: which records a mapping's `FilterCriteria` let through, by Amazon EventBridge's event patterns as
//! Lambda applies them to Kafka and Amazon MQ. Pure.
//!
//! Own code and no library: a pattern must be refused with the place in it, numbers are compared as they are written,
//! and what Lambda does when pattern and record have different formats is no part of EventBridge.
//!
//! Deliberately absent: filtering on anything but the data of a record, which Lambda has for neither source.

mod condition;
mod event;
mod matcher;
mod parse;
mod rule;

pub use parse::PatternError;

use self::{event::Interest, rule::Rule};

/// How many filters a mapping may have: Lambda's quota of 5, which can be raised to 10.
pub const MAXIMUM_FILTERS: usize = 10;

/// How long one pattern may be, in characters.
pub const MAXIMUM_PATTERN: usize = 4096;

/// The filters of one mapping; a record that passes one of them is delivered.
#[derive(Debug, Clone, Default)]
pub struct Filters {
    /// What all patterns look at, so that a record is read once.
    interest: Interest,
    rules: Vec<Rule>,
    patterns: Vec<String>,
}

impl Filters {
    /// Reads the patterns of a mapping. `key` is the only one that they may name at their top: `value` for Kafka, `data`
    /// for Amazon MQ.
    ///
    /// # Errors
    /// The first thing in a pattern that Lambda would refuse.
    pub fn parse(patterns: &[String], key: &str) -> Result<Self, PatternError> {
        let mut filters = Self { interest: Interest::default(), rules: Vec::new(), patterns: patterns.to_vec() };
        if patterns.len() > MAXIMUM_FILTERS {
            let message = format!("{} filters are not accepted; accepted: at most {MAXIMUM_FILTERS}", patterns.len());
            return Err(PatternError { filter: MAXIMUM_FILTERS, path: String::new(), message });
        }
        for (filter, pattern) in patterns.iter().enumerate() {
            let branches = parse::pattern(pattern, key).map_err(|fault| fault.of(filter))?;
            filters.rules.extend(branches.into_iter().map(|branch| Rule::new(branch, &mut filters.interest)));
        }
        Ok(filters)
    }

    /// The patterns as written.
    #[must_use]
    pub fn patterns(&self) -> &[String] {
        &self.patterns
    }

    /// Whether there are none, so that everything passes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether a record with these bytes passes; `None` is a record without data, a tombstone.
    ///
    /// Where a pattern and the data have different formats (JSON and plain text), and where the data is not UTF-8, Lambda
    /// looks at other properties only. These sources have none to filter on, so the record passes.
    #[must_use]
    pub fn matches(&self, data: Option<&[u8]>) -> bool {
        if self.rules.is_empty() {
            return true;
        }
        let Some(data) = data else { return self.rules.iter().any(Rule::accepts_absence) };
        let Ok(text) = std::str::from_utf8(data) else { return true };
        match event::read(text, &self.interest) {
            Some(event) => self.rules.iter().any(|rule| rule.accepts_json(&event)),
            None => self.rules.iter().any(|rule| rule.accepts_text(text)),
        }
    }
}

#[cfg(test)]
mod tests;
