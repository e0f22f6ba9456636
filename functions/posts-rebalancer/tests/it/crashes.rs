//! A mover dies after each step, and another one goes on; two at once; one that sleeps through the end of its lease.

use std::time::{Duration, Instant};

use kit::crash;
use posts_rebalancer::POINTS;

use crate::simple::spoil;
use crate::world::World;
use crate::writer::{Log, Writer, check};

/// Those of a move that comes to its end, and those of one that is undone.
fn is_of_undoing(point: &str) -> bool {
    point.starts_with("thaw.") || point.starts_with("undo.")
}

#[tokio::test]
async fn a_mover_dies_at_each_point_and_the_next_one_goes_on() {
    let (world, log, mut writer) = (World::new().await, Log::default(), Writer::default());
    for (partition, point) in (0..).zip(POINTS.into_iter().filter(|point| !is_of_undoing(point))) {
        log.produce(partition, 40);
        writer.drain(&world, &log).await;
        world.ask(partition, 4).await;
        if point == "verify.piece-copied" {
            // What differs when the partition is frozen: written since it was copied.
            assert!(crash::at("freeze.target-taken", world.invoke()).await.is_none());
            world.expire_lease().await;
            log.produce(partition, 10);
            writer.drain(&world, &log).await;
        }
        if point.starts_with("clean.") {
            world.invoke().await.unwrap();
            world.pass_time().await;
        }
        assert!(crash::at(point, world.invoke()).await.is_none(), "{point} is never reached");
        log.produce(partition, 10);
        let held_up = writer.store(&world, &log, partition, 10).await.unwrap();
        world.settle().await;
        assert_eq!(world.at(partition).await.0, 4, "{point}: {held_up:?}");
        writer.drain(&world, &log).await;
        check(&world, &log).await;
    }
    world.drop().await;
}

#[tokio::test]
async fn a_mover_dies_while_it_undoes_and_the_next_one_goes_on() {
    let (world, log, mut writer) = (World::new().await, Log::default(), Writer::default());
    spoil(&world).await;
    for (partition, point) in (0..).zip(POINTS.into_iter().filter(|point| is_of_undoing(point))) {
        log.produce(partition, 40);
        writer.drain(&world, &log).await;
        let id = world.ask(partition, 2).await;
        assert!(crash::at(point, world.invoke()).await.is_none(), "{point} is never reached");
        world.settle().await;
        assert_eq!((world.state(id).await.step.as_str(), world.at(partition).await), ("failed", (1, 1)), "{point}");
        log.produce(partition, 10);
        writer.drain(&world, &log).await;
        check(&world, &log).await;
    }
    world.drop().await;
}

#[tokio::test]
async fn of_two_movers_at_once_one_works() {
    let (world, log, mut writer) = (World::new().await, Log::default(), Writer::default());
    for partition in 0..4 {
        log.produce(partition, 400);
        world.ask(partition, 2).await;
    }
    writer.drain(&world, &log).await;
    let (one, other) = tokio::join!(world.invoke(), world.invoke());
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.switched + other.switched, 4, "{one:?} {other:?}");
    world.settle().await;
    check(&world, &log).await;
    world.drop().await;
}

#[tokio::test]
async fn movers_that_lose_their_lease_while_they_work_do_no_harm() {
    let (world, log, mut writer) = (World::new().await, Log::default(), Writer::default());
    for partition in 0..6 {
        log.produce(partition, 200);
        world.ask(partition, 4).await;
    }
    writer.drain(&world, &log).await;
    // Each goes on as if nothing had happened, until the master or a shard refuses it.
    let robbed = async {
        let deadline = Instant::now() + Duration::from_secs(30);
        while world.at(5).await.0 != 4 && Instant::now() < deadline {
            world.expire_lease().await;
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
    };
    let mover = async || {
        while world.at(5).await.0 != 4 {
            let _refused = world.invoke().await;
        }
    };
    tokio::join!(robbed, mover(), mover(), mover());
    world.settle().await;
    for partition in 0..6 {
        assert_eq!(world.at(partition).await.0, 4);
        log.produce(partition, 10);
    }
    writer.drain(&world, &log).await;
    check(&world, &log).await;
    world.drop().await;
}
