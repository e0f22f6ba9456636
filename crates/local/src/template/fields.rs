//! One mapping of properties, read key by key: what is accepted is written where it is read, and every error names
//! the line, the property, the value and what is accepted.

use std::{borrow::Cow, ops::RangeInclusive};

use super::{
    error::Fault,
    intrinsics::Scope,
    node::{Entry, Node, Position},
};

/// The properties of one resource, event or section; intrinsics are resolved as they are read.
pub(super) struct Fields<'s, 'a> {
    scope: &'s Scope<'a>,
    /// How errors call it: `GithubPoller`, `GithubPoller.Events.Tick`.
    pub what: String,
    /// Where it begins.
    pub position: Position,
    entries: &'s [Entry],
}

impl<'s, 'a> Fields<'s, 'a> {
    /// Reads `node`, which must be a mapping; nothing at all (`Properties:`) is an empty one.
    ///
    /// # Errors
    /// A list or text.
    pub(super) fn new(scope: &'s Scope<'a>, what: impl Into<String>, node: &'s Node) -> Result<Self, Fault> {
        let what = what.into();
        let entries = match node.as_mapping() {
            Some(entries) => entries,
            None if node.is_null() => &[],
            None => return Err(Fault::value(&what, node, "a mapping")),
        };
        Ok(Self { scope, what, position: node.position, entries })
    }

    /// The properties of a resource; errors about the whole of them name the resource's own line.
    ///
    /// # Errors
    /// Properties that are a list or text.
    pub(super) fn of(scope: &'s Scope<'a>, resource: &'s Entry) -> Result<Self, Fault> {
        let (what, position) = (resource.key.as_str(), resource.position);
        let fields = match resource.value.get("Properties") {
            Some(node) => Self::new(scope, what, node)?,
            None => Self::empty(scope, what, position),
        };
        Ok(Self { position, ..fields })
    }

    /// No properties, for a section that is not there.
    pub(super) fn empty(scope: &'s Scope<'a>, what: impl Into<String>, position: Position) -> Self {
        Self { scope, what: what.into(), position, entries: &[] }
    }

    /// Refuses every key that is neither supported nor known to have no effect here.
    ///
    /// # Errors
    /// The first key that is in none of the lists.
    pub(super) fn only(&self, supported: &[&str], ignored: &[(&str, &str)]) -> Result<(), Fault> {
        for entry in self.entries {
            let key = entry.key.as_str();
            if supported.contains(&key) || ignored.iter().any(|(name, _)| *name == key) {
                continue;
            }
            let message = format!("{}: {key} is not supported; supported: {}", self.what, supported.join(", "));
            return Err(Fault::new(entry.position, message));
        }
        Ok(())
    }

    /// A property that is known and cannot be had yet, although it would change what happens.
    ///
    /// # Errors
    /// It is there.
    pub(super) fn not_yet(&self, key: &str, why: &str) -> Result<(), Fault> {
        match self.entry(key) {
            Some(entry) if self.has(key)? => {
                Err(Fault::new(entry.position, format!("{}.{key} is not supported yet: {why}", self.what)))
            }
            _ => Ok(()),
        }
    }

    /// The key as written.
    pub(super) fn entry(&self, key: &str) -> Option<&'s Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Every key as written.
    pub(super) fn entries(&self) -> &'s [Entry] {
        self.entries
    }

    /// Where the key stands, or the whole when it does not.
    pub(super) fn place(&self, key: &str) -> Position {
        self.entry(key).map_or(self.position, |entry| entry.value.position)
    }

    /// The resolved value; `None` when it is not there, or `AWS::NoValue`.
    ///
    /// # Errors
    /// An intrinsic that cannot be resolved.
    pub(super) fn get(&self, key: &str) -> Result<Option<Node>, Fault> {
        match self.entry(key) {
            Some(entry) => self.scope.resolve(&entry.value),
            None => Ok(None),
        }
    }

    /// Whether the key is there and not `AWS::NoValue`; what is in it may have no local value.
    ///
    /// # Errors
    /// A condition that cannot be evaluated.
    pub(super) fn has(&self, key: &str) -> Result<bool, Fault> {
        Ok(self.chosen(key)?.is_some())
    }

    /// The value without the choice between values: nothing within it is resolved yet.
    ///
    /// # Errors
    /// A condition that cannot be evaluated.
    pub(super) fn chosen(&self, key: &str) -> Result<Option<Cow<'s, Node>>, Fault> {
        self.entry(key).map_or(Ok(None), |entry| self.scope.choose(&entry.value))
    }

    /// Text.
    ///
    /// # Errors
    /// Anything else.
    pub(super) fn text(&self, key: &str) -> Result<Option<String>, Fault> {
        match self.get(key)? {
            Some(node) if !node.is_null() => match node.as_text() {
                Some(text) => Ok(Some(text.to_owned())),
                None => Err(self.wrong(key, &node, "text")),
            },
            Some(node) => Err(self.wrong(key, &node, "text")),
            None => Ok(None),
        }
    }

    /// Text that must be there.
    ///
    /// # Errors
    /// It is not, or is something else.
    pub(super) fn required(&self, key: &str) -> Result<String, Fault> {
        self.text(key)?.ok_or_else(|| self.missing(key))
    }

    /// One of a few words.
    ///
    /// # Errors
    /// Any other.
    pub(super) fn word(&self, key: &str, accepted: &[&'static str]) -> Result<Option<&'static str>, Fault> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        match accepted.iter().find(|word| **word == text) {
            Some(word) => Ok(Some(word)),
            None => Err(self.refuse(key, &text, &accepted.join(", "))),
        }
    }

    /// A whole number within a range.
    ///
    /// # Errors
    /// Anything else.
    pub(super) fn integer(&self, key: &str, range: RangeInclusive<i64>) -> Result<Option<i64>, Fault> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        match text.parse::<i64>().ok().filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(self.refuse(key, &text, &format!("a whole number from {} to {}", range.start(), range.end()))),
        }
    }

    /// As [`Fields::integer`], for a number that is never negative.
    ///
    /// # Errors
    /// Anything else.
    pub(super) fn count(&self, key: &str, range: RangeInclusive<u32>) -> Result<Option<u32>, Fault> {
        let number = self.integer(key, i64::from(*range.start())..=i64::from(*range.end()))?;
        Ok(number.and_then(|number| u32::try_from(number).ok()))
    }

    /// `true` or `false`, quoted or not.
    ///
    /// # Errors
    /// Anything else.
    pub(super) fn boolean(&self, key: &str) -> Result<Option<bool>, Fault> {
        match self.text(key)? {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(text) => Err(self.refuse(key, &text, "true, false")),
        }
    }

    /// A list of texts; empty when it is not there.
    ///
    /// # Errors
    /// Anything else.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>, Fault> {
        let Some(node) = self.get(key)? else { return Ok(Vec::new()) };
        let Some(items) = node.as_sequence() else { return Err(self.wrong(key, &node, "a list of texts")) };
        let texts = items.iter().map(|item| match item.as_text() {
            Some(text) => Ok(text.to_owned()),
            None => Err(self.wrong(key, item, "text")),
        });
        texts.collect()
    }

    /// Runs `read` over a nested mapping, when it is there.
    ///
    /// # Errors
    /// Something that is no mapping, and whatever `read` finds.
    pub(super) fn nested<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Fields<'_, 'a>) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        let Some(node) = self.chosen(key)? else { return Ok(None) };
        let fields = Fields::new(self.scope, format!("{}.{key}", self.what), &node)?;
        read(&fields).map(Some)
    }

    /// Runs `read` over each mapping of a list, in order; there are none when it is not there.
    ///
    /// # Errors
    /// Something that is no list of mappings, and whatever `read` finds.
    pub(super) fn each<T>(
        &self,
        key: &str,
        mut read: impl FnMut(&Fields<'_, 'a>) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let Some(node) = self.chosen(key)? else { return Ok(Vec::new()) };
        let Some(items) = node.as_sequence() else { return Err(self.wrong(key, &node, "a list of mappings")) };
        let mut all = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let Some(item) = self.scope.choose(item)? else { continue };
            all.push(read(&Fields::new(self.scope, format!("{}.{key}[{index}]", self.what), &item)?)?);
        }
        Ok(all)
    }

    /// An error at a key's value.
    pub(super) fn fault(&self, key: &str, message: impl std::fmt::Display) -> Fault {
        Fault::new(self.place(key), format!("{}.{key}: {message}", self.what))
    }

    /// A text that is not accepted.
    pub(super) fn refuse(&self, key: &str, found: &str, accepted: &str) -> Fault {
        self.fault(key, format!("\"{found}\" is not accepted; accepted: {accepted}"))
    }

    /// A property that must be there.
    pub(super) fn missing(&self, key: &str) -> Fault {
        Fault::new(self.position, format!("{}: {key} is missing", self.what))
    }

    fn wrong(&self, key: &str, node: &Node, accepted: &str) -> Fault {
        Fault::value(&format!("{}.{key}", self.what), node, accepted)
    }
}
