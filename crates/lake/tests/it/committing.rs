//! Committers: each crash point, and two at once.

use std::time::Duration;

use lake::testing::{LIMITS, in_world};
use lake::{Commit, Reader};

#[test]
fn a_commit_moves_staged_rows_into_the_table() {
    in_world(|world| async move {
        world.stage(0..10).await;
        world.stage(10..20).await;
        let committer = world.committer().await;
        assert_eq!(world.commit(&committer).await, 20);
        world.assert_offsets(0..20).await;
        assert_eq!(world.count("select count(*) from lake_segments where committed_at is null").await, 0);
        assert_eq!(world.count("select records from lake_tables").await, 20);
        world.stage(20..25).await;
        world.assert_offsets(0..25).await;
        let view = Reader::new(world.lake.clone()).view().await.unwrap();
        assert!(view.is_committed() && view.staged_segments() == 1);
    });
}

#[test]
fn a_committer_that_dies_before_its_commit_leaves_nothing_visible() {
    in_world(|world| async move {
        world.stage(0..10).await;
        let committer = world.committer().await;
        let planned = committer.plan(&LIMITS).await.unwrap();
        drop(committer.write(planned, 1 << 20).await.unwrap());
        world.assert_offsets(0..10).await;
        assert_eq!(world.commit(&world.committer().await).await, 10);
        world.assert_offsets(0..10).await;
    });
}

#[test]
fn a_committer_that_dies_between_commit_and_mark_is_caught_up() {
    in_world(|world| async move {
        world.stage(0..10).await;
        let committer = world.committer().await;
        let planned = committer.plan(&LIMITS).await.unwrap();
        let written = committer.write(planned, 1 << 20).await.unwrap();
        assert!(matches!(committer.commit(written).await.unwrap(), Commit::Done(_)));
        // Dead here. The table has the rows, the marks are missing: still each row once.
        world.assert_offsets(0..10).await;
        world.stage(10..15).await;
        world.assert_offsets(0..15).await;

        let next = world.committer().await;
        let planned = next.plan(&LIMITS).await.unwrap();
        assert_eq!((planned.plan.done.len(), planned.plan.take.len()), (1, 1));
        let written = next.write(planned, 1 << 20).await.unwrap();
        let Commit::Done(committed) = next.commit(written).await.unwrap() else { panic!("lost") };
        assert_eq!(committed.records, 5);
        next.mark(&committed, chrono::Utc::now()).await.unwrap();
        world.assert_offsets(0..15).await;
        assert_eq!(world.count("select records from lake_tables").await, 15);
    });
}

#[test]
fn segments_found_done_are_marked_without_a_new_snapshot() {
    in_world(|world| async move {
        world.stage(0..10).await;
        let committer = world.committer().await;
        let planned = committer.plan(&LIMITS).await.unwrap();
        let written = committer.write(planned, 1 << 20).await.unwrap();
        committer.commit(written).await.unwrap();
        assert_eq!(world.commit(&committer).await, 0);
        assert_eq!(world.count("select sequence_number from lake_tables").await, 1);
        world.assert_offsets(0..10).await;
    });
}

#[test]
fn of_two_committers_at_once_one_loses_harmlessly() {
    in_world(|world| async move {
        world.stage(0..10).await;
        let (first, second) = (world.committer().await, world.committer().await);
        let (a, b) = (first.plan(&LIMITS).await.unwrap(), second.plan(&LIMITS).await.unwrap());
        let (a, b) = (first.write(a, 1 << 20).await.unwrap(), second.write(b, 1 << 20).await.unwrap());
        let (a, b) = tokio::join!(first.commit(a), second.commit(b));
        let outcomes = [a.unwrap(), b.unwrap()];
        assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Commit::Lost)).count(), 1);
        for outcome in &outcomes {
            if let Commit::Done(committed) = outcome {
                first.mark(committed, chrono::Utc::now()).await.unwrap();
            }
        }
        world.assert_offsets(0..10).await;
        assert_eq!(world.count("select records from lake_tables").await, 10);
    });
}

#[test]
fn a_late_mark_does_not_hide_a_newer_commit() {
    in_world(|world| async move {
        world.stage(0..10).await;
        let slow = world.committer().await;
        let planned = slow.plan(&LIMITS).await.unwrap();
        let written = slow.write(planned, 1 << 20).await.unwrap();
        let Commit::Done(late) = slow.commit(written).await.unwrap() else { panic!("lost") };
        world.stage(10..20).await;
        assert_eq!(world.commit(&world.committer().await).await, 10);
        slow.mark(&late, chrono::Utc::now()).await.unwrap();
        world.assert_offsets(0..20).await;
        assert_eq!(world.count("select records from lake_tables").await, 20);
    });
}

#[test]
fn old_segment_objects_are_deleted_and_the_rows_stay() {
    in_world(|world| async move {
        world.stage(0..10).await;
        let committer = world.committer().await;
        world.commit(&committer).await;
        assert_eq!(committer.clean(Duration::from_secs(60), 100).await.unwrap(), 0);
        assert_eq!(committer.clean(Duration::ZERO, 100).await.unwrap(), 1);
        world.assert_offsets(0..10).await;
        assert_eq!(world.count("select count(*) from lake_segments").await, 0);
        // The chain goes on from the watermark, not from the forgotten segment.
        world.stage(10..12).await;
        assert_eq!(world.commit(&committer).await, 2);
    });
}
