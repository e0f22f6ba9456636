//! Writers: each record once, however batches come.

use lake::Outcome;
use lake::testing::{in_world, source};

#[test]
fn a_staged_batch_is_read_before_any_commit() {
    in_world(|world| async move {
        world.stage(0..10).await;
        world.assert_offsets(0..10).await;
    });
}

#[test]
fn the_same_batch_again_changes_nothing() {
    in_world(|world| async move {
        world.stage(0..10).await;
        let offsets: Vec<i64> = (0..10).collect();
        assert_eq!(world.offer(&offsets).await.unwrap(), None);
        world.assert_offsets(0..10).await;
        assert_eq!(world.count("select count(*) from lake_segments").await, 1);
        assert_eq!(world.count("select records from lake_watermarks").await, 10);
    });
}

#[test]
fn overlapping_batches_cut_differently_leave_each_record_once() {
    in_world(|world| async move {
        for batch in [0..10, 5..12, 3..9, 11..30, 0..31] {
            world.offer(&batch.collect::<Vec<_>>()).await.unwrap();
        }
        world.assert_offsets(0..31).await;
    });
}

#[test]
fn a_hole_in_the_offsets_is_passed_over_and_counted() {
    in_world(|world| async move {
        world.stage(0..3).await;
        world.stage(5..7).await;
        world.assert_offsets([0, 1, 2, 5, 6].into_iter()).await;
        assert_eq!(world.count("select gap_offsets from lake_watermarks").await, 2);
    });
}

#[test]
fn a_segment_that_is_stored_but_not_registered_is_never_seen() {
    in_world(|world| async move {
        world.stage(0..3).await;
        // The object can be written, the registration cannot.
        world.execute("alter table lake_segment_ranges rename to away").await;
        assert!(world.offer(&[3, 4]).await.is_err());
        world.execute("alter table away rename to lake_segment_ranges").await;
        world.assert_offsets(0..3).await;
        assert_eq!(world.count("select next_offset from lake_watermarks").await, 3);
        world.stage(3..5).await;
        world.assert_offsets(0..5).await;
    });
}

#[test]
fn a_batch_without_rows_moves_the_watermark() {
    in_world(|world| async move {
        world.stage(0..3).await;
        let offered = lake::Offered { source: source(0), topic: "events".to_owned(), offsets: vec![3, 4] };
        let mut plan = world.lake.plan(&[offered]).await.unwrap();
        plan.partitions[0].reject("json");
        assert!(world.lake.stage(&plan, None).await.is_err(), "a record is in no counter");
        plan.partitions[0].reject("size");
        assert_eq!(world.lake.stage(&plan, None).await.unwrap(), Outcome::Staged);
        world.stage(5..6).await;
        let committer = world.committer().await;
        assert_eq!(world.commit(&committer).await, 4);
        world.assert_offsets([0, 1, 2, 5].into_iter()).await;
        assert_eq!(world.count("select dead_letters from lake_watermarks").await, 2);
        assert_eq!(world.count("select records from lake_rule_counts where rule = 'size'").await, 1);
    });
}

#[test]
fn a_plan_that_another_writer_outran_stages_nothing() {
    in_world(|world| async move {
        let offered = lake::Offered { source: source(0), topic: "events".to_owned(), offsets: vec![0, 1] };
        let mut slow = world.lake.plan(&[offered]).await.unwrap();
        slow.partitions[0].records = 2;
        world.stage(0..3).await;
        assert_eq!(world.lake.stage(&slow, None).await.unwrap(), Outcome::Outrun);
        world.assert_offsets(0..3).await;
    });
}

#[test]
fn each_offset_of_a_chain_is_accounted_for() {
    in_world(|world| async move {
        // Holes before, between and after what comes.
        for offsets in [vec![7, 8], vec![11, 12, 15], vec![15, 16], vec![20]] {
            world.stage(offsets).await;
        }
        let account: (i64, i64, i64, i64) =
            sqlx::query_as("select first_offset, next_offset, records, gap_offsets from lake_watermarks")
                .fetch_one(&world.pool)
                .await
                .unwrap();
        assert_eq!(account, (7, 21, 7, 7));
    });
}
