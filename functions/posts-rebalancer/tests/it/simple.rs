//! What a move does when nothing goes wrong, and when the rows cannot be made equal.

use kit::crash;
use sqlx::Executor;

use crate::world::World;
use crate::writer::{Log, Stored, Writer, check};

#[tokio::test]
async fn a_partition_moves_to_a_shard_without_tables_and_the_same_event_again_does_nothing() {
    let (world, log, mut writer) = (World::new().await, Log::default(), Writer::default());
    log.produce(3, 100);
    log.produce(4, 5);
    writer.drain(&world, &log).await;
    let id = world.ask(3, 4).await;
    world.settle().await;
    assert_eq!(world.at(3).await, (4, 2));
    assert_eq!(world.at(4).await, (1, 1));
    let state = world.state(id).await;
    // 34 posts, 33 of them with a comment, a like and counters.
    assert_eq!((state.step.as_str(), state.rows_copied, state.rows_verified), ("done", 133, 133));
    assert_eq!((state.rows_deleted, state.error, state.attempts), (133, None, 0));
    check(&world, &log).await;
    log.produce(3, 20);
    let old_map = writer.store(&world, &log, 3, 20).await.unwrap();
    assert_eq!(old_map, Stored::Left, "the old map leads to the old shard, which refuses");
    assert_eq!(writer.store(&world, &log, 3, 20).await.unwrap(), Stored::Records(20));
    let again = world.invoke().await.unwrap();
    assert_eq!((again.held_lease, again.open, again.switched), (true, 0, 0));
    check(&world, &log).await;
    world.drop().await;
}

#[tokio::test]
async fn a_partition_goes_round_and_comes_back() {
    let (world, log, mut writer) = (World::new().await, Log::default(), Writer::default());
    for (round, to) in (2..).zip([2, 3, 1, 4, 1]) {
        log.produce(0, 25);
        writer.drain(&world, &log).await;
        world.ask(0, to).await;
        world.settle().await;
        assert_eq!(world.at(0).await, (to, round));
    }
    log.produce(0, 25);
    writer.drain(&world, &log).await;
    check(&world, &log).await;
    world.drop().await;
}

#[tokio::test]
async fn an_empty_partition_and_one_that_was_never_written_move_too() {
    let (world, log, mut writer) = (World::new().await, Log::default(), Writer::default());
    world.ask(0, 2).await;
    world.ask(47, 4).await;
    world.settle().await;
    assert_eq!((world.at(0).await.0, world.at(47).await.0), (2, 4));
    log.produce(0, 10);
    log.produce(47, 10);
    writer.drain(&world, &log).await;
    check(&world, &log).await;
    world.drop().await;
}

#[tokio::test]
async fn what_lay_at_the_target_from_before_is_replaced() {
    let (world, log, mut writer) = (World::new().await, Log::default(), Writer::default());
    log.produce(0, 60);
    writer.drain(&world, &log).await;
    for stray in [
        "insert into posts (id, user_id, content, partition) values (gen_random_uuid(), 'x', 'stray', 0)",
        "insert into likes (post_id, user_id, partition) values (gen_random_uuid(), 'x', 0)",
        "insert into post_counters (post_id, likes, partition) values (uuid_in('ffffffff-ffff-ffff-ffff-ffffffffffff'), 9, 0)",
        "insert into posts (id, user_id, content, partition)
             values (uuid_in('00000000-0000-0000-0000-000000000003'), 'x', 'another text', 0)",
    ] {
        world.shard(2).execute(stray).await.unwrap();
    }
    world.ask(0, 2).await;
    world.settle().await;
    check(&world, &log).await;
    world.drop().await;
}

#[tokio::test]
async fn rows_that_cannot_be_made_equal_fail_the_move_and_leave_all_as_it_was() {
    let (world, log, mut writer) = (World::new().await, Log::default(), Writer::default());
    log.produce(0, 60);
    writer.drain(&world, &log).await;
    spoil(&world).await;
    let id = world.ask(0, 2).await;
    world.settle().await;
    let state = world.state(id).await;
    assert_eq!((state.step.as_str(), world.at(0).await), ("failed", (1, 1)));
    assert!(state.error.unwrap().contains("comments differ behind the beginning"), "the reason stays");
    log.produce(0, 30);
    writer.drain(&world, &log).await;
    check(&world, &log).await;
    world.drop().await;
}

#[tokio::test]
async fn one_database_under_two_names_is_found_before_anything_is_touched() {
    let (world, log, mut writer) = (World::new().await, Log::default(), Writer::default());
    log.produce(16, 30);
    writer.drain(&world, &log).await;
    let same = "update shard_metadata a set database_name = b.database_name, host = b.host, port = b.port
         from shard_metadata b where a.id = 4 and b.id = 2";
    world.master.pool.execute(same).await.unwrap();
    let id = world.ask(16, 4).await;
    assert_eq!(world.invoke().await.unwrap().switched, 0);
    let state = world.state(id).await;
    assert!(state.step == "failed" && state.error.as_ref().unwrap().contains("one database"), "{state:?}");
    assert_eq!(world.count(2, "posts", 16).await, 10);
    // Neither when it becomes so on the way.
    for (point, step) in [("freeze.target-taken", "freeze"), ("verify.pieces-equal", "verify")] {
        let apart = "update shard_metadata set database_name = $1 where id = 4";
        let name = world.shards[3].url.rsplit('/').next().unwrap();
        sqlx::query(apart).bind(name).execute(&world.master.pool).await.unwrap();
        let place = "update shard_metadata a set host = b.host, port = b.port from shard_metadata b
             where a.id = 4 and b.id = 1";
        world.master.pool.execute(place).await.unwrap();
        let id = world.ask(16, 4).await;
        assert!(crash::at(point, world.invoke()).await.is_none());
        assert_eq!(world.state(id).await.step, step);
        world.master.pool.execute(same).await.unwrap();
        world.settle().await;
        assert_eq!((world.state(id).await.step.as_str(), world.at(16).await.0), ("failed", 2));
        assert_eq!(world.count(2, "posts", 16).await, 10);
    }
    writer.drain(&world, &log).await;
    let stored = "select frozen from posts_progress where partition = 16";
    assert!(!sqlx::query_scalar::<_, bool>(stored).fetch_one(world.shard(2)).await.unwrap());
    world.drop().await;
}

/// The second shard changes what it is given.
pub(crate) async fn spoil(world: &World) {
    let spoil = "create function spoil() returns trigger language plpgsql as
         $$ begin new.content := new.content || '!'; return new; end $$;
         create trigger spoil before insert on comments for each row execute function spoil()";
    world.shard(2).execute(spoil).await.unwrap();
}
