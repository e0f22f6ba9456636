//! Records of 142 bytes.

use std::io::Write;

use super::{Chance, Values, time};

const KINDS: [&str; 8] = ["view", "click", "cart", "checkout", "refund", "login", "search", "share"];

/// Makes them.
pub(crate) struct Narrow {
    chance: Chance,
    halves: Vec<String>,
    number: u64,
    count: u64,
}

impl Narrow {
    pub(crate) fn new(count: u64) -> Self {
        let mut chance = Chance::new(1);
        let halves = (0..8_192).map(|_| chance.words(3, ' ').chars().take(16).collect()).collect();
        Self { chance, halves, number: 0, count }
    }
}

impl Values for Narrow {
    fn next(&mut self, value: &mut Vec<u8>) {
        let bits = self.chance.bits();
        let mut at = String::new();
        let ms = time(self.number, self.count, &mut at);
        let half = |bits: u64| self.halves.get((bits & 8_191) as usize).map_or("", String::as_str);
        value.clear();
        // Writing to a Vec cannot fail.
        let _ = write!(
            value,
            r#"{{"id":{},"ts":"{at}.{ms:03}Z","user":"user-{:06}","kind":"{}","amount":{},"note":"{} {}"}}"#,
            10_000_000 + self.number,
            bits % 200_003,
            KINDS.get((bits >> 20 & 7) as usize).unwrap_or(&"view"),
            ((bits >> 23) % 100_000) as f64 / 100.0,
            half(bits >> 40),
            half(bits >> 51),
        );
        self.number += 1;
    }
}
