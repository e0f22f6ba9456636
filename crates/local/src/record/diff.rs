//! How two answers differ. Pure.

use serde_json::Value;

/// Differences that are shown; more say no more.
const MOST: usize = 100;

/// The differences between two answers, a line each: `- $.a: 1` was, `+ $.a: 2` is. Empty when they are the same JSON,
/// or the same bytes.
#[must_use]
pub fn diff(before: &[u8], after: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    match (serde_json::from_slice(before), serde_json::from_slice(after)) {
        (Ok(before), Ok(after)) => compare("$", Some(&before), Some(&after), &mut lines),
        _ if before == after => {}
        _ => {
            lines.push(format!("- {}", String::from_utf8_lossy(before)));
            lines.push(format!("+ {}", String::from_utf8_lossy(after)));
        }
    }
    if lines.len() > MOST {
        let more = lines.len() - MOST;
        lines.truncate(MOST);
        lines.push(format!("... {more} more lines"));
    }
    lines
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, lines: &mut Vec<String>) {
    match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let added = after.keys().filter(|key| !before.contains_key(*key));
            for key in before.keys().chain(added) {
                compare(&format!("{path}.{key}"), before.get(key), after.get(key), lines);
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => {
            for index in 0..before.len().max(after.len()) {
                compare(&format!("{path}[{index}]"), before.get(index), after.get(index), lines);
            }
        }
        (before, after) if before == after => {}
        (before, after) => {
            lines.extend(before.map(|value| format!("- {path}: {value}")));
            lines.extend(after.map(|value| format!("+ {path}: {value}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_json_is_no_difference_whatever_its_spaces_and_order() {
        assert!(diff(br#"{"a":1,"b":[1]}"#, br#"{ "b": [1], "a": 1 }"#).is_empty());
        assert!(diff(b"no json", b"no json").is_empty());
    }

    #[test]
    fn each_difference_has_its_path() {
        let before = br#"{"a":1,"b":{"c":[1,2]},"d":0}"#;
        let after = br#"{"a":"1","b":{"c":[1]},"e":null}"#;
        assert_eq!(diff(before, after), ["- $.a: 1", "+ $.a: \"1\"", "- $.b.c[1]: 2", "- $.d: 0", "+ $.e: null"]);
        assert_eq!(diff(b"old", b"1"), ["- old", "+ 1"]);
        let long = serde_json::to_vec(&(0..300).collect::<Vec<_>>()).unwrap();
        assert_eq!(diff(&long, b"[]").len(), MOST + 1);
    }
}
