//! Configuration from environment variables, which names every fault at once instead of the first one only.

use std::{collections::HashMap, fmt::Display, str::FromStr};

use crate::Secret;

/// Reads variables and collects what is missing or malformed until [`Env::finish`].
///
/// An empty variable counts as unset: SAM and Terraform cannot leave one out conditionally without noise.
#[derive(Debug, Default)]
pub struct Env {
    variables: HashMap<String, String>,
    faults: Vec<String>,
}

/// Every variable that is missing or malformed.
#[derive(Debug, thiserror::Error)]
#[error("configuration: {}", faults.join("; "))]
pub struct EnvError {
    /// One sentence a variable: its name, what was found, what was expected.
    pub faults: Vec<String>,
}

impl Env {
    /// The process's own environment.
    #[must_use]
    pub fn from_process() -> Self {
        Self::from_pairs(std::env::vars())
    }

    /// Given variables, for tests.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let variables = pairs.into_iter().map(|(k, v)| (k.into(), v.into())).filter(|(_, v)| !v.is_empty()).collect();
        Self { variables, faults: Vec::new() }
    }

    /// The variable's value; when it is unset, an empty string now and an error in [`Env::finish`].
    pub fn required(&mut self, name: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.faults.push(format!("{name} is not set"));
            String::new()
        })
    }

    /// The variable's value, or `None` when it is unset or empty.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    /// The variable's value as a secret, or `None` when it is unset or empty.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<Secret> {
        self.optional(name).map(Secret::new)
    }

    /// The variable parsed, or `default` when it is unset. What does not parse is an error in [`Env::finish`].
    pub fn parsed_or<T: FromStr<Err: Display>>(&mut self, name: &str, default: T) -> T {
        match self.optional(name).map(|value| (value.parse::<T>(), value)) {
            None => default,
            Some((Ok(parsed), _)) => parsed,
            Some((Err(error), value)) => {
                let kind = std::any::type_name::<T>();
                self.faults.push(format!("{name} is {value:?}, expected {kind}: {error}"));
                default
            }
        }
    }

    /// Records a fault that only the caller can see, such as two variables that exclude each other.
    pub fn fault(&mut self, fault: impl Into<String>) {
        self.faults.push(fault.into());
    }

    /// Fails with every fault found so far.
    ///
    /// # Errors
    /// [`EnvError`] when a required variable was unset or one did not parse.
    pub fn finish(self) -> Result<(), EnvError> {
        if self.faults.is_empty() { Ok(()) } else { Err(EnvError { faults: self.faults }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_every_fault_at_once() {
        let mut env = Env::from_pairs([("PORT", "many"), ("EMPTY", ""), ("NAME", "lake")]);
        assert_eq!(env.required("NAME"), "lake");
        env.required("EMPTY");
        assert_eq!(env.parsed_or("PORT", 7_u16), 7);
        assert_eq!(env.parsed_or("UNSET", 9_u16), 9);
        let error = env.finish().unwrap_err().to_string();
        assert!(error.contains("EMPTY is not set"), "{error}");
        assert!(error.contains("PORT is \"many\", expected u16"), "{error}");
    }
}
