//! What a pattern is refused for; what patterns match is in the table of conformance cases.

use super::*;

fn error(pattern: &str) -> String {
    Filters::parse(&[pattern.to_owned()], "value").err().map_or_else(String::new, |error| error.to_string())
}

#[test]
fn a_refusal_names_the_place_in_the_pattern() {
    for (pattern, expected) in [
        ("{", "it is not JSON: EOF"),
        ("[]", "[] is not accepted; accepted: an object"),
        ("{}", "an empty object is not accepted"),
        (r#"{"value":{}}"#, "value: an empty object is not accepted"),
        (r#"{"value":{"a":[]}}"#, "value.a: an empty list is not accepted"),
        (r#"{"value":{"a":"x"}}"#, r#"value.a: "x" is not accepted; accepted: a list of values or an object"#),
        (r#"{"value":{"a":[[1]]}}"#, "value.a[0]: a list within a list"),
        (r#"{"key":["x"]}"#, "key: it is not accepted; accepted: value"),
        (r#"{"value":{"a":[1]},"topic":["t"]}"#, "topic: it is not accepted; accepted: value"),
        (r#"{"value":{"a":["x",{"prefx":"y"}]}}"#, "value.a[1].prefx: it is not a condition; accepted: anything-but,"),
        (r#"{"value":{"a":[{}]}}"#, "value.a[0]: 0 conditions in one object"),
        (r#"{"value":{"a":[{"prefix":"x","suffix":"y"}]}}"#, "value.a[0]: 2 conditions in one object"),
        (r#"{"value":{"a":[{"prefix":1}]}}"#, "value.a[0].prefix: 1 is not accepted; accepted: text"),
        (r#"{"value":{"a":[{"prefix":{"suffix":"x"}}]}}"#, "value.a[0].prefix.suffix: it is not accepted here"),
        (r#"{"value":{"a":[{"exists":"yes"}]}}"#, "value.a[0].exists: \"yes\" is not accepted; accepted: true, false"),
        (r#"{"value":{"a":[{"numeric":[]}]}}"#, "value.a[0].numeric: an empty list"),
        (r#"{"value":{"a":[{"numeric":["=>",1]}]}}"#, "value.a[0].numeric: \"=>\" is not accepted; accepted: =, <,"),
        (r#"{"value":{"a":[{"numeric":["<",9,">",1]}]}}"#, "value.a[0].numeric: < and > are not accepted"),
        (r#"{"value":{"a":[{"numeric":[">",9,"<",9]}]}}"#, "value.a[0].numeric: 9 to 9 is not accepted"),
        (r#"{"value":{"a":[{"numeric":[">",6e9]}]}}"#, "accepted: a number from -5.0e9 to 5.0e9"),
        (r#"{"value":{"a":[{"numeric":[">"]}]}}"#, "value.a[0].numeric: 1 items are not accepted"),
        (r#"{"value":{"a":[{"wildcard":"a**b"}]}}"#, "value.a[0].wildcard: two wildcards in a row"),
        (r#"{"value":{"a":[{"wildcard":"a\\b"}]}}"#, "value.a[0].wildcard: a backslash is not accepted here"),
        (r#"{"value":{"a":[{"anything-but":[1,"x"]}]}}"#, "accepted: texts only, or numbers only"),
        (r#"{"value":{"a":[{"anything-but":null}]}}"#, "value.a[0].anything-but: null is not accepted"),
        (r#"{"value":{"a":[{"anything-but":{"prefix":""}}]}}"#, "value.a[0].anything-but.prefix: an empty text"),
        (r#"{"value":{"a":[{"anything-but":{"numeric":["=",1]}}]}}"#, "anything-but.numeric: it is not accepted here"),
        (r#"{"value":{"a":[{"cidr":"10.0.0.0/33"}]}}"#, "value.a[0].cidr: \"10.0.0.0/33\" is not accepted"),
        (r#"{"value":{"$or":{"a":[1]}}}"#, "value.$or: {\"a\":[1]} is not accepted; accepted: a list of objects"),
        (r#"{"value":{"$or":[{"a":[1]}]}}"#, "value.$or: 1 objects are not accepted; accepted: at least 2"),
        (r#"{"value":{"$or":[{"prefix":["x"]},{"a":[1]}]}}"#, "value: prefix is not accepted within $or"),
        (r#"{"$or":[{"value":["x"]},{"key":["x"]}]}"#, "key: it is not accepted; accepted: value"),
    ] {
        let found = error(pattern);
        assert!(found.contains(expected), "{pattern}\n  said: {found}\n  not:  {expected}");
    }
}

#[test]
fn the_quotas_hold() {
    let pattern = r#"{"value":["x"]}"#.to_owned();
    assert!(Filters::parse(&vec![pattern.clone(); 10], "value").is_ok());
    let eleven = Filters::parse(&vec![pattern; 11], "value").unwrap_err();
    assert!(eleven.to_string().contains("at most 10"), "{eleven}");
    let long = format!(r#"{{"value":["{}"]}}"#, "x".repeat(4083));
    assert!(error_of_length(&long).contains("at most 4096"), "{}", long.len());
    let or = r#""$or":[{"a":[1]},{"b":[1]},{"c":[1]},{"d":[1]}]"#;
    let nested = (0..6).fold(r#""z":[1]"#.to_owned(), |inner, n| format!(r#"{or},"n{n}":{{{inner}}}"#));
    assert!(error(&format!(r#"{{"value":{{{nested}}}}}"#)).contains("at most 1000"));
}

fn error_of_length(pattern: &str) -> String {
    assert_eq!(pattern.chars().count(), 4097);
    error(pattern)
}

#[test]
fn the_second_of_two_filters_is_named() {
    let patterns = [r#"{"value":["x"]}"#.to_owned(), r#"{"value":[]}"#.to_owned()];
    let error = Filters::parse(&patterns, "value").unwrap_err();
    assert_eq!((error.filter, error.path.as_str()), (1, "value"));
}

#[test]
fn no_filter_lets_everything_pass() {
    let none = Filters::parse(&[], "value").unwrap();
    assert!(none.is_empty() && none.matches(None) && none.matches(Some(b"x")));
}
