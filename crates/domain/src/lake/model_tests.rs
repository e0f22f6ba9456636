//! A model of the whole way from topic to table: two pollers with a writer each, two committers, a broker whose topic is
//! made again, and steps in any order, each of which may be the last before a crash. The decisions are the ones that the
//! writer and the committer make; only storage is played.

#[path = "model_world.rs"]
mod world;

use proptest::prelude::*;
use world::{Act, World};

fn act() -> impl Strategy<Value = Act> {
    let two = 0..2_usize;
    prop_oneof![
        3 => (two.clone(), 1..5_usize).prop_map(|(partition, count)| Act::Produce { partition, count }),
        4 => (two.clone(), two.clone(), 1..6_usize)
            .prop_map(|(poller, partition, count)| Act::Fetch { poller, partition, count }),
        12 => (two.clone(), prop::bool::weighted(0.15)).prop_map(|(poller, crash)| Act::Write { poller, crash }),
        1 => two.clone().prop_map(|poller| Act::TakeOver { poller }),
        1 => Just(Act::Recreate),
        8 => (two, prop::bool::weighted(0.15)).prop_map(|(committer, crash)| Act::Commit { committer, crash }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Every record that was delivered is in the table once, or among the dead letters; a query sees each once at every
    /// moment; and the counts add up.
    #[test]
    fn every_record_of_every_incarnation_is_in_the_table_once(acts in prop::collection::vec(act(), 1..200)) {
        let mut world = World::new();
        for act in &acts {
            world.act(act);
            world.check_view();
        }
        world.finish();
        world.check_end();
    }
}

/// The model is no good if it cannot fail: runs that reach what it is about.
#[test]
fn the_model_reaches_what_it_is_about() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let (mut former, mut lost, mut outrun, mut done, mut duplicates) = (0, 0, 0, 0, 0);
    for _ in 0..500 {
        let acts = prop::collection::vec(act(), 150..200).new_tree(&mut runner).unwrap().current();
        let mut world = World::new();
        acts.iter().for_each(|act| world.act(act));
        former += world.seen.former;
        lost += world.seen.lost;
        outrun += world.seen.outrun;
        done += world.seen.found_done;
        duplicates += world.seen.trimmed;
    }
    for (what, times) in [
        ("batches of a topic that is gone", former),
        ("commits that the fence refused", lost),
        ("registrations that another writer outran", outrun),
        ("segments found committed", done),
        ("records that came again", duplicates),
    ] {
        assert!(times > 50, "{what}: {times}");
    }
}
