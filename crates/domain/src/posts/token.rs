//! What a client gets for a write, and shows to read it: the place of its record.

use std::fmt;
use std::str::FromStr;

use super::{Partition, TOPIC};

/// `topic-partition-offset`, such as `posts-writes-17-1234`. A shard has stored the write when the progress of this
/// partition, the next offset that it wants, is beyond the offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token {
    /// The partition of the write's record.
    pub partition: Partition,
    /// Its offset.
    pub offset: i64,
}

/// Text that no write was answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a consistency token; expected the token of a write, such as posts-writes-17-1234")]
pub struct TokenError;

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{TOPIC}-{}-{}", self.partition.number(), self.offset)
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let place = text.strip_prefix(TOPIC).and_then(|rest| rest.strip_prefix('-')).ok_or(TokenError)?;
        let (partition, offset) = place.split_once('-').ok_or(TokenError)?;
        Ok(Self {
            partition: digits(partition).and_then(Partition::new).ok_or(TokenError)?,
            offset: digits(offset).ok_or(TokenError)?,
        })
    }
}

/// A number as `Display` writes it, without a sign.
fn digits<T: FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_token_is_the_place_of_a_record() {
        let token: Token = "posts-writes-17-1234".parse().unwrap();
        assert_eq!((token.partition.number(), token.offset), (17, 1234));
        for text in [
            "",
            "posts-writes-48-1",
            "posts-writes-1--1",
            "posts-writes-+1-1",
            "other-1-1",
            "posts-writes-1",
            "posts-writes-1-99999999999999999999",
        ] {
            assert_eq!(text.parse::<Token>(), Err(TokenError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_and_place_are_one(number in 0_i32..48, offset in 0_i64..) {
            let token = Token { partition: Partition::new(number).unwrap(), offset };
            prop_assert_eq!(token.to_string().parse(), Ok(token));
        }
    }
}
