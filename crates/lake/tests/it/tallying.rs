//! Counts over committed and staged rows.

use std::collections::BTreeMap;

use lake::testing::{BEGIN, in_world, time};
use lake::{Budget, ColumnCounts, Reader, Tally};

const HOUR: i64 = 3_600_000_000;

fn tally(since: i64, until: i64) -> Tally {
    Tally { since, until, columns: vec![(1, 10)], budget: Budget::NONE }
}

#[test]
fn each_row_is_counted_once_committed_or_staged() {
    in_world(|world| async move {
        let committer = world.committer().await;
        let reader = Reader::new(world.lake.clone());
        let all = tally(i64::MIN, i64::MAX);
        assert_eq!(reader.tally(&reader.view().await.unwrap(), &all).await.unwrap().rows, 0);
        world.stage(3_590..3_600).await;
        world.stage(3_600..3_605).await;
        let before = reader.tally(&reader.view().await.unwrap(), &all).await.unwrap();
        world.commit(&committer).await;
        world.stage(3_605..3_606).await;
        let after = reader.tally(&reader.view().await.unwrap(), &all).await.unwrap();
        assert_eq!((before.rows, after.rows), (15, 16));
        assert_eq!(after.hours, BTreeMap::from([(BEGIN, 10), (BEGIN + HOUR, 6)]));
        let top = vec![("even".to_owned(), 8), ("odd".to_owned(), 8)];
        assert_eq!(after.columns, [ColumnCounts { distinct: 2, top }]);
        let bounded = reader.tally(&reader.view().await.unwrap(), &tally(time(3_592), time(3_601))).await.unwrap();
        assert_eq!((bounded.rows, bounded.complete), (9, true));
        assert_eq!(bounded.columns[0].top, [("even".to_owned(), 5), ("odd".to_owned(), 4)]);
    });
}

#[test]
fn a_count_that_ends_at_its_budget_says_so() {
    in_world(|world| async move {
        let committer = world.committer().await;
        for offset in 0..20 {
            world.stage([offset]).await;
            world.commit(&committer).await;
        }
        let reader = Reader::new(world.lake.clone());
        let view = reader.view().await.unwrap();
        let counts = reader
            .tally(&view, &Tally { budget: Budget { bytes: 1, until: None }, ..tally(i64::MIN, i64::MAX) })
            .await
            .unwrap();
        assert!(!counts.complete && counts.rows < 20, "{counts:?}");
        // What was read is known now; the count goes further each time.
        let counts = reader.tally(&view, &tally(i64::MIN, i64::MAX)).await.unwrap();
        assert!(counts.complete && counts.rows == 20, "{counts:?}");
    });
}
