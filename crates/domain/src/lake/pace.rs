//! How often the committer looks, when it commits, how much one commit takes and how large its files become.
//!
//! Much waits: a file's worth is committed at once, and again while that lasts, so files reach their size at a high
//! rate. Little waits: its age decides, and files are as small as the rate; compaction merges them later. Nothing
//! waits: no commit, and looks become rare.

use std::time::Duration;

use super::{CommitLimits, Waiting};

/// Between two looks while something comes, and after an answer to it.
const SHORTEST: Duration = Duration::from_millis(100);
/// Between two looks while nothing comes. What comes first then waits so much longer for its commit, not for a query.
const LONGEST: Duration = Duration::from_secs(2);
/// Days of a segment's rows up to which they lie in row groups of their own, but for what is around midnight.
const FEW_DAYS: u64 = 2;
/// How much more a segment over many days weighs: its rows are decoded, sorted by day and encoded again.
const SCATTERED: u64 = 4;

/// What to do after a look at what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Commit now, and look again at once.
    Commit,
    /// Nothing is due: look again after this time.
    LookIn(Duration),
}

/// Decides after each look.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    /// Looks in a row that found nothing.
    quiet: u32,
}

impl Pace {
    /// What to do about what waits.
    pub fn step(&mut self, waiting: &Waiting, limits: &CommitLimits) -> Step {
        if waiting.records == 0 {
            let pause = SHORTEST.saturating_mul(2_u32.saturating_pow(self.quiet)).min(LONGEST);
            self.quiet = self.quiet.saturating_add(1);
            return Step::LookIn(pause);
        }
        self.quiet = 0;
        if is_due(waiting, limits) {
            return Step::Commit;
        }
        // The nearer the age, the more often; the size may be reached at any time.
        let left = limits.age.saturating_sub(waiting.oldest);
        Step::LookIn((left / 4).clamp(SHORTEST, LONGEST / 4))
    }
}

/// Whether to commit now: when half of what a commit may take waits (a file's worth, so that more may come between this
/// look and the commit), else when the oldest has waited long enough. Segments without rows (only dead letters) never
/// cause a commit; they ride along with the next one.
fn is_due(waiting: &Waiting, limits: &CommitLimits) -> bool {
    waiting.records > 0
        && (waiting.bytes >= limits.bytes.div_ceil(2)
            || waiting.segments >= limits.segments.div_ceil(2)
            || waiting.oldest >= limits.age)
}

/// What a segment counts for in [`CommitLimits::bytes`], so that time and memory of a commit over ten years of days are
/// those of any other: one of few days is copied, one of many is encoded again.
pub fn weight(bytes: u64, days: u64) -> u64 {
    if days > FEW_DAYS { bytes.saturating_mul(SCATTERED) } else { bytes }
}

/// The size at which a file is ended when `bytes` are to be written in files of about `target`: all files are of about
/// one size, from two thirds of the target to one and a half, rather than full ones and a small rest.
pub fn file_bytes(bytes: u64, target: u64) -> u64 {
    let target = target.max(1);
    match (bytes.saturating_add(target / 2)) / target {
        // One file, whatever the rest of an estimate says.
        0 | 1 => target.saturating_mul(2),
        files => bytes.div_ceil(files),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1 << 20;
    const LIMITS: CommitLimits = CommitLimits { bytes: 256 * MB, segments: 2_000, age: Duration::from_secs(30) };
    const LITTLE: Waiting = Waiting { segments: 3, records: 10, bytes: MB, oldest: Duration::from_secs(1) };
    const NOTHING: Waiting = Waiting { segments: 0, records: 0, bytes: 0, oldest: Duration::ZERO };

    fn step(waiting: Waiting) -> Step {
        Pace::default().step(&waiting, &LIMITS)
    }

    #[test]
    fn a_files_worth_is_committed_at_once() {
        assert_eq!(step(Waiting { bytes: 128 * MB, ..LITTLE }), Step::Commit);
        assert_eq!(step(Waiting { segments: 1_000, ..LITTLE }), Step::Commit);
        assert!(matches!(step(Waiting { bytes: 127 * MB, ..LITTLE }), Step::LookIn(_)));
    }

    #[test]
    fn little_waits_for_its_age_and_is_looked_at_more_often_towards_it() {
        let aged = |seconds| Waiting { oldest: Duration::from_secs_f64(seconds), ..LITTLE };
        assert_eq!(step(aged(30.0)), Step::Commit);
        assert_eq!(step(aged(1.0)), Step::LookIn(Duration::from_millis(500)));
        assert_eq!(step(aged(29.0)), Step::LookIn(Duration::from_millis(250)));
        assert_eq!(step(aged(29.99)), Step::LookIn(Duration::from_millis(100)));
    }

    #[test]
    fn nothing_is_never_committed_and_looked_at_ever_more_rarely() {
        let mut pace = Pace::default();
        let pauses: Vec<_> = (0..7).map(|_| pace.step(&NOTHING, &LIMITS)).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1_600, 2_000, 2_000].map(|ms| Step::LookIn(Duration::from_millis(ms))));
        pace.step(&LITTLE, &LIMITS);
        assert_eq!(pace.step(&NOTHING, &LIMITS), Step::LookIn(Duration::from_millis(100)), "awake again");
        (0..100).for_each(|_| assert_ne!(pace.step(&NOTHING, &LIMITS), Step::Commit));
        let dead_letters = Waiting { segments: 5_000, oldest: Duration::from_secs(99), ..NOTHING };
        assert!(matches!(step(dead_letters), Step::LookIn(_)), "dead letters alone cause no commit");
    }

    #[test]
    fn segments_over_many_days_weigh_more() {
        assert_eq!((weight(MB, 1), weight(MB, 2), weight(MB, 3_650)), (MB, MB, 4 * MB));
    }

    #[test]
    fn files_are_about_their_target_without_a_small_rest() {
        let files = |bytes: u64| (bytes.div_ceil(file_bytes(bytes, 128)), file_bytes(bytes, 128));
        assert_eq!(files(10), (1, 256));
        assert_eq!(files(131), (1, 256));
        assert_eq!(files(191), (1, 256));
        assert_eq!(files(192), (2, 96));
        assert_eq!(files(256), (2, 128));
        assert_eq!(files(400), (3, 134));
        assert!(file_bytes(0, 0) > 0);
    }
}
