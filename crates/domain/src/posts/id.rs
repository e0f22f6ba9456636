//! Ids of posts, comments and likes: UUIDs. The randomness and the time of a new one are arguments.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// A UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; 16]);

/// Text that is no UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID; expected 8-4-4-4-12 hexadecimal digits")]
pub struct IdError;

impl Id {
    /// A UUID from its bytes, most significant first.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes, most significant first.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// UUIDv7: milliseconds, then randomness. Ids of one millisecond have no order.
    pub fn v7(now: DateTime<Utc>, random: [u8; 10]) -> Self {
        let milliseconds = u64::try_from(now.timestamp_millis()).unwrap_or(0).to_be_bytes();
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(milliseconds.iter().skip(2).chain(&random)) {
            *to = *from;
        }
        Self(bytes).of_version(7)
    }

    /// UUIDv8 out of what makes the thing itself: the same parts give the same id, everywhere and always. It is the front
    /// of the SHA-256 of all parts, each behind its length.
    pub fn v8(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(hash.finalize()) {
            *to = from;
        }
        Self(bytes).of_version(8)
    }

    fn of_version(mut self, version: u8) -> Self {
        self.0[6] = (self.0[6] & 0x0f) | (version << 4);
        self.0[8] = (self.0[8] & 0x3f) | 0x80;
        self
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = u128::from_be_bytes(self.0);
        let (a, b, c) = (n >> 96, (n >> 80) & 0xffff, (n >> 64) & 0xffff);
        write!(f, "{a:08x}-{b:04x}-{c:04x}-{:04x}-{:012x}", (n >> 48) & 0xffff, n & 0xffff_ffff_ffff)
    }
}

impl FromStr for Id {
    type Err = IdError;

    /// The hyphenated form only, in either case: one post has one spelling in all answers.
    fn from_str(text: &str) -> Result<Self, IdError> {
        if text.len() != 36 {
            return Err(IdError);
        }
        let mut n: u128 = 0;
        for (at, byte) in text.bytes().enumerate() {
            if matches!(at, 8 | 13 | 18 | 23) {
                if byte != b'-' {
                    return Err(IdError);
                }
                continue;
            }
            let digit = char::from(byte).to_digit(16).ok_or(IdError)?;
            n = n << 4 | u128::from(digit);
        }
        Ok(Self(n.to_be_bytes()))
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_new_id_begins_with_its_time() {
        // The example of RFC 9562, appendix A.6.
        let now = DateTime::from_timestamp_millis(0x017F_22E2_79B0).unwrap();
        let id = Id::v7(now, [0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f]);
        assert_eq!(id.to_string(), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    }

    #[test]
    fn the_same_parts_make_the_same_id_and_their_borders_count() {
        let id = Id::v8(&[b"post", b"john", b"key-1"]);
        assert_eq!(id.to_string(), "37fa9af2-9774-8540-b24e-510394f6bdc3");
        assert_eq!(id.to_string().as_bytes()[14], b'8');
        assert_ne!(id, Id::v8(&[b"post", b"johnk", b"ey-1"]));
    }

    #[test]
    fn what_is_no_uuid_is_refused() {
        for text in [
            "post-id",
            "",
            "017f22e279b07cc398c4dc0c0c07398f",
            "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
            "{017f22e2-79b0-7cc3-98c4-dc0c0c0739}",
            "017f22e2-79b0-7cc3-98c4+dc0c0c07398f",
            "ä17f22e2-79b0-7cc3-98c4-dc0c0c0739f",
        ] {
            assert_eq!(text.parse::<Id>(), Err(IdError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_and_bytes_are_one(bytes: [u8; 16]) {
            let id = Id::from_bytes(bytes);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            prop_assert_eq!(id.to_string().to_uppercase().parse(), Ok(id));
        }

        #[test]
        fn any_text_is_judged(text: String) {
            let _judged = text.parse::<Id>();
        }
    }
}
