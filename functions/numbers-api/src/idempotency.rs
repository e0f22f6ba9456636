//! What the client's `Idempotency-Key` makes of a request: ids that are the same when it comes again.

use axum::http::HeaderMap;
use domain::numbers::MessageId;
use kit::http::Problem;
use uuid::Uuid;

/// Longest key.
const BYTES: usize = 255;

/// The key of a request, when it has one.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all("idempotency-key").iter();
    let (Some(value), more) = (values.next(), values.next()) else { return Ok(None) };
    let refused = |fault| Problem::bad_parameter("Idempotency-Key", fault, "1 to 255 visible ASCII characters, once");
    if more.is_some() {
        return Err(refused("stands twice"));
    }
    let text = value.to_str().unwrap_or_default();
    let usable = (1..=BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if usable { Ok(Some(text)) } else { Err(refused("cannot be used")) }
}

/// The id of a message with this key and body: another body is another message.
pub(crate) fn message_id(key: &str, body: &[u8]) -> MessageId {
    // No cluster and no topic have these names, so no record's id is the same.
    MessageId::of_record(&format!("Idempotency-Key {key}"), &String::from_utf8_lossy(body), 0, 0, 0)
}

/// The id of a replay with this key.
pub(crate) fn replay_id(key: Option<&str>) -> Uuid {
    key.map_or_else(Uuid::now_v7, |key| Uuid::from_bytes(MessageId::of_record("replay", key, 0, 0, 0).0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_visible_and_there_once() {
        let headers = |values: &[&str]| {
            let pairs = values.iter().map(|value| ("idempotency-key".parse().unwrap(), value.parse().unwrap()));
            pairs.collect::<HeaderMap>()
        };
        assert_eq!(key(&headers(&[])).unwrap(), None);
        assert_eq!(key(&headers(&["a-1"])).unwrap(), Some("a-1"));
        for values in [&["a b"][..], &[""], &["a", "a"], &[&"x".repeat(256)]] {
            assert!(key(&headers(values)).is_err(), "{values:?}");
        }
        assert_ne!(message_id("k", b"1"), message_id("k", b"2"));
        assert_eq!(replay_id(Some("k")), replay_id(Some("k")));
        assert_ne!(replay_id(None), replay_id(None));
    }
}
