//! Examples of each rule. What they make of a world that crashes, repeats and overlaps is in `model_tests`.

use super::*;

const LIMITS: CommitLimits = CommitLimits { bytes: 1000, segments: 10, age: Duration::from_secs(10) };

fn source(partition: i32) -> Source {
    Source { cluster_id: "MkU3OEVBNTcwNTJENDM2Qg".into(), topic_id: "x-Yz_1".into(), partition }
}

fn segment(id: i64, ranges: &[(i32, i64, i64)]) -> Staged {
    let ranges =
        ranges.iter().map(|&(partition, first, next)| (source(partition), OffsetRange { first, next })).collect();
    Staged { id, records: 1, bytes: 100, ranges }
}

#[test]
fn a_property_key_reads_back() {
    let source = source(3);
    assert_eq!(Source::from_property_key(&source.property_key()), Some(source));
    assert_eq!(Source::from_property_key("write.format.default"), None);
    assert_eq!(Source::from_property_key("millrace.watermark.a.b.c"), None);
}

#[test]
fn watermarks_are_read_from_properties() {
    let properties =
        BTreeMap::from([(source(0).property_key(), "17".to_owned()), ("owner".to_owned(), "x".to_owned())]);
    assert_eq!(watermarks_of(&properties), Watermarks::from([(source(0), 17)]));
}

#[test]
fn trim_keeps_what_is_beyond_the_watermark() {
    let trimmed = trim(Some(12), &[10, 11, 12, 13]);
    assert_eq!(trimmed, Trimmed { keep: vec![2, 3], range: Some(OffsetRange { first: 12, next: 14 }), gap: 0 });
}

#[test]
fn trim_of_what_is_all_done_keeps_nothing() {
    assert_eq!(trim(Some(20), &[10, 11]), Trimmed { keep: vec![], range: None, gap: 0 });
    assert_eq!(trim(None, &[]).range, None);
}

#[test]
fn trim_starts_a_new_partition_at_the_first_offset() {
    assert_eq!(trim(None, &[7, 8]).range, Some(OffsetRange { first: 7, next: 9 }));
}

#[test]
fn trim_counts_a_gap_and_covers_it() {
    let trimmed = trim(Some(5), &[8, 9, 12]);
    assert_eq!((trimmed.range, trimmed.gap), (Some(OffsetRange { first: 5, next: 13 }), 3 + 2));
}

#[test]
fn trim_takes_repeats_once_and_disorder_whole() {
    assert_eq!(trim(Some(1), &[3, 2, 2, 1]).keep, vec![3, 1, 0]);
}

#[test]
fn plan_takes_a_chain_over_partitions() {
    let staged = [segment(1, &[(0, 0, 5)]), segment(2, &[(0, 5, 9), (1, 0, 3)]), segment(3, &[(1, 3, 4)])];
    let plan = plan_commit(&Watermarks::new(), &staged, &LIMITS);
    assert_eq!(plan.take, vec![1, 2, 3]);
    assert_eq!(plan.moves, Watermarks::from([(source(0), 9), (source(1), 4)]));
}

#[test]
fn plan_marks_what_the_table_holds_already() {
    let committed = Watermarks::from([(source(0), 9)]);
    let plan = plan_commit(&committed, &[segment(1, &[(0, 0, 9)]), segment(2, &[(0, 9, 10)])], &LIMITS);
    assert_eq!((plan.done, plan.take), (vec![1], vec![2]));
}

#[test]
fn plan_leaves_a_broken_chain_and_all_behind_it() {
    let committed = Watermarks::from([(source(0), 2), (source(1), 0)]);
    let staged = [segment(1, &[(0, 5, 6)]), segment(2, &[(0, 6, 7), (1, 0, 1)]), segment(3, &[(1, 1, 2)])];
    let plan = plan_commit(&committed, &staged, &LIMITS);
    assert_eq!((plan.take, plan.blocked), (vec![], vec![1]));
    let overlap = plan_commit(&committed, &[segment(4, &[(0, 1, 3)])], &LIMITS);
    assert_eq!(overlap.blocked, vec![4]);
}

#[test]
fn plan_stops_at_its_limit_but_takes_one_segment_of_any_size() {
    let mut big = segment(1, &[(0, 0, 5)]);
    big.bytes = 5_000;
    let plan = plan_commit(&Watermarks::new(), &[big, segment(2, &[(0, 5, 6)])], &LIMITS);
    assert_eq!((plan.take, plan.blocked), (vec![1], vec![]));
}
