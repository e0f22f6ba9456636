//! Examples of each rule about topics that are made again.

use super::*;
use proptest::prelude::*;

fn incarnation(id: &str, watermark: Option<i64>) -> Incarnation {
    Incarnation { topic_id: id.to_owned(), watermark, recent: true }
}

#[test]
fn a_partition_that_goes_on_alone_is_not_compared() {
    let old = Incarnation { recent: false, ..incarnation("old", Some(5)) };
    let new = incarnation("new", Some(5));
    assert!(!must_compare(&new, None, 5));
    assert!(!must_compare(&new, Some(&old), 5));
    assert!(must_compare(&new, Some(&incarnation("old", None)), 5));
    assert!(must_compare(&new, None, 4), "comes again, or is of another");
    assert!(must_compare(&new, None, 6), "a gap, or of another");
    assert!(must_compare(&incarnation("new", None), None, 5), "nothing of it was ever staged");
}

#[test]
fn offsets_that_do_not_rise_begin_another_run() {
    assert_eq!(runs(&[7, 8, 9, 0, 1]), [0..3, 3..5]);
    assert_eq!(runs(&[0, 0, 1]), [0..1, 1..3]);
    assert_eq!(runs(&[]), Vec::<Range<usize>>::new());
}

/// Compares until the border is known; how many comparisons that took.
fn search(held: &[Held]) -> (Option<usize>, usize) {
    let mut border = Border::new(held.len());
    let mut compared = 0;
    while let Some(position) = border.next() {
        border.tell(held[position]);
        compared += 1;
    }
    (border.former(), compared)
}

#[test]
fn two_comparisons_tell_a_run_of_one_incarnation() {
    assert_eq!(search(&[Held::Same; 9]), (Some(0), 2));
    assert_eq!(search(&[Held::Same]), (Some(0), 1));
    assert_eq!(search(&[Held::Another; 9]), (Some(9), 1));
    assert_eq!(search(&[Held::Another, Held::Another, Held::Beyond]), (Some(3), 1));
}

#[test]
fn what_is_gone_at_the_beginning_is_of_the_run_and_at_the_end_unknown() {
    assert_eq!(search(&[Held::Gone, Held::Gone, Held::Same]), (Some(0), 2));
    assert_eq!(search(&[Held::Gone, Held::Gone]), (None, 1));
}

proptest! {
    #[test]
    fn a_border_is_found_wherever_it_is(former in 0..40_usize, current in 0..40_usize) {
        prop_assume!(former + current > 0);
        let mut held = vec![Held::Another; former];
        held.extend(vec![Held::Same; current]);
        let (border, compared) = search(&held);
        prop_assert_eq!(border, Some(former));
        prop_assert!(compared <= 9, "{} comparisons", compared);
    }
}

#[test]
fn the_former_incarnation_is_the_newest_but_the_current() {
    let former = |current: &str, staged: &[&str]| {
        let staged: Vec<String> = staged.iter().map(|id| (*id).to_owned()).collect();
        former_id(current, &staged)
    };
    assert_eq!(former("a", &[]), None);
    assert_eq!(former("a", &["a"]), None);
    assert_eq!(former("c", &["a", "b", "c"]).as_deref(), Some("b"));
    assert_eq!(former("c", &["a", "b"]).as_deref(), Some("b"));
    assert_eq!(former("b", &["b", "before-b"]).as_deref(), Some("before-b"));
    assert_eq!(former("c", &["before-b"]).as_deref(), Some("b"), "b was there, though nothing of it was staged");
    assert_eq!(former("c", &["b", "before-b", "c"]).as_deref(), Some("b"));
}

#[test]
fn records_of_no_known_incarnation_have_an_id_of_their_own() {
    let mut border = Border::new(2);
    border.tell(Held::Beyond);
    let parts = divide(&incarnation("new", None), None, &[3, 4], &border);
    assert_eq!(parts, [("before-new".to_owned(), 0..2)]);
}

#[test]
fn a_run_is_divided_at_its_border() {
    let mut border = Border::new(3);
    for held in [Held::Same, Held::Another, Held::Same] {
        border.tell(held);
    }
    let parts = divide(&incarnation("new", None), Some(&incarnation("old", Some(5))), &[5, 6, 7], &border);
    assert_eq!(parts, [("old".to_owned(), 0..1), ("new".to_owned(), 1..3)]);
    let parts = divide(&incarnation("new", Some(5)), None, &[5, 6], &Border::current(2));
    assert_eq!(parts, [("new".to_owned(), 0..2)]);
}

#[test]
fn a_run_that_the_broker_no_longer_has_goes_by_its_offsets() {
    let run = OffsetRange { first: 10, next: 20 };
    for (current, former, expected, why) in [
        (Some(10), Some(10), true, "continues both: the newer"),
        (Some(15), Some(10), true, "overlaps the current one"),
        (Some(20), Some(10), true, "is done in the current one, to the very end"),
        (Some(5), Some(10), false, "continues the former, a gap for the current one"),
        (None, Some(10), false, "continues the former, and nothing of the current one is staged"),
        (Some(30), Some(15), false, "overlaps the former"),
        (Some(30), Some(5), false, "new under the former, trimmed under the current one"),
        (Some(30), None, false, "the same"),
        (Some(30), Some(25), true, "done under both"),
        (Some(5), Some(5), true, "a gap under both"),
        (None, Some(25), true, "the current one's first, rather than lost"),
        (None, None, true, "nothing is known"),
    ] {
        assert_eq!(is_current(current, former, run), expected, "{current:?} {former:?}: {why}");
    }
}

#[test]
fn what_the_broker_no_longer_has_is_the_current_topics_when_no_other_is_known() {
    let mut border = Border::new(2);
    border.tell(Held::Gone);
    assert_eq!(divide(&incarnation("new", Some(9)), None, &[5, 6], &border)[0].0, "new");
    let old = incarnation("old", Some(5));
    assert_eq!(divide(&incarnation("new", Some(9)), Some(&old), &[5, 6], &border)[0].0, "old");
}
