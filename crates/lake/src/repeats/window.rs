//! The window of one partition: the keys of its last rows, up to a place in the chain of registered segments.
//!
//! Keys pass by generation, a 64th of the window each, so that nothing has to be kept about the age of a single key. A
//! key is known for the whole window and for no more than a 64th of it (and one segment) longer.

use std::collections::VecDeque;

use super::key::{Key, Keys};
use super::set::IdSet;

/// Generations that fill a window.
const GENERATIONS: u64 = 64;

/// A place in a partition's chain of registered segments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The number of the last segment; 0 before the first.
    pub(crate) sequence: i64,
    /// Keys of all segments up to there.
    pub(crate) total: i64,
}

impl Place {
    /// The place after a segment with so many keys.
    pub(crate) fn after(self, ids: usize) -> Self {
        let ids = i64::try_from(ids).unwrap_or(i64::MAX);
        Self { sequence: self.sequence + 1, total: self.total.saturating_add(ids) }
    }
}

/// How much a partition's window holds: the last `ids` keys, as far as they came within `micros`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) ids: i64,
    pub(crate) micros: i64,
}

#[derive(Debug)]
struct Generation {
    mark: u8,
    /// When its first and its last segment was registered, microseconds.
    from: i64,
    until: i64,
    ids: i64,
    /// The chain's total after it.
    total: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Unused,
    Live,
    /// Keys with it are still in the tables.
    Passed,
}

/// The keys of one partition's window.
#[derive(Debug)]
pub(crate) struct Window {
    place: Place,
    numbers: IdSet<u64>,
    others: IdSet<u128>,
    /// Oldest first.
    generations: VecDeque<Generation>,
    marks: [Mark; 256],
}

impl Window {
    /// Knows nothing, and stands before the first segment. `seed` is any number that is hard to guess.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            place: Place::default(),
            numbers: IdSet::new(seed),
            others: IdSet::new(seed),
            generations: VecDeque::new(),
            marks: [Mark::Unused; 256],
        }
    }

    /// Up to where the window reflects the chain.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// Whether the key came within the window.
    pub(crate) fn knows(&self, key: Key) -> bool {
        let mark = match key {
            Key::Number(number) => self.numbers.mark(number),
            Key::Other(other) => self.others.mark(other),
        };
        mark.is_some_and(|mark| is_live(&self.marks, mark))
    }

    /// Adds the keys of a segment that was registered at time `at`, after which the chain is at `place`. What the window
    /// reflects already is passed over.
    pub(crate) fn apply(&mut self, place: Place, at: i64, keys: &Keys, span: Span) {
        if place.sequence <= self.place.sequence {
            return;
        }
        self.place = place;
        let mark = self.generation(place, at, i64::try_from(keys.len()).unwrap_or(i64::MAX), span);
        let Self { marks, numbers, others, .. } = self;
        for number in &keys.numbers {
            numbers.insert(*number, mark, |mark| is_live(marks, mark));
        }
        for other in &keys.others {
            others.insert(*other, mark, |mark| is_live(marks, mark));
        }
    }

    /// Moves on to `place`: what lies between is older than the window.
    pub(crate) fn skip_to(&mut self, place: Place) {
        if place.sequence > self.place.sequence {
            self.place = place;
        }
    }

    /// Drops generations all of whose keys are out of the window at time `now`.
    pub(crate) fn evict(&mut self, now: i64, span: Span) {
        while let Some(oldest) = self.generations.front()
            && (oldest.until < now.saturating_sub(span.micros) || self.place.total - oldest.total >= span.ids)
        {
            set(&mut self.marks, oldest.mark, Mark::Passed);
            self.generations.pop_front();
        }
        if self.generations.is_empty() {
            self.numbers.clear();
            self.others.clear();
            self.marks = [Mark::Unused; 256];
        }
    }

    /// Memory of the tables, bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.numbers.bytes() + self.others.bytes()
    }

    /// The mark for a segment's keys: of the newest generation, or of a new one when that has its share.
    fn generation(&mut self, place: Place, at: i64, ids: i64, span: Span) -> u8 {
        let (ids_most, micros_most) = (span.ids / GENERATIONS as i64, span.micros / GENERATIONS as i64);
        let is_full = |newest: &Generation| newest.ids >= ids_most || at.saturating_sub(newest.from) >= micros_most;
        let fresh = if self.generations.back().is_none_or(is_full) { self.unused() } else { None };
        if let Some(mark) = fresh {
            set(&mut self.marks, mark, Mark::Live);
            self.generations.push_back(Generation { mark, from: at, until: at, ids: 0, total: 0 });
        }
        self.generations.back_mut().map_or(0, |newest| {
            newest.until = newest.until.max(at);
            newest.ids = newest.ids.saturating_add(ids);
            newest.total = place.total;
            newest.mark
        })
    }

    /// A mark that no key has. There are 255, and at most about 130 generations in a window, whatever ends them.
    fn unused(&mut self) -> Option<u8> {
        let find =
            |marks: &[Mark; 256]| (1..=u8::MAX).find(|mark| marks.get(usize::from(*mark)) == Some(&Mark::Unused));
        find(&self.marks).or_else(|| {
            let marks = &self.marks;
            self.numbers.rebuild(|mark| is_live(marks, mark));
            self.others.rebuild(|mark| is_live(marks, mark));
            for mark in self.marks.iter_mut().filter(|mark| **mark == Mark::Passed) {
                *mark = Mark::Unused;
            }
            find(&self.marks)
        })
    }
}

fn is_live(marks: &[Mark; 256], mark: u8) -> bool {
    marks.get(usize::from(mark)) == Some(&Mark::Live)
}

fn set(marks: &mut [Mark; 256], mark: u8, to: Mark) {
    if let Some(mark) = marks.get_mut(usize::from(mark)) {
        *mark = to;
    }
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
