//! Whether the feed still moves: GitHub has served some callers the same old events for days, with status 200.

use chrono::{DateTime, TimeDelta, Utc};

/// How far the feed has come, and whether it stands still.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Freshness {
    /// The newest `created_at` ever seen.
    pub newest_created_at: Option<DateTime<Utc>>,
    /// When that became known.
    pub advanced_at: Option<DateTime<Utc>>,
    /// Since when the feed is known to stand still; none while it moves.
    pub stale_since: Option<DateTime<Utc>>,
}

impl Freshness {
    /// The state after a poll at `now` whose newest event was created at `newest` (none for "not modified"). The feed is
    /// stale when its newest event has not changed for `stale_after`.
    #[must_use]
    pub fn observe(self, newest: Option<DateTime<Utc>>, now: DateTime<Utc>, stale_after: TimeDelta) -> Self {
        if newest > self.newest_created_at {
            return Self { newest_created_at: newest, advanced_at: Some(now), stale_since: None };
        }
        let advanced_at = self.advanced_at.unwrap_or(now);
        let stale = now - advanced_at >= stale_after;
        Self { advanced_at: Some(advanced_at), stale_since: self.stale_since.or(stale.then_some(now)), ..self }
    }

    /// Whether staleness began between `before` and this state: counted once an episode.
    #[must_use]
    pub fn became_stale(self, before: Self) -> bool {
        self.stale_since.is_some() && before.stale_since.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn a_feed_that_stands_still_is_stale_once_until_it_moves_again() {
        let after = TimeDelta::seconds(600);
        let start = Freshness::default().observe(Some(at(0)), at(1), after);
        let quiet = start.observe(Some(at(0)), at(600), after);
        assert_eq!(quiet.stale_since, None);
        let stale = quiet.observe(None, at(601), after);
        assert_eq!(stale.stale_since, Some(at(601)), "not modified is no movement");
        assert!(stale.became_stale(quiet));
        let still = stale.observe(Some(at(-50)), at(900), after);
        assert!(!still.became_stale(stale), "one episode, even when an older event appears late");
        assert_eq!(still.stale_since, Some(at(601)));
        let moving = still.observe(Some(at(880)), at(901), after);
        assert_eq!(
            moving,
            Freshness { newest_created_at: Some(at(880)), advanced_at: Some(at(901)), stale_since: None }
        );
    }

    #[test]
    fn a_feed_that_is_empty_from_the_start_is_stale_after_a_while() {
        let after = TimeDelta::seconds(600);
        let start = Freshness::default().observe(None, at(0), after);
        assert_eq!(start.stale_since, None);
        assert_eq!(start.observe(None, at(600), after).stale_since, Some(at(600)));
    }
}
