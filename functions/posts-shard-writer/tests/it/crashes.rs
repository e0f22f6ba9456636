//! The writer dies at each of its crash points; what comes again is cut differently.

use std::collections::BTreeSet;
use std::ops::Range;

use domain::posts::Write;
use kit::crash;
use kit::kafka::Record;
use posts_shard_writer::POINTS;

use crate::world::{FIRST, World, comment, handle_by, like};

/// Records of the first partition of each shard, of which every fifth breaks a rule.
fn some_bad(world: &World, offsets: Range<i64>) -> Vec<Record> {
    let of = |partition: i32, offset: i64| {
        let n = usize::try_from(offset).unwrap();
        let write: Write =
            if n % 2 == 0 { comment(partition, n % 3, n) } else { like(partition, n % 3, n, &format!("user-{n}")) };
        let value = if offset % 5 == 4 { b"{".to_vec() } else { write.to_json() };
        world.record(partition, offset, value)
    };
    let of = &of;
    FIRST.into_iter().flat_map(|partition| offsets.clone().map(move |offset| of(partition, offset))).collect()
}

async fn assert_all(world: &World, point: &str) {
    let rows = world.numbers("select (select count(*) from comments) * 100 + (select count(*) from likes)").await;
    assert_eq!(rows, [808; 3], "{point}");
    let sum =
        "select records + duplicates * 1000 + dead_letters * 1000000 + next_offset * 1000000000 from posts_progress";
    assert_eq!(world.numbers(sum).await, [20_004_000_016; 3], "{point}");
    let letters: BTreeSet<String> = world.dead_letters(12).into_iter().map(|(_, offset)| offset).collect();
    assert_eq!(letters.len(), 4, "{point}: at least once, with their origin");
    world.assert_counters_are_exact().await;
}

#[tokio::test]
async fn whatever_the_writer_has_just_done_each_write_is_there_once() {
    for point in POINTS {
        let world = World::new().await;
        assert!(world.handle(some_bad(&world, 0..3)).await.is_complete());
        let died = crash::at(point, world.handle(some_bad(&world, 3..12))).await;
        assert!(died.is_none(), "{point} is never reached");
        let another = world.another_writer();
        for redelivery in [2..7, 3..12, 0..20] {
            assert!(handle_by(&another, some_bad(&world, redelivery)).await.is_complete(), "{point}");
        }
        assert_all(&world, point).await;
        world.end().await;
    }
}
