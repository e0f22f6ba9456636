//! What travels with a message, in the headers of its record. None is needed: a record of plain JSON becomes a message too.

use super::{Fault, MessageId};

/// The message's id, a UUID.
const MESSAGE_ID: &str = "message-id";
/// From 1 for a replay; messages that came in are 0.
const ATTEMPT: &str = "attempt";
/// When it came into `start`, in milliseconds since the epoch.
const SUBMITTED_AT: &str = "submitted-at";
/// `<stage>:<received>,<started>,<finished>` for each stage that it has passed, with `;` between them, in milliseconds since it
/// came in.
const STAGE_TIMES: &str = "stage-times";
/// W3C trace context, passed on as it is.
const TRACEPARENT: &str = "traceparent";
/// Who posted it, such as `generator`.
const SOURCE: &str = "source";

/// Longest text of a header that is passed on.
const LENGTH: usize = 512;

/// The end of the year 9999.
const LAST_MS: i64 = 253_402_300_799_999;

/// What the headers say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tag {
    /// `None`: it follows from the record's place ([`MessageId::of_record`]).
    pub id: Option<MessageId>,
    /// 0 but for replays.
    pub attempt: u32,
    /// `None` for what has just come in: its record's time counts.
    pub submitted_at_ms: Option<i64>,
    /// The times in the stages so far.
    pub times: String,
    /// Trace context.
    pub traceparent: Option<String>,
    /// Who posted it; told to the first stage only.
    pub source: Option<String>,
}

impl Tag {
    /// Reads a record's headers; those that it does not know are left out. Where one stands twice, the last counts.
    ///
    /// # Errors
    /// Rules `message-id` and `attempt`, when they are malformed. Others that are malformed are left out.
    pub fn read<'h>(headers: impl IntoIterator<Item = (&'h str, &'h [u8])>) -> Result<Self, Fault> {
        let mut tag = Self::default();
        for (name, value) in headers {
            let text = std::str::from_utf8(value).ok().filter(|text| is_plain(text));
            match name {
                MESSAGE_ID => {
                    let id = text.ok_or(super::IdError).and_then(str::parse);
                    tag.id = Some(id.map_err(|error| Fault::new("message-id", format!("header message-id: {error}")))?);
                }
                ATTEMPT => {
                    // A table's column has 31 bits.
                    let attempt = text.and_then(|text| text.parse::<i32>().ok()).map(u32::try_from);
                    let Some(Ok(attempt)) = attempt else {
                        return Err(Fault::new("attempt", "header attempt: expected a number from 0 to 2147483647"));
                    };
                    tag.attempt = attempt;
                }
                SUBMITTED_AT => {
                    tag.submitted_at_ms =
                        text.and_then(|text| text.parse().ok()).filter(|ms| (0..=LAST_MS).contains(ms));
                }
                STAGE_TIMES => tag.times = text.unwrap_or_default().to_owned(),
                TRACEPARENT => tag.traceparent = text.map(str::to_owned),
                SOURCE => tag.source = text.map(str::to_owned),
                _ => {}
            }
        }
        Ok(tag)
    }

    /// The headers of its record in the next topic.
    #[must_use]
    pub fn headers(&self) -> Vec<(String, Vec<u8>)> {
        let mut headers: Vec<(&str, String)> = Vec::with_capacity(5);
        headers.extend(self.id.map(|id| (MESSAGE_ID, id.to_string())));
        headers.extend((self.attempt > 0).then(|| (ATTEMPT, self.attempt.to_string())));
        headers.extend(self.submitted_at_ms.map(|ms| (SUBMITTED_AT, ms.to_string())));
        headers.extend((!self.times.is_empty()).then(|| (STAGE_TIMES, self.times.clone())));
        headers.extend(self.traceparent.clone().map(|trace| (TRACEPARENT, trace)));
        headers.extend(self.source.clone().map(|source| (SOURCE, source)));
        headers.into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes())).collect()
    }

    /// The times with those of one more stage, in milliseconds since the epoch.
    #[must_use]
    pub fn times_after(&self, stage: u8, submitted_at_ms: i64, received: i64, started: i64, finished: i64) -> String {
        let since = |ms: i64| ms.saturating_sub(submitted_at_ms);
        let mine = format!("{stage}:{},{},{}", since(received), since(started), since(finished));
        match self.times.as_str() {
            "" => mine,
            // A message that goes round for ever keeps no times.
            long if long.len() + mine.len() >= LENGTH => mine,
            times => format!("{times};{mine}"),
        }
    }
}

/// Characters of ASCII without controls, not too many.
fn is_plain(text: &str) -> bool {
    text.len() <= LENGTH && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(headers: &[(String, Vec<u8>)]) -> Result<Tag, Fault> {
        Tag::read(headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())))
    }

    #[test]
    fn what_is_malformed_is_refused_or_left_out() {
        for (name, value) in [
            ("message-id", "7"),
            ("message-id", "\u{fffd}"),
            ("attempt", "-1"),
            ("attempt", "2147483648"),
            ("attempt", ""),
        ] {
            assert_eq!(Tag::read([(name, value.as_bytes())]).unwrap_err().rule, name, "{value}");
        }
        let left_out = [("submitted-at", &b"soon"[..]), ("traceparent", b"\xff"), ("source", b"a\nb"), ("other", b"x")];
        assert_eq!(Tag::read(left_out), Ok(Tag::default()));
        let tag = Tag::read([("attempt", &b"1"[..]), ("attempt", b"2")]).unwrap();
        assert_eq!(tag.attempt, 2, "the last one counts");
    }

    #[test]
    fn times_are_kept_as_long_as_they_are_few() {
        let mut tag = Tag::default();
        tag.times = tag.times_after(1, 1_000, 1_002, 1_003, 1_003);
        tag.times = tag.times_after(2, 1_000, 1_007, 1_008, 1_012);
        assert_eq!(tag.times, "1:2,3,3;2:7,8,12");
        for _ in 0..1_000 {
            tag.times = tag.times_after(2, 0, i64::MAX, i64::MIN, 0);
            assert!(tag.times.len() <= LENGTH);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            id: [u8; 16], attempt in 0..=i32::MAX.cast_unsigned(), at in 0..LAST_MS, times in "[0-9:,;]{0,60}",
            traceparent in proptest::option::of("[0-9a-f-]{55}"), source in proptest::option::of("[a-z]{1,9}"),
        ) {
            let tag = Tag { id: Some(MessageId(id)), attempt, submitted_at_ms: Some(at), times, traceparent, source };
            prop_assert_eq!(read(&tag.headers()), Ok(tag));
        }

        #[test]
        fn no_header_makes_it_panic(name in "message-id|attempt|submitted-at|stage-times|traceparent", value: Vec<u8>) {
            let _ = read(&[(name, value)]);
        }
    }
}
