//! Several writers, committers and readers at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use lake::testing::{LIMITS, World, id, in_world, source};
use lake::{Commit, Outcome};

/// One past the last offset of each partition of which the writer has said that it is staged.
type Acknowledged = Arc<[AtomicI64; 2]>;

/// Delivers `0..records` of a partition in batches of `size`, as an event source does: in order, each until it is done.
async fn deliver(world: World, acknowledged: Acknowledged, partition: usize, records: i64, size: i64) {
    let source = source(i32::try_from(partition).unwrap());
    let mut first = 0;
    while first < records {
        let batch: Vec<i64> = (first..(first + size).min(records)).collect();
        if world.offer_to(&source, &batch).await.unwrap() != Some(Outcome::Outrun) {
            first += size;
            acknowledged[partition].fetch_max(first.min(records), Ordering::SeqCst);
        }
    }
}

/// Queries without a pause: what was acknowledged before is there, each row once.
async fn read_until(world: World, acknowledged: Acknowledged, stop: Arc<AtomicBool>) -> u64 {
    let mut reads = 0;
    while !stop.load(Ordering::SeqCst) {
        let before: i64 = acknowledged.iter().map(|next| next.load(Ordering::SeqCst)).sum();
        let ids = world.ids().await;
        let unique: BTreeSet<&String> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len(), "a row was read twice");
        assert!(i64::try_from(ids.len()).unwrap() >= before, "{} rows of {before} acknowledged", ids.len());
        reads += 1;
    }
    reads
}

/// Reads the table alone, as another engine does: each row once, and none goes away again.
async fn read_table_until(world: World, stop: Arc<AtomicBool>) -> u64 {
    let (mut reads, mut last) = (0, 0);
    while !stop.load(Ordering::SeqCst) {
        let ids = world.committed_ids().await;
        let unique: BTreeSet<&String> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len(), "a row is in the table twice");
        assert!(ids.len() >= last, "rows that were committed are gone");
        last = ids.len();
        reads += 1;
    }
    reads
}

async fn commit_until(world: World, stop: Arc<AtomicBool>) -> (u64, u64) {
    let committer = world.committer().await;
    let (mut records, mut lost) = (0, 0);
    loop {
        let last = stop.load(Ordering::SeqCst);
        let planned = committer.plan(&LIMITS).await.unwrap();
        assert!(planned.plan.blocked.is_empty(), "a chain is broken");
        let written = committer.write(planned, 1 << 20).await.unwrap();
        match committer.commit(written).await.unwrap() {
            Commit::Lost => lost += 1,
            Commit::Done(committed) => {
                records += committed.records;
                committer.mark(&committed, chrono::Utc::now()).await.unwrap();
                if last {
                    return (records, lost);
                }
            }
        }
    }
}

#[test]
fn four_writers_two_committers_and_two_readers_see_each_record_once() {
    in_world(|world| everything_at_once(world, 1_000));
}

/// Delivers these records of two partitions, several times each, commits and reads, all at once, and asserts that each
/// is there once at every moment.
pub(crate) async fn everything_at_once(world: World, records: i64) {
    let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Acknowledged::default());
    // The table is made before: two that create it at once have a test of their own.
    world.committer().await;
    let committers = [0, 1].map(|_| tokio::spawn(commit_until(world.clone(), stop.clone())));
    let query = tokio::spawn(read_until(world.clone(), acknowledged.clone(), stop.clone()));
    let table = tokio::spawn(read_table_until(world.clone(), stop.clone()));
    let writers = [(0, 50), (0, 37), (1, 50), (1, 29)]
        .map(|(partition, size)| tokio::spawn(deliver(world.clone(), acknowledged.clone(), partition, records, size)));
    for writer in writers {
        writer.await.unwrap();
    }
    stop.store(true, Ordering::SeqCst);
    assert!(query.await.unwrap() > 0 && table.await.unwrap() > 0);
    let mut committed = 0;
    for committer in committers {
        committed += committer.await.unwrap().0;
    }
    assert_eq!(committed, 2 * records as u64);
    let ids = [0, 1].map(|partition| (0..records).map(move |offset| id(&source(partition), offset)));
    let mut expected: Vec<String> = ids.into_iter().flatten().collect();
    expected.sort();
    let mut found = world.ids().await;
    found.sort();
    assert_eq!(found, expected);
    assert_eq!(world.committed_ids().await, expected);
}

#[test]
fn two_that_create_the_table_at_once_get_the_same_one() {
    in_world(|world| async move {
        world.stage(0..3).await;
        let (first, second) = tokio::join!(world.committer(), world.committer());
        assert_eq!(world.commit(&first).await, 3);
        assert_eq!(world.commit(&second).await, 0);
        world.assert_offsets(0..3).await;
    });
}
