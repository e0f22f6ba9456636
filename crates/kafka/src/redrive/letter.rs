//! One letter: a dead letter of our format, or a record of a failed invocation in Lambda's, back to what it was.

use std::collections::BTreeMap;

use crate::Message;
use base64_simd::STANDARD;
use serde::Deserialize;

/// What a dead letter has more than its record had.
const ADDED: [&str; 6] =
    ["error.rule", "error.reason", "origin.topic", "origin.partition", "origin.offset", "origin.timestamp"];
/// How often the record was redriven, and where it stood first: `topic/partition/offset`.
const ATTEMPT: &str = "redrive.attempt";
const ORIGIN: &str = "redrive.origin";

/// A record as it is in the topic of letters.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its timestamp, milliseconds since the epoch.
    pub timestamp_ms: i64,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Option<Vec<u8>>,
    /// Its headers, in order.
    pub headers: Vec<(String, Vec<u8>)>,
}

/// A record that failed, as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The rule that it broke, or the condition under which Lambda gave it up (`RetriesExhausted`).
    pub rule: String,
    /// Where it was: topic, partition, offset.
    origin: (String, String, String),
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Vec<u8>)>,
}

impl Letter {
    /// Understands a record.
    ///
    /// # Errors
    /// The reason why it cannot be sent again, as a sentence.
    pub fn read(mut stored: Stored) -> Result<Self, String> {
        // What was added stands behind what the record had, so the last header of a name is the added one.
        let mut added = BTreeMap::new();
        for name in ADDED {
            if let Some(at) = stored.headers.iter().rposition(|(found, _)| found == name) {
                added.insert(name, String::from_utf8_lossy(&stored.headers.remove(at).1).into_owned());
            }
        }
        let mut take = |name| added.remove(name);
        match (take("error.rule"), take("origin.topic")) {
            (Some(rule), Some(topic)) => {
                let place = |text: Option<String>| text.unwrap_or_else(|| "?".to_owned());
                let origin = (topic, place(take("origin.partition")), place(take("origin.offset")));
                Ok(Self { rule, origin, key: stored.key, value: stored.value, headers: stored.headers })
            }
            (Some(_), None) => Err("it has no header origin.topic".to_owned()),
            (None, Some(_)) => Err("it has no header error.rule".to_owned()),
            (None, None) => failed(stored.value.as_deref()),
        }
    }

    /// The record as it was, for its own topic or for `to`; two headers say that it was redriven.
    #[must_use]
    pub fn message(self, to: Option<&str>) -> Message {
        let Self { origin: (topic, partition, offset), key, value, mut headers, .. } = self;
        let mut take = |name: &str| {
            let at = headers.iter().rposition(|(found, _)| found == name)?;
            Some(String::from_utf8_lossy(&headers.remove(at).1).into_owned())
        };
        let attempts: u64 = take(ATTEMPT).and_then(|text| text.parse().ok()).unwrap_or(0);
        let first = take(ORIGIN).unwrap_or_else(|| format!("{topic}/{partition}/{offset}"));
        headers.push((ATTEMPT.to_owned(), attempts.saturating_add(1).to_string().into_bytes()));
        headers.push((ORIGIN.to_owned(), first.into_bytes()));
        Message { topic: to.map_or(topic, str::to_owned), partition: None, key, value, headers }
    }
}

/// A record that Lambda gave up, as it describes it to a Kafka topic.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    request_context: Context,
    payload: Option<Payload>,
}

#[derive(Deserialize)]
struct Context {
    condition: String,
}

#[derive(Deserialize)]
struct Payload {
    records: BTreeMap<String, Vec<Delivered>>,
}

#[derive(Deserialize)]
struct Delivered {
    topic: String,
    partition: i32,
    offset: i64,
    key: Option<String>,
    value: Option<String>,
    #[serde(default)]
    headers: Vec<BTreeMap<String, Vec<i8>>>,
}

fn failed(value: Option<&[u8]>) -> Result<Letter, String> {
    let neither = |why: &str| {
        format!(
            "it is neither a dead letter (headers error.rule, origin.topic) nor a failed invocation's record: {why}"
        )
    };
    let value = value.ok_or_else(|| neither("it has no value"))?;
    let failed: Failed = serde_json::from_slice(value).map_err(|error| neither(&error.to_string()))?;
    let condition = failed.request_context.condition;
    let payload = failed.payload.ok_or_else(|| format!("{condition}: the record itself is not in it"))?;
    let mut records = payload.records.into_values().flatten();
    let (Some(record), None) = (records.next(), records.next()) else {
        return Err(format!("{condition}: it holds no record, or several; one is expected"));
    };
    let decoded = |name: &str, text: Option<String>| {
        let decode =
            |text: String| STANDARD.decode_to_vec(text).map_err(|_| format!("{condition}: its {name} is not base64"));
        text.map(decode).transpose()
    };
    let (key, value) = (decoded("key", record.key)?, decoded("value", record.value)?);
    let headers = record.headers.into_iter().flatten();
    let headers = headers.map(|(name, bytes)| (name, bytes.into_iter().map(i8::cast_unsigned).collect())).collect();
    let origin = (record.topic, record.partition.to_string(), record.offset.to_string());
    Ok(Letter { rule: condition, origin, key, value, headers })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, value: &str) -> (String, Vec<u8>) {
        (name.to_owned(), value.as_bytes().to_vec())
    }

    fn stored(message: Message) -> Stored {
        Stored { key: message.key, value: message.value, headers: message.headers, ..Stored::default() }
    }

    #[test]
    fn a_dead_letter_becomes_the_record_that_it_was() {
        let origin = crate::Origin { topic: "events", partition: 3, offset: 7, timestamp_ms: 5 };
        let own = vec![header("trace", "\u{0}1"), header("origin.topic", "its own")];
        let (key, value) = (Some(vec![0xff]), Some(vec![b'{', 0xfe]));
        let letter = crate::dead_letter(origin, key.clone(), value.clone(), own.clone(), "json", "not JSON");
        let letter = Letter::read(stored(letter)).unwrap();
        assert_eq!(letter.rule, "json");
        let message = letter.message(None);
        assert_eq!((message.topic.as_str(), &message.key, &message.value), ("events", &key, &value));
        let expected = [own, vec![header("redrive.attempt", "1"), header("redrive.origin", "events/3/7")]].concat();
        assert_eq!(message.headers, expected);

        let origin = crate::Origin { offset: 99, ..origin };
        let again = crate::dead_letter(origin, message.key, message.value, message.headers, "json", "still not");
        let message = Letter::read(stored(again)).unwrap().message(Some("elsewhere"));
        assert_eq!(message.topic, "elsewhere");
        assert!(message.headers.contains(&header("redrive.attempt", "2")), "{:?}", message.headers);
        assert!(message.headers.contains(&header("redrive.origin", "events/3/7")), "where it stood first");
        assert_eq!(message.headers.len(), 4);
    }

    #[test]
    fn a_failed_invocations_record_becomes_the_record_that_it_was() {
        let document = r#"{"requestContext": {"condition": "RetriesExhausted", "functionArn": "arn"}, "version": "1.0",
            "payload": {"eventSource": "SelfManagedKafka", "records": {"events-2": [{"topic": "events", "partition": 2,
            "offset": 11, "timestamp": 1, "timestampType": "CREATE_TIME", "value": "e/4=", "headers": [{"h": [-1, 65]}]}]}}}"#;
        let read = |document: &str| Letter::read(Stored { value: Some(document.into()), ..Stored::default() });
        let letter = read(document).unwrap();
        assert_eq!(letter.rule, "RetriesExhausted");
        let message = letter.message(None);
        assert_eq!((message.topic.as_str(), message.key, message.value), ("events", None, Some(vec![0x7b, 0xfe])));
        assert_eq!(message.headers[0], ("h".to_owned(), vec![0xff, 0x41]));
        assert_eq!(message.headers[2], header("redrive.origin", "events/2/11"));
        let refused = |from: &str, to: &str| read(&document.replace(from, to)).unwrap_err();
        assert!(refused("e/4=", "%").contains("its value is not base64"));
        assert!(refused(r#""payload""#, r#""other""#).contains("the record itself is not in it"));
        assert!(refused(r#"[{"topic""#, r#"[], "none": [{"topics""#).contains("missing field `topic`"));
    }

    #[test]
    fn what_is_no_letter_is_refused_with_a_reason() {
        let read = |headers, value: Option<&str>| {
            let value = value.map(|text| text.as_bytes().to_vec());
            Letter::read(Stored { headers, value, ..Stored::default() }).unwrap_err()
        };
        assert!(read(vec![], Some(r#"{"id": 1}"#)).contains("neither a dead letter"));
        assert!(read(vec![], None).contains("it has no value"));
        assert!(read(vec![header("error.rule", "json")], None).contains("no header origin.topic"));
        assert!(read(vec![header("origin.topic", "t")], None).contains("no header error.rule"));
    }
}
