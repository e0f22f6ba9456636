//! What can be set, and how a fault is told.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn check(body: &Value) -> Result<Change, Value> {
    let bytes = body.to_string().into_bytes();
    let change = kit::http::parse::<ConfigChange>(&bytes).and_then(ConfigChange::check);
    change.map_err(|problem| serde_json::to_value(problem).unwrap())
}

#[test]
fn what_is_left_out_stays_as_it_is() {
    assert_eq!(check(&json!({})), Ok(Change::default()));
    assert_eq!(check(&json!({"fetch_interval_seconds": null})), Ok(Change::default()));
    assert_eq!(check(&json!({"github_token": MASK})), Ok(Change::default()));
    let all = json!({"fetch_interval_seconds": 15, "max_events_per_fetch": 200.0, "github_token": "your_token_here"});
    let token = Some(TokenChange::Store(Secret::new("your_token_here")));
    assert_eq!(check(&all), Ok(Change { interval_seconds: Some(15), events_max: Some(200), token }));
    assert_eq!(check(&json!({"github_token": null})).unwrap().token, Some(TokenChange::Remove));
}

#[test]
fn a_fault_names_its_field_and_what_is_accepted() {
    for (body, field) in [
        (json!({"fetch_interval_seconds": 0}), "fetch_interval_seconds"),
        (json!({"fetch_interval_seconds": 3601}), "fetch_interval_seconds"),
        (json!({"fetch_interval_seconds": 1.5}), "fetch_interval_seconds"),
        (json!({"fetch_interval_seconds": "15"}), "fetch_interval_seconds"),
        (json!({"max_events_per_fetch": 301}), "max_events_per_fetch"),
        (json!({"max_events_per_fetch": u64::MAX}), "max_events_per_fetch"),
        (json!({"github_token": ""}), "github_token"),
        (json!({"github_token": "with space"}), "github_token"),
        (json!({"github_token": "t".repeat(256)}), "github_token"),
        (json!({"github_token": 7}), "github_token"),
        (json!({"interval": 7}), "interval"),
        (json!([15, 200, "x"]), "body"),
        (json!(null), "body"),
    ] {
        let problem = check(&body).unwrap_err();
        assert_eq!((&problem["status"], &problem["parameter"]), (&json!(400), &json!(field)), "{body}: {problem}");
    }
}

#[test]
fn no_fault_and_no_log_repeats_a_token() {
    for token in ["ghp_secret with a space", "ghp_secret\u{e9}"] {
        let problem = check(&json!({"github_token": token})).unwrap_err();
        assert!(!problem.to_string().contains("ghp_secret"), "{problem}");
    }
    let change = check(&json!({"github_token": "ghp_secret"})).unwrap();
    assert!(!format!("{change:?}").contains("ghp_secret"));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-10_i64..4000).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,300}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| prop::collection::vec(inner, 0..3).prop_map(Value::from))
}

proptest! {
    #[test]
    fn whatever_is_sent_is_set_within_its_range_or_refused_by_name(
        interval in any_json(), events in any_json(), token in any_json(),
    ) {
        let body = json!({"fetch_interval_seconds": interval, "max_events_per_fetch": events, "github_token": token});
        match check(&body) {
            Ok(change) => {
                prop_assert!(change.interval_seconds.is_none_or(|seconds| (1..=3600).contains(&seconds)));
                prop_assert!(change.events_max.is_none_or(|events| (1..=300).contains(&events)));
            }
            Err(problem) => {
                prop_assert_eq!(&problem["status"], &json!(400));
                prop_assert!(body.get(problem["parameter"].as_str().unwrap()).is_some(), "{}", problem);
            }
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Err(problem) = kit::http::parse::<ConfigChange>(&bytes).and_then(ConfigChange::check) {
            prop_assert_eq!(problem.status().as_u16(), 400);
        }
    }
}
