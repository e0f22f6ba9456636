//! A GitHub event as the API serves it, read from JSON without copying, and the rule that a bad one breaks.
//!
//! The payload stays text, as it came: its shape differs by event type and changes without notice. Event types and
//! fields that are not known pass through.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde::de::{self, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// All rules, in the order in which they are looked at.
pub const RULES: [&str; 18] = [
    "value",
    "size",
    "utf8",
    "json",
    "json.type",
    "required.id",
    "id.format",
    "required.type",
    "type.length",
    "required.actor.id",
    "required.actor.login",
    "actor.login.length",
    "required.repo.id",
    "required.repo.name",
    "repo.name.length",
    "required.created_at",
    "created_at.parse",
    "created_at.range",
];

/// The largest value that is taken, bytes. GitHub's largest events have a tenth of it; Lambda hands over no record of
/// more than about 4.5 MB, because base64 makes 6 MB of it.
const SIZE_MAX: usize = 4_000_000;
/// The longest id. GitHub's have 11 digits today.
const ID_MAX: usize = 64;
/// The longest type. GitHub's longest has 29 letters.
const TYPE_MAX: usize = 64;
/// The longest name of an actor; GitHub gives out 39 characters, and appends `[bot]`.
const LOGIN_MAX: usize = 128;
/// The longest `owner/name`; GitHub gives out 39 and 100 characters.
const REPO_NAME_MAX: usize = 256;
/// 2008-01-01: GitHub opened that year, and no event is older.
const EARLIEST: i64 = 1_199_145_600;
/// How far ahead of our clock an event may be.
const AHEAD: TimeDelta = TimeDelta::days(1);

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
    /// One of [`RULES`].
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

/// Reads and checks one record's value; `now` is what `created_at` is held against.
///
/// # Errors
/// The first rule that the record breaks.
pub fn parse(value: &[u8], now: DateTime<Utc>) -> Result<Event<'_>, Rejection> {
    if value.len() > SIZE_MAX {
        return Err(Rejection::new("size", format!("{} bytes, at most {SIZE_MAX} are taken", value.len())));
    }
    let text = std::str::from_utf8(value).map_err(|error| Rejection::new("utf8", error.to_string()))?;
    let raw: Raw<'_> = serde_json::from_str(text).map_err(|error| {
        let rule = if error.is_data() { "json.type" } else { "json" };
        Rejection::new(rule, shortened(&error.to_string()))
    })?;
    let (actor_id, actor_login) = raw.actor.map_or((None, None), |actor| (actor.id, actor.login));
    let (repo_id, repo_name) = raw.repo.map_or((None, None), |repo| (repo.id, repo.name));
    let payload = raw.payload.map(RawValue::get);
    Ok(Event {
        id: id(required(raw.id, "required.id")?)?,
        kind: at_most(required(raw.kind, "required.type")?, TYPE_MAX, "type.length")?,
        action: payload.and_then(action),
        actor_id: actor_id.ok_or_else(|| missing("required.actor.id"))?,
        actor_login: at_most(required(actor_login, "required.actor.login")?, LOGIN_MAX, "actor.login.length")?,
        repo_id: repo_id.ok_or_else(|| missing("required.repo.id"))?,
        repo_name: at_most(required(repo_name, "required.repo.name")?, REPO_NAME_MAX, "repo.name.length")?,
        org: raw.org.map(|org| Organisation { id: org.id, login: org.login.map(|login| login.0) }),
        public: raw.public,
        created_at: created_at(&required(raw.created_at, "required.created_at")?, now)?,
        payload,
    })
}

/// Ids are compared, kept and asked for in addresses: no white space, nothing invisible, nothing endless.
fn id(id: Cow<'_, str>) -> Result<Cow<'_, str>, Rejection> {
    if id.len() <= ID_MAX && id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(id);
    }
    let found = format!("{:?}, 1 to {ID_MAX} visible ASCII characters are taken", shortened(&id));
    Err(Rejection::new("id.format", found))
}

fn at_most<'a>(text: Cow<'a, str>, most: usize, rule: &'static str) -> Result<Cow<'a, str>, Rejection> {
    if text.len() <= most {
        return Ok(text);
    }
    Err(Rejection::new(rule, format!("{} bytes, at most {most} are taken", text.len())))
}

fn created_at(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, Rejection> {
    let at = DateTime::parse_from_rfc3339(text)
        .map_err(|error| Rejection::new("created_at.parse", format!("{error}: {}", shortened(text))))?
        .to_utc();
    if at.timestamp() < EARLIEST || at > now + AHEAD {
        let reason = format!("{}, not between 2008-01-01 and a day from now", shortened(text));
        return Err(Rejection::new("created_at.range", reason));
    }
    Ok(at)
}

fn required<'a>(text: Option<Text<'a>>, rule: &'static str) -> Result<Cow<'a, str>, Rejection> {
    text.map(|text| text.0).filter(|text| !text.is_empty()).ok_or_else(|| missing(rule))
}

fn missing(rule: &'static str) -> Rejection {
    Rejection::new(rule, "missing or empty")
}

/// A reason goes into a Kafka header, so it must not carry a megabyte of somebody's nonsense.
fn shortened(text: &str) -> String {
    text.chars().take(160).collect()
}

/// Finds `action` among the payload's own keys. GitHub writes it first, so this reads a few bytes of what may be
/// many kilobytes: the visitor keeps the value and leaves the rest unread. More than half of all events have none; that the
/// name stands nowhere, not even with escapes, is found out faster than by reading the payload's JSON.
fn action(payload: &str) -> Option<Cow<'_, str>> {
    if !payload.contains("\"action\"") && !payload.contains("\\u") {
        return None;
    }
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
#[path = "event_tests.rs"]
mod tests;
