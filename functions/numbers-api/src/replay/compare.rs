//! What the stages make of an input now, held against what they have stored. No I/O.

use std::collections::BTreeMap;

use domain::numbers::STAGES;
use serde::Serialize;
use utoipa::ToSchema;

use super::diff::{Change, difference};

/// Places of one output that are named.
const PLACES: usize = 20;

/// How a stage's output would differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// It is another one.
    Changed,
    /// None is stored, and there would be one.
    Added,
    /// The stage would give the message up; no later stage sees it.
    GivenUp,
}

/// One stage whose output would differ.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct StageDifference {
    /// The stage.
    stage: u8,
    /// How it differs.
    kind: Kind,
    /// Why the stage would give it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Places of the output that differ, 20 at most.
    changes: Vec<Change>,
    /// All of them.
    places: usize,
}

/// The stages from `from` on whose output would differ from the `stored` one.
pub(crate) fn compare(from: u8, input: String, stored: &BTreeMap<i16, String>) -> Vec<StageDifference> {
    let mut differences = Vec::new();
    let mut input = input;
    for stage in STAGES.iter().filter(|stage| stage.number >= from) {
        let of = |kind| StageDifference { stage: stage.number, kind, reason: None, changes: Vec::new(), places: 0 };
        match (stage.apply(input.as_bytes()), stored.get(&i16::from(stage.number))) {
            (Err(fault), _) => {
                let reason = Some(format!("{}: {}", fault.rule, fault.reason));
                differences.push(StageDifference { reason, ..of(Kind::GivenUp) });
                return differences;
            }
            (Ok(output), None) => {
                differences.push(of(Kind::Added));
                input = output;
            }
            (Ok(output), Some(stored)) => {
                let found = difference(stored, &output, PLACES);
                if found.total > 0 {
                    let (changes, places) = (found.changes, found.total);
                    differences.push(StageDifference { changes, places, ..of(Kind::Changed) });
                }
                input = output;
            }
        }
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the stages store of this input.
    fn stored(input: &str) -> BTreeMap<i16, String> {
        let mut input = input.to_owned();
        let mut stored = BTreeMap::new();
        for stage in &STAGES {
            input = stage.apply(input.as_bytes()).unwrap();
            stored.insert(i16::from(stage.number), input.clone());
        }
        stored
    }

    const INPUT: &str = r#"{"numbers": [6, 28, 7, 123456789012345678901234567890]}"#;

    #[test]
    fn what_is_computed_in_the_same_way_is_the_same() {
        let stored = stored(INPUT);
        assert_eq!(compare(1, INPUT.to_owned(), &stored), []);
        assert_eq!(compare(4, stored[&3].clone(), &stored), []);
    }

    #[test]
    fn what_would_change_is_named_in_each_stage_from_there_on() {
        let mut old = stored(INPUT);
        // As an older version of the second stage might have left it.
        let other = old[&2].replace("2^2*7", "2*2*7");
        assert_ne!(other, old[&2]);
        old.insert(2, other);
        old.remove(&5);
        let found = compare(2, old[&1].clone(), &old);
        let stages: Vec<_> = found.iter().map(|one| (one.stage, one.kind, one.places)).collect();
        assert_eq!(stages, [(2, Kind::Changed, 1), (5, Kind::Added, 0)]);
        assert_eq!(found[0].changes[0].path, "/factors/1");
    }

    #[test]
    fn what_a_stage_would_give_up_goes_no_further() {
        let found = compare(1, r#"{"numbers": [1.5]}"#.to_owned(), &stored(INPUT));
        assert_eq!((found.len(), found[0].stage, found[0].kind), (1, 1, Kind::GivenUp));
        assert!(found[0].reason.as_ref().unwrap().starts_with("integer: "), "{found:?}");
    }
}
