//! The account, by hand: what waits, what failed, what is gone.

use super::*;
use crate::state::{Commit, Staged};
use kafka::TopicIdentity;

const LIMITS: RepeatLimits = RepeatLimits { hours: 24, ids: 20_000_000 };

fn chain(topic_id: &str, partition: i32, first_offset: i64, counts: [i64; 4]) -> Chain {
    let [records, duplicates, dead_letters, gap_offsets] = counts;
    Chain {
        cluster_id: "c".into(),
        topic_id: topic_id.into(),
        topic: "events".into(),
        partition,
        first_offset,
        next_offset: first_offset + counts.iter().sum::<i64>(),
        records,
        duplicates,
        dead_letters,
        gap_offsets,
        batches: 1,
        updated_at: DateTime::from_timestamp(150, 0).unwrap(),
    }
}

fn live(partitions: &[(i32, i64, i64, Option<i64>)]) -> LiveTopic {
    let state = |&(partition, low, high, committed): &(i32, i64, i64, Option<i64>)| PartitionState {
        topic: "events".into(),
        partition,
        low,
        high,
        committed,
    };
    LiveTopic {
        name: "events".into(),
        identity: TopicIdentity { cluster_id: "c".into(), topic_id: "now".into() },
        partitions: partitions.iter().map(state).collect(),
    }
}

fn info(chains: Vec<Chain>, rows: i64, staged: i64, topic: Option<&LiveTopic>) -> Info {
    let commit = Commit {
        snapshot_id: Some(7),
        sequence_number: 1,
        files: 1,
        records: rows,
        bytes: 10,
        watermarks: BTreeMap::from([("millrace.watermark.c.now.0".to_owned(), 12)]),
        committed_at: DateTime::from_timestamp(100, 0).unwrap(),
        first_day: None,
        last_day: None,
    };
    let staged = Staged { segments: 1, records: staged, bytes: 5, oldest_at: None };
    let state = State { commit: Some(commit), staged, chains, ..State::default() };
    assemble("github.events", state, topic, LIMITS, DateTime::from_timestamp(160, 0).unwrap())
}

#[test]
fn at_rest_both_sides_are_the_same() {
    let topic = live(&[(0, 0, 25, Some(25)), (1, 3, 3, None)]);
    let info = info(vec![chain("now", 0, 5, [10, 4, 3, 3])], 6, 4, Some(&topic));
    let expected = Reconciliation {
        topic_records: 20,
        rows: 6,
        staged: 4,
        duplicates: 4,
        dead_letters: 3,
        failed: 3,
        balanced: true,
    };
    assert_eq!((info.reconciliation, info.lag), (expected, 0));
    assert_eq!(info.partitions[0].committed_offset, Some(12));
    assert_eq!(info.snapshot.unwrap().age_seconds, 60);
    assert_eq!((info.rules.len(), info.rules["size"]), (RULES.len(), 0), "each rule is shown, also at 0");
}

#[test]
fn what_waits_is_lag_and_not_balanced() {
    let topic = live(&[(0, 0, 12, Some(10)), (1, 0, 4, None)]);
    let info = info(vec![chain("now", 0, 0, [10, 0, 0, 0])], 10, 0, Some(&topic));
    assert_eq!((info.lag, info.reconciliation.topic_records, info.reconciliation.balanced), (6, 16, false));
}

#[test]
fn what_the_group_passed_and_nobody_staged_has_failed() {
    let topic = live(&[(0, 0, 12, Some(12)), (1, 0, 4, Some(3))]);
    let info = info(vec![chain("now", 0, 0, [10, 0, 0, 0])], 10, 0, Some(&topic));
    assert_eq!((info.lag, info.reconciliation.failed), (1, 5));
    let failed: Vec<i64> = info.partitions.iter().map(|partition| partition.failed).collect();
    assert_eq!(failed, [2, 3]);
}

#[test]
fn a_topic_that_is_gone_counts_as_far_as_it_was_staged() {
    let chains = vec![chain("before", 0, 2, [5, 0, 0, 1]), chain("now", 0, 0, [0, 2, 1, 0])];
    let topic = live(&[(0, 0, 3, Some(3))]);
    let both = info(chains.clone(), 5, 0, Some(&topic));
    assert_eq!((both.reconciliation.topic_records, both.reconciliation.balanced), (9, true));
    assert_eq!(both.partitions.iter().map(|partition| partition.live).collect::<Vec<_>>(), [false, true]);
    let none = info(chains, 5, 0, None);
    assert_eq!((none.reconciliation.balanced, none.partitions[1].end_offset), (true, None));
}

#[test]
fn a_row_too_few_or_too_many_is_not_balanced() {
    let topic = live(&[(0, 0, 10, Some(10))]);
    for rows in [9, 11] {
        let info = info(vec![chain("now", 0, 0, [10, 0, 0, 0])], rows, 0, Some(&topic));
        assert!(!info.reconciliation.balanced && info.lag == 0, "{rows}");
    }
}

#[test]
fn kafka_seen_before_postgres_leaves_no_negative_lag() {
    let topic = live(&[(0, 0, 8, Some(8))]);
    let info = info(vec![chain("now", 0, 0, [10, 0, 0, 0])], 10, 0, Some(&topic));
    assert_eq!((info.lag, info.reconciliation.failed, info.reconciliation.balanced), (0, 0, true));
}
