//! The template as a tree that remembers where everything stands.
//!
//! Short forms (`!Ref X`) are already long ones (`{Ref: X}`) here, so that the levels above know one form only.

use serde_json::{Map, Value};

/// A place in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Position {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

/// One value and its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// What it is.
    pub kind: Kind,
    /// Where it begins.
    pub position: Position,
}

/// The three shapes of YAML.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// Text as written; `plain` when it had no quotes and may be a number, a boolean or null.
    Scalar {
        /// The text, unquoted and unescaped.
        text: String,
        /// Written without quotes.
        plain: bool,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// Keys in the file's order; no key stands twice.
    Mapping(Vec<Entry>),
}

/// One key of a mapping with its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The key's text.
    pub key: String,
    /// Where the key stands.
    pub position: Position,
    /// The value.
    pub value: Node,
}

impl Node {
    /// A quoted scalar, for what is computed and not written.
    pub(super) fn text(text: impl Into<String>, position: Position) -> Self {
        let kind = Kind::Scalar { text: text.into(), plain: false };
        Self { kind, position }
    }

    /// A list.
    pub(super) fn sequence(items: Vec<Self>, position: Position) -> Self {
        Self { kind: Kind::Sequence(items), position }
    }

    /// A mapping with one key.
    pub(super) fn single(key: impl Into<String>, value: Self, position: Position) -> Self {
        let entry = Entry { key: key.into(), position, value };
        Self { kind: Kind::Mapping(vec![entry]), position }
    }

    /// The text of a scalar.
    pub(super) fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The items of a list.
    pub(super) fn as_sequence(&self) -> Option<&[Self]> {
        match &self.kind {
            Kind::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a mapping.
    pub(super) fn as_mapping(&self) -> Option<&[Entry]> {
        match &self.kind {
            Kind::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of `key`, when this is a mapping that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.as_mapping()?.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// A mapping's only entry.
    pub(super) fn only_entry(&self) -> Option<&Entry> {
        match self.as_mapping()? {
            [entry] => Some(entry),
            _ => None,
        }
    }

    /// Nothing was written: `Key:` or `~`.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// How many values it has, itself among them.
    pub(super) fn size(&self) -> usize {
        match &self.kind {
            Kind::Scalar { .. } => 1,
            Kind::Sequence(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            Kind::Mapping(entries) => 1 + entries.iter().map(|entry| entry.value.size()).sum::<usize>(),
        }
    }

    /// How long its texts and keys are together.
    pub(super) fn bytes(&self) -> usize {
        match &self.kind {
            Kind::Scalar { text, .. } => text.len(),
            Kind::Sequence(items) => items.iter().map(Self::bytes).sum(),
            Kind::Mapping(entries) => entries.iter().map(|entry| entry.key.len() + entry.value.bytes()).sum(),
        }
    }

    /// What was found, for an error: `a list`, `"x"`.
    pub(super) fn describe(&self) -> String {
        match &self.kind {
            _ if self.is_null() => "nothing".to_owned(),
            Kind::Scalar { text, .. } => format!("\"{text}\""),
            Kind::Sequence(_) => "a list".to_owned(),
            Kind::Mapping(_) => "a mapping".to_owned(),
        }
    }

    /// The JSON of a node without intrinsics; plain scalars take YAML 1.2's types.
    pub(super) fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Scalar { text, plain } => scalar_to_json(text, *plain),
            Kind::Sequence(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Kind::Mapping(entries) => {
                Value::Object(entries.iter().map(|e| (e.key.clone(), e.value.to_json())).collect::<Map<_, _>>())
            }
        }
    }
}

fn scalar_to_json(text: &str, plain: bool) -> Value {
    if !plain {
        return Value::String(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => {
            if let Ok(number) = text.parse::<i64>() {
                return number.into();
            }
            let float = text.parse::<f64>().ok().and_then(serde_json::Number::from_f64);
            // "inf" and "nan" parse as f64 but are words in YAML.
            let numeric = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
            float.filter(|_| numeric).map_or_else(|| Value::String(text.to_owned()), Value::Number)
        }
    }
}
