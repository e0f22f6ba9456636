//! Writers and committers die at each of their crash points, and others go on in their place. (Maintenance dies in
//! `maintaining`; dead letters are the writer function's.)

use std::time::Duration;

use lake::testing::{DAY, LIMITS, World, id, in_world, source};
use lake::{Commit, Committer, Outcome, crash};

/// Offsets of three days, so that a commit has several files.
fn offsets() -> Vec<i64> {
    let day = DAY / 1_000_000;
    (0..5).chain(day..day + 5).chain(2 * day..2 * day + 5).collect()
}

fn ids(offsets: &[i64]) -> Vec<String> {
    offsets.iter().map(|&offset| id(&source(0), offset)).collect()
}

fn points(of: &[&str]) -> Vec<&'static str> {
    let points: Vec<_> = crash::POINTS.into_iter().filter(|point| of.iter().any(|of| point.starts_with(of))).collect();
    assert!(!points.is_empty());
    points
}

/// A query finds exactly these offsets, each once.
async fn assert_read(world: &World, offsets: &[i64], point: &str) {
    let mut found = world.ids().await;
    found.reverse();
    assert_eq!(found, ids(offsets), "{point}");
}

/// All that a committer does, to the deletion of what it no longer needs.
async fn work(committer: &Committer) -> u64 {
    let planned = committer.plan(&LIMITS).await.unwrap();
    let written = committer.write(planned, 1 << 20).await.unwrap();
    let Commit::Done(committed) = committer.commit(written).await.unwrap() else { return 0 };
    committer.mark(&committed, chrono::Utc::now()).await.unwrap();
    committer.clean(Duration::ZERO, 100).await.unwrap();
    committed.records
}

#[test]
fn whatever_a_writer_has_just_done_each_record_is_there_once() {
    // The lake sends no dead letters.
    for point in points(&["stage."]).into_iter().filter(|point| *point != "stage.dead-letters-sent") {
        in_world(|world| async move {
            let all: Vec<i64> = (0..20).collect();
            world.stage(0..3).await;
            assert!(crash::at(point, world.offer(&all[3..12])).await.is_none(), "{point} is never reached");
            // Before anything comes again a query finds the batch whole or not at all.
            let found = world.ids().await.len();
            assert!(found == 3 || found == 12, "{point}: {found}");
            for redelivery in [&all[2..7], &all[3..12], &all[..]] {
                world.offer(redelivery).await.unwrap();
            }
            assert_read(&world, &all, point).await;
            assert_eq!(work(&world.committer().await).await, 20, "{point}");
            assert_eq!(world.committed_ids().await, ids(&all), "{point}");
            assert_eq!(world.count("select records from lake_watermarks").await, 20, "{point}");
        });
    }
}

#[test]
fn whatever_a_committer_has_just_done_another_one_goes_on() {
    for point in points(&["commit.", "clean."]) {
        in_world(|world| async move {
            let first = offsets();
            world.stage(first.clone()).await;
            assert!(crash::at(point, work(&world.committer().await)).await.is_none(), "{point} is never reached");
            assert_read(&world, &first, point).await;

            let more: Vec<i64> = (first[14] + 1..first[14] + 6).collect();
            let all = [first, more.clone()].concat();
            world.stage(more).await;
            assert_read(&world, &all, point).await;
            work(&world.committer().await).await;
            assert_read(&world, &all, point).await;
            assert_eq!(world.committed_ids().await, ids(&all), "{point}");
            assert_eq!(world.count("select records from lake_tables").await, 20, "{point}");
            assert_eq!(world.count("select count(*) from lake_segments").await, 0, "{point}: cleaned");
            assert_eq!(work(&world.committer().await).await, 0, "{point}: nothing is left to do");
        });
    }
}

#[test]
fn a_committer_that_dies_while_another_commits_does_no_harm() {
    for point in points(&["commit.", "clean."]) {
        in_world(|world| async move {
            let all = offsets();
            world.stage(all.clone()).await;
            let (dying, other) = (world.committer().await, world.committer().await);
            tokio::join!(crash::at(point, work(&dying)), work(&other));
            assert_read(&world, &all, point).await;
            work(&other).await;
            assert_read(&world, &all, point).await;
            assert_eq!(world.committed_ids().await, ids(&all), "{point}");
        });
    }
}

#[test]
fn a_committer_that_stands_still_at_a_step_is_overtaken_and_loses() {
    in_world(|world| async move {
        let all = offsets();
        world.stage(all.clone()).await;
        let (slow, other) = (world.committer().await, world.committer().await);
        let planned = slow.plan(&LIMITS).await.unwrap();
        let written = slow.write(planned, 1 << 20).await.unwrap();
        assert_eq!(work(&other).await, 15);
        assert!(matches!(slow.commit(written).await.unwrap(), Commit::Lost));
        assert_eq!(work(&slow).await, 0);
        assert_eq!(world.committed_ids().await, ids(&all));
    });
}

#[test]
fn a_writer_that_dies_beside_another_leaves_each_record_once() {
    for point in points(&["stage."]).into_iter().filter(|point| *point != "stage.dead-letters-sent") {
        in_world(|world| async move {
            let all: Vec<i64> = (0..20).collect();
            let (_, other) = tokio::join!(crash::at(point, world.offer(&all[..12])), world.offer(&all[..8]));
            assert!(matches!(other.unwrap(), Some(Outcome::Staged | Outcome::Outrun) | None));
            for redelivery in [&all[4..10], &all[..12], &all[10..]] {
                world.offer(redelivery).await.unwrap();
            }
            assert_read(&world, &all, point).await;
            assert_eq!(world.count("select records + gap_offsets from lake_watermarks").await, 20, "{point}");
        });
    }
}
