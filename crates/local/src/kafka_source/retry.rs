//! What to do with a batch that failed: when to try again, whether to cut it, when to give up. Pure.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::batch::{Batch, Partition};

/// The first wait after a failure; each further one doubles it.
const FIRST_DELAY: Duration = Duration::from_millis(200);

/// The longest wait.
const LONGEST_DELAY: Duration = Duration::from_secs(10);

/// The mapping's settings on failures.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Policy {
    /// `None`: without end.
    pub(super) maximum_retry_attempts: Option<u32>,
    /// `None`: any age.
    pub(super) maximum_record_age: Option<Duration>,
    pub(super) bisect_on_error: bool,
}

/// Why records are given up, in Lambda's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    RetryAttemptsExhausted,
    MaximumRecordAgeExceeded,
    /// A single record whose event is over 6 MB: it can never be delivered.
    RecordTooLarge,
}

impl Condition {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::RetryAttemptsExhausted => "RetryAttemptsExhausted",
            Self::MaximumRecordAgeExceeded => "MaximumRecordAgeExceeded",
            Self::RecordTooLarge => "MaximumPayloadSizeExceeded",
        }
    }
}

/// A batch that waits for its next attempt.
#[derive(Debug, Clone)]
pub(super) struct Retry {
    pub(super) batch: Batch,
    /// Attempts that have failed.
    pub(super) attempts: u32,
    pub(super) not_before: Instant,
}

/// What follows a failed attempt.
#[derive(Debug, Default)]
pub(super) struct Decision {
    /// Batches to try again, in order.
    pub(super) again: Vec<Retry>,
    /// Records to give up, with the reason.
    pub(super) give_up: Vec<(Batch, Condition)>,
}

/// Decides over a batch whose attempt number `attempts` has failed with a function error (`error`) or came back in part.
pub(super) fn after_failure(
    batch: Batch,
    attempts: u32,
    error: bool,
    policy: Policy,
    now_ms: i64,
    now: Instant,
) -> Decision {
    let mut decision = Decision::default();
    let batch = match policy.maximum_record_age.and_then(|age| i64::try_from(age.as_millis()).ok()) {
        Some(age_ms) => {
            let (old, young) = batch.split_by_age(now_ms - age_ms);
            if !old.is_empty() {
                decision.give_up.push((old, Condition::MaximumRecordAgeExceeded));
            }
            young
        }
        None => batch,
    };
    if batch.is_empty() {
        return decision;
    }
    let not_before = now + delay(attempts);
    // A split does not use up a retry, as with Lambda's streams; a single record cannot be split.
    if policy.bisect_on_error && error && batch.len() > 1 {
        let (first, second) = batch.halves();
        decision.again.push(Retry { batch: first, attempts: attempts - 1, not_before });
        decision.again.push(Retry { batch: second, attempts: attempts - 1, not_before });
    } else if policy.maximum_retry_attempts.is_some_and(|most| attempts > most) {
        decision.give_up.push((batch, Condition::RetryAttemptsExhausted));
    } else {
        decision.again.push(Retry { batch, attempts, not_before });
    }
    decision
}

fn delay(attempts: u32) -> Duration {
    FIRST_DELAY.saturating_mul(1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX)).min(LONGEST_DELAY)
}

/// Batches that wait, in the order in which their partitions must see them.
#[derive(Debug, Default)]
pub(super) struct Waiting(VecDeque<Retry>);

impl Waiting {
    /// Puts batches where the failed one stood: before everything that waits already.
    pub(super) fn put_first(&mut self, retries: Vec<Retry>) {
        for retry in retries.into_iter().rev() {
            self.0.push_front(retry);
        }
    }

    /// Puts a batch behind everything that waits already.
    pub(super) fn put_last(&mut self, retry: Retry) {
        self.0.push_back(retry);
    }

    /// The batches whose partitions have nothing earlier waiting.
    fn unblocked(&self) -> impl Iterator<Item = (usize, &Retry)> {
        self.0.iter().enumerate().filter(|(index, retry)| {
            let shares =
                |earlier: &Retry| earlier.batch.partitions.keys().any(|p| retry.batch.partitions.contains_key(p));
            !self.0.iter().take(*index).any(shares)
        })
    }

    /// The next batch that is due and whose partitions have nothing earlier waiting.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Retry> {
        let index = self.unblocked().find(|(_, retry)| retry.not_before <= now).map(|(index, _)| index)?;
        self.0.remove(index)
    }

    /// When [`Waiting::take_due`] will have something. A batch behind another one of its partition does not count, or
    /// the poller would spin until the other one is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.unblocked().map(|(_, retry)| retry.not_before).min()
    }

    /// Whether a partition has something waiting; it is paused as long as it has.
    pub(super) fn holds(&self, partition: &Partition) -> bool {
        self.0.iter().any(|retry| retry.batch.partitions.contains_key(partition))
    }

    /// As [`Waiting::holds`], by the partition's number: a mapping has one topic.
    pub(super) fn holds_number(&self, number: i32) -> bool {
        self.0.iter().any(|retry| retry.batch.partitions.keys().any(|partition| partition.number == number))
    }

    /// The first offset of a partition that still waits.
    pub(super) fn first_offset(&self, partition: &Partition) -> Option<i64> {
        let first = |retry: &Retry| retry.batch.partitions.get(partition)?.records.first().map(|record| record.offset);
        self.0.iter().filter_map(first).min()
    }

    /// Forgets partitions that belong to another consumer now; their records are not committed and come again there.
    pub(super) fn forget(&mut self, revoked: &[Partition]) {
        for retry in &mut self.0 {
            retry.batch.partitions.retain(|partition, _| !revoked.contains(partition));
        }
        self.0.retain(|retry| !retry.batch.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::{super::batch::tests::batch, *};

    #[test]
    fn a_batch_is_given_up_after_its_retries_and_never_without_a_limit() {
        let now = Instant::now();
        let limited = Policy { maximum_retry_attempts: Some(2), ..Policy::default() };
        for (attempts, again) in [(1, true), (2, true), (3, false)] {
            let decision = after_failure(batch(&[(0, 1, 0)]), attempts, true, limited, 0, now);
            assert_eq!(decision.again.len(), usize::from(again), "after attempt {attempts}");
            assert_eq!(decision.give_up.len(), usize::from(!again));
        }
        let endless = after_failure(batch(&[(0, 1, 0)]), 1_000_000, true, Policy::default(), 0, now);
        assert_eq!(endless.again[0].not_before, now + LONGEST_DELAY);
    }

    #[test]
    fn old_records_are_given_up_and_young_ones_tried_again() {
        let policy = Policy { maximum_record_age: Some(Duration::from_secs(60)), ..Policy::default() };
        let decision = after_failure(batch(&[(0, 1, 0), (0, 2, 50_000)]), 1, true, policy, 70_000, Instant::now());
        assert_eq!(decision.give_up[0].1, Condition::MaximumRecordAgeExceeded);
        assert_eq!(decision.again[0].batch.first_offsets().into_values().collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn bisecting_halves_on_errors_without_using_up_retries() {
        let policy = Policy { maximum_retry_attempts: Some(0), bisect_on_error: true, ..Policy::default() };
        let now = Instant::now();
        let decision = after_failure(batch(&[(0, 1, 0), (0, 2, 0), (0, 3, 0)]), 1, true, policy, 0, now);
        assert_eq!(
            decision.again.iter().map(|retry| (retry.batch.len(), retry.attempts)).collect::<Vec<_>>(),
            [(2, 0), (1, 0)]
        );
        let single = after_failure(batch(&[(0, 1, 0)]), 1, true, policy, 0, now);
        assert_eq!(single.give_up[0].1, Condition::RetryAttemptsExhausted);
    }

    #[test]
    fn a_partition_sees_its_batches_in_order() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let mut waiting = Waiting::default();
        let retry = |batch, not_before| Retry { batch, attempts: 1, not_before };
        waiting.put_first(vec![
            retry(batch(&[(0, 1, 0)]), later),
            retry(batch(&[(0, 2, 0)]), now),
            retry(batch(&[(1, 7, 0)]), now),
        ]);
        let taken = waiting.take_due(now).unwrap();
        assert_eq!(
            taken.batch.first_offsets().into_values().collect::<Vec<_>>(),
            [7],
            "partition 0 waits for its first"
        );
        assert!(waiting.take_due(now).is_none());
        assert_eq!(waiting.next_due(), Some(later), "what stands behind another batch does not wake the poller");
        assert_eq!(waiting.take_due(later).unwrap().batch.first_offsets().into_values().collect::<Vec<_>>(), [1]);
        waiting.forget(&[Partition { topic: "t".into(), number: 0 }]);
        assert!(waiting.take_due(later).is_none());
    }
}
