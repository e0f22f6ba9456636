//! The protocol in a small world: two partitions, three shards, writers with old maps, workers that die or sleep while
//! another one takes their lease, shards that are away. Each micro-step is what one transaction does; between any two,
//! anything else may happen.

use proptest::prelude::*;

use super::*;
use world::World;

#[path = "model_checks.rs"]
mod checks;
#[path = "model_world.rs"]
mod world;

/// What may happen next.
#[derive(Debug, Clone)]
enum Event {
    /// A client's write is in Kafka.
    Produce(usize),
    /// A writer stores what its map lets it store.
    Write {
        writer: usize,
        partition: usize,
        records: i64,
    },
    /// A worker does its next transaction.
    Work(usize),
    /// A worker dies.
    Crash(usize),
    /// The lease runs out, and whoever holds it does not know.
    Expire,
    /// A shard goes or comes back.
    Toggle(usize),
    /// Somebody asks for a move.
    Ask {
        partition: usize,
        to: usize,
    },
    Pass(i64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..2_usize).prop_map(Event::Produce),
        6 => (0..2_usize, 0..2_usize, 1..4_i64)
            .prop_map(|(writer, partition, records)| Event::Write { writer, partition, records }),
        40 => (0..2_usize).prop_map(Event::Work),
        1 => (0..2_usize).prop_map(Event::Crash),
        2 => Just(Event::Expire),
        1 => (0..3_usize).prop_map(Event::Toggle),
        2 => (0..2_usize, 0..3_usize).prop_map(|(partition, to)| Event::Ask { partition, to }),
        4 => (1..40_i64).prop_map(Event::Pass),
    ]
}

fn happen(world: &mut World, event: &Event) {
    match *event {
        Event::Produce(partition) => world.log[partition] += 1,
        Event::Write { writer, partition, records } => world.write(writer, partition, records),
        Event::Work(worker) => world.work(worker),
        Event::Crash(worker) => world.crash(worker),
        Event::Expire => world.lease_is_free = true,
        Event::Toggle(shard) => world.shards[shard].up = !world.shards[shard].up,
        Event::Ask { partition, to } => world.ask(partition, to),
        Event::Pass(seconds) => world.now += Duration::from_secs(seconds.unsigned_abs()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happens_each_partition_has_one_owner_and_no_row_is_lost_or_doubled(
        events in prop::collection::vec(event(), 0..400),
    ) {
        let mut world = World::new();
        for event in &events {
            happen(&mut world, event);
            world.check();
        }
        world.come_to_rest();
        world.check_at_rest();
    }
}

#[test]
fn moves_are_finished_in_this_world() {
    // Else the property would hold of a world in which nothing ever moves.
    let mut world = World::new();
    for partition in [0, 0, 1, 1, 1] {
        world.log[partition] += 1;
        world.write(0, partition, 2);
    }
    world.ask(0, 2);
    world.ask(1, 2);
    world.come_to_rest();
    world.check_at_rest();
    assert_eq!(world.owners(), [2, 2]);
    assert_eq!(world.shards[2].seats.iter().flatten().map(|seat| seat.next_offset).collect::<Vec<_>>(), [2, 3]);
}
