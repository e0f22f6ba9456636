//! Texts in one piece of memory, and numbers in their place: two texts are compared once, when they are read.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

/// Texts by their position.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    /// Where each ends; it begins where the one before ends.
    ends: Vec<u32>,
    text: String,
}

impl Texts {
    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }

    /// The text at this position; empty for one that does not exist.
    pub(crate) fn get(&self, position: usize) -> &str {
        let end = self.ends.get(position).copied().unwrap_or(0) as usize;
        let begin = position.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0) as usize;
        self.text.get(begin..end).unwrap_or_default()
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of memory.
    pub(crate) fn size(&self) -> usize {
        self.ends.capacity() * size_of::<u32>() + self.text.capacity()
    }
}

/// The number of "no text", in each dictionary.
pub(crate) const NULL: u32 = 0;

/// Gives each text of a column a number.
pub(crate) struct Dictionary {
    texts: Texts,
    /// Numbers by the hash of their text; a text whose hash is taken has the next one that is free.
    codes: HashMap<u64, u32, BuildHasherDefault<AsItIs>>,
    hashing: RandomState,
}

impl Default for Dictionary {
    fn default() -> Self {
        let mut texts = Texts::default();
        texts.push("");
        Self { texts, codes: HashMap::default(), hashing: RandomState::new() }
    }
}

impl Dictionary {
    /// The number of a text that was seen.
    pub(crate) fn code(&self, text: &str) -> Option<u32> {
        self.find(text).ok()
    }

    /// The number of a text, a new one if need be.
    pub(crate) fn intern(&mut self, text: &str) -> u32 {
        match self.find(text) {
            Ok(code) => code,
            Err(free) => {
                let code = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
                self.texts.push(text);
                self.codes.insert(free, code);
                code
            }
        }
    }

    /// The number of a text, or the hash under which it would be.
    fn find(&self, text: &str) -> Result<u32, u64> {
        let mut hash = self.hashing.hash_one(text);
        while let Some(&code) = self.codes.get(&hash) {
            if self.text(code) == text {
                return Ok(code);
            }
            hash = hash.wrapping_add(1);
        }
        Err(hash)
    }

    pub(crate) fn text(&self, code: u32) -> &str {
        self.texts.get(code as usize)
    }

    /// One more than the largest number.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// Bytes of memory.
    pub(crate) fn size(&self) -> usize {
        self.texts.size() + self.codes.capacity() * (size_of::<(u64, u32)>() + 1)
    }
}

/// What is hashed is a hash already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_has_one_number_and_none_is_that_of_no_text() {
        let mut dictionary = Dictionary::default();
        let codes: Vec<u32> = ["PushEvent", "", "WatchEvent", "PushEvent"].map(|text| dictionary.intern(text)).into();
        assert_eq!(codes, [1, 2, 3, 1]);
        assert_eq!((dictionary.text(3), dictionary.text(2), dictionary.len()), ("WatchEvent", "", 4));
        assert_eq!((dictionary.code("WatchEvent"), dictionary.code("ForkEvent")), (Some(3), None));
    }

    #[test]
    fn many_texts_come_back_as_they_were() {
        let mut dictionary = Dictionary::default();
        let codes: Vec<u32> = (0..10_000).map(|n| dictionary.intern(&format!("repo-{n}"))).collect();
        assert!((0..10_000).all(|n| dictionary.text(codes[n]) == format!("repo-{n}")));
        assert!(dictionary.size() > 100_000);
    }
}
