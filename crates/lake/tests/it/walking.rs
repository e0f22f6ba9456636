//! Walks over a view, page by page, while the table goes on: each row of the view once, none missing, none of later.

use std::time::Duration;

use chrono::Utc;
use lake::testing::{World, id, in_world, source, time};
use lake::{Budget, Maintainer, Maintenance, Page, Position, Query, Reader, View};

fn query(limit: usize, after: Option<Position>) -> Query {
    Query {
        since: i64::MIN,
        until: i64::MAX,
        equal: Vec::new(),
        after,
        limit,
        budget: Budget::NONE,
        answer_bytes: usize::MAX,
    }
}

fn ids(page: &Page) -> Vec<String> {
    page.rows.iter().map(|row| row.text(0).unwrap().to_owned()).collect()
}

fn expected(offsets: impl DoubleEndedIterator<Item = i64>) -> Vec<String> {
    offsets.rev().map(|offset| id(&source(0), offset)).collect()
}

/// Small commits; files are joined and snapshots expired at once, and what is noted is deleted after `garbage_age`.
async fn go_on(world: &World, offsets: std::ops::Range<i64>, garbage_age: Duration) {
    let committer = world.committer().await;
    let settings =
        Maintenance { snapshots: 1, join_files: 2, garbage_age, sweep_every: Duration::ZERO, ..Maintenance::default() };
    let maintainer = Maintainer::new(world.lake.clone(), settings);
    for offset in offsets {
        world.stage([offset]).await;
        world.commit(&committer).await;
        maintainer.step(false, Utc::now()).await.unwrap();
        committer.clean(garbage_age, 1_000).await.unwrap();
    }
}

#[test]
fn a_walk_sees_each_row_of_its_view_once_while_the_table_goes_on() {
    in_world(|world| async move {
        go_on(&world, 0..6, Duration::from_secs(60)).await;
        world.stage(6..9).await;
        world.stage([9]).await;
        let name = Reader::new(world.lake.clone()).view().await.unwrap().name();
        let (mut seen, mut after, mut offset) = (Vec::new(), None, 10);
        loop {
            // Each page by another reader, as another process of the function would answer it.
            let reader = Reader::new(world.lake.clone());
            let now = reader.view().await.unwrap();
            let view = reader.named(&now, &name).await.unwrap().expect("the view is kept");
            let page = reader.page(&view, &query(3, after)).await.unwrap();
            seen.extend(ids(&page));
            go_on(&world, offset..offset + 3, Duration::from_secs(60)).await;
            offset += 3;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, expected(0..10));
        assert!(world.count("select count(*) from lake_garbage").await > 0, "snapshots expired meanwhile");
        world.assert_offsets(0..offset).await;
    });
}

#[test]
fn a_view_whose_files_are_deleted_is_gone() {
    in_world(|world| async move {
        go_on(&world, 0..3, Duration::ZERO).await;
        world.stage([3]).await;
        let with_segment = Reader::new(world.lake.clone()).view().await.unwrap();
        go_on(&world, 4..24, Duration::ZERO).await;
        let reader = Reader::new(world.lake.clone());
        let now = reader.view().await.unwrap();
        assert!(reader.named(&now, &with_segment.name()).await.unwrap().is_none(), "its segment is deleted");
        // The reader that has seen the rows' files is told when it needs one of them.
        let read = async |reader: &Reader, view: &View| reader.page(view, &query(100, None)).await;
        let error = read(&reader, &with_segment).await.unwrap_err();
        assert!(lake::is_gone(&error), "{error:#}");
        assert_eq!(ids(&read(&reader, &now).await.unwrap()), expected(0..24));
    });
}

#[test]
fn a_page_holds_the_rows_after_a_place_within_its_bounds() {
    in_world(|world| async move {
        go_on(&world, 0..4, Duration::from_secs(60)).await;
        world.stage(4..10).await;
        let reader = Reader::new(world.lake.clone());
        let view = reader.view().await.unwrap();
        let bounded = Query { since: time(2), until: time(8), ..query(100, None) };
        assert_eq!(ids(&reader.page(&view, &bounded).await.unwrap()), expected(2..8));
        let even = Query { equal: vec![(1, "even".to_owned())], ..query(2, None) };
        let page = reader.page(&view, &even).await.unwrap();
        assert_eq!(ids(&page), [8, 6].map(|offset| id(&source(0), offset)));
        let next = Query { after: page.next, limit: 100, ..even };
        let page = reader.page(&view, &next).await.unwrap();
        assert_eq!(ids(&page), [4, 2, 0].map(|offset| id(&source(0), offset)));
        assert_eq!(page.next, None);
        let after_all = Position { time: time(7), key: None };
        let page = reader.page(&view, &query(2, Some(after_all))).await.unwrap();
        assert_eq!(ids(&page), expected(6..8), "a place without a key is before all rows of its time");
        let small = Query { answer_bytes: 1, ..query(100, None) };
        let page = reader.page(&view, &small).await.unwrap();
        assert_eq!((page.rows.len(), page.complete), (1, true), "a page has a row, however large");
        assert_eq!(page.next, Some(Position { time: time(9), key: Some(id(&source(0), 9)) }));
    });
}

#[test]
fn a_search_that_ends_at_its_budget_goes_on_from_there() {
    in_world(|world| async move {
        let committer = world.committer().await;
        for begin in (0..60).step_by(2) {
            world.stage(begin..begin + 2).await;
            world.commit(&committer).await;
        }
        // Nothing is found in the newest files, and each of the first readers may read one lot of files only.
        let name = Reader::new(world.lake.clone()).view().await.unwrap().name();
        let (mut seen, mut after, mut incomplete) = (Vec::new(), None, 0);
        loop {
            let reader = Reader::new(world.lake.clone());
            let now = reader.view().await.unwrap();
            let view = reader.named(&now, &name).await.unwrap().unwrap();
            let page = reader
                .page(&view, &Query { budget: Budget { bytes: 1, until: None }, ..query(1_000, after) })
                .await
                .unwrap();
            assert_eq!(page.complete, page.next.is_none());
            incomplete += usize::from(!page.complete);
            let figures = page.figures;
            assert!(figures.files == 30 && figures.files_skipped > 0 && figures.bytes_read > 0, "{figures:?}");
            seen.extend(ids(&page));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, expected(0..60));
        assert!(incomplete >= 3, "{incomplete} pages");
    });
}

#[test]
fn what_is_known_is_not_read_again() {
    in_world(|world| async move {
        go_on(&world, 0..3, Duration::from_secs(60)).await;
        world.stage(3..5).await;
        let reader = Reader::new(world.lake.clone());
        let view = reader.view().await.unwrap();
        let first = reader.page(&view, &query(10, None)).await.unwrap().figures;
        assert!(first.bytes_read > 0 && first.row_groups_skipped == 0, "{first:?}");
        let again = reader.page(&view, &query(10, None)).await.unwrap().figures;
        assert_eq!((again.bytes_read, again.bytes_used), (0, first.bytes_used));
    });
}
