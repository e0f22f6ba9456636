//! A row's key as the window of repeats keeps it: exact wherever it fits, and otherwise so that no two collide.
//!
//! A collision would take a new row for a repeat and lose it. So decimal numbers below 2^64 are kept as numbers, other
//! keys of up to 15 bytes as they are, and only longer ones as 120 bits of their SHA-256: among 20 million of them the
//! chance that any two agree is 1 in 10^21, and nobody can construct a key that meets a given one.

use anyhow::ensure;
use sha2::{Digest, Sha256};

/// The most bytes of a key that are kept as they are, beside their number.
const WHOLE: usize = 15;

/// What makes a row the same as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowKey(pub(crate) Key);

impl RowKey {
    /// The key with these bytes, mostly an id's text.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Key::of(bytes))
    }

    /// The key that is this number's decimal text.
    pub fn number(number: u64) -> Self {
        if number == 0 { Self::of(b"0") } else { Self(Key::Number(number)) }
    }
}

/// A key in the form in which it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    /// A decimal number as a machine writes it: `7`, neither `007` nor `+7`. Never 0.
    Number(u64),
    /// Anything else. Its first byte tells the length, or that a digest follows; never 0.
    Other(u128),
}

impl Key {
    pub(crate) fn of(key: &[u8]) -> Self {
        if let Some(number) = number(key) {
            return Self::Number(number);
        }
        if key.len() <= WHOLE {
            return Self::Other(tagged(0x80 | key.len(), key));
        }
        Self::Other(tagged(0xff, Sha256::digest(key).as_slice()))
    }
}

fn tagged(tag: usize, rest: &[u8]) -> u128 {
    let tag = u8::try_from(tag).unwrap_or(u8::MAX);
    let mut bytes = [0; WHOLE + 1];
    for (to, from) in bytes.iter_mut().zip([tag].iter().chain(rest)) {
        *to = *from;
    }
    u128::from_be_bytes(bytes)
}

fn number(key: &[u8]) -> Option<u64> {
    if !matches!(key.first(), Some(b'1'..=b'9')) || key.len() > 20 {
        return None;
    }
    key.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| number.checked_mul(10)?.checked_add(u64::from(digit))).flatten()
    })
}

/// The keys that one segment brings to a partition, as they are stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) numbers: Vec<u64>,
    pub(crate) others: Vec<u128>,
}

impl Keys {
    pub(crate) fn push(&mut self, key: Key) {
        match key {
            Key::Number(number) => self.numbers.push(number),
            Key::Other(other) => self.others.push(other),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.numbers.len() + self.others.len()
    }

    /// Numbers of 8 bytes and others of 16, little end first.
    pub(crate) fn to_bytes(&self) -> (Vec<u8>, Vec<u8>) {
        let numbers = self.numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        (numbers, self.others.iter().flat_map(|other| other.to_le_bytes()).collect())
    }

    /// The reverse of [`Keys::to_bytes`].
    pub(crate) fn from_bytes(numbers: &[u8], others: &[u8]) -> anyhow::Result<Self> {
        let ((numbers, cut), (others, also_cut)) = (numbers.as_chunks(), others.as_chunks());
        ensure!(cut.is_empty() && also_cut.is_empty(), "keys of repeats are not 8 and 16 bytes each");
        Ok(Self {
            numbers: numbers.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect(),
            others: others.iter().map(|bytes| u128::from_le_bytes(*bytes)).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimal_ids_are_numbers_and_all_else_is_not() {
        assert_eq!(Key::of(b"55000000001"), Key::Number(55_000_000_001));
        assert_eq!(Key::of(b"18446744073709551615"), Key::Number(u64::MAX));
        for other in ["", "0", "007", "+7", "7 ", "-7", "18446744073709551616", "99999999999999999999", "7a", "\u{661}"]
        {
            assert!(matches!(Key::of(other.as_bytes()), Key::Other(key) if key != 0), "{other:?}");
        }
    }

    #[test]
    fn a_number_is_its_text() {
        for number in [0, 1, 70, u64::MAX] {
            assert_eq!(RowKey::number(number), RowKey::of(number.to_string().as_bytes()));
        }
    }

    #[test]
    fn long_keys_that_begin_alike_differ() {
        let (a, b) = (Key::of(b"a-key-of-many-bytes-1"), Key::of(b"a-key-of-many-bytes-2"));
        assert_ne!(a, b);
        assert_eq!(a, Key::of(b"a-key-of-many-bytes-1"));
    }

    #[test]
    fn keys_that_were_cut_are_refused() {
        assert!(Keys::from_bytes(&[0; 7], &[]).is_err());
        assert!(Keys::from_bytes(&[], &[0; 8]).is_err());
    }

    proptest! {
        /// Two keys are the same exactly when their bytes are.
        #[test]
        fn no_two_short_keys_collide(a in "[0-9a\\x00]{0,4}", b in "[0-9a\\x00]{0,4}") {
            prop_assert_eq!(Key::of(a.as_bytes()) == Key::of(b.as_bytes()), a == b);
        }

        #[test]
        fn keys_read_back(numbers in prop::collection::vec(any::<u64>(), 0..20), others in prop::collection::vec(any::<u128>(), 0..20)) {
            let keys = Keys { numbers, others };
            let (numbers, others) = keys.to_bytes();
            prop_assert_eq!(Keys::from_bytes(&numbers, &others).unwrap(), keys);
        }
    }
}
