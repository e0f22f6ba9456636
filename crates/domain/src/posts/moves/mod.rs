//! How a partition moves from one shard to another while clients write and read: which step comes next, and what becomes of
//! the move when a step fails. Whoever carries it out keeps a [`Progress`] a move, and records each step before the next.
//!
//! 1. `Prepare`: the target gets its tables, and a seat for the partition that nobody may write to.
//! 2. `Copy`: all rows, in pieces, while writers go on. Not exact, and need not be.
//! 3. `Freeze`: the source's seat is marked; from then on no writer's transaction can commit there. The records wait in
//!    Kafka, the clients notice nothing, readers go on.
//! 4. `Verify`: piece by piece, a digest of every column of every row at both; a piece that differs is copied again. This
//!    is what makes the copy exact, so it also catches up with what was written since `Copy`.
//! 5. `Admit`: an epoch is reserved, and the target's seat gets it with the source's progress. Nobody has a map with it yet.
//! 6. `Switch`: one transaction in the master gives the partition to the target in that epoch. Before it all can be undone,
//!    after it nothing.
//! 7. `Depart`: the source's seat gets the epoch, so whoever comes with an old map finds out.
//! 8. `Clean`: after a grace for readers that are on their way, the source's rows go.
//!
//! `Thaw` lets writers go on at the source, and `Undo` removes what the target was given.
//!
//! Two things keep it right whoever dies or sleeps. What a step may do is decided by what the master has recorded, and only
//! the newest holder of the lease can record. And each transaction at a shard first takes the partition's seat with the
//! lease's token, which must not be smaller than the last one: what a former holder still tries, however late, is refused.

mod plan;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};

pub use plan::{PlanError, Wish, plan};

/// So long after the switch the source keeps its rows: longer than any reader takes that looked at its seat before.
pub const GRACE: Duration = Duration::from_secs(30);
/// A partition that cannot be moved at once is not kept from its writers longer than this.
pub const LONGEST_FREEZE: Duration = Duration::from_secs(20);
/// A move that has not come on for so long is undone.
pub const GIVE_UP: Duration = Duration::from_secs(600);
/// So often a partition is frozen and thawed again before its move is undone.
pub const MOST_THAWS: i32 = 5;
/// So often the target is asked to remove its copies. They do no harm: nobody reads them, and a later move replaces them.
pub const MOST_UNDOS: i32 = 5;
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The target's tables and seat.
    Prepare,
    /// The rows, while writers go on.
    Copy,
    /// Writers are kept away.
    Freeze,
    /// Row by row, what differs is copied again.
    Verify,
    /// The target may take writes in the next epoch.
    Admit,
    /// The map.
    Switch,
    /// The source learns that it has the partition no more.
    Depart,
    /// The source's rows are deleted.
    Clean,
    /// Writers go on at the source.
    Thaw,
    /// What the target has is deleted.
    Undo,
    /// Nothing: it has moved.
    Done,
    /// Nothing: it stays where it was.
    Failed,
}

const NAMES: [(Step, &str); 12] = [
    (Step::Prepare, "prepare"),
    (Step::Copy, "copy"),
    (Step::Freeze, "freeze"),
    (Step::Verify, "verify"),
    (Step::Admit, "admit"),
    (Step::Switch, "switch"),
    (Step::Depart, "depart"),
    (Step::Clean, "clean"),
    (Step::Thaw, "thaw"),
    (Step::Undo, "undo"),
    (Step::Done, "done"),
    (Step::Failed, "failed"),
];

/// Text that names no step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no step of a move")]
pub struct StepError(String);

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES.iter().find(|(step, _)| step == self).map_or("", |(_, name)| name))
    }
}

impl FromStr for Step {
    type Err = StepError;

    fn from_str(text: &str) -> Result<Self, StepError> {
        NAMES.iter().find(|(_, name)| *name == text).map(|(step, _)| *step).ok_or_else(|| StepError(text.into()))
    }
}

impl Step {
    /// Whether the source's seat may be marked: recorded before it is done, so it may be, or be about to be.
    fn may_be_frozen(self) -> bool {
        matches!(self, Self::Freeze | Self::Verify | Self::Admit | Self::Switch)
    }

    /// Whether anything is left to do.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }
}

/// All that a move's next step depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is to be done next.
    pub step: Step,
    /// The epoch that is reserved for the target.
    pub epoch: Option<i64>,
    /// When the map was switched.
    pub switched_at: Option<DateTime<Utc>>,
    /// Since when it has not come on.
    pub failing_since: Option<DateTime<Utc>>,
    /// Failures in a row.
    pub attempts: i32,
    /// Not before this time.
    pub retry_at: Option<DateTime<Utc>>,
    /// How often it was thawed.
    pub thaws: i32,
    /// It is being undone.
    pub doomed: bool,
}

/// What to do with a move now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// This.
    Do(Step),
    /// Nothing before this time.
    Wait(DateTime<Utc>),
    /// Nothing any more.
    Nothing,
}

impl Progress {
    /// A move that has just been asked for.
    pub fn new() -> Self {
        Self {
            step: Step::Prepare,
            epoch: None,
            switched_at: None,
            failing_since: None,
            attempts: 0,
            retry_at: None,
            thaws: 0,
            doomed: false,
        }
    }

    /// What to do at `now`, when the newest epoch of the map is `map_epoch`.
    pub fn next(&self, map_epoch: i64, now: DateTime<Utc>) -> Next {
        let grace = self.switched_at.filter(|_| self.step == Step::Clean).map(|at| at + GRACE);
        match self.retry_at.max(grace) {
            _ if self.step.is_over() => Next::Nothing,
            Some(until) if now < until => Next::Wait(until),
            // Another move was switched since: epochs of the map must grow with each change.
            _ if self.step == Step::Switch && self.epoch.is_none_or(|epoch| epoch <= map_epoch) => {
                Next::Do(Step::Admit)
            }
            _ => Next::Do(self.step),
        }
    }

    /// After the step `done` is done; `now` is when.
    #[must_use]
    pub fn after(&self, done: Step, now: DateTime<Utc>) -> Self {
        let step = match done {
            Step::Prepare => Step::Copy,
            Step::Copy => Step::Freeze,
            Step::Freeze => Step::Verify,
            Step::Verify => Step::Admit,
            Step::Admit => Step::Switch,
            Step::Switch => Step::Depart,
            Step::Depart => Step::Clean,
            Step::Clean | Step::Done => Step::Done,
            Step::Thaw if self.doomed => Step::Undo,
            // It has not come on yet.
            Step::Thaw => return Self { step: Step::Freeze, retry_at: Some(now + pause(self.attempts)), ..*self },
            Step::Undo | Step::Failed => Step::Failed,
        };
        let switched_at = if done == Step::Switch { Some(now) } else { self.switched_at };
        Self { step, switched_at, failing_since: None, attempts: 0, retry_at: None, ..*self }
    }

    /// After a failure at `now`. `hopeless`: the same again would fail again.
    #[must_use]
    pub fn failed(&self, hopeless: bool, now: DateTime<Utc>) -> Self {
        let (since, attempts) = (self.failing_since.unwrap_or(now), self.attempts.saturating_add(1));
        let retry_at = Some(now + pause(attempts));
        let waiting = Self { failing_since: Some(since), attempts, retry_at, ..*self };
        let lasts = now - since;
        let over = |limit: Duration| lasts.to_std().is_ok_and(|lasts| lasts >= limit);
        match self.step {
            Step::Undo if attempts >= MOST_UNDOS => Self { step: Step::Failed, ..waiting },
            // A partition must not stay frozen, and after the switch there is no way back.
            Step::Thaw | Step::Undo | Step::Depart | Step::Clean | Step::Done | Step::Failed => waiting,
            step if hopeless || over(GIVE_UP) || self.thaws >= MOST_THAWS => {
                let step = match step {
                    // Nothing is there that could be undone.
                    Step::Prepare => Step::Failed,
                    step if step.may_be_frozen() => Step::Thaw,
                    _ => Step::Undo,
                };
                Self { step, doomed: true, failing_since: None, attempts: 0, retry_at: None, ..*self }
            }
            step if step.may_be_frozen() && over(LONGEST_FREEZE) => {
                Self { step: Step::Thaw, thaws: self.thaws + 1, retry_at: None, ..waiting }
            }
            _ => waiting,
        }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

/// A second, and twice as long after each further failure.
fn pause(attempts: i32) -> Duration {
    let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(10);
    (Duration::from_secs(1) * 2_u32.pow(doublings)).min(LONGEST_PAUSE)
}

/// What a worker does next: of the moves (in the order in which they were asked for) the one that keeps writers waiting,
/// else the first that can come on. `Wait`: none can before this time.
pub fn choose(moves: &[Progress], map_epoch: i64, now: DateTime<Utc>) -> Choice {
    let nexts = || moves.iter().map(|progress| progress.next(map_epoch, now)).enumerate();
    let due = nexts().filter_map(|(at, next)| match next {
        Next::Do(step) => Some((at, step)),
        Next::Wait(_) | Next::Nothing => None,
    });
    let urgency = |step: Step| match step {
        Step::Depart | Step::Thaw => 0,
        step if step.may_be_frozen() => 1,
        _ => 2,
    };
    if let Some((at, step)) = due.min_by_key(|(at, step)| (urgency(*step), *at)) {
        return Choice::Do(at, step);
    }
    let waits = nexts().filter_map(|(_, next)| match next {
        Next::Wait(until) => Some(until),
        Next::Do(_) | Next::Nothing => None,
    });
    waits.min().map_or(Choice::Nothing, Choice::Wait)
}

/// See [`choose`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// This step of the move at this place.
    Do(usize, Step),
    /// Nothing before this time.
    Wait(DateTime<Utc>),
    /// No move is left.
    Nothing,
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
