//! Parameters, and rules about them.

use super::{function, read_with, refused};

fn parameter(declaration: &str) -> String {
    function(&format!("Parameters:\n  P: {{{declaration}}}"), "Environment: {Variables: {A: !Ref P}}")
}

pub(crate) async fn a_given_value_stands_over_the_default() {
    let text = parameter("Type: String, Default: default");
    let value = |given: &[(&str, &str)]| read_with(&text, given).unwrap().functions["F"].environment["A"].clone();
    assert_eq!((value(&[]), value(&[("P", "given")])), ("default".to_owned(), "given".to_owned()));
    let error = read_with(&text, &[("Q", "x")]).unwrap_err();
    assert!(error.contains("a value is given for parameter Q, which the template does not have"), "{error}");
}

pub(crate) async fn a_value_must_fit_its_type_pattern_and_limits() {
    for (declaration, expected) in [
        ("Type: Number, Default: one", "\"one\" is not accepted; accepted: a number"),
        ("Type: Number, Default: 9, MaxValue: 8", "\"9\" is not accepted; accepted: 8 or less"),
        ("Type: String, Default: ab, MinLength: 3", "\"ab\" is not accepted; accepted: 3 characters or more"),
        ("Type: String, Default: c, AllowedValues: [a, b]", "\"c\" is not accepted; accepted: a, b"),
        // The whole value, not a part of it.
        ("Type: String, Default: xa1, AllowedPattern: 'a\\d'", "\"xa1\" is not accepted; accepted: \"a\\d\""),
        ("Type: CommaDelimitedList, Default: 'a, c', AllowedValues: [a, b]", "\"c\" is not accepted; accepted: a, b"),
    ] {
        let error = refused(&parameter(declaration));
        assert!(error.starts_with("t.yaml:2:") && error.contains(expected), "{declaration}: {error}");
    }
}

pub(crate) async fn a_secret_is_not_shown_in_an_error() {
    let error = read_with(&parameter("Type: String, MaxLength: 3, NoEcho: true"), &[("P", "hidden")]).unwrap_err();
    assert!(error.contains("\"****\" is not accepted") && !error.contains("hidden"), "{error}");
}

const RULES: &str = "Parameters:
  Stage: {Type: String, Default: dev}
  Zones: {Type: CommaDelimitedList, Default: 'a, b'}
Rules:
  Large:
    RuleCondition: !Equals [!Ref Stage, prod]
    Assertions:
      - Assert: !Contains [[a], !Ref Stage]
        AssertDescription: prod is not ready
  Known:
    Assertions:
      - Assert: {'Fn::EachMemberIn': [!Ref Zones, [a, b]]}
        AssertDescription: zones are a and b";

pub(crate) async fn an_assertion_that_is_false_stops_with_its_description() {
    let text = function(RULES, "");
    read_with(&text, &[]).unwrap();
    let error = read_with(&text, &[("Zones", "a,c")]).unwrap_err();
    assert_eq!(error, "t.yaml:12:17: rule Known: zones are a and b");
}

pub(crate) async fn a_rule_holds_only_where_its_condition_does() {
    let text = function(RULES, "");
    let error = read_with(&text, &[("Stage", "prod")]).unwrap_err();
    assert_eq!(error, "t.yaml:8:17: rule Large: prod is not ready");
    read_with(&text, &[("Stage", "test")]).unwrap();
}
