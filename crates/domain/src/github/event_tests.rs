//! Each rule with a record that breaks it, and what an event is read as.

use super::*;

const EVENT: &str = r#"{"id":"41","type":"IssuesEvent","actor":{"id":1,"login":"ada","url":"u"},
    "repo":{"id":2,"name":"ada/engine"},"payload":{ "action":"opened", "issue":{"title":"\"x\""}},
    "public":true,"created_at":"2026-03-04T05:06:07Z","org":{"id":3,"login":"analytical"},"new_field":[1]}"#;

fn now() -> DateTime<Utc> {
    "2026-03-05T00:00:00Z".parse().unwrap()
}

fn read(json: &str) -> Result<Event<'_>, Rejection> {
    parse(json.as_bytes(), now())
}

fn rule(json: &str) -> &'static str {
    read(json).expect_err("the record is bad").rule
}

#[test]
fn an_event_is_read_and_borrowed() {
    let event = read(EVENT).unwrap();
    assert_eq!((event.id.as_ref(), event.kind.as_ref()), ("41", "IssuesEvent"));
    assert_eq!(event.action.as_deref(), Some("opened"));
    assert_eq!((event.actor_id, event.actor_login.as_ref()), (1, "ada"));
    assert_eq!((event.repo_id, event.repo_name.as_ref()), (2, "ada/engine"));
    assert_eq!(event.org, Some(Organisation { id: Some(3), login: Some("analytical".into()) }));
    assert_eq!(event.created_at.to_rfc3339(), "2026-03-04T05:06:07+00:00");
    assert_eq!(event.payload, Some(r#"{ "action":"opened", "issue":{"title":"\"x\""}}"#));
    assert!(matches!(event.actor_login, Cow::Borrowed(_)), "no copy without escapes");
}

#[test]
fn escapes_are_resolved() {
    let json = EVENT.replace("\"ada\"", r#""ad\u00e1""#);
    assert_eq!(read(&json).unwrap().actor_login, "adá");
}

#[test]
fn an_action_that_is_late_missing_or_of_another_type_is_no_fault() {
    let late = EVENT.replace(r#"{ "action":"opened", "issue""#, r#"{"issue":{"action":"x"},"action":"closed","a""#);
    assert_eq!(read(&late).unwrap().action.as_deref(), Some("closed"));
    for payload in [r#"{"push_id":1}"#, "[]", "null", r#"{"action":5}"#, r#"{"action":null}"#] {
        let json = format!(
            r#"{{"id":"1","type":"T","actor":{{"id":1,"login":"a"}},"repo":{{"id":1,"name":"n"}},"created_at":"2026-01-01T00:00:00Z","payload":{payload}}}"#
        );
        let event = read(&json).unwrap();
        assert_eq!((event.action, event.public), (None, None), "{payload}");
    }
}

#[test]
fn each_rule_is_named() {
    assert_eq!(rule("{\"id\":"), "json");
    assert_eq!(rule("not json"), "json");
    assert_eq!(rule(&EVENT.replace("\"id\":1", "\"id\":\"one\"")), "json.type");
    assert_eq!(rule(&EVENT.replace("\"id\":\"41\"", "\"id\":\"\"")), "required.id");
    assert_eq!(rule(&EVENT.replace("\"type\"", "\"kind\"")), "required.type");
    assert_eq!(rule(&EVENT.replace("\"actor\"", "\"who\"")), "required.actor.id");
    assert_eq!(rule(&EVENT.replace("\"login\":\"ada\"", "\"x\":1")), "required.actor.login");
    assert_eq!(rule(&EVENT.replace("\"id\":2", "\"id\":null")), "required.repo.id");
    assert_eq!(rule(&EVENT.replace("\"name\"", "\"nom\"")), "required.repo.name");
    assert_eq!(rule(&EVENT.replace("\"created_at\"", "\"created\"")), "required.created_at");
    assert_eq!(rule(&EVENT.replace("2026-03-04T", "yesterday ")), "created_at.parse");
    assert_eq!(parse(b"{\"id\":\"\xff\"}", now()).unwrap_err().rule, "utf8");
}

#[test]
fn an_event_lies_between_2008_and_a_day_from_now() {
    let at = |time: &str| read(&EVENT.replace("2026-03-04T05:06:07Z", time)).map(|event| event.created_at);
    for fine in ["2008-01-01T00:00:00Z", "2026-03-06T00:00:00Z", "2008-01-01T01:00:00+01:00"] {
        assert!(at(fine).is_ok(), "{fine}");
    }
    for far in ["2007-12-31T23:59:59Z", "2026-03-06T00:00:01Z", "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z"] {
        assert_eq!(at(far).unwrap_err().rule, "created_at.range", "{far}");
    }
}

#[test]
fn a_value_of_4_mb_passes_and_one_byte_more_does_not() {
    let empty = EVENT.replace("\\\"x\\\"", "");
    let of_size = |size: usize| {
        let filler = "x".repeat(size - empty.len());
        empty.replace("\"title\":\"\"", &format!("\"title\":\"{filler}\""))
    };
    assert_eq!(of_size(SIZE_MAX).len(), SIZE_MAX);
    assert!(read(&of_size(SIZE_MAX)).is_ok());
    assert_eq!(rule(&of_size(SIZE_MAX + 1)), "size");
}

#[test]
fn names_and_ids_have_an_end() {
    let long = |field: &str, length: usize| {
        let (before, after) = EVENT.split_once(field).unwrap();
        format!("{before}{}{after}", "x".repeat(length))
    };
    for (field, most, name) in [
        ("41", ID_MAX, "id.format"),
        ("IssuesEvent", TYPE_MAX, "type.length"),
        ("ada", LOGIN_MAX, "actor.login.length"),
        ("ada/engine", REPO_NAME_MAX, "repo.name.length"),
    ] {
        assert!(read(&long(field, most)).is_ok(), "{name}");
        assert_eq!(rule(&long(field, most + 1)), name);
    }
    for id in ["4 1", "41\\n", "4\u{e4}"] {
        assert_eq!(rule(&EVENT.replace("\"41\"", &format!("\"{id}\""))), "id.format", "{id}");
    }
}

#[test]
fn each_rule_that_is_told_is_listed() {
    let source = include_str!("event.rs");
    for name in RULES.iter().filter(|name| **name != "value") {
        assert!(source.matches(&format!("\"{name}\"")).count() >= 2, "{name} is listed and never told");
    }
    assert!(RULES.contains(&rule("{")));
}

#[test]
fn a_reason_is_short() {
    let id = "\u{7}".repeat(1_000);
    assert!(rule_and_reason(&EVENT.replace("41", &id.escape_unicode().to_string())).len() < 2_000);
}

fn rule_and_reason(json: &str) -> String {
    read(json).unwrap_err().to_string()
}
