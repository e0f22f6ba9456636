//! The records of the lake's benches: the same bytes for the same kind and number, whoever asks.
//!
//! `narrow`: 6 columns, about 142 bytes. `github`: GitHub's public events, about 2 kB on average (0.5 kB for a star, 5 kB
//! for a pull request), types as often as on GitHub, repositories and users as unevenly used. Record `i` goes to
//! partition `i % 4`, so offsets are the same each time too.

mod github;
mod narrow;

use std::fmt::Write;

pub(crate) use github::Github;
pub(crate) use narrow::Narrow;

/// Words that texts are made of.
const WORDS: [&str; 48] = [
    "fix", "add", "remove", "update", "improve", "build", "test", "release", "merge", "branch", "review", "parser",
    "index", "cache", "table", "stream", "topic", "offset", "commit", "batch", "writer", "reader", "query", "filter",
    "schema", "column", "segment", "snapshot", "catalog", "bucket", "shard", "replica", "timeout", "retry", "limit",
    "memory", "thread", "queue", "event", "handler", "request", "response", "token", "header", "body", "page",
    "cursor", "order",
];

/// Milliseconds of the day over which a topic's records are spread.
const DAY_MS: u64 = 86_400_000;

/// Numbers that look like chance (splitmix64), the same for the same seed.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `end` - 1.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.bits() % end
    }

    /// `from` to `to`, both possible.
    pub(crate) fn within(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }

    /// 0.0 to 1.0.
    pub(crate) fn share(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        of.get(usize::try_from(self.below(of.len().max(1) as u64)).ok()?).copied()
    }

    /// So many words, with `between` between them.
    pub(crate) fn words(&mut self, count: u64, between: char) -> String {
        let mut text = String::new();
        for word in 0..count {
            if word > 0 {
                text.push(between);
            }
            text.push_str(self.pick(&WORDS).unwrap_or_default());
        }
        text
    }
}

/// `2026-01-01T` and the time of day of record `number` of `count`, to the second, and its milliseconds.
fn time(number: u64, count: u64, into: &mut String) -> u64 {
    let ms = u64::try_from(u128::from(number) * u128::from(DAY_MS) / u128::from(count.max(1))).unwrap_or(0) % DAY_MS;
    let seconds = ms / 1_000;
    // Writing to a String cannot fail.
    let _ = write!(into, "2026-01-01T{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    ms % 1_000
}

/// Makes the values of a topic one after the other.
pub(crate) trait Values {
    /// The next value, in `value`, which is cleared first.
    fn next(&mut self, value: &mut Vec<u8>);
}

/// The generator of a payload by its name.
pub(crate) fn of(payload: &str, count: u64) -> anyhow::Result<Box<dyn Values>> {
    match payload {
        "narrow" => Ok(Box::new(Narrow::new(count))),
        "github" => Ok(Box::new(Github::new(count))),
        other => anyhow::bail!("payload {other:?}, expected narrow or github"),
    }
}
