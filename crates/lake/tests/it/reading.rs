//! Queries over committed and staged rows.

use lake::testing::{BEGIN, DAY, World, id, in_world, source, time};
use lake::{Newest, OwnedValue, Reader};

/// Rows of three days, two of them committed in two commits, the last staged.
async fn three_days(world: &World) {
    let day = DAY / 1_000_000;
    let committer = world.committer().await;
    world.stage((0..5).chain(day..day + 5)).await;
    world.commit(&committer).await;
    world.stage(day + 5..day + 8).await;
    world.commit(&committer).await;
    world.stage(2 * day..2 * day + 4).await;
}

fn newest(limit: usize) -> Newest {
    Newest { since: i64::MIN, equal: None, limit }
}

#[test]
fn the_newest_rows_come_first_and_no_more_than_asked_for() {
    in_world(|world| async move {
        three_days(&world).await;
        let day = DAY / 1_000_000;
        let reader = Reader::new(world.lake.clone());
        let rows = reader.newest(&newest(6)).await.unwrap();
        let ids: Vec<_> = rows.iter().map(|row| row.text(0).unwrap().to_owned()).collect();
        let offsets = [2 * day + 3, 2 * day + 2, 2 * day + 1, 2 * day, day + 7, day + 6];
        assert_eq!(ids, offsets.map(|offset| id(&source(0), offset)));
        assert_eq!(reader.newest(&newest(1_000)).await.unwrap().len(), 17);
    });
}

#[test]
fn rows_are_chosen_by_time_and_by_text() {
    in_world(|world| async move {
        three_days(&world).await;
        let reader = Reader::new(world.lake.clone());
        let since = Newest { since: BEGIN + DAY + 4_000_000, ..newest(100) };
        assert_eq!(reader.newest(&since).await.unwrap().len(), 8);
        let even = Newest { equal: Some((1, "even".to_owned())), ..newest(100) };
        let rows = reader.newest(&even).await.unwrap();
        assert_eq!(rows.len(), 3 + 4 + 2);
        assert!(rows.iter().all(|row| row.text(1) == Some("even")));
        let none = Newest { equal: Some((1, "neither".to_owned())), ..newest(100) };
        assert!(reader.newest(&none).await.unwrap().is_empty());
    });
}

#[test]
fn a_row_comes_back_as_it_was_written() {
    in_world(|world| async move {
        three_days(&world).await;
        let reader = Reader::new(world.lake.clone());
        // Committed, then staged.
        for offset in [3, 2 * DAY / 1_000_000 + 1] {
            let row = reader.by_key(&id(&source(0), offset)).await.unwrap().unwrap();
            assert_eq!(
                row.0,
                [
                    OwnedValue::Text(id(&source(0), offset)),
                    OwnedValue::Text("odd".to_owned()),
                    OwnedValue::Timestamp(time(offset)),
                    OwnedValue::Long(offset),
                    OwnedValue::Text(format!("{{\"offset\":{offset}}}")),
                ]
            );
        }
        assert_eq!(reader.by_key("9-999999").await.unwrap(), None);
    });
}

#[test]
fn an_empty_lake_has_no_rows() {
    in_world(|world| async move {
        let reader = Reader::new(world.lake.clone());
        assert!(reader.newest(&newest(10)).await.unwrap().is_empty());
        assert_eq!(reader.by_key("x").await.unwrap(), None);
        assert!(!reader.view().await.unwrap().is_committed());
    });
}
