//! A shard that is away, in each phase of a move.

use kit::crash;

use crate::world::World;
use crate::writer::{Log, Stored, Writer, check};

#[tokio::test]
async fn a_shard_that_goes_in_any_step_is_waited_for() {
    let (world, log, mut writer) = (World::new().await, Log::default(), Writer::default());
    let steps = ["prepare.seated", "copy.piece-copied", "freeze.frozen", "verify.pieces-equal", "admit.reserved"];
    let phases = steps.iter().flat_map(|step| [(*step, 1), (*step, 2)]);
    for (partition, (point, lost)) in (0..).zip(phases) {
        log.produce(partition, 40);
        writer.drain(&world, &log).await;
        let id = world.ask(partition, 2).await;
        assert!(crash::at(point, world.invoke()).await.is_none(), "{point}");
        world.expire_lease().await;
        world.lose(lost).await;
        let summary = world.invoke().await.unwrap();
        assert!(summary.failures > 0 && summary.open == 1, "{point} without shard {lost}: {summary:?}");
        let state = world.state(id).await;
        assert!(state.error.is_some() && state.attempts > 0, "{point}: {state:?}");
        world.find(lost).await;
        world.settle().await;
        assert_eq!(world.at(partition).await.0, 2, "{point} without shard {lost}");
        assert_eq!(world.state(id).await.error, None);
        check(&world, &log).await;
    }
    world.drop().await;
}

#[tokio::test]
async fn a_frozen_partition_is_thawed_when_the_target_stays_away_and_moves_later() {
    let (world, log, mut writer) = (World::new().await, Log::default(), Writer::default());
    log.produce(0, 40);
    writer.drain(&world, &log).await;
    let id = world.ask(0, 2).await;
    assert!(crash::at("verify.pieces-equal", world.invoke()).await.is_none());
    world.expire_lease().await;
    log.produce(0, 20);
    assert_eq!(writer.store(&world, &log, 0, 20).await.unwrap(), Stored::Left, "it is frozen");
    world.lose(2).await;
    world.invoke().await.unwrap();
    let long = "update posts_moves set failing_since = failing_since - interval '21 s', retry_at = null";
    sqlx::query(long).execute(&world.master.pool).await.unwrap();
    world.invoke().await.unwrap();
    assert_eq!(world.state(id).await.thaws, 1);
    assert_eq!(writer.store(&world, &log, 0, 20).await.unwrap(), Stored::Records(20), "writers go on");
    world.find(2).await;
    world.settle().await;
    assert_eq!(world.at(0).await.0, 2);
    writer.drain(&world, &log).await;
    check(&world, &log).await;
    world.drop().await;
}

#[tokio::test]
async fn a_move_to_a_shard_that_never_comes_back_is_undone() {
    let (world, log, mut writer) = (World::new().await, Log::default(), Writer::default());
    log.produce(0, 40);
    writer.drain(&world, &log).await;
    let id = world.ask(0, 2).await;
    assert!(crash::at("freeze.frozen", world.invoke()).await.is_none());
    world.expire_lease().await;
    world.lose(2).await;
    world.invoke().await.unwrap();
    let long = "update posts_moves set failing_since = failing_since - interval '10 minutes', retry_at = null";
    sqlx::query(long).execute(&world.master.pool).await.unwrap();
    world.settle().await;
    let state = world.state(id).await;
    assert_eq!((state.step.as_str(), world.at(0).await), ("failed", (1, 1)), "{state:?}");
    log.produce(0, 20);
    writer.drain(&world, &log).await;
    world.find(2).await;
    assert_eq!(world.count(2, "posts", 0).await, 14, "what could not be removed is left");
    world.ask(0, 2).await;
    world.settle().await;
    writer.drain(&world, &log).await;
    assert_eq!(world.at(0).await.0, 2);
    check(&world, &log).await;
    world.drop().await;
}

#[tokio::test]
async fn a_move_that_waits_for_its_shard_holds_up_no_other() {
    let (world, log, mut writer) = (World::new().await, Log::default(), Writer::default());
    log.produce(0, 40);
    log.produce(1, 40);
    writer.drain(&world, &log).await;
    world.lose(3).await;
    world.ask(0, 3).await;
    world.ask(1, 2).await;
    let summary = world.invoke().await.unwrap();
    assert_eq!((summary.switched, world.at(1).await.0), (1, 2), "{summary:?}");
    world.find(3).await;
    world.settle().await;
    assert_eq!(world.at(0).await.0, 3);
    check(&world, &log).await;
    world.drop().await;
}
