//! What rules find: all faults at once, each saying where, what, and what to do about it.

use std::fmt::Display;

/// The faults that one rule has found.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<String>);

impl Faults {
    /// Notes a fault: `path`, relative to the repository; what was found there; what to do.
    pub(super) fn add(&mut self, path: impl Display, found: impl Display, advice: impl Display) {
        self.0.push(format!("{path}: {found}\n      -> {advice}"));
    }

    /// Fails the test when there are faults.
    #[track_caller]
    pub(super) fn assert_none(&self) {
        assert!(self.0.is_empty(), "\n\n  {} found:\n\n  {}\n", self.0.len(), self.0.join("\n\n  "));
    }

    /// For tests of rules: the places of the faults, one a fault, in the order found.
    pub(super) fn places(&self) -> Vec<&str> {
        self.0.iter().map(|fault| fault.split(": ").next().unwrap()).collect()
    }
}
