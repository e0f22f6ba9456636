//! Several writers, committers and readers at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lake::testing::{LIMITS, World, in_world};
use lake::{Commit, Outcome};

/// Delivers `0..records` in batches of `size`, as an event source does: in order, each until it is done.
async fn deliver(world: World, records: i64, size: i64) {
    let mut first = 0;
    while first < records {
        let batch: Vec<i64> = (first..(first + size).min(records)).collect();
        if world.offer(&batch).await.unwrap() != Some(Outcome::Outrun) {
            first += size;
        }
    }
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
fn three_writers_two_committers_and_a_reader_see_each_record_once() {
    in_world(|world| everything_at_once(world, 1_000));
}

/// Delivers these records three times, commits and reads, all at once, and asserts that each is there once.
pub(crate) async fn everything_at_once(world: World, records: i64) {
    let stop = Arc::new(AtomicBool::new(false));
    // The table is made before: two that create it at once have a test of their own.
    world.committer().await;
    let committers = [0, 1].map(|_| tokio::spawn(commit_until(world.clone(), stop.clone())));
    let reader = tokio::spawn({
        let (world, stop) = (world.clone(), stop.clone());
        async move {
            let (mut reads, mut last) = (0, 0);
            while !stop.load(Ordering::SeqCst) {
                let ids = world.ids().await;
                let unique: BTreeSet<&String> = ids.iter().collect();
                assert_eq!(unique.len(), ids.len(), "a row was read twice");
                assert!(ids.len() >= last, "rows that were read before are gone");
                last = ids.len();
                reads += 1;
            }
            reads
        }
    });
    let writers = [50, 50, 37].map(|size| tokio::spawn(deliver(world.clone(), records, size)));
    for writer in writers {
        writer.await.unwrap();
    }
    stop.store(true, Ordering::SeqCst);
    assert!(reader.await.unwrap() > 0);
    let mut committed = 0;
    for committer in committers {
        committed += committer.await.unwrap().0;
    }
    assert_eq!(committed, records as u64);
    world.assert_offsets(0..records).await;
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
