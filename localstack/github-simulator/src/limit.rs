//! The hourly rate limit, counted apart for each token and for those without one.

use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;

/// More callers than this are not told apart: a simulator on one machine has a handful.
const CALLERS_MAX: usize = 1_000;

/// What the `X-RateLimit-*` headers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Requests an hour.
    pub limit: u64,
    /// Requests left until `reset`.
    pub remaining: u64,
    /// When the count begins anew, seconds since 1970.
    pub reset: i64,
    /// Whether the request that asked may be answered.
    pub allowed: bool,
}

#[derive(Debug)]
struct Hour {
    used: u64,
    ends: DateTime<Utc>,
}

/// Counts requests of the current hour by caller. A caller is the token or, for those without one, the empty string.
#[derive(Debug, Default)]
pub struct RateLimit {
    hours: HashMap<String, Hour>,
}

impl RateLimit {
    /// Counts `cost` requests (0 for an answer 304 with a token, which is free) and says how the caller stands. A
    /// caller's hour begins with its first request.
    pub fn charge(&mut self, caller: &str, limit: u64, cost: u64, now: DateTime<Utc>) -> Standing {
        if self.hours.len() > CALLERS_MAX {
            self.hours.retain(|_, hour| hour.ends > now);
        }
        let hour = self.hours.entry(caller.to_owned()).or_insert(Hour { used: 0, ends: now + TimeDelta::hours(1) });
        if hour.ends <= now {
            *hour = Hour { used: 0, ends: now + TimeDelta::hours(1) };
        }
        let allowed = hour.used + cost <= limit;
        if allowed {
            hour.used += cost;
        }
        Standing { limit, remaining: limit.saturating_sub(hour.used), reset: hour.ends.timestamp(), allowed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_holds_for_an_hour_and_each_caller_has_its_own() {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let mut limit = RateLimit::default();
        let charge =
            |limit: &mut RateLimit, caller, minutes| limit.charge(caller, 2, 1, now + TimeDelta::minutes(minutes));
        let standing = |remaining, allowed| Standing { limit: 2, remaining, reset: now.timestamp() + 3_600, allowed };
        assert_eq!(charge(&mut limit, "", 0), standing(1, true));
        assert_eq!(charge(&mut limit, "", 1), standing(0, true));
        assert_eq!(charge(&mut limit, "", 2), standing(0, false));
        assert_eq!(charge(&mut limit, "token", 0).remaining, 1);
        assert_eq!(charge(&mut limit, "", 60).remaining, 1);
    }

    #[test]
    fn what_is_free_is_allowed_even_at_the_limit() {
        let now = Utc::now();
        let mut limit = RateLimit::default();
        limit.charge("t", 1, 1, now);
        assert!(limit.charge("t", 1, 0, now).allowed);
    }
}
