//! Where two outputs of a stage differ. Numbers are compared as they are written, because they may have any size.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// Longer values are cut when they are shown.
const SHOWN_BYTES: usize = 120;

/// One place where outputs differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Change {
    /// JSON pointer into the output; empty is the whole.
    #[schema(example = "/numbers/0/class")]
    pub(crate) path: String,
    /// What is stored, cut when it is long; `null` when only the recomputed one has the place.
    pub(crate) stored: Option<String>,
    /// What the stage makes of it now.
    pub(crate) recomputed: Option<String>,
}

/// All places where two outputs differ.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The first of them.
    pub(crate) changes: Vec<Change>,
    /// How many there are.
    pub(crate) total: usize,
}

/// Compares two texts of JSON; of what differs `most` places are named.
pub(crate) fn difference(stored: &str, recomputed: &str, most: usize) -> Difference {
    let mut found = Found { most, ..Found::default() };
    found.compare(&mut String::new(), stored, recomputed);
    found.difference
}

#[derive(Default)]
struct Found {
    most: usize,
    difference: Difference,
}

/// One level of a text.
enum Level<'a> {
    Object(BTreeMap<String, &'a RawValue>),
    Array(Vec<&'a RawValue>),
    Scalar,
}

fn level(text: &str) -> Level<'_> {
    match text.as_bytes().first() {
        Some(b'{') => serde_json::from_str(text).map_or(Level::Scalar, Level::Object),
        Some(b'[') => serde_json::from_str(text).map_or(Level::Scalar, Level::Array),
        _ => Level::Scalar,
    }
}

impl Found {
    fn compare(&mut self, path: &mut String, stored: &str, recomputed: &str) {
        let (stored, recomputed) = (stored.trim(), recomputed.trim());
        if stored == recomputed {
            return;
        }
        match (level(stored), level(recomputed)) {
            (Level::Object(stored), Level::Object(mut recomputed)) => {
                for (name, one) in stored {
                    let step = name.replace('~', "~0").replace('/', "~1");
                    let other = recomputed.remove(&name);
                    self.step(path, &step, Some(one), other);
                }
                for (name, other) in recomputed {
                    self.step(path, &name.replace('~', "~0").replace('/', "~1"), None, Some(other));
                }
            }
            (Level::Array(stored), Level::Array(recomputed)) => {
                for at in 0..stored.len().max(recomputed.len()) {
                    self.step(path, &at.to_string(), stored.get(at).copied(), recomputed.get(at).copied());
                }
            }
            _ => self.add(path, Some(stored), Some(recomputed)),
        }
    }

    fn step(&mut self, path: &mut String, step: &str, stored: Option<&RawValue>, recomputed: Option<&RawValue>) {
        let length = path.len();
        path.push('/');
        path.push_str(step);
        match (stored, recomputed) {
            (Some(stored), Some(recomputed)) => self.compare(path, stored.get(), recomputed.get()),
            (stored, recomputed) => self.add(path, stored.map(RawValue::get), recomputed.map(RawValue::get)),
        }
        path.truncate(length);
    }

    fn add(&mut self, path: &str, stored: Option<&str>, recomputed: Option<&str>) {
        self.difference.total += 1;
        if self.difference.changes.len() < self.most {
            let (stored, recomputed) = (stored.map(shown), recomputed.map(shown));
            self.difference.changes.push(Change { path: path.to_owned(), stored, recomputed });
        }
    }
}

fn shown(text: &str) -> String {
    let end = text.floor_char_boundary(SHOWN_BYTES);
    let (kept, rest) = text.split_at(end);
    if rest.is_empty() { kept.to_owned() } else { format!("{kept}... ({} bytes)", text.len()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn places(stored: &Value, recomputed: &Value) -> Vec<String> {
        let found = difference(&stored.to_string(), &recomputed.to_string(), 100);
        assert_eq!(found.total, found.changes.len());
        found.changes.into_iter().map(|change| change.path).collect()
    }

    #[test]
    fn each_place_that_differs_is_named() {
        let stored = json!({"numbers": [{"value": 6, "class": "even"}, 7], "a/b": 1, "gone": true});
        let recomputed = json!({"numbers": [{"value": 6, "class": "perfect"}, 7, 8], "a/b": 2, "new": null});
        assert_eq!(places(&stored, &recomputed), ["/a~1b", "/gone", "/numbers/0/class", "/numbers/2", "/new"]);
        assert_eq!(places(&stored, &stored), Vec::<String>::new());
        assert_eq!(places(&json!([1]), &json!({"a": 1})), [""]);
        // As numbers of 64 bits these would be the same.
        let found = difference("{\"n\": 123456789012345678901}", "{\"n\":123456789012345678902}", 100);
        assert_eq!(found.changes[0].path, "/n");
    }

    #[test]
    fn what_is_shown_is_bounded() {
        let (stored, recomputed) = (json!(vec!["ä".repeat(500); 50]), json!(vec![1; 50]));
        let found = difference(&stored.to_string(), &recomputed.to_string(), 3);
        assert_eq!((found.total, found.changes.len()), (50, 3));
        assert!(found.changes.iter().all(|change| change.stored.as_ref().is_some_and(|text| text.len() < 150)));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![Just(Value::Null), any::<i64>().prop_map(Value::from), "\\PC{0,9}".prop_map(Value::from)];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c/~]{1,2}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn two_differ_where_they_say_so(stored in any_json(), recomputed in any_json()) {
            let places = places(&stored, &recomputed);
            prop_assert_eq!(places.is_empty(), stored == recomputed);
            for place in places {
                prop_assert_ne!(stored.pointer(&place), recomputed.pointer(&place), "{}", place);
            }
        }

        #[test]
        fn any_text_is_compared(stored in "\\PC{0,60}", recomputed in "\\PC{0,60}") {
            let found = difference(&stored, &recomputed, 10);
            prop_assert!(stored != recomputed || found.total == 0);
        }
    }
}
