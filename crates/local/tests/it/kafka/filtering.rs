//! Filters on the way of records to the function; what patterns match is in `pattern/`.

use crate::support::{source::Source, topic::rec, until};

/// Every fifth of the numbers passes.
const EVERY_FIFTH: &str = r#"FilterCriteria: {Filters: [{Pattern: '{"value":{"fifth":[true]}}'}]}"#;

async fn produce(source: &Source, numbers: std::ops::Range<i32>) {
    let record = |n: i32| rec(0, format!(r#"{{"n":{n},"fifth":{}}}"#, n % 5 == 4));
    source.topic.produce(&numbers.map(record).collect::<Vec<_>>()).await;
}

fn fifths(numbers: std::ops::Range<i32>) -> Vec<String> {
    numbers.filter(|n| n % 5 == 4).map(|n| format!(r#"{{"n":{n},"fifth":true}}"#)).collect()
}

pub(crate) async fn filtered_records_are_not_delivered_and_their_offsets_are_committed() {
    let source = Source::new(1, &format!("BatchSize: 100, {EVERY_FIFTH}"), "").await;
    produce(&source, 0..23).await;
    source.enable().await;
    // 20 to 22 stand behind the last record that was delivered.
    source.until_committed(&[23]).await;
    source.mapping.disable().await;
    assert_eq!(source.delivered(0), fifths(0..23));
    assert_eq!((source.mapping.statistics().records, source.mapping.statistics().filtered), (4, 19));
}

pub(crate) async fn when_all_records_are_filtered_out_nothing_is_invoked() {
    let source = Source::new(1, &format!("BatchSize: 100, {EVERY_FIFTH}"), "").await;
    produce(&source, 0..4).await;
    source.enable().await;
    source.until_committed(&[4]).await;
    source.mapping.disable().await;
    assert_eq!(source.mapping.statistics().invocations, 0);
    assert!(source.app.records().is_empty());
}

pub(crate) async fn filtering_comes_before_batching() {
    // The window is long: only a full batch of what passed closes it in time.
    let window = "MaximumBatchingWindowInSeconds: 300";
    let source = Source::new(1, &format!("BatchSize: 4, {window}, {EVERY_FIFTH}"), "").await;
    produce(&source, 0..20).await;
    source.enable().await;
    let batch = source.app.recorded(1).await.remove(0);
    assert_eq!(batch["0"].as_array().unwrap().len(), 4);
    source.until_committed(&[20]).await;
    source.mapping.disable().await;
    assert_eq!(source.delivered(0), fifths(0..20));
}

pub(crate) async fn a_failed_batch_is_not_overtaken_by_what_was_filtered_out() {
    let judge = "
def judge(batch):
    if not raised('mended'):
        raise ValueError('not yet')
";
    let source = Source::new(1, &format!("BatchSize: 1, {EVERY_FIFTH}"), judge).await;
    produce(&source, 0..9).await;
    source.enable().await;
    until("two attempts", async || (source.mapping.statistics().failures >= 2).then_some(())).await;
    // 0 to 3 are done; 4 has failed, so nothing behind it is.
    assert!(source.committed().await[0].is_none_or(|offset| offset <= 4));
    source.app.raise("mended");
    source.until_committed(&[9]).await;
    source.mapping.disable().await;
}
