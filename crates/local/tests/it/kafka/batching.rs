//! When a batch is closed.

use std::time::Instant;

use millrace::mapping::{MappingChange, MappingState};
use serde_json::json;

use crate::support::{
    source::{Source, batch},
    topic::rec,
};

pub(crate) async fn one_payload_holds_several_partitions_each_in_order() {
    let source = Source::new(3, "BatchSize: 6, MaximumBatchingWindowInSeconds: 60", "").await;
    let records = [rec(0, "a"), rec(1, "x"), rec(0, "b"), rec(2, "u"), rec(1, "y"), rec(0, "c")];
    source.topic.produce(&records).await;
    source.enable().await;
    let batches = source.app.recorded(1).await;
    assert_eq!(batches[0], json!({"0": ["a", "b", "c"], "1": ["x", "y"], "2": ["u"]}));
    source.until_committed(&[3, 2, 1]).await;
    source.mapping.disable().await;
}

pub(crate) async fn a_batch_has_no_more_than_its_size() {
    let source = Source::new(1, "BatchSize: 10, MaximumBatchingWindowInSeconds: 1", "").await;
    source.topic.produce(&(0..25).map(|n| rec(0, n)).collect::<Vec<_>>()).await;
    source.enable().await;
    assert_eq!(source.app.recorded(3).await, [batch(0, 0..10), batch(0, 10..20), batch(0, 20..25)]);
    source.until_committed(&[25]).await;
    source.mapping.disable().await;
    let statistics = source.mapping.statistics();
    assert_eq!((statistics.invocations, statistics.failures, statistics.records), (3, 0, 25));
}

pub(crate) async fn the_window_closes_a_small_batch() {
    let source = Source::new(1, "BatchSize: 1000, MaximumBatchingWindowInSeconds: 1", "").await;
    source.topic.produce(&[rec(0, 0), rec(0, 1)]).await;
    source.enable().await;
    assert_eq!(source.app.recorded(1).await, [batch(0, 0..2)]);
    // The next window begins with its first record, not with the last batch.
    let produced = Instant::now();
    source.topic.produce(&[rec(0, 2)]).await;
    assert_eq!(source.app.recorded(2).await[1], batch(0, 2..3));
    assert!(produced.elapsed().as_millis() >= 1000, "{:?}", produced.elapsed());
    source.mapping.disable().await;
}

pub(crate) async fn an_ending_mapping_delivers_what_it_has_begun() {
    let source = Source::new(1, "BatchSize: 1000, MaximumBatchingWindowInSeconds: 300", "").await;
    source.topic.produce(&[rec(0, 0), rec(0, 1)]).await;
    source.enable().await;
    assert_eq!(source.mapping.state().0, MappingState::Enabled);
    source.mapping.disable().await;
    assert_eq!(source.mapping.state().0, MappingState::Disabled);
    // It had them already, or had not joined its group yet. Either way nothing is lost and nothing comes twice.
    let change = MappingChange { batching_window_seconds: Some(0), ..MappingChange::default() };
    source.mapping.change(&change);
    source.enable().await;
    source.until_committed(&[2]).await;
    source.mapping.disable().await;
    assert_eq!(source.delivered(0), ["0", "1"]);
}

pub(crate) async fn a_changed_batch_size_holds_from_the_next_batch_on() {
    let source = Source::new(
        1,
        "BatchSize: 2, MaximumBatchingWindowInSeconds: 60",
        "
def judge(batch):
    await_flag('go')
",
    )
    .await;
    source.topic.produce(&(0..10).map(|n| rec(0, n)).collect::<Vec<_>>()).await;
    source.enable().await;
    source.app.recorded(1).await;
    source.mapping.change(&MappingChange { batch_size: Some(4), ..MappingChange::default() });
    source.app.raise("go");
    assert_eq!(source.app.recorded(3).await, [batch(0, 0..2), batch(0, 2..6), batch(0, 6..10)]);
    assert_eq!(source.mapping.limits().0, 4);
    source.mapping.disable().await;
}
