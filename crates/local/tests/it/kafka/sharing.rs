//! Several pollers and several runners in one group.

use std::collections::BTreeSet;

use crate::support::{source::Source, topic::rec, until};

/// How often each partition's records come in what order does not matter; that none is missing does.
fn distinct(source: &Source, partitions: i32) -> BTreeSet<(i32, String)> {
    (0..partitions).flat_map(|p| source.delivered(p).into_iter().map(move |value| (p, value))).collect()
}

fn all(partitions: i32, values: std::ops::Range<i32>) -> BTreeSet<(i32, String)> {
    values.map(|n| (n % partitions, n.to_string())).collect()
}

pub(crate) async fn several_pollers_deliver_partitions_side_by_side() {
    // Each delivery looks for one of the other partition, which it finds only when two pollers deliver at the same time.
    let source = Source::with_handler(
        2,
        "BatchSize: 1, ProvisionedPollerConfig: {MaximumPollers: 5}",
        "
import os
def handler(event, context):
    [[only]] = event['records'].values()
    mine, other = str(only['partition']), str(1 - only['partition'])
    raise_flag(mine)
    if await_flag(other, seconds=0.5):
        record('met')
    os.remove(os.path.join(os.environ['LAMBDA_TASK_ROOT'], mine))
",
    )
    .await;
    source.enable().await;
    // Many, because the second poller may join the group only after the first one has taken some.
    source.topic.produce(&(0..80).map(|n| rec(n % 2, n)).collect::<Vec<_>>()).await;
    source.app.recorded(1).await;
    source.mapping.disable().await;
}

pub(crate) async fn two_runners_in_one_group_share_its_partitions_and_lose_nothing() {
    let source = Source::new(4, "BatchSize: 5", "").await;
    let other = source.another_mapping();
    let produce = async |range: std::ops::Range<i32>| {
        source.topic.produce(&range.map(|n| rec(n % 4, n)).collect::<Vec<_>>()).await;
    };
    source.enable().await;
    produce(0..100).await;
    source.app.recorded(2).await;
    // The second one joins in the midst of it, and both get their share of what comes then.
    other.enable().await.unwrap();
    let mut next = 100;
    until("records for both", async || {
        produce(next..next + 20).await;
        next += 20;
        (other.statistics().records > 0 && source.mapping.statistics().records > 0).then_some(())
    })
    .await;
    // The first one goes, in the midst of it again.
    produce(next..next + 100).await;
    next += 100;
    source.mapping.disable().await;
    source.until_committed(&[i64::from(next / 4); 4]).await;
    other.disable().await;
    assert_eq!(distinct(&source, 4), all(4, 0..next));
}

pub(crate) async fn a_rebalance_in_the_midst_of_retries_loses_nothing_and_stops_no_partition() {
    let source = Source::new(
        4,
        "BatchSize: 4",
        "
def judge(batch):
    if not raised('mended'):
        raise ValueError('not yet')
",
    )
    .await;
    let other = source.another_mapping();
    source.topic.produce(&(0..40).map(|n| rec(n % 4, n)).collect::<Vec<_>>()).await;
    source.enable().await;
    // Every partition waits for its retry, paused, when the group changes: twice.
    source.app.recorded(4).await;
    other.enable().await.unwrap();
    until("a share for the second", async || (other.statistics().invocations > 0).then_some(())).await;
    other.disable().await;
    let before = source.mapping.statistics().invocations;
    until("the first goes on", async || (source.mapping.statistics().invocations > before + 4).then_some(())).await;
    assert_eq!(source.committed().await.into_iter().flatten().sum::<i64>(), 0);
    source.app.raise("mended");
    source.until_committed(&[10; 4]).await;
    // And it still reads what comes.
    source.topic.produce(&(40..48).map(|n| rec(n % 4, n)).collect::<Vec<_>>()).await;
    source.until_committed(&[12; 4]).await;
    source.mapping.disable().await;
    assert_eq!(distinct(&source, 4), all(4, 0..48));
}

/// The first delivery waits for the flag `release`; later ones do what `judge_later` says.
fn first_one_waits(judge_later: &str) -> String {
    format!(
        "
def judge(batch):
    if not raised('begun'):
        raise_flag('begun')
        assert await_flag('release', seconds=50)
        return
{judge_later}
"
    )
}

pub(crate) async fn a_second_runner_gets_its_share_while_the_first_ones_function_runs() {
    let source = Source::new(4, "BatchSize: 1", &first_one_waits("    pass")).await;
    let other = source.another_mapping();
    source.topic.produce(&[rec(0, 0)]).await;
    source.enable().await;
    source.app.recorded(1).await;
    other.enable().await.unwrap();
    source.topic.produce(&(1..20).map(|n| rec(n % 4, n)).collect::<Vec<_>>()).await;
    until("a share for the second", async || (other.statistics().records >= 5).then_some(())).await;
    assert_eq!(source.mapping.statistics().invocations, 0, "the first one's function still runs");
    source.app.raise("release");
    source.until_committed(&[5; 4]).await;
    source.mapping.disable().await;
    other.disable().await;
    assert_eq!(distinct(&source, 4), all(4, 0..20));
}

pub(crate) async fn what_was_revoked_while_the_function_ran_is_not_committed_by_its_success() {
    let later = "    if not raised('mended'):\n        raise ValueError('not yet')";
    let properties = "BatchSize: 10, MaximumBatchingWindowInSeconds: 2";
    let source = Source::new(2, properties, &first_one_waits(later)).await;
    let other = source.another_mapping();
    source.topic.produce(&[rec(0, 0), rec(1, 1)]).await;
    source.enable().await;
    let first = source.app.recorded(1).await.remove(0);
    assert_eq!(first, serde_json::json!({"0": ["0"], "1": ["1"]}), "both partitions are in one batch");
    other.enable().await.unwrap();
    // One of the two goes to the second runner, where its record fails.
    until("a failure there", async || (other.statistics().failures > 0).then_some(())).await;
    source.app.raise("release");
    let committed = async || source.committed().await.into_iter().flatten().sum::<i64>();
    until("the first commits what it has kept", async || (committed().await == 1).then_some(())).await;
    let failures = other.statistics().failures;
    until("two more failures", async || (other.statistics().failures > failures + 1).then_some(())).await;
    assert_eq!(committed().await, 1, "the other partition is not settled");
    source.app.raise("mended");
    source.until_committed(&[1, 1]).await;
    source.mapping.disable().await;
    other.disable().await;
}

pub(crate) async fn partitions_that_are_added_are_read_from_their_first_record() {
    let source = Source::new(1, "BatchSize: 10, StartingPosition: LATEST", "").await;
    source.enable().await;
    source.topic.grow(3).await;
    source.topic.produce(&[rec(0, 0), rec(1, 1), rec(2, 2)]).await;
    source.until_committed(&[1; 3]).await;
    source.mapping.disable().await;
    assert_eq!(distinct(&source, 3), all(3, 0..3));
}
