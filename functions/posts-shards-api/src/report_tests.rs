//! Figures by hand: what waits, what is not known, what is on its way.

use std::collections::BTreeMap;

use domain::posts::Partition;
use domain::posts::breaker::Breaker;
use pg::Place;
use shards::Shard;

use super::*;
use crate::look::{Ends, Rows, Seen};

fn progress(partition: i32, epoch: i64, next_offset: i64, counts: [i64; 3]) -> Progress {
    let [records, duplicates, dead_letters] = counts;
    Progress { partition, epoch, next_offset, records, duplicates, dead_letters, frozen: false }
}

fn looked(id: i32, partitions: &[(i32, i64)], seen: Result<Vec<Progress>, Away>) -> Looked {
    let place = Place { host: "h".into(), port: 1, database: "posts".into() };
    let partition = |(number, epoch): &(i32, i64)| (Partition::new(*number).unwrap(), *epoch);
    Looked {
        shard: Shard { id, name: format!("shard-{id}"), place, active: true },
        partitions: partitions.iter().map(partition).collect(),
        seen: seen.map(|progress| Seen { progress, rows: Rows::default() }),
    }
}

fn world(shards: Vec<Looked>, ends: Option<&[(i32, i64, i64)]>) -> World {
    let ends = ends.map(|ends| ends.iter().map(|(at, low, high)| (*at, Ends { low: *low, high: *high })).collect());
    World { epoch: 2, shards, rests: BTreeMap::new(), ends }
}

#[test]
fn what_waits_is_between_the_shard_and_the_end() {
    // Shard 1 has moved partition 1 to shard 2: its row stays, and does not count.
    let first = looked(1, &[(0, 1), (2, 1)], Ok(vec![progress(0, 1, 8, [8, 1, 2]), progress(1, 2, 9, [9, 0, 0])]));
    let second = looked(2, &[(1, 2)], Ok(vec![progress(1, 2, 12, [12, 0, 0])]));
    let stats = stats(&world(vec![first, second], Some(&[(0, 0, 10), (1, 0, 11), (2, 4, 6)])));
    let of = |at: usize| (stats.partitions[at].next_offset, stats.partitions[at].end_offset, stats.partitions[at].lag);
    assert_eq!(of(0), (Some(8), Some(10), Some(2)));
    assert_eq!(of(1), (Some(12), Some(11), Some(0)), "Kafka was asked first");
    assert_eq!(of(2), (None, Some(6), Some(2)), "nothing was stored of it yet");
    assert_eq!((stats.shards[0].writes, stats.shards[0].lag), (5, Some(4)));
    let total = (stats.total.writes, stats.total.duplicates, stats.total.dead_letters, stats.total.lag);
    assert_eq!(total, (17, 1, 2, Some(4)));
}

#[test]
fn what_is_not_known_is_null_and_no_zero() {
    let shards =
        || vec![looked(1, &[(0, 1)], Err(Away::Slow)), looked(2, &[(1, 1)], Ok(vec![progress(1, 1, 3, [3, 0, 0])]))];
    let without_shard = stats(&world(shards(), Some(&[(0, 0, 10), (1, 0, 3)])));
    assert_eq!((without_shard.shards[0].lag, without_shard.shards[1].lag), (None, Some(0)));
    assert_eq!((without_shard.total.lag, without_shard.partitions[0].end_offset), (None, Some(10)));
    let without_kafka = stats(&world(shards(), None));
    assert_eq!((without_kafka.shards[1].lag, without_kafka.partitions[1].next_offset), (None, Some(3)));
    let status = status(&world(shards(), None), Utc::now());
    assert!(!status.kafka && !status.shards[0].reachable && status.shards[0].rows.is_none());
    assert_eq!(status.shards[0].reason, Some(Away::Slow));
}

#[test]
fn a_partition_in_another_epoch_is_on_its_way_and_a_breaker_tells_its_state() {
    let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
    let mut world = world(vec![looked(1, &[(0, 1), (1, 1)], Ok(vec![progress(0, 2, 1, [1, 0, 0])]))], Some(&[]));
    let open_until = Some(now + std::time::Duration::from_secs(1));
    let breaker = Breaker { failures: 3, open_until, probe_until: None };
    let Ok(seen) = &mut world.shards[0].seen else { panic!("the shard answers") };
    seen.progress.push(Progress { frozen: true, ..progress(1, 1, 1, [1, 0, 0]) });
    world.rests.insert(1, Rest { breaker, last_error: Some("connection refused".into()) });
    let shard = &status(&world, now).shards[0];
    assert_eq!(shard.frozen, [1]);
    assert_eq!((shard.outdated.as_slice(), shard.partitions.as_slice()), (&[0][..], &[0, 1][..]));
    assert_eq!((shard.breaker.state, shard.breaker.failures, shard.address.as_str()), ("open", 3, "h:1/posts"));
    assert_eq!(status(&world, now + std::time::Duration::from_secs(2)).shards[0].breaker.state, "half_open");
}
