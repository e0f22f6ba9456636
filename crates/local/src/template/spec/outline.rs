//! What stands where in the template, for those who speak about it: the line and column of every property, and whether
//! it was written at all. The specifications beside this hold values with their defaults filled in, and cannot say.

use std::collections::{BTreeMap, BTreeSet};

/// A place in the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, serde::Serialize)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

/// A resource, or an event of a function.
#[derive(Debug, Clone)]
pub struct Root {
    /// The resource that it is, or belongs to.
    pub resource: String,
    /// `AWS::Serverless::Function`, or `SelfManagedKafka` for an event.
    pub kind: String,
    /// Where its key stands.
    pub place: Place,
}

/// One property as written.
#[derive(Debug, Clone)]
pub struct Written {
    /// Where its value stands.
    pub place: Place,
    /// Its text, when it is one and has a local value.
    pub text: Option<String>,
    /// It is written out: no parameter and no other function gives it.
    pub literal: bool,
}

/// The template's resources, property by property. Paths are `Id`, `Id.Property`, `Id.List.0.Key`; an event of a function
/// is found by the id of what SAM makes of it, `<Function><Event>`. `Globals` are merged in, and what a condition leaves
/// out is not there.
#[derive(Debug, Clone, Default)]
pub struct Outline {
    /// By logical id.
    pub roots: BTreeMap<String, Root>,
    /// By path.
    pub properties: BTreeMap<String, Written>,
    /// `Metadata.Millrace.Allow` by resource: rules that its author knows about.
    pub allowed: BTreeMap<String, BTreeSet<String>>,
}

impl Outline {
    /// Whether the property was written, and is not `AWS::NoValue`.
    pub fn has(&self, path: &str) -> bool {
        self.properties.contains_key(path)
    }

    /// The property's text.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.properties.get(path)?.text.as_deref()
    }

    /// Where the property stands, or the nearest of what it would be in.
    pub fn place(&self, path: &str) -> Place {
        let mut path = path;
        loop {
            if let Some(written) = self.properties.get(path) {
                return written.place;
            }
            match path.rsplit_once('.') {
                Some((parent, _)) => path = parent,
                None => return self.roots.get(path).map(|root| root.place).unwrap_or_default(),
            }
        }
    }

    /// Every property below `path`, in the order of paths.
    pub fn below<'o>(&'o self, path: &str) -> impl Iterator<Item = (&'o str, &'o Written)> {
        let prefix = format!("{path}.");
        let from = self.properties.range(prefix.clone()..);
        from.take_while(move |(path, _)| path.starts_with(&prefix)).map(|(path, written)| (path.as_str(), written))
    }

    /// The resource that a path belongs to.
    pub fn resource<'o>(&'o self, path: &'o str) -> &'o str {
        let id = path.split('.').next().unwrap_or(path);
        self.roots.get(id).map_or(id, |root| &root.resource)
    }
}
