//! What the committer is told by its environment.

use std::ops::RangeInclusive;
use std::time::Duration;

use domain::lake::CommitLimits;
use kit::Env;
use lake::Maintenance;

use crate::upkeep;

/// What `LAKE_FILE_BYTES` may be: smaller files are what it is there to avoid, of larger ones engines read too much.
const FILE_BYTES: RangeInclusive<u64> = 1 << 20..=4 << 30;
/// What `LAKE_COMMIT_BYTES` may be.
const COMMIT_BYTES: RangeInclusive<u64> = 1 << 20..=8 << 30;

/// When and how much to commit.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What one commit takes: `LAKE_COMMIT_BYTES` (two files' worth) and `LAKE_COMMIT_SEGMENTS` (2,000). Half of either
    /// is committed at once, less when the oldest is `LAKE_COMMIT_AGE_SECONDS` (30) old. Queries read staged segments
    /// too, so the age decides how fresh other engines are, against the number of snapshots and of small files.
    pub limits: CommitLimits,
    /// About the size of a data file, where enough waits (`LAKE_FILE_BYTES`, 128 MB).
    pub file_bytes: usize,
    /// The invocation ends when nothing has waited for so long (`LAKE_IDLE_SECONDS`).
    pub idle: Duration,
    /// Commits after which the table is kept (see [`Maintenance`]) even while more wait; 0: it never is, another engine
    /// does it (`LAKE_MAINTAIN_COMMITS`).
    pub maintain_commits: u64,
    /// How it is kept: `LAKE_SNAPSHOTS_KEPT`, `LAKE_GARBAGE_AGE_SECONDS`, `LAKE_FILE_BYTES`, `LAKE_JOIN_FILES`,
    /// `LAKE_ORPHAN_AGE_SECONDS`, `LAKE_SWEEP_SECONDS`, `LAKE_SWEEP_DRY_RUN`.
    pub maintenance: Maintenance,
}

impl Settings {
    /// Reads the variables; faults are kept in `env`.
    pub fn read(env: &mut Env) -> Self {
        let file_bytes = within(env, "LAKE_FILE_BYTES", 128 << 20, FILE_BYTES);
        let commit_bytes = within(env, "LAKE_COMMIT_BYTES", file_bytes * 2, COMMIT_BYTES);
        if commit_bytes < file_bytes {
            env.fault(format!("LAKE_COMMIT_BYTES is {commit_bytes}, expected at least LAKE_FILE_BYTES ({file_bytes})"));
        }
        let segments = within(env, "LAKE_COMMIT_SEGMENTS", 2_000, 1..=5_000);
        Self {
            limits: CommitLimits {
                bytes: commit_bytes,
                segments: usize::try_from(segments).unwrap_or(usize::MAX),
                age: Duration::from_secs(within(env, "LAKE_COMMIT_AGE_SECONDS", 30, 0..=86_400)),
            },
            file_bytes: usize::try_from(file_bytes).unwrap_or(usize::MAX),
            idle: Duration::from_secs(within(env, "LAKE_IDLE_SECONDS", 20, 1..=900)),
            maintain_commits: env.parsed_or("LAKE_MAINTAIN_COMMITS", 16),
            maintenance: upkeep::settings(env, file_bytes),
        }
    }
}

/// A number that makes sense; another is a fault.
fn within(env: &mut Env, name: &str, default: u64, allowed: RangeInclusive<u64>) -> u64 {
    let found = env.parsed_or(name, default);
    if !allowed.contains(&found) {
        env.fault(format!("{name} is {found}, expected {} to {}", allowed.start(), allowed.end()));
        return default;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(pairs: &[(&str, &str)]) -> String {
        let mut env = Env::from_pairs(pairs.iter().copied());
        let _ = Settings::read(&mut env);
        env.finish().map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn a_commit_takes_two_files_unless_it_is_told() {
        let settings = Settings::read(&mut Env::from_pairs([("LAKE_FILE_BYTES", "33554432")]));
        assert_eq!((settings.file_bytes, settings.limits.bytes), (32 << 20, 64 << 20));
        assert_eq!(faults(&[]), "");
    }

    #[test]
    fn a_setting_out_of_bounds_is_named() {
        for (name, value) in [
            ("LAKE_FILE_BYTES", "1000"),
            ("LAKE_COMMIT_BYTES", "0"),
            ("LAKE_COMMIT_SEGMENTS", "0"),
            ("LAKE_COMMIT_AGE_SECONDS", "1000000"),
            ("LAKE_IDLE_SECONDS", "0"),
        ] {
            let found = faults(&[(name, value)]);
            assert!(found.contains(&format!("{name} is {value}, expected ")), "{found}");
        }
        let smaller = faults(&[("LAKE_COMMIT_BYTES", "2000000")]);
        assert!(smaller.contains("LAKE_COMMIT_BYTES is 2000000, expected at least LAKE_FILE_BYTES"), "{smaller}");
    }
}
