//! Who a message is.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// A UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub [u8; 16]);

/// A text is no UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a UUID in its form of 36 characters")]
pub struct IdError;

impl MessageId {
    /// The id of a record that brings none: the same for the same record, whoever computes it, and another for every other. It is
    /// a UUID of version 8: the record's time in milliseconds, and a hash of where it is, so that ids grow with the time as those
    /// of version 7 do, and a table's newest rows stand together in its index.
    #[must_use]
    pub fn of_record(cluster_id: &str, topic_id: &str, partition: i32, offset: i64, timestamp_ms: i64) -> Self {
        let mut hash = Sha256::new();
        for text in [cluster_id, topic_id] {
            hash.update(text.len().to_be_bytes());
            hash.update(text);
        }
        hash.update(partition.to_be_bytes());
        hash.update(offset.to_be_bytes());
        let hash = hash.finalize();
        let mut id = [0; 16];
        let time = u64::try_from(timestamp_ms).unwrap_or(0) << 16;
        for (byte, of) in id.iter_mut().zip(time.to_be_bytes().iter().take(6).chain(hash.iter())) {
            *byte = *of;
        }
        let [.., version, _, variant, _, _, _, _, _, _, _] = &mut id;
        *version = *version & 0x0f | 0x80;
        *variant = *variant & 0x3f | 0x80;
        Self(id)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let dash = if [4, 6, 8, 10].contains(&at) { "-" } else { "" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

impl FromStr for MessageId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let dashes = [8, 13, 18, 23];
        let is_dash = |at: usize| dashes.contains(&at);
        if text.len() != 36 || text.char_indices().any(|(at, c)| (c == '-') != is_dash(at)) {
            return Err(IdError);
        }
        let mut digits = text.chars().filter(|c| *c != '-').map(|c| c.to_digit(16));
        let mut id = [0; 16];
        for byte in &mut id {
            let (Some(Some(high)), Some(Some(low))) = (digits.next(), digits.next()) else { return Err(IdError) };
            *byte = u8::try_from(high * 16 + low).map_err(|_| IdError)?;
        }
        Ok(Self(id))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_is_that_of_its_record_only() {
        let id = MessageId::of_record("cluster", "topic", 3, 7, 1_790_000_000_000);
        assert_eq!(id, MessageId::of_record("cluster", "topic", 3, 7, 1_790_000_000_000));
        for other in [
            MessageId::of_record("clustert", "opic", 3, 7, 1_790_000_000_000),
            MessageId::of_record("cluster", "again", 3, 7, 1_790_000_000_000),
            MessageId::of_record("cluster", "topic", 4, 7, 1_790_000_000_000),
            MessageId::of_record("cluster", "topic", 3, 8, 1_790_000_000_000),
        ] {
            assert_ne!(id, other);
        }
        let text = id.to_string();
        assert!(text.starts_with("01a0c450-6c00-8") && "89ab".contains(&text[19..20]), "{text}");
        assert!(id < MessageId::of_record("cluster", "topic", 0, 0, 1_790_000_000_001), "ids grow with the time");
    }

    proptest! {
        #[test]
        fn a_text_and_its_id_are_the_same(bytes: [u8; 16]) {
            let id = MessageId(bytes);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            prop_assert_eq!(id.to_string().to_uppercase().parse(), Ok(id));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}|[0-9a-fA-F-]{36}") {
            let _ = text.parse::<MessageId>();
        }
    }
}
