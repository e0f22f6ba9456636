//! A GitHub event as the API serves it, read from JSON without copying, and the rule that a bad one breaks.
//!
//! The payload stays text, as it came: its shape differs by event type and changes without notice. Event types and
//! fields that are not known pass through. Not here yet: ranges of `created_at` and sizes (a later issue's rules).

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::{self, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A record that passed all rules, borrowed from its bytes wherever the JSON has no escapes.
#[derive(Debug, Clone, PartialEq)]
pub struct Event<'a> {
    /// GitHub's id of the event, decimal digits.
    pub id: Cow<'a, str>,
    /// `PushEvent`, `WatchEvent` ...; any text.
    pub kind: Cow<'a, str>,
    /// `payload.action`, where the payload has one.
    pub action: Option<Cow<'a, str>>,
    /// Who did it.
    pub actor_id: i64,
    /// The actor's name.
    pub actor_login: Cow<'a, str>,
    /// The repository.
    pub repo_id: i64,
    /// `owner/name`.
    pub repo_name: Cow<'a, str>,
    /// The organisation, when the repository belongs to one.
    pub org: Option<Organisation<'a>>,
    /// Whether the event is public; `None` when the record does not say.
    pub public: Option<bool>,
    /// When it happened.
    pub created_at: DateTime<Utc>,
    /// The payload's JSON text, byte for byte.
    pub payload: Option<&'a str>,
}

/// The organisation of an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Organisation<'a> {
    /// Its id, when given.
    pub id: Option<i64>,
    /// Its name, when given.
    pub login: Option<Cow<'a, str>>,
}

/// Why a record cannot be an event. `rule` is a short fixed name to count by, `reason` says what was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: {reason}")]
pub struct Rejection {
    /// `value`, `utf8`, `json`, `json.type`, `required.<field>` or `created_at.parse`.
    pub rule: &'static str,
    /// For people.
    pub reason: String,
}

impl Rejection {
    fn new(rule: &'static str, reason: impl Into<String>) -> Self {
        Self { rule, reason: reason.into() }
    }
}

/// `Option<Cow<str>>` never borrows in serde; this does.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    actor: Option<Actor<'a>>,
    #[serde(borrow)]
    repo: Option<Repo<'a>>,
    #[serde(borrow)]
    org: Option<Actor<'a>>,
    public: Option<bool>,
    #[serde(borrow)]
    created_at: Option<Text<'a>>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Actor<'a> {
    id: Option<i64>,
    #[serde(borrow)]
    login: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Repo<'a> {
    id: Option<i64>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
}

/// Reads and checks one record's value.
///
/// # Errors
/// The first rule that the record breaks.
pub fn parse(value: &[u8]) -> Result<Event<'_>, Rejection> {
    let text = std::str::from_utf8(value).map_err(|error| Rejection::new("utf8", error.to_string()))?;
    let raw: Raw<'_> = serde_json::from_str(text).map_err(|error| {
        let rule = if error.is_data() { "json.type" } else { "json" };
        Rejection::new(rule, error.to_string())
    })?;
    let (actor_id, actor_login) = raw.actor.map_or((None, None), |actor| (actor.id, actor.login));
    let (repo_id, repo_name) = raw.repo.map_or((None, None), |repo| (repo.id, repo.name));
    let created_at = required(raw.created_at, "required.created_at")?;
    let payload = raw.payload.map(RawValue::get);
    Ok(Event {
        id: required(raw.id, "required.id")?,
        kind: required(raw.kind, "required.type")?,
        action: payload.and_then(action),
        actor_id: actor_id.ok_or_else(|| missing("required.actor.id"))?,
        actor_login: required(actor_login, "required.actor.login")?,
        repo_id: repo_id.ok_or_else(|| missing("required.repo.id"))?,
        repo_name: required(repo_name, "required.repo.name")?,
        org: raw.org.map(|org| Organisation { id: org.id, login: org.login.map(|login| login.0) }),
        public: raw.public,
        created_at: DateTime::parse_from_rfc3339(&created_at)
            .map_err(|error| Rejection::new("created_at.parse", format!("{error}: {}", shortened(&created_at))))?
            .to_utc(),
        payload,
    })
}

fn required<'a>(text: Option<Text<'a>>, rule: &'static str) -> Result<Cow<'a, str>, Rejection> {
    text.map(|text| text.0).filter(|text| !text.is_empty()).ok_or_else(|| missing(rule))
}

fn missing(rule: &'static str) -> Rejection {
    Rejection::new(rule, "missing or empty")
}

/// A reason goes into a Kafka header, so it must not carry a megabyte of somebody's nonsense.
fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

/// Finds `action` among the payload's own keys. GitHub writes it first, so this reads a few bytes of what may be
/// many kilobytes: the visitor keeps the value and leaves the rest unread.
fn action(payload: &str) -> Option<Cow<'_, str>> {
    struct Find<'s, 'a>(&'s mut Option<Cow<'a, str>>);
    impl<'a> Visitor<'a> for Find<'_, 'a> {
        type Value = ();
        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }
        fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(key) = map.next_key::<Text<'a>>()? {
                if key.0 == "action" {
                    *self.0 = map.next_value::<Option<Text<'a>>>()?.map(|text| text.0);
                    return Ok(());
                }
                map.next_value::<IgnoredAny>()?;
            }
            Ok(())
        }
    }
    let mut found = None;
    // Stopping early leaves the map open, which the reader reports; what was found counts.
    let _unread_rest =
        de::Deserializer::deserialize_map(&mut serde_json::Deserializer::from_str(payload), Find(&mut found));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"id":"41","type":"IssuesEvent","actor":{"id":1,"login":"ada","url":"u"},
        "repo":{"id":2,"name":"ada/engine"},"payload":{ "action":"opened", "issue":{"title":"\"x\""}},
        "public":true,"created_at":"2026-03-04T05:06:07Z","org":{"id":3,"login":"analytical"},"new_field":[1]}"#;

    fn rule(json: &str) -> &'static str {
        parse(json.as_bytes()).expect_err("the record is bad").rule
    }

    #[test]
    fn an_event_is_read_and_borrowed() {
        let event = parse(EVENT.as_bytes()).unwrap();
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
        assert_eq!(parse(json.as_bytes()).unwrap().actor_login, "adá");
    }

    #[test]
    fn an_action_that_is_late_missing_or_of_another_type_is_no_fault() {
        let late = EVENT.replace(r#"{ "action":"opened", "issue""#, r#"{"issue":{"action":"x"},"action":"closed","a""#);
        assert_eq!(parse(late.as_bytes()).unwrap().action.as_deref(), Some("closed"));
        for payload in [r#"{"push_id":1}"#, "[]", "null", r#"{"action":5}"#, r#"{"action":null}"#] {
            let json = format!(
                r#"{{"id":"1","type":"T","actor":{{"id":1,"login":"a"}},"repo":{{"id":1,"name":"n"}},"created_at":"2026-01-01T00:00:00Z","payload":{payload}}}"#
            );
            let event = parse(json.as_bytes()).unwrap();
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
        assert_eq!(parse(b"{\"id\":\"\xff\"}").unwrap_err().rule, "utf8");
    }
}
