//! Data files against the segments they were made of, row by row, whatever days the rows are of.

use lake::testing::{BEGIN, DAY, LIMITS, World, id, in_world, source};
use lake::{Newest, Outcome, OwnedValue, Reader, SegmentBuilder, Value};

use crate::pyiceberg;

/// Text of this length that does not compress.
fn noise(seed: i64, bytes: usize) -> String {
    let mut state = u64::try_from(seed).unwrap() * 2 + 1;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(33 + u8::try_from((state >> 33) % 90).unwrap())
    };
    (0..bytes).map(next).collect()
}

/// Stages a segment of these offsets; `time` tells when each is.
async fn stage(
    world: &World,
    offsets: std::ops::Range<i64>,
    time: impl Fn(i64) -> i64,
    document: impl Fn(i64) -> String,
) {
    let push = |offset, segment: &mut SegmentBuilder| {
        let (id, document) = (id(&source(0), offset), document(offset));
        segment.push(&[
            Value::Text(&id),
            Value::Text(if offset % 2 == 0 { "even" } else { "odd" }),
            Value::Timestamp(time(offset)),
            if offset % 3 == 0 { Value::Null } else { Value::Long(offset) },
            Value::Text(&document),
        ])
    };
    let offsets: Vec<i64> = offsets.collect();
    assert_eq!(world.offer_rows(&source(0), &offsets, push).await.unwrap(), Some(Outcome::Staged));
}

/// Few rows on each of forty days, then many on one, then few: row groups that are split, copied and gathered.
fn mixed(offset: i64) -> i64 {
    let day = match offset {
        0..200 => offset / 5,
        200..1_400 => 40,
        1_400..1_410 => 41,
        _ => 42,
    };
    BEGIN + day * DAY + offset * 1_000_000
}

#[test]
fn rows_of_many_and_of_few_days_are_in_the_table_as_they_were_staged() {
    in_world(|world| async move {
        stage(&world, 0..1_410, mixed, |offset| noise(offset, 400)).await;
        stage(&world, 1_410..2_600, mixed, |offset| noise(offset, 10)).await;
        let staged = rows(&world).await;
        assert_eq!(staged.len(), 2_600);
        let (offset, row) = (2_599, &staged[0]);
        assert_eq!((row.text(0), row.timestamp(2)), (Some(id(&source(0), offset).as_str()), Some(mixed(offset))));
        assert_eq!((&row.0[3], row.text(4)), (&OwnedValue::Long(offset), Some(noise(offset, 10).as_str())));

        assert_eq!(world.commit(&world.committer().await).await, 2_600);
        assert!(rows(&world).await == staged, "a row is another one now");
        assert_eq!(world.count("select files from lake_tables").await, 43, "a file a day");
        let found = pyiceberg::read(&world).await;
        assert_eq!(found.ids, (0..2_600).map(|offset| id(&source(0), offset)).collect::<Vec<_>>());
        assert_eq!(found.files, 43);
    });
}

#[test]
fn a_file_of_several_parts_of_an_upload_holds_all_rows() {
    in_world(|world| async move {
        for segment in 0..10 {
            let offsets = segment * 1_000..(segment + 1) * 1_000;
            stage(&world, offsets, |offset| BEGIN + offset * 1_000_000, |offset| noise(offset, 2_000)).await;
        }
        assert_eq!(world.commit(&world.committer().await).await, 10_000);
        assert_eq!(world.count("select files from lake_tables").await, 1);
        assert!(world.count("select bytes from lake_tables").await > 9 << 20, "of more than one part");
        assert_eq!(world.committed_ids().await, (0..10_000).map(|offset| id(&source(0), offset)).collect::<Vec<_>>());
        // The last row of each column of the last row group: positions are right to the file's end.
        assert_eq!(newest(&world, 1).await[0].text(4), Some(noise(9_999, 2_000).as_str()));
    });
}

#[test]
fn a_segment_that_is_no_parquet_is_named_and_nothing_is_committed() {
    in_world(|world| async move {
        world.stage(0..10).await;
        let committer = world.committer().await;
        world.commit(&committer).await;
        world.stage(10..20).await;
        world
            .execute(
                "update lake_segments set object_path = (select metadata_location from lake_tables)
                  where committed_at is null",
            )
            .await;
        let planned = committer.plan(&LIMITS).await.unwrap();
        let error = format!("{:#}", committer.write(planned, 1 << 20).await.unwrap_err());
        assert!(error.contains("read the footer of s3://") && error.contains(".metadata.json"), "{error}");
        assert_eq!(world.count("select records from lake_tables").await, 10);
    });
}

async fn newest(world: &World, limit: usize) -> Vec<std::sync::Arc<lake::Row>> {
    let newest = Newest { since: i64::MIN, equal: None, limit };
    Reader::new(world.lake.clone()).newest(&newest).await.unwrap()
}

async fn rows(world: &World) -> Vec<std::sync::Arc<lake::Row>> {
    newest(world, 100_000).await
}
