//! Reads a pattern, with EventBridge's own restrictions.

use indexmap::IndexMap;
use serde_json::value::RawValue;

use super::{
    MAXIMUM_PATTERN,
    condition::{CONDITIONS, conditions},
    matcher::Matcher,
};

/// A pattern that Lambda would not accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", self.place())]
pub struct PatternError {
    /// Which filter of the list, from 0.
    pub filter: usize,
    /// Where in the pattern: `value.device.price[0].numeric`; empty for the whole.
    pub path: String,
    /// What was found, and what is accepted.
    pub message: String,
}

impl PatternError {
    fn place(&self) -> String {
        if self.path.is_empty() { String::new() } else { format!("{}: ", self.path) }
    }

    pub(super) fn of(self, filter: usize) -> Self {
        Self { filter, ..self }
    }
}

pub(super) type Result<T> = std::result::Result<T, PatternError>;
/// The fields of an object; of a key that stands twice the last one counts.
pub(super) type Object<'p> = IndexMap<String, &'p RawValue>;

/// All fields of one alternative: path and conditions. A field that is named twice has the last one's.
pub(super) type Branch = IndexMap<Vec<String>, Vec<Matcher>>;

/// How many alternatives `$or` may make of one pattern.
const MAXIMUM_BRANCHES: usize = 1000;

/// The key of alternatives.
const OR: &str = "$or";

/// Reads a pattern into its alternatives.
pub(super) fn pattern(text: &str, key: &str) -> Result<Vec<Branch>> {
    let length = text.chars().count();
    if length > MAXIMUM_PATTERN {
        return fault("", format!("{length} characters are not accepted; accepted: at most {MAXIMUM_PATTERN}"));
    }
    let raw: &RawValue = serde_json::from_str(text).or_else(|error| fault("", format!("it is not JSON: {error}")))?;
    let mut branches = Vec::new();
    object(raw, &mut Vec::new(), &mut branches, false)?;
    for branch in &branches {
        only(branch, key)?;
    }
    Ok(branches)
}

/// Lambda filters on one key of a record.
fn only(branch: &Branch, key: &str) -> Result<()> {
    if let Some(path) = branch.keys().find(|path| path.first().is_some_and(|first| first != key)) {
        return fault(path.first().map_or("", String::as_str), format!("it is not accepted; accepted: {key}"));
    }
    if branch.contains_key(&vec![key.to_owned()]) && branch.len() > 1 {
        return fault(key, "a text and an object at once are not accepted; accepted: one of them");
    }
    Ok(())
}

fn object(raw: &RawValue, path: &mut Vec<String>, branches: &mut Vec<Branch>, in_or: bool) -> Result<()> {
    let place = path.join(".");
    let Ok(fields) = serde_json::from_str::<Object<'_>>(raw.get()) else {
        return fault(&place, format!("{} is not accepted; accepted: an object", shown(raw)));
    };
    if fields.is_empty() {
        return fault(&place, "an empty object is not accepted; accepted: an object with a field");
    }
    for (name, value) in &fields {
        if name == OR {
            alternatives(value, path, branches)?;
            continue;
        }
        // Within `$or` it would look like a condition on nothing.
        if in_or && CONDITIONS.contains(&name.as_str()) {
            return fault(&place, format!("{name} is not accepted within $or; accepted: names of fields"));
        }
        path.push(name.clone());
        match value.get().as_bytes().first() {
            Some(b'{') => object(value, path, branches, in_or)?,
            Some(b'[') => {
                let matchers = conditions(value, &path.join("."))?;
                if branches.is_empty() {
                    branches.push(Branch::new());
                }
                for branch in branches.iter_mut() {
                    branch.insert(path.clone(), matchers.clone());
                }
            }
            _ => {
                let message = format!("{} is not accepted; accepted: a list of values or an object", shown(value));
                return fault(&path.join("."), message);
            }
        }
        path.pop();
    }
    Ok(())
}

/// `$or`: each object of the list makes another alternative of each alternative so far.
fn alternatives(raw: &RawValue, path: &mut Vec<String>, branches: &mut Vec<Branch>) -> Result<()> {
    let place = path.iter().map(String::as_str).chain([OR]).collect::<Vec<_>>().join(".");
    let items: Vec<&RawValue> = match serde_json::from_str(raw.get()) {
        Ok(items) => items,
        Err(_) => return fault(&place, format!("{} is not accepted; accepted: a list of objects", shown(raw))),
    };
    if items.len() < 2 {
        return fault(&place, format!("{} objects are not accepted; accepted: at least 2", items.len()));
    }
    let mut all = Vec::new();
    for item in items {
        let mut these = if branches.is_empty() { vec![Branch::new()] } else { branches.clone() };
        object(item, path, &mut these, true)?;
        all.extend(these);
        if all.len() > MAXIMUM_BRANCHES {
            return fault(&place, format!("it makes too many combinations; accepted: at most {MAXIMUM_BRANCHES}"));
        }
    }
    *branches = all;
    Ok(())
}

/// What was found, for an error.
pub(super) fn shown(raw: &RawValue) -> String {
    raw.get().chars().take(60).collect()
}

/// An error at a place.
pub(super) fn fault<T>(path: &str, message: impl Into<String>) -> Result<T> {
    Err(PatternError { filter: 0, path: path.to_owned(), message: message.into() })
}
