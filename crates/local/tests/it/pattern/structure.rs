//! Conditions put together, and records with structure.

use super::{filters, passes};

pub(crate) async fn every_named_field_must_match_and_others_do_not_count() {
    passes(
        r#"{"value":{"a":{"b":["x"]},"c":[1,2]}}"#,
        &[r#"{"c":2,"z":[{}],"a":{"y":0,"b":"x"}}"#],
        &[r#"{"a":{"b":"x"}}"#, r#"{"a":{"b":"y"},"c":1}"#, r#"{"a":"x","c":1}"#, r#"{"b":"x","c":1}"#],
    );
}

pub(crate) async fn or_joins_fields_and_stands_beside_others() {
    passes(
        r#"{"value":{"s":["x"],"$or":[{"a":[1]},{"b":[{"numeric":[">",5]}],"c":[{"exists":true}]}]}}"#,
        &[r#"{"s":"x","a":1}"#, r#"{"s":"x","a":0,"b":6,"c":0}"#],
        &[r#"{"s":"x","b":6}"#, r#"{"s":"y","a":1}"#, r#"{"s":"x"}"#],
    );
    passes(
        r#"{"value":{"$or":[{"a":[1]},{"$or":[{"b":[1]},{"c":[1]}]}],"d":{"$or":[{"e":[1]},{"f":[1]}]}}}"#,
        &[r#"{"a":1,"d":{"e":1}}"#, r#"{"c":1,"d":{"f":1}}"#],
        &[r#"{"a":1,"d":{}}"#, r#"{"d":{"e":1}}"#],
    );
}

pub(crate) async fn of_an_array_one_item_is_enough() {
    passes(
        r#"{"value":{"a":["x"]}}"#,
        &[r#"{"a":["y","x"]}"#, r#"{"a":[["x"]]}"#],
        &[r#"{"a":[]}"#, r#"{"a":["y"]}"#, r#"{"a":[{"a":"x"}]}"#],
    );
    passes(r#"{"value":{"a":[{"anything-but":"x"}]}}"#, &[r#"{"a":["x","y"]}"#], &[r#"{"a":["x"]}"#]);
}

pub(crate) async fn of_an_array_of_objects_one_object_has_all_the_fields() {
    passes(
        r#"{"value":{"a":{"b":[1],"c":[2]}}}"#,
        &[r#"{"a":[{"b":0},{"b":1,"c":2}]}"#],
        &[r#"{"a":[{"b":1,"c":0},{"b":0,"c":2}]}"#, r#"{"a":[{"b":1}]}"#],
    );
    // The fields of one object may be asked for in two places of the pattern.
    passes(
        r#"{"value":{"a":{"b":[1]},"$or":[{"a":{"c":[2]}},{"d":[3]}]}}"#,
        &[r#"{"a":[{"b":1,"c":2}]}"#, r#"{"a":[{"b":1}],"d":3}"#],
        &[r#"{"a":[{"b":1},{"c":2}]}"#],
    );
}

pub(crate) async fn of_a_key_that_stands_twice_the_last_one_counts() {
    passes(r#"{"value":{"a":["x"],"b":[1],"a":["y"]}}"#, &[r#"{"a":"y","b":1}"#], &[r#"{"a":"x","b":1}"#]);
    passes(r#"{"value":{"a":["x"]}}"#, &[r#"{"a":"y","a":"x"}"#], &[r#"{"a":"x","a":"y"}"#]);
}

pub(crate) async fn a_record_that_passes_one_of_several_filters_is_delivered() {
    let filters = filters(&[r#"{"value":{"a":[1]}}"#, r#"{"value":{"b":[1]}}"#]);
    assert!(filters.matches(Some(br#"{"a":1}"#)) && filters.matches(Some(br#"{"b":1}"#)));
    assert!(!filters.matches(Some(br#"{"c":1}"#)));
}
