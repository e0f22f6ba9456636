//! Which events the feed shows at a given time: a window of the newest 300, in the order in which they appeared.
//!
//! Time is cut into slots of `1 / rate` seconds. Event n is created in slot n. Most events appear at once; a small share
//! appears late, by one of 67 delays between 30 seconds and 6 hours, at the head of the feed with an old `created_at`
//! and an old id. That late events have only so many delays lets a window be computed backwards from its head without
//! remembering anything.

use crate::event;
use crate::random::Random;
use crate::replay::Replay;
use bytes::Bytes;
use chrono::{DateTime, Utc};

/// GitHub shows no more than this many events, however they are paged.
pub const WINDOW: usize = 300;

const PURPOSE_DELAY: u64 = 0xDE;
const DELAYS: u64 = 67;
const LONGEST_DELAY_SECONDS: u64 = 6 * 3_600;

/// What the feed shows, and where its events come from.
#[derive(Debug)]
pub enum Feed {
    /// Invented events.
    Generated(Generated),
    /// Events of a recorded file.
    Replay(Replay),
}

impl Feed {
    /// The numbers of the events that are visible at `now`, newest first, at most [`WINDOW`].
    pub fn window(&self, now: DateTime<Utc>) -> Vec<u64> {
        match self {
            Self::Generated(feed) => feed.window(now),
            Self::Replay(replay) => replay.window(now),
        }
    }

    /// The bytes of an event that [`Feed::window`] named.
    pub fn render(&self, sequence: u64) -> Bytes {
        match self {
            Self::Generated(feed) => event::render(feed.seed, sequence, feed.created_at(sequence)).into(),
            Self::Replay(replay) => replay.render(sequence),
        }
    }
}

/// A feed of invented events.
#[derive(Debug, Clone)]
pub struct Generated {
    /// The same seed gives the same events.
    pub seed: u64,
    /// Events a second; positive.
    pub rate: f64,
    /// How many of 1,000 events appear late.
    pub late_per_mille: u64,
}

impl Generated {
    fn window(&self, now: DateTime<Utc>) -> Vec<u64> {
        let mut visible = Vec::with_capacity(WINDOW);
        let mut slot = slot_at(now, self.rate);
        let delays: Vec<u64> = (0..DELAYS).map(|delay| self.delay_slots(delay)).collect();
        // With nearly all events late a slot may stay empty; this bound is far beyond what any share needs.
        for _ in 0..WINDOW * 20 {
            if visible.len() >= WINDOW {
                break;
            }
            if self.delay_of(slot).is_none() {
                visible.push(slot);
            }
            for (delay, slots) in (0..DELAYS).zip(&delays) {
                let late = slot.checked_sub(*slots).filter(|sequence| self.delay_of(*sequence) == Some(delay));
                visible.extend(late);
            }
            match slot.checked_sub(1) {
                Some(before) => slot = before,
                None => break,
            }
        }
        visible.truncate(WINDOW);
        visible
    }

    /// When event `sequence` was created.
    pub fn created_at(&self, sequence: u64) -> DateTime<Utc> {
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of any date fit")]
        let milliseconds = (sequence as f64 * 1_000.0 / self.rate).floor() as i64;
        DateTime::from_timestamp_millis(milliseconds).unwrap_or_default()
    }

    /// Which of the delays the event has; none for those that appear at once.
    fn delay_of(&self, sequence: u64) -> Option<u64> {
        let mut random = Random::new(self.seed, PURPOSE_DELAY, sequence);
        random.per_mille(self.late_per_mille).then(|| random.below(DELAYS))
    }

    fn delay_slots(&self, delay: u64) -> u64 {
        #[expect(clippy::cast_possible_truncation, reason = "a delay is at most 6 hours of slots")]
        let slots = (delay_seconds(delay) as f64 * self.rate).ceil() as u64;
        slots.max(1)
    }
}

/// Delays are spread evenly over the octaves, so that short ones are as usual as they are on GitHub.
fn delay_seconds(delay: u64) -> u64 {
    let octave = 30_u64 << (delay / 7);
    (octave + octave * (delay % 7) / 7).min(LONGEST_DELAY_SECONDS)
}

/// The slot that `now` lies in; 0 before 1970.
pub(crate) fn slot_at(now: DateTime<Utc>, rate: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "slots since 1970 fit 64 bits at any sensible rate")]
    let slot = (now.timestamp_millis().max(0) as f64 * rate / 1_000.0).floor() as u64;
    slot
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn feed(late_per_mille: u64) -> Generated {
        Generated { seed: 3, rate: 5.0, late_per_mille }
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn the_first_poll_finds_a_full_window_of_the_last_minute() {
        let feed = feed(0);
        let window = feed.window(at(0));
        assert_eq!(window.len(), WINDOW);
        assert_eq!(feed.created_at(window[0]), at(0));
        assert!(feed.created_at(window[WINDOW - 1]) > at(-61));
    }

    #[test]
    fn a_later_poll_repeats_what_was_there_and_adds_five_events_a_second() {
        let feed = feed(0);
        let earlier: HashSet<u64> = feed.window(at(0)).into_iter().collect();
        let later = feed.window(at(10));
        let new: Vec<&u64> = later.iter().filter(|sequence| !earlier.contains(sequence)).collect();
        assert_eq!(new.len(), 50);
        assert_eq!(later, feed.window(at(10)), "the same clock gives the same feed");
    }

    #[test]
    fn late_events_appear_once_between_half_a_minute_and_six_hours_after_they_were_created() {
        let feed = feed(50);
        let mut seen: HashSet<u64> = feed.window(at(0)).into_iter().collect();
        let mut late = 0;
        for second in 1..=600 {
            let window = feed.window(at(second));
            assert_eq!(window.iter().collect::<HashSet<_>>().len(), WINDOW, "no event twice in a window");
            for sequence in window.into_iter().filter(|sequence| seen.insert(*sequence)) {
                let age = (at(second) - feed.created_at(sequence)).num_seconds();
                if age > 1 {
                    late += 1;
                    assert!((30..=LONGEST_DELAY_SECONDS.cast_signed() + 1).contains(&age), "appeared after {age} s");
                }
            }
        }
        assert!((100..=200).contains(&late), "about 50 of 1,000 of 3,000 events are late: {late}");
    }

    #[test]
    fn delays_rise_from_half_a_minute_to_six_hours() {
        let delays: Vec<u64> = (0..DELAYS).map(delay_seconds).collect();
        assert_eq!(delays.first(), Some(&30));
        assert_eq!(delays.last(), Some(&LONGEST_DELAY_SECONDS));
        assert!(delays.is_sorted());
    }
}
