//! Steps and failures of one move, by hand.

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000 + seconds, 0).unwrap()
}

fn in_step(step: Step) -> Progress {
    Progress { step, ..Progress::new() }
}

#[test]
fn each_step_follows_the_one_before() {
    let mut progress = Progress::new();
    let mut steps = vec![progress.step];
    while !progress.step.is_over() {
        progress = progress.after(progress.step, at(7));
        steps.push(progress.step);
    }
    let expected = ["prepare", "copy", "freeze", "verify", "admit", "switch", "depart", "clean", "done"];
    assert_eq!(steps.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
    assert_eq!(progress.switched_at, Some(at(7)));
    for (step, name) in NAMES {
        assert_eq!(name.parse(), Ok(step));
    }
    assert!("moving".parse::<Step>().is_err());
}

#[test]
fn the_source_keeps_its_rows_for_a_grace() {
    let switched = Progress { switched_at: Some(at(0)), ..in_step(Step::Clean) };
    assert_eq!(switched.next(1, at(29)), Next::Wait(at(30)));
    assert_eq!(switched.next(1, at(30)), Next::Do(Step::Clean));
}

#[test]
fn an_epoch_that_the_map_has_passed_is_reserved_again() {
    let admitted = Progress { epoch: Some(5), ..in_step(Step::Switch) };
    assert_eq!(admitted.next(4, at(0)), Next::Do(Step::Switch));
    assert_eq!(admitted.next(5, at(0)), Next::Do(Step::Admit));
    assert_eq!(in_step(Step::Switch).next(0, at(0)), Next::Do(Step::Admit));
}

#[test]
fn a_failure_waits_longer_each_time_and_a_success_forgets_it() {
    let mut progress = in_step(Step::Copy);
    let mut pauses = Vec::new();
    for _ in 0..7 {
        progress = progress.failed(false, at(0));
        pauses.push((progress.retry_at.unwrap() - at(0)).num_seconds());
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
    assert_eq!(progress.next(1, at(29)), Next::Wait(at(30)));
    assert_eq!(progress.after(Step::Copy, at(1)), in_step(Step::Freeze));
}

#[test]
fn a_frozen_partition_that_does_not_come_on_is_thawed_and_tried_again() {
    let frozen = in_step(Step::Verify).failed(false, at(0)).failed(false, at(10));
    assert_eq!(frozen.step, Step::Verify);
    let thaw = frozen.failed(false, at(20));
    assert_eq!((thaw.step, thaw.thaws, thaw.doomed), (Step::Thaw, 1, false));
    let again = thaw.after(Step::Thaw, at(30));
    assert_eq!((again.step, again.failing_since), (Step::Freeze, Some(at(0))), "it has not come on yet");
    let often = Progress { thaws: MOST_THAWS, ..in_step(Step::Verify) }.failed(false, at(0));
    assert_eq!((often.step, often.doomed), (Step::Thaw, true));
}

#[test]
fn what_is_hopeless_or_lasts_too_long_is_undone_before_the_switch_and_never_after_it() {
    let long = GIVE_UP.as_secs().try_into().unwrap();
    for (step, way) in [
        (Step::Prepare, Step::Failed),
        (Step::Copy, Step::Undo),
        (Step::Freeze, Step::Thaw),
        (Step::Verify, Step::Thaw),
        (Step::Admit, Step::Thaw),
        (Step::Switch, Step::Thaw),
        (Step::Thaw, Step::Thaw),
        (Step::Depart, Step::Depart),
        (Step::Clean, Step::Clean),
    ] {
        let doomed = way != step;
        let hopeless = in_step(step).failed(true, at(0));
        assert_eq!((hopeless.step, hopeless.doomed), (way, doomed), "{step}");
        let late = in_step(step).failed(false, at(0)).failed(false, at(long));
        assert_eq!((late.step, late.doomed), (way, doomed), "{step}");
    }
    let thawed = Progress { doomed: true, ..in_step(Step::Thaw) }.after(Step::Thaw, at(0));
    assert_eq!((thawed.step, thawed.after(Step::Undo, at(0)).step), (Step::Undo, Step::Failed));
}

#[test]
fn copies_that_cannot_be_removed_are_left_in_the_end() {
    let mut progress = Progress { doomed: true, ..in_step(Step::Undo) };
    for attempt in 1..=MOST_UNDOS {
        assert_eq!(progress.step, Step::Undo, "{attempt}");
        progress = progress.failed(false, at(0));
    }
    assert_eq!((progress.step, progress.next(1, at(99))), (Step::Failed, Next::Nothing));
}

#[test]
fn who_keeps_writers_waiting_comes_first_and_who_fails_holds_up_nobody() {
    let waiting = Progress { retry_at: Some(at(9)), ..in_step(Step::Copy) };
    let (copy, verify, depart) = (in_step(Step::Copy), in_step(Step::Verify), in_step(Step::Depart));
    assert_eq!(choose(&[waiting, copy, verify, depart], 1, at(0)), Choice::Do(3, Step::Depart));
    assert_eq!(choose(&[waiting, copy, verify], 1, at(0)), Choice::Do(2, Step::Verify));
    assert_eq!(choose(&[waiting, copy], 1, at(0)), Choice::Do(1, Step::Copy));
    assert_eq!(choose(&[waiting, in_step(Step::Done)], 1, at(0)), Choice::Wait(at(9)));
    assert_eq!(choose(&[in_step(Step::Failed)], 1, at(0)), Choice::Nothing);
}
