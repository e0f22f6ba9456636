//! One branch of a pattern, after `$or` was resolved: every field that it names must match.

use super::{
    event::{Found, Interest},
    matcher::{Matcher, Scalar},
    parse::Branch,
};

/// One alternative.
#[derive(Debug, Clone)]
pub(super) enum Rule {
    /// `{"value": [..]}`: conditions on the data as text.
    Text(Vec<Matcher>),
    /// `{"value": {..}}`: conditions on fields of the data.
    Json(Node),
}

/// What is asked of one place in the event.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    /// One of these must hold; empty: nothing is asked of the value itself.
    matchers: Vec<Matcher>,
    /// Where it is: the numbers of the keys from the top.
    path: Vec<usize>,
    /// Each of these must match, of one and the same object when there is an array of them.
    children: Vec<(usize, Node)>,
}

impl Rule {
    /// Compiles a branch; its keys are added to what is read of events.
    pub(super) fn new(branch: Branch, interest: &mut Interest) -> Self {
        let mut top = Node::default();
        for (path, matchers) in branch {
            let [_, keys @ ..] = path.as_slice() else { continue };
            if keys.is_empty() {
                return Self::Text(matchers);
            }
            let (mut node, mut interest) = (&mut top, &mut *interest);
            for key in keys {
                let (index, below) = interest.child(key);
                interest = below;
                node = node.child(index);
            }
            node.matchers = matchers;
        }
        Self::Json(top)
    }

    /// Whether the record has no data and this is what is asked for.
    pub(super) fn accepts_absence(&self) -> bool {
        match self {
            Self::Text(matchers) => matchers.contains(&Matcher::Absent),
            Self::Json(top) => top.accepts(None, &Found::Object(Vec::new())),
        }
    }

    /// Data that is JSON. A rule on text has another format, so nothing is left to filter on.
    pub(super) fn accepts_json(&self, event: &Found<'_>) -> bool {
        match self {
            Self::Text(_) => true,
            Self::Json(top) => top.accepts(Some(event), event),
        }
    }

    /// Data that is plain text. A rule on fields has another format, so nothing is left to filter on.
    pub(super) fn accepts_text(&self, text: &str) -> bool {
        match self {
            Self::Text(matchers) => {
                let value = Scalar::Text(text.into());
                matchers.iter().any(|matcher| matcher.accepts(&value))
            }
            Self::Json(_) => true,
        }
    }
}

impl Node {
    fn child(&mut self, key: usize) -> &mut Self {
        let known = self.children.iter().position(|(index, _)| *index == key);
        let position = known.unwrap_or_else(|| {
            let mut path = self.path.clone();
            path.push(key);
            self.children.push((key, Self { path, ..Self::default() }));
            self.children.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the position of what is there or was just pushed")]
        &mut self.children[position].1
    }

    fn accepts(&self, found: Option<&Found<'_>>, event: &Found<'_>) -> bool {
        (self.matchers.is_empty() || self.accepts_value(found, event))
            && (self.children.is_empty() || self.accepts_fields(found, event))
    }

    fn accepts_value(&self, found: Option<&Found<'_>>, event: &Found<'_>) -> bool {
        let matches = |value: &Scalar<'_>| self.matchers.iter().any(|matcher| matcher.accepts(value));
        let mut check = |found: &Found<'_>| matches!(found, Found::Scalar(value) if matches(value));
        if found.is_some_and(|found| found.any(&mut check)) {
            return true;
        }
        // Absent means that no object of the event, wherever in an array, has the field.
        self.matchers.contains(&Matcher::Absent) && !present(event, &self.path)
    }

    fn accepts_fields(&self, found: Option<&Found<'_>>, event: &Found<'_>) -> bool {
        let mut objects = false;
        let mut check = |found: &Found<'_>| {
            let object = matches!(found, Found::Object(_));
            objects |= object;
            object && self.children.iter().all(|(key, child)| child.accepts(found.get(*key), event))
        };
        if found.is_some_and(|found| found.any(&mut check)) {
            return true;
        }
        // Where there is no object there are no fields, which may be what is asked for.
        !objects && self.children.iter().all(|(_, child)| child.accepts(None, event))
    }
}

/// Whether a value (no object) stands anywhere at the path.
fn present(found: &Found<'_>, path: &[usize]) -> bool {
    found.any(&mut |found| match path {
        [] => matches!(found, Found::Scalar(_)),
        [key, rest @ ..] => found.get(*key).is_some_and(|found| present(found, rest)),
    })
}
