//! Maintenance changes nothing that anybody can read: steps one by one, beside commits, and dying at each point.

use std::time::Duration;

use chrono::Utc;
use domain::lake::Source;
use lake::testing::{DAY, World, id, in_world, source};
use lake::{Committer, Maintainer, Maintenance, Outcome, Upkeep, crash};

use crate::pyiceberg;

/// Seconds of a day: offsets are a second apart.
const DAY_OFFSETS: i64 = DAY / 1_000_000;

/// Few snapshots, and nothing waits before it is deleted.
fn settings() -> Maintenance {
    Maintenance { snapshots: 5, garbage_age: Duration::ZERO, sweep_every: Duration::ZERO, ..Maintenance::default() }
}

fn maintainer(world: &World, settings: Maintenance) -> Maintainer {
    Maintainer::new(world.lake.clone(), settings)
}

/// Where number `n` goes: every other one into another partition, whose rows are two days later.
fn place(n: i64) -> (Source, i64) {
    (source(i32::try_from(n % 2).unwrap()), n + (n % 2) * DAY_OFFSETS * 2)
}

async fn stage(world: &World, n: i64) {
    let (source, offset) = place(n);
    assert_eq!(world.offer_to(&source, &[offset]).await.unwrap(), Some(Outcome::Staged));
}

/// A commit of a row for each number from `first`.
async fn commits(world: &World, committer: &Committer, first: i64, count: i64) {
    for n in first..first + count {
        stage(world, n).await;
        world.commit(committer).await;
    }
}

/// The ids that `commits` makes, sorted.
fn expected(numbers: std::ops::Range<i64>) -> Vec<String> {
    let places = numbers.map(place);
    let mut ids: Vec<String> = places.map(|(source, offset)| id(&source, offset)).collect();
    ids.sort();
    ids
}

async fn assert_we_find(world: &World, numbers: std::ops::Range<i64>) {
    let expected = expected(numbers);
    let mut ours = world.ids().await;
    ours.sort();
    assert_eq!(ours, expected, "our reader");
    assert_eq!(world.committed_ids().await, expected, "iceberg-rust");
}

async fn assert_all_readers_find(world: &World, numbers: std::ops::Range<i64>) -> pyiceberg::Found {
    assert_we_find(world, numbers.clone()).await;
    let found = pyiceberg::read(world).await;
    assert_eq!(found.ids, expected(numbers), "PyIceberg");
    found
}

#[test]
fn manifests_are_merged_and_snapshots_expired_and_all_readers_find_the_same_rows() {
    in_world(|world| async move {
        let committer = world.committer().await;
        commits(&world, &committer, 0, 20).await;
        let before = assert_all_readers_find(&world, 0..20).await;
        assert_eq!((before.manifests.len(), before.snapshots.len()), (20, 20));

        let maintainer = maintainer(&world, settings());
        let upkeep = maintainer.tidy(Utc::now()).await.unwrap();
        assert_eq!(upkeep, Upkeep { manifests_merged: 20, snapshots_expired: 15, ..Upkeep::default() });
        let after = assert_all_readers_find(&world, 0..20).await;
        assert_eq!(after.properties, before.properties);
        assert_eq!(after.files, 20);
        assert_eq!(after.manifests.iter().map(|(_, a, e, d)| (*a, *e, *d)).collect::<Vec<_>>(), [(0, 20, 0)]);
        let operations: Vec<&str> = after.snapshots.iter().map(|(_, operation, ..)| operation.as_str()).collect();
        assert_eq!(operations, ["append", "append", "append", "append", "append", "replace"]);
        // Queries read the merged snapshot, and there is no more to do.
        assert_eq!(world.count("select sequence_number from lake_tables").await, 21);
        assert_eq!(world.count("select files from lake_tables").await, 20);
        assert_eq!(maintainer.tidy(Utc::now()).await.unwrap(), Upkeep::default());

        // What the expired snapshots alone reached goes: their lists, and 15 manifests stay with the retained five.
        let noted = world.count("select count(*) from lake_garbage").await;
        let deleted = maintainer.collect().await.unwrap().deleted;
        assert_eq!(deleted as i64 + world.count("select count(*) from lake_garbage").await, noted);
        assert!(deleted >= 15, "{deleted} objects");
        assert_we_find(&world, 0..20).await;

        // Commits go on from there.
        commits(&world, &committer, 20, 20).await;
        maintainer.tidy(Utc::now()).await.unwrap();
        let found = assert_all_readers_find(&world, 0..40).await;
        assert_eq!(found.files, 40);
        assert!(found.manifests.len() <= 2 && found.snapshots.len() <= 6, "{found:?}");
    });
}

#[test]
fn a_commit_that_is_not_marked_yet_is_not_read_twice_after_maintenance() {
    in_world(|world| async move {
        let committer = world.committer().await;
        commits(&world, &committer, 0, 19).await;
        stage(&world, 19).await;
        let planned = committer.plan(&lake::testing::LIMITS).await.unwrap();
        let written = committer.write(planned, 1 << 20).await.unwrap();
        let lake::Commit::Done(committed) = committer.commit(written).await.unwrap() else { panic!("lost") };
        // The table has the row, the segment is still read as staged; now the table's pointer moves.
        let upkeep = maintainer(&world, settings()).tidy(Utc::now()).await.unwrap();
        assert_eq!(upkeep.manifests_merged, 20);
        assert_we_find(&world, 0..20).await;
        committer.mark(&committed, Utc::now()).await.unwrap();
        assert_we_find(&world, 0..20).await;
        commits(&world, &committer, 20, 1).await;
        assert_all_readers_find(&world, 0..21).await;
    });
}

#[test]
fn maintenance_that_dies_at_any_point_loses_nothing_and_is_caught_up() {
    let points: Vec<&str> = crash::POINTS.into_iter().filter(|point| point.starts_with("maintain.")).collect();
    assert!(points.len() >= 4);
    for point in points {
        in_world(|world| async move {
            let committer = world.committer().await;
            commits(&world, &committer, 0, 18).await;
            let dying = maintainer(&world, settings());
            assert!(crash::at(point, dying.step(false, Utc::now())).await.is_none(), "{point} is not reached");
            assert_eq!(world.committed_ids().await, expected(0..18), "{point}");
            commits(&world, &committer, 18, 3).await;
            let next = maintainer(&world, settings());
            next.step(false, Utc::now()).await.unwrap();
            assert_eq!(world.committed_ids().await, expected(0..21), "{point}");
            assert!(world.count("select files from lake_tables").await <= 7, "{point}");
        });
    }
}

#[test]
fn commits_and_two_maintenances_at_once_keep_every_row_once() {
    in_world(|world| async move {
        const COMMITS: i64 = 60;
        // Each is a reader too, whose files the other must leave for a while.
        let settings = || Maintenance { garbage_age: Duration::from_secs(60), ..settings() };
        let committer = world.committer().await;
        commits(&world, &committer, 0, 1).await;
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let keepers = [0, 1].map(|_| {
            let (maintainer, stopped) = (maintainer(&world, settings()), stopped.clone());
            tokio::spawn(async move {
                let mut upkeep = Upkeep::default();
                while !*stopped.borrow() {
                    upkeep.add(&maintainer.step(false, Utc::now()).await.unwrap());
                }
                upkeep
            })
        });
        commits(&world, &committer, 1, COMMITS - 1).await;
        stop.send(true).unwrap();
        let mut upkeep = Upkeep::default();
        for keeper in keepers {
            upkeep.add(&keeper.await.unwrap());
        }
        // How much they did beside the commits depends on the machine; alone, one does the rest.
        let after = maintainer(&world, settings()).step(false, Utc::now()).await.unwrap();
        upkeep.add(&after);
        assert!(upkeep.files_joined > 20 && upkeep.snapshots_expired > 20, "{upkeep:?}");
        let found = assert_all_readers_find(&world, 0..COMMITS).await;
        assert!(found.files < 30, "{found:?}");
        assert!(found.properties.keys().any(|key| key.starts_with("millrace.watermark.")));
    });
}

#[test]
fn small_files_are_joined_and_each_row_is_there_once_in_every_retained_snapshot() {
    in_world(|world| async move {
        let committer = world.committer().await;
        commits(&world, &committer, 0, 24).await;
        let before = assert_all_readers_find(&world, 0..24).await;
        let many = Maintenance { snapshots: 100, ..settings() };
        let maintainer = maintainer(&world, many);
        let upkeep = maintainer.join(1, Utc::now()).await.unwrap();
        assert_eq!((upkeep.files_joined, upkeep.lost), (24, 0));
        let after = assert_all_readers_find(&world, 0..24).await;
        assert_eq!((after.files, &after.properties), (2, &before.properties));
        // Time travel: all snapshots are there, and hold what they held.
        assert_eq!(after.snapshots[..24], before.snapshots[..]);
        assert_eq!(after.snapshots[24].1, "replace");
        assert_eq!(after.snapshots[24].3, 24);
        assert_eq!(world.count("select records from lake_tables").await, 24);
        assert_eq!(world.count("select files from lake_tables").await, 2);
        // What was just joined is not joined again with a few new ones.
        commits(&world, &committer, 24, 4).await;
        assert_eq!(maintainer.join(1, Utc::now()).await.unwrap(), Upkeep::default());
        commits(&world, &committer, 28, 12).await;
        assert!(maintainer.join(1, Utc::now()).await.unwrap().files_joined >= 16);
        let found = assert_all_readers_find(&world, 0..40).await;
        assert!(found.files <= 4, "{found:?}");
    });
}

#[test]
fn joined_files_and_their_manifests_go_with_the_snapshots_that_had_them() {
    in_world(|world| async move {
        let committer = world.committer().await;
        commits(&world, &committer, 0, 24).await;
        let maintainer = maintainer(&world, settings());
        maintainer.step(false, Utc::now()).await.unwrap();
        commits(&world, &committer, 24, 24).await;
        maintainer.step(false, Utc::now()).await.unwrap();
        commits(&world, &committer, 48, 24).await;
        maintainer.step(false, Utc::now()).await.unwrap();
        assert_all_readers_find(&world, 0..72).await;
        // A search that finds nothing shows that nothing was forgotten, and the objects left are those of few snapshots.
        let searching = Maintenance { orphan_age: Duration::ZERO, sweep_every: Duration::from_secs(60), ..settings() };
        let searched = search(&world, searching).await;
        assert_eq!(searched.orphans, 0, "{searched:?}");
        assert!(searched.listed < 72 + 160, "72 segments and {} other objects", searched.listed - 72);
    });
}

/// A whole search for orphans, in steps.
async fn search(world: &World, settings: Maintenance) -> Upkeep {
    let maintainer = maintainer(world, Maintenance { sweep_objects: 7, ..settings });
    let mut found = Upkeep::default();
    while world.count("select count(*) from lake_sweeps where ended_at is not null").await < 3 {
        found.add(&maintainer.sweep(Utc::now()).await.unwrap());
    }
    world.execute("delete from lake_sweeps").await;
    found
}

#[test]
fn orphans_are_found_by_listing_and_nothing_else_is_touched() {
    in_world(|world| async move {
        let committer = world.committer().await;
        commits(&world, &committer, 0, 20).await;
        // Each leaves an orphan or more: a segment that was not registered, a commit and maintenances that died.
        stage(&world, 20).await;
        let (source, offset) = place(21);
        assert!(crash::at("stage.object-stored", world.offer_to(&source, &[offset])).await.is_none());
        let planned = committer.plan(&lake::testing::LIMITS).await.unwrap();
        drop(committer.write(planned, 1 << 20).await.unwrap());
        let settings = Maintenance { orphan_age: Duration::ZERO, sweep_every: Duration::from_secs(60), ..settings() };
        for point in ["maintain.files-joined", "maintain.metadata-written"] {
            let dying = maintainer(&world, settings.clone());
            assert!(crash::at(point, dying.step(false, Utc::now())).await.is_none());
        }
        let dry = search(&world, Maintenance { dry_run: true, ..settings.clone() }).await;
        assert!(dry.orphans >= 8 && dry.orphan_bytes > 0, "{dry:?}");
        let patient = Maintenance { orphan_age: Duration::from_secs(3_600), ..settings.clone() };
        assert_eq!(search(&world, patient).await.orphans, 0, "too young to be orphans");
        assert_eq!(search(&world, settings.clone()).await.orphans, dry.orphans);
        let clean = search(&world, settings.clone()).await;
        assert_eq!((clean.orphans, clean.listed), (0, dry.listed - dry.orphans));
        assert_eq!(world.committed_ids().await, expected(0..20));
        world.commit(&committer).await;
        maintainer(&world, settings).step(false, Utc::now()).await.unwrap();
        assert_all_readers_find(&world, 0..21).await;
    });
}

#[test]
fn what_a_query_may_still_read_is_not_deleted_before_its_time() {
    in_world(|world| async move {
        let committer = world.committer().await;
        commits(&world, &committer, 0, 24).await;
        let patient = Maintenance { garbage_age: Duration::from_secs(3_600), ..settings() };
        let upkeep = maintainer(&world, patient).step(false, Utc::now()).await.unwrap();
        assert!(upkeep.snapshots_expired > 0 && upkeep.deleted == 0, "{upkeep:?}");
        assert!(world.count("select count(*) from lake_garbage").await > 0);
    });
}
