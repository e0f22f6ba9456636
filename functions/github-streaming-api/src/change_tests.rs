//! What can be set, and how a fault is told.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn check(body: &Value) -> Result<Change, Value> {
    let change = kit::http::parse::<ConfigChange>(body.to_string().as_bytes()).and_then(ConfigChange::check);
    change.map_err(|problem| serde_json::to_value(problem).unwrap())
}

fn mapping(state: &str) -> Mapping {
    Mapping {
        uuid: "u".into(),
        state: state.into(),
        reason: None,
        last_result: None,
        changed_at: None,
        batch_size: 100,
        window_seconds: 2,
    }
}

#[test]
fn an_interval_is_a_number_and_a_unit() {
    for (text, expected) in [
        ("0 seconds", 0),
        ("1 second", 1),
        ("15 seconds", 15),
        ("300 seconds", 300),
        ("1 minute", 60),
        ("5 minutes", 300),
    ] {
        assert_eq!(seconds(text), Some(expected), "{text}");
    }
    for text in [
        "",
        " ",
        "15",
        "seconds",
        "15  seconds",
        "15seconds",
        "-1 seconds",
        "+1 seconds",
        "01 seconds",
        "301 seconds",
        "6 minutes",
        "1 hour",
        "1.5 seconds",
        "15 Seconds",
        "99999999999999 minutes",
        "35791395 minutes",
        " seconds",
    ] {
        assert_eq!(seconds(text), None, "{text}");
    }
}

#[test]
fn what_is_left_out_stays_as_it_is() {
    let change = check(&json!({"trigger_interval": "15 seconds", "max_events_per_batch": 2000})).unwrap();
    assert_eq!(change, Change { enabled: None, window_seconds: Some(15), batch_size: Some(2000) });
    for nothing in [json!({}), json!({"trigger_interval": null, "max_events_per_batch": null})] {
        assert_eq!(check(&nothing), Ok(Change::default()));
    }
    assert_eq!(check(&json!({"max_events_per_batch": 7.0})).unwrap().batch_size, Some(7));
}

#[test]
fn a_fault_names_its_field() {
    for (body, field) in [
        (json!({"trigger_interval": "soon"}), "trigger_interval"),
        (json!({"trigger_interval": 15}), "trigger_interval"),
        (json!({"trigger_interval": {"seconds": 15}}), "trigger_interval"),
        (json!({"max_events_per_batch": 0}), "max_events_per_batch"),
        (json!({"max_events_per_batch": 10_001}), "max_events_per_batch"),
        (json!({"max_events_per_batch": 1.5}), "max_events_per_batch"),
        (json!({"max_events_per_batch": "2000"}), "max_events_per_batch"),
        (json!({"trigger": "1 second"}), "trigger"),
        (json!([]), "body"),
    ] {
        let problem = check(&body).unwrap_err();
        assert_eq!((&problem["status"], &problem["parameter"]), (&json!(400), &json!(field)), "{body}: {problem}");
    }
}

#[test]
fn only_what_is_not_so_already_is_asked_for() {
    let needed = |change: Change, state: &str| change.is_needed(&mapping(state));
    for (state, start, stop) in [
        ("Enabled", false, true),
        ("Enabling", false, true),
        ("Creating", false, true),
        ("Disabling", true, false),
        ("Disabled", true, false),
        ("Updating", true, true),
    ] {
        assert_eq!(
            (needed(Change::switch(true), state), needed(Change::switch(false), state)),
            (start, stop),
            "{state}"
        );
    }
    let config = |window_seconds, batch_size| Change { enabled: None, window_seconds, batch_size };
    assert!(!needed(config(Some(2), Some(100)), "Enabled") && !needed(config(None, None), "Disabled"));
    assert!(needed(config(Some(3), Some(100)), "Enabled") && needed(config(None, Some(99)), "Enabled"));
}

proptest! {
    #[test]
    fn every_interval_that_is_written_so_is_read(number in 0..=100_000_i32, minutes in any::<bool>(), plural in any::<bool>()) {
        let (unit, length) = if minutes { ("minute", 60) } else { ("second", 1) };
        let text = format!("{number} {unit}{}", if plural { "s" } else { "" });
        let expected = number.checked_mul(length).filter(|seconds| *seconds <= 300);
        prop_assert_eq!(seconds(&text), expected);
    }

    #[test]
    fn whatever_text_comes_is_read_within_its_range_or_refused(text in "[0-9 +.-]{0,6} ?(seconds?|minutes?)?.{0,3}") {
        prop_assert!(seconds(&text).is_none_or(|seconds| (0..=300).contains(&seconds)));
    }

    #[test]
    fn any_number_is_a_size_within_its_range_or_refused(number in any::<f64>(), whole in any::<i64>()) {
        for value in [json!(number), json!(whole), json!(whole % 20_000)] {
            prop_assert!(size(&value).is_none_or(|size| (1..=10_000).contains(&size)));
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Err(problem) = kit::http::parse::<ConfigChange>(&bytes).and_then(ConfigChange::check) {
            prop_assert_eq!(problem.status().as_u16(), 400);
        }
    }
}
