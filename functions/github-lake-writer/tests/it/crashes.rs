//! The writer dies at each of its crash points; what comes again is cut differently.

use std::collections::BTreeSet;

use github_lake_writer::GithubEvents;
use ingest::Writer;
use kit::kafka::KafkaEvent;
use lake::crash;

use crate::{World, in_world};

/// Records of partition 1, of which every fifth breaks a rule.
fn some_bad(world: &World, offsets: std::ops::Range<i64>) -> KafkaEvent {
    let mut event = world.batch(1, offsets);
    for record in event.records.iter_mut().filter(|record| record.offset % 5 == 4) {
        record.value = Some(b"{\"id\":".to_vec());
    }
    event
}

/// Another process: nothing is remembered.
fn another_writer(mut world: World) -> World {
    world.writer =
        Writer::new(GithubEvents, world.lake.lake.clone().with_repeats(Default::default()), world.kafka.clone());
    world
}

async fn assert_all(world: &World, point: &str) {
    let good: Vec<(i64, i64)> = (0..20).filter(|offset| offset % 5 != 4).map(|offset| (1, offset)).collect();
    assert_eq!(world.places().await, good, "{point}");
    let sum = "select (records + duplicates * 1000 + dead_letters * 1000000 + gap_offsets * 1000000000)::bigint";
    assert_eq!(world.lake.count(&format!("{sum} from lake_watermarks")).await, 4_000_016, "{point}");
    let letters: BTreeSet<String> = world.dead_letters(4).into_iter().map(|(_, offset, _)| offset).collect();
    assert_eq!(letters.len(), 4, "{point}: at least once, with their origin");
    world.lake.commit(&world.lake.committer().await).await;
    assert_eq!(world.lake.committed_ids().await.len(), 16, "{point}");
}

#[test]
fn whatever_the_writer_has_just_done_each_record_is_there_once() {
    for point in crash::POINTS.into_iter().filter(|point| point.starts_with("stage.")) {
        in_world(|world| async move {
            world.publish(some_bad(&world, 0..20)).await;
            world.handle(some_bad(&world, 0..3)).await.unwrap();
            let died = crash::at(point, world.handle(some_bad(&world, 3..12))).await;
            assert!(died.is_none(), "{point} is never reached");
            let world = another_writer(world);
            for redelivery in [2..7, 3..12, 0..20] {
                assert!(world.handle(some_bad(&world, redelivery)).await.unwrap().is_complete());
            }
            assert_all(&world, point).await;
        });
    }
}

#[test]
fn another_writer_goes_on_while_one_dies() {
    for point in crash::POINTS.into_iter().filter(|point| point.starts_with("stage.")) {
        in_world(|world| async move {
            world.publish(some_bad(&world, 0..20)).await;
            let dying = world.handle(some_bad(&world, 0..12));
            let other = Writer::new(GithubEvents, world.lake.lake.clone(), world.kafka.clone());
            let invocation = kit::Invocation::for_test(std::time::Duration::from_secs(30));
            let (_, other) = tokio::join!(crash::at(point, dying), other.handle(some_bad(&world, 0..8), &invocation));
            assert!(other.unwrap().is_complete());
            for redelivery in [0..12, 5..20] {
                assert!(world.handle(some_bad(&world, redelivery)).await.unwrap().is_complete());
            }
            assert_all(&world, point).await;
        });
    }
}
