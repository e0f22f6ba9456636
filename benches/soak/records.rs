//! What is produced: which record is good, which breaks a rule, which repeats an id; and where each must lie. All of it
//! follows from the seed and the record's number, so nothing has to be remembered.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// Partitions of the topic; record `n` goes to partition `n % 4`, where it gets offset `n / 4`.
pub(crate) const PARTITIONS: u64 = 4;

/// The id of record 0; GitHub's have as many digits.
const FIRST_ID: u64 = 40_000_000_000;

/// How far back a repeat reaches at most, in records of its partition.
const FARTHEST: u64 = 100_000;

/// Records of a partition before the first repeat, so that there is always a good one to repeat.
const BEFORE_REPEATS: u64 = 1_000;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Good, with an id of its own.
    Fresh,
    /// Breaks a rule.
    Bad,
    /// Good, with the id of this earlier record of the same partition.
    Repeat(u64),
}

/// The records of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Records {
    pub(crate) seed: u64,
    pub(crate) began: DateTime<Utc>,
    pub(crate) bad_per_million: u64,
    pub(crate) repeats_per_million: u64,
}

impl Records {
    pub(crate) fn kind(&self, n: u64) -> Kind {
        let dice = mix(self.seed ^ n) % 1_000_000;
        if dice < self.bad_per_million {
            return Kind::Bad;
        }
        let behind = n / PARTITIONS;
        if dice >= self.bad_per_million + self.repeats_per_million || behind < BEFORE_REPEATS {
            return Kind::Fresh;
        }
        // Most repeats follow soon, as those of a feed's pages do; some come late.
        let reach = if dice.is_multiple_of(5) { FARTHEST.min(behind / 2) } else { 300 };
        let mut earlier = n - PARTITIONS * (1 + mix(self.seed ^ !n) % reach);
        while !self.is_fresh(earlier) {
            earlier -= PARTITIONS;
        }
        Kind::Repeat(earlier)
    }

    /// As [`Records::kind`], without looking for what a repeat repeats.
    fn is_fresh(&self, n: u64) -> bool {
        let dice = mix(self.seed ^ n) % 1_000_000;
        dice >= self.bad_per_million + self.repeats_per_million
            || dice >= self.bad_per_million && n / PARTITIONS < BEFORE_REPEATS
    }

    /// The record's bytes.
    pub(crate) fn value(&self, n: u64) -> Vec<u8> {
        let (number, kind) = match self.kind(n) {
            Kind::Repeat(earlier) => (earlier, Kind::Fresh),
            kind => (n, kind),
        };
        let spoilt = if kind == Kind::Bad { 1 + number % 3 } else { 0 };
        let (id, repo) = (FIRST_ID + number, mix(number) % 50_000);
        let event_type = if spoilt == 1 { "" } else { r#""type":"WatchEvent","# };
        let created_at = if spoilt == 2 { "yesterday".to_owned() } else { self.created_at(number) };
        let end = if spoilt == 3 { "" } else { "}" };
        format!(
            r#"{{"id":"{id}",{event_type}"actor":{{"id":{},"login":"actor-{}"}},"repo":{{"id":{repo},"name":"owner-{}/repository-{repo}"}},"payload":{{"action":"started","number":{number}}},"public":true,"created_at":"{created_at}"{end}"#,
            id % 100_000,
            id % 100_000,
            repo % 1_000,
        )
        .into_bytes()
    }

    /// Nearly all are of today, some of the days before: a segment holds several days.
    fn created_at(&self, number: u64) -> String {
        let days = match mix(!number) % 100 {
            0 => 10,
            1 | 2 => 1,
            _ => 0,
        };
        let back = TimeDelta::days(days) + TimeDelta::seconds(i64::try_from(number % 3_600).unwrap_or(0));
        (self.began - back).to_rfc3339_opts(SecondsFormat::Secs, true)
    }
}

/// The number of the record that a value came from, by its id.
pub(crate) fn number_of(value: &[u8]) -> Option<u64> {
    let digits = value.strip_prefix(br#"{"id":""#)?.split(|byte| *byte == b'"').next()?;
    std::str::from_utf8(digits).ok()?.parse::<u64>().ok()?.checked_sub(FIRST_ID)
}

/// The number of the record that a row's id names.
pub(crate) fn number_of_id(id: i64) -> Option<u64> {
    u64::try_from(id).ok()?.checked_sub(FIRST_ID)
}

/// SplitMix64: one number into another that looks like chance.
pub(crate) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
