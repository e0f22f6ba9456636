//! Writes and reads while partitions move, and while a shard goes and comes back.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use domain::posts::TOPIC;
use posts_rebalancer::Settings;

use crate::world::World;
use crate::writer::{Log, Writer, check};

const PARTITIONS: i32 = 16;
/// Of a partition; so that the moves of a slow machine end.
const MOST_RECORDS: i64 = 3_000;

async fn world() -> World {
    let settings = Settings {
        piece_rows: 500,
        budget: Duration::from_millis(200),
        patience: Duration::from_secs(3),
        standby: Duration::from_secs(1),
    };
    World { settings, ..World::new().await }
}

/// A reader with a map as old as can be, which it reads again when the shard has another epoch. How often it found none that
/// agreed is counted, and what it reads never becomes less.
async fn read(world: &World, stop: &AtomicBool, reads: &AtomicU64) {
    let mut maps = Vec::new();
    for partition in 0..PARTITIONS {
        maps.push((world.at(partition).await, 0_i64));
    }
    while !stop.load(Ordering::Relaxed) {
        for partition in 0..PARTITIONS {
            let ((shard, epoch), seen) = &mut maps[usize::try_from(partition).unwrap()];
            let deadline = Instant::now() + Duration::from_secs(5);
            loop {
                assert!(Instant::now() < deadline, "partition {partition} cannot be read");
                let query = "select next_offset, epoch, (select count(*) from posts where partition = $2)
                        + (select count(*) from comments where partition = $2)
                        + (select count(*) from likes where partition = $2)
                     from posts_progress where topic = $1 and partition = $2";
                let query = sqlx::query_as(query).bind(TOPIC).bind(partition);
                let found: sqlx::Result<Option<(i64, i64, i64)>> = query.fetch_optional(world.shard(*shard)).await;
                match found {
                    Ok(Some((next, at, rows))) if at == *epoch => {
                        assert_eq!(rows, next, "partition {partition} at shard {shard}");
                        assert!(next >= *seen, "partition {partition} has lost writes: {next} of {seen}");
                        *seen = next;
                        reads.fetch_add(1, Ordering::Relaxed);
                        break;
                    }
                    _ => (*shard, *epoch) = world.at(partition).await,
                }
                // Again, until the deadline.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
}

async fn write(world: &World, log: &Log, stop: &AtomicBool) {
    let mut writer = Writer::default();
    while !stop.load(Ordering::Relaxed) {
        for partition in 0..PARTITIONS {
            if log.end(partition) < MOST_RECORDS {
                log.produce(partition, 3);
            }
            // A shard that is away keeps its records in Kafka.
            let _away = writer.store(world, log, partition, 50).await;
        }
        tokio::task::yield_now().await;
    }
}

async fn moves_under_load(world: &World, outage: impl AsyncFn()) {
    let (log, stop, reads) = (Log::default(), AtomicBool::new(false), AtomicU64::new(0));
    for partition in 0..PARTITIONS {
        log.produce(partition, 60);
    }
    Writer::default().drain(world, &log).await;
    for partition in 0..PARTITIONS {
        world.ask(partition, if partition % 2 == 0 { 4 } else { 3 }).await;
    }
    let moving = async {
        outage().await;
        world.settle().await;
        stop.store(true, Ordering::Relaxed);
    };
    tokio::join!(moving, read(world, &stop, &reads), write(world, &log, &stop), write(world, &log, &stop));
    for partition in 0..PARTITIONS {
        assert_eq!(world.at(partition).await.0, if partition % 2 == 0 { 4 } else { 3 });
    }
    Writer::default().drain(world, &log).await;
    check(world, &log).await;
    assert!(reads.load(Ordering::Relaxed) > 100, "{reads:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_third_of_the_partitions_moves_while_clients_write_and_read() {
    let world = world().await;
    moves_under_load(&world, async || {}).await;
    world.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shard_that_is_killed_during_the_moves_loses_nothing() {
    let world = world().await;
    moves_under_load(&world, async || {
        world.lose(3).await;
        world.invoke().await.unwrap();
        world.find(3).await;
        world.expire_lease().await;
    })
    .await;
    world.drop().await;
}
