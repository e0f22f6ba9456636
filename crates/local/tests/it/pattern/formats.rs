//! What happens when pattern and record have different formats.

use super::{filter, filters, passes};

pub(crate) async fn a_list_of_conditions_on_the_value_filters_plain_text() {
    passes(r#"{"value":[{"anything-but":["error"]}]}"#, &["ok", "errors", ""], &["error"]);
    passes(r#"{"value":[{"prefix":"AB"}]}"#, &["AB1"], &["ab1", "42", "\"AB\""]);
}

pub(crate) async fn text_and_a_pattern_for_json_do_not_fit_so_the_record_is_delivered() {
    passes(r#"{"value":{"a":["x"]}}"#, &["plain", "", "{\"a\":", "{\"a\":\"y\"} and more", "42"], &["{}"]);
}

pub(crate) async fn json_and_a_pattern_for_text_do_not_fit_so_the_record_is_delivered() {
    passes(r#"{"value":["x"]}"#, &["{}", r#" {"a":1}"#, "[]", "x"], &["y"]);
}

pub(crate) async fn what_is_not_utf8_is_delivered() {
    for pattern in [r#"{"value":["x"]}"#, r#"{"value":{"a":["x"]}}"#] {
        assert!(filter(pattern).matches(Some(b"{\"a\":\"\xff\"}")), "{pattern}");
        assert!(filter(pattern).matches(Some(b"x\0\xfe")), "{pattern}");
    }
}

pub(crate) async fn a_tombstone_passes_only_where_absence_is_asked_for() {
    assert!(!filter(r#"{"value":["x"]}"#).matches(None));
    assert!(!filter(r#"{"value":[{"anything-but":"x"}]}"#).matches(None));
    assert!(!filter(r#"{"value":{"a":["x"]}}"#).matches(None));
    assert!(filter(r#"{"value":[{"exists":false}]}"#).matches(None));
    assert!(filter(r#"{"value":{"a":[{"exists":false}]}}"#).matches(None));
    let either = filters(&[r#"{"value":{"a":["x"]}}"#, r#"{"value":[{"exists":false}]}"#]);
    assert!(either.matches(None));
}
