//! A record that can never succeed, with its reason, its origin and its original bytes.

use kit::kafka::Record;

use crate::Message;

/// Where a dead letter came from.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// Its topic; the dead letter goes to `<topic>.dlq`.
    pub topic: &'a str,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its timestamp, milliseconds since the epoch.
    pub timestamp_ms: i64,
}

/// The message for `<origin topic>.dlq`: key and value unchanged, headers `error.rule`, `error.reason`, `origin.topic`,
/// `origin.partition`, `origin.offset` and `origin.timestamp` after those that the record had.
#[must_use]
pub fn dead_letter(
    origin: Origin<'_>,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    mut headers: Vec<(String, Vec<u8>)>,
    rule: &str,
    reason: &str,
) -> Message {
    let added = [
        ("error.rule", rule.to_owned()),
        ("error.reason", reason.to_owned()),
        ("origin.topic", origin.topic.to_owned()),
        ("origin.partition", origin.partition.to_string()),
        ("origin.offset", origin.offset.to_string()),
        ("origin.timestamp", origin.timestamp_ms.to_string()),
    ];
    headers.extend(added.map(|(name, value)| (name.to_owned(), value.into_bytes())));
    Message { topic: format!("{}.dlq", origin.topic), partition: None, key, value, headers }
}

/// The dead letter of a record that Lambda delivered.
#[must_use]
pub fn dead_letter_of(record: &Record, rule: &str, reason: &str) -> Message {
    let Record { topic, partition, offset, timestamp_ms, key, value, headers } = record;
    let origin = Origin { topic, partition: *partition, offset: *offset, timestamp_ms: *timestamp_ms };
    dead_letter(origin, key.clone(), value.clone(), headers.clone(), rule, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_original_bytes_and_says_where_they_came_from() {
        let origin = Origin { topic: "github-events", partition: 2, offset: 7, timestamp_ms: 5 };
        let bytes = Some(vec![0xff, b'{']);
        let letter = dead_letter(origin, None, bytes.clone(), vec![("trace".into(), vec![1])], "json", "not JSON");
        assert_eq!((letter.topic.as_str(), &letter.value), ("github-events.dlq", &bytes));
        let header = |name: &str| letter.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_slice());
        assert_eq!(header("error.rule"), Some(&b"json"[..]));
        assert_eq!(header("origin.offset"), Some(&b"7"[..]));
        assert_eq!(header("trace"), Some(&[1][..]), "the record's own headers stay");
    }
}
