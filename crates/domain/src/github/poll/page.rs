//! One page of the API: a JSON array, cut into its elements without touching their bytes.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// A Kafka message holds a megabyte with its key and headers; an event is a few kilobytes.
pub const EVENT_BYTES_MAX: usize = 900_000;

/// GitHub's ids have 11 digits.
const ID_BYTES_MAX: usize = 64;

/// The page is no JSON array.
#[derive(Debug, thiserror::Error)]
#[error("page is not a whole JSON array")]
pub struct InvalidPage(#[source] serde_json::Error);

/// An event to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// GitHub's id.
    pub id: String,
    /// The repository's id as text, the key of the message; none when the event names no repository.
    pub repository: Option<String>,
    /// The event's JSON, byte for byte as it came.
    pub value: Vec<u8>,
}

/// An element that cannot be sent as an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Stands in for the id, so that an element that every poll repeats is rejected once: a hash of its bytes.
    pub id: String,
    /// Which rule it breaks.
    pub rule: &'static str,
    /// In what way.
    pub reason: &'static str,
    /// The element's bytes as they came; of one that is too large, the first [`EVENT_BYTES_MAX`].
    pub value: Vec<u8>,
}

impl Rejected {
    pub(super) fn new(fault: Fault, raw: &str) -> Self {
        let Fault { id, rule, reason } = fault;
        let value = raw.as_bytes().iter().copied().take(EVENT_BYTES_MAX).collect();
        Self { id, rule, reason, value }
    }
}

pub(super) struct Element<'a> {
    pub(super) raw: &'a str,
    pub(super) identity: Result<Identity, Fault>,
}

pub(super) struct Identity {
    pub(super) id: String,
    pub(super) repository: Option<String>,
    pub(super) created_at: Option<DateTime<Utc>>,
}

pub(super) struct Fault {
    pub(super) id: String,
    rule: &'static str,
    reason: &'static str,
}

/// The only fields that the poller looks at, each of any type: everything else, and every other type, passes through.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    repo: Option<&'a RawValue>,
    #[serde(borrow)]
    created_at: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Repository<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
}

pub(super) fn split(text: &str) -> Result<Vec<Element<'_>>, InvalidPage> {
    let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(InvalidPage)?;
    Ok(elements.into_iter().map(|raw| Element { raw: raw.get(), identity: identify(raw.get()) }).collect())
}

fn identify(raw: &str) -> Result<Identity, Fault> {
    let fault = |rule, reason| Fault { id: stand_in(raw), rule, reason };
    if raw.len() > EVENT_BYTES_MAX {
        return Err(fault("event_size", "the event is larger than a message may be; its beginning is kept"));
    }
    if !raw.starts_with('{') {
        return Err(fault("event_object", "the element is not a JSON object"));
    }
    let Ok(head) = serde_json::from_str::<Head<'_>>(raw) else {
        return Err(fault("event_object", "the element is not a JSON object with each field once"));
    };
    let Some(id) = head.id.and_then(scalar) else {
        return Err(fault("event_id", "the event has no usable id"));
    };
    // An array would do for serde, too.
    let repo = head.repo.map(RawValue::get).filter(|repo| repo.starts_with('{'));
    let repository = repo.and_then(|repo| serde_json::from_str::<Repository<'_>>(repo).ok());
    Ok(Identity {
        id,
        repository: repository.and_then(|repository| scalar(repository.id)),
        created_at: head.created_at.and_then(|at| serde_json::from_str(at.get()).ok()),
    })
}

/// An id as text: a string or a whole number. Printable ASCII only, because it goes into a database and a message key.
fn scalar(raw: &RawValue) -> Option<String> {
    let text = match raw.get().starts_with('"') {
        true => serde_json::from_str::<String>(raw.get()).ok()?,
        false => serde_json::from_str::<u64>(raw.get()).ok()?.to_string(),
    };
    let usable = (1..=ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    usable.then_some(text)
}

fn stand_in(raw: &str) -> String {
    let mut hasher = DefaultHasher::new();
    raw.hash(&mut hasher);
    format!("rejected:{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(raw: &str) -> (String, Option<String>) {
        let identity = identify(raw).unwrap_or_else(|fault| panic!("{raw}: {}", fault.reason));
        (identity.id, identity.repository)
    }

    #[test]
    fn unknown_types_and_fields_pass_through_byte_for_byte() {
        let odd = "{ \"new\" : [1.0e2, \"\\u00e9\"],\n \"type\":\"NeverSeenEvent\",\"id\":\"1\" }";
        let page = format!("[ {odd} ,{{\"id\":\"2\"}}]");
        let elements = split(&page).unwrap();
        assert_eq!(elements[0].raw, odd);
        assert!(elements.iter().all(|element| element.identity.is_ok()));
    }

    #[test]
    fn the_key_is_the_repositorys_id_whatever_else_the_event_holds() {
        assert_eq!(
            identity(r#"{"id":"1","repo":{"id":23096959,"name":"a/b"}}"#),
            ("1".into(), Some("23096959".into()))
        );
        assert_eq!(identity(r#"{"id":17,"repo":{"id":"9"}}"#), ("17".into(), Some("9".into())));
        assert_eq!(identity(r#"{"id":"1","repo":null}"#), ("1".into(), None));
        assert_eq!(identity(r#"{"id":"1","repo":[2]}"#), ("1".into(), None));
        assert_eq!(identity(r#"{"id":"1","repo":{"id":{}}}"#), ("1".into(), None));
    }

    #[test]
    fn what_has_no_usable_id_is_rejected_with_the_rule_that_it_breaks() {
        let long = format!(r#"{{"id":"{}"}}"#, "9".repeat(65));
        for (raw, rule) in [
            ("7", "event_object"),
            ("null", "event_object"),
            (r#"["id"]"#, "event_object"),
            (r#"{"id":"1","id":"2"}"#, "event_object"),
            ("{}", "event_id"),
            (r#"{"id":null}"#, "event_id"),
            (r#"{"id":""}"#, "event_id"),
            (r#"{"id":-1}"#, "event_id"),
            (r#"{"id":1.5}"#, "event_id"),
            (r#"{"id":"a\u0000b"}"#, "event_id"),
            (long.as_str(), "event_id"),
        ] {
            assert_eq!(identify(raw).err().map(|fault| fault.rule), Some(rule), "{raw}");
        }
    }

    #[test]
    fn an_element_that_is_too_large_keeps_its_beginning() {
        let raw = format!(r#"{{"id":"1","payload":"{}"}}"#, "x".repeat(EVENT_BYTES_MAX));
        let rejected = Rejected::new(identify(&raw).err().unwrap(), &raw);
        assert_eq!((rejected.rule, rejected.value.len()), ("event_size", EVENT_BYTES_MAX));
    }

    #[test]
    fn the_same_bad_bytes_have_the_same_stand_in() {
        assert_eq!(stand_in("{}"), stand_in("{}"));
        assert_ne!(stand_in("{}"), stand_in("{ }"));
    }

    #[test]
    fn a_time_that_is_none_does_not_spoil_the_event() {
        let at = |raw| identify(raw).ok().unwrap().created_at;
        assert_eq!(at(r#"{"id":"1","created_at":"yesterday"}"#), None);
        assert_eq!(at(r#"{"id":"1","created_at":7}"#), None);
        assert_eq!(at(r#"{"id":"1","created_at":"2026-11-21T08:00:00Z"}"#).unwrap().timestamp(), 1_795_248_000);
    }
}
