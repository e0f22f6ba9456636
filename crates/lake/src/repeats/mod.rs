//! Repeats of the source: a key that comes again within the window is in the table once.
//!
//! Each registered segment leaves its keys in Postgres, in the transaction that moves the watermarks, as the next row of
//! its partition's chain. A writer keeps each partition's window in memory together with its place in that chain. The
//! plan reads the chain's end; a window that stands elsewhere reads what it lacks, all of it after a cold start. What is
//! decided on a window counts only when the registration continues the chain from that very place: so the decision is
//! exact with several writers, after crashes, and for a topic that is made again under its name.

mod key;
pub(crate) mod rows;
mod set;
mod window;

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::TryStreamExt;
use sqlx::PgPool;

use self::key::Key;
pub(crate) use self::key::Keys;
pub use self::key::RowKey;
use self::set::IdSet;
use self::window::Window;
pub(crate) use self::window::{Place, Span};

/// How long a table remembers the keys of its rows: for `age`, and no more than the last `ids`. An id takes up to 16
/// bytes of a writer's memory (30 when it is not a decimal number), and 8 (16) in Postgres.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepeatLimits {
    /// Ids of the whole table, shared evenly by the partitions that it has been fed from; 0 remembers nothing.
    pub ids: u64,
    /// Age.
    pub age: Duration,
}

impl Default for RepeatLimits {
    fn default() -> Self {
        Self { ids: 20_000_000, age: Duration::from_secs(24 * 3600) }
    }
}

impl RepeatLimits {
    /// What one of so many partitions remembers.
    pub(crate) fn span(self, partitions: i64) -> Span {
        let ids = i64::try_from(self.ids).unwrap_or(i64::MAX);
        Span { ids: ids / partitions.max(1), micros: i64::try_from(self.age.as_micros()).unwrap_or(i64::MAX) }
    }
}

/// A partition of a topic's name.
type Chain = (String, i32);

/// The windows that this process keeps. Clones share them.
#[derive(Clone)]
pub(crate) struct Repeats {
    pub(crate) limits: RepeatLimits,
    seed: u64,
    windows: Arc<Mutex<HashMap<Chain, Window>>>,
}

/// The end of a partition's chain, as a plan saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) place: Place,
    pub(crate) span: Span,
    /// Postgres' time, microseconds.
    pub(crate) now: i64,
}

/// Which of a batch's keys are new.
pub(crate) struct Verdict {
    /// For each key whether it is to become a row.
    pub(crate) is_new: Vec<bool>,
    /// The keys that are.
    pub(crate) keys: Keys,
    /// False when the window has not come to where the plan saw the chain end: plan again.
    pub(crate) current: bool,
}

impl Repeats {
    pub(crate) fn new(limits: RepeatLimits) -> Self {
        Self { limits, seed: RandomState::new().hash_one(0), windows: Arc::default() }
    }

    /// Brings the partition's window to the end of its chain.
    pub(crate) async fn refresh(&self, pool: &PgPool, table: &str, seen: &Seen) -> anyhow::Result<()> {
        if self.limits.ids == 0 {
            return Ok(());
        }
        let chain = (seen.topic.clone(), seen.partition);
        let from = self.begin(&chain, seen);
        if from == seen.place {
            return Ok(());
        }
        let partition = (table, seen.topic.as_str(), seen.partition);
        let mut rows = std::pin::pin!(rows::load(pool, partition, (from, seen.place), seen.span));
        while let Some(row) = rows.try_next().await? {
            if let Some(window) = self.lock().get_mut(&chain) {
                window.apply(row.place, row.at, &row.keys, seen.span);
            }
        }
        if let Some(window) = self.lock().get_mut(&chain) {
            window.skip_to(seen.place);
            window.evict(seen.now, seen.span);
            tracing::debug!(
                topic = seen.topic,
                partition = seen.partition,
                bytes = window.bytes(),
                "window of repeats"
            );
        }
        Ok(())
    }

    /// Drops what is out of the window, and tells up to where the window reflects the chain.
    fn begin(&self, chain: &Chain, seen: &Seen) -> Place {
        let mut windows = self.lock();
        let window = windows.entry(chain.clone()).or_insert_with(|| Window::new(self.seed));
        let place = window.place();
        // Ahead of what the plan saw, which was overtaken within this process; or Postgres went back to an older state,
        // and what the window knows is in no table. The first is rare enough to pay for the second.
        if place.sequence > seen.place.sequence || (place.sequence == seen.place.sequence && place != seen.place) {
            *window = Window::new(self.seed);
        }
        window.evict(seen.now, seen.span);
        window.place()
    }

    /// Decides which keys of a batch are new; of several that are the same, the first is.
    pub(crate) fn judge(&self, seen: &Seen, keys: impl Iterator<Item = RowKey>) -> Verdict {
        if self.limits.ids == 0 {
            return Verdict { is_new: keys.map(|_| true).collect(), keys: Keys::default(), current: true };
        }
        let keys: Vec<Key> = keys.map(|key| key.0).collect();
        let windows = self.lock();
        let window = windows.get(&(seen.topic.clone(), seen.partition));
        let Some(window) = window.filter(|window| window.place().sequence >= seen.place.sequence) else {
            return Verdict { is_new: vec![true; keys.len()], keys: Keys::default(), current: false };
        };
        // One pass for each table: looks that do not depend on one another wait for memory together.
        let mut is_new: Vec<bool> = keys.iter().map(|key| !window.knows(*key)).collect();
        drop(windows);
        let of_numbers = keys.iter().filter(|key| matches!(key, Key::Number(_))).count();
        let mut numbers = IdSet::for_keys(of_numbers, self.seed);
        let mut others = IdSet::for_keys(keys.len() - of_numbers, self.seed);
        let mut fresh = Keys::default();
        for (key, is_new) in keys.iter().zip(&mut is_new) {
            let came_before = match *key {
                Key::Number(number) => came(&mut numbers, number),
                Key::Other(other) => came(&mut others, other),
            };
            *is_new &= !came_before;
            if *is_new {
                fresh.push(*key);
            }
        }
        Verdict { is_new, keys: fresh, current: true }
    }

    /// Remembers keys that have been registered at time `at`.
    pub(crate) fn remember(&self, fresh: &rows::Fresh, at: i64) {
        let mut windows = self.lock();
        if let Some(window) = windows.get_mut(&(fresh.topic.clone(), fresh.partition))
            // Else it lacks what came before; the next plan sees that.
            && window.place().sequence + 1 == fresh.place.sequence
        {
            window.apply(fresh.place, at, &fresh.keys, fresh.span);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Chain, Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the key has come before; it has from now on.
fn came<S: set::Slot>(keys: &mut IdSet<S>, key: S) -> bool {
    let came = keys.mark(key).is_some();
    if !came {
        keys.insert(key, 1, |_| true);
    }
    came
}
