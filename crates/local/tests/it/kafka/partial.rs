//! `ReportBatchItemFailures`.

use futures::future::join_all;
use serde_json::json;

use crate::support::{
    source::{Source, batch},
    topic::rec,
};

const REPORTS: &str =
    "BatchSize: 8, MaximumBatchingWindowInSeconds: 1, FunctionResponseTypes: [ReportBatchItemFailures]";

/// Fails `(partition, offset)` until the flag is raised; offsets are counted from 0 as values are.
const REPORTER: &str = "
def handler(event, context):
    batch = values(event)
    record(batch)
    failures = []
    for name, records in event['records'].items():
        if name.endswith('-0') and not raised('mended'):
            failures += [{'itemIdentifier': {'partition': name, 'offset': r['offset']}} for r in records if r['offset'] >= 2]
    return {'batchItemFailures': failures}
";

pub(crate) async fn a_partition_goes_on_from_its_failed_offset_while_others_go_on() {
    let source = Source::new(2, REPORTS, REPORTER).await;
    let both = |range: std::ops::Range<i32>| range.flat_map(|n| [rec(0, n), rec(1, n)]).collect::<Vec<_>>();
    source.topic.produce(&both(0..4)).await;
    source.enable().await;
    assert_eq!(source.app.recorded(1).await[0], json!({"0": ["0", "1", "2", "3"], "1": ["0", "1", "2", "3"]}));
    // What stands before the failed offset is done, and so is all of the partition that was not named.
    source.until_committed(&[2, 4]).await;
    source.topic.produce(&both(4..8)).await;
    source.until_committed(&[2, 8]).await;
    source.app.raise("mended");
    source.until_committed(&[8, 8]).await;
    source.mapping.disable().await;
    let again: Vec<_> = source.app.records().into_iter().filter(|b| b["0"][0] == "2").collect();
    assert!(
        !again.is_empty() && again.iter().all(|b| *b == batch(0, 2..4)),
        "only the failed ones come again: {again:?}"
    );
    let mut seen = source.delivered(0);
    seen.dedup();
    assert_eq!(seen.last().unwrap(), "7");
    assert_eq!(source.delivered(1), ["0", "1", "2", "3", "4", "5", "6", "7"], "each once");
}

pub(crate) async fn an_answer_that_makes_no_sense_returns_the_whole_batch() {
    let answers = [
        "{'batchItemFailures': [{'itemIdentifier': '0-1'}]}",
        "{'batchItemFailures': [{'itemIdentifier': {'partition': 'other-0', 'offset': 1}}]}",
        "{'batchItemFailures': [{'itemIdentifier': {'partition': next(iter(event['records'])), 'offset': 99}}]}",
        "{'batchItemFailures': 'all'}",
        "b'no json'",
    ];
    join_all(answers.map(returns_the_whole_batch)).await;
}

async fn returns_the_whole_batch(answer: &str) {
    let handler = format!(
        "
def handler(event, context):
    record(values(event))
    return {{'batchItemFailures': []}} if raised('mended') else {answer}
"
    );
    let source = Source::new(1, &REPORTS.replace("BatchSize: 8", "BatchSize: 3"), &handler).await;
    source.topic.produce(&[rec(0, 0), rec(0, 1), rec(0, 2)]).await;
    source.enable().await;
    let batches = source.app.recorded(2).await;
    assert_eq!(batches[..2], [batch(0, 0..3), batch(0, 0..3)], "{answer}");
    source.until_committed(&[0]).await;
    source.app.raise("mended");
    source.until_committed(&[3]).await;
    source.mapping.disable().await;
}

pub(crate) async fn without_the_setting_a_normal_return_is_success() {
    let source = Source::new(
        1,
        "BatchSize: 4",
        "
def judge(batch):
    return {'batchItemFailures': [{'itemIdentifier': {'partition': 'whatever', 'offset': 0}}]}
",
    )
    .await;
    source.topic.produce(&[rec(0, 0), rec(0, 1)]).await;
    source.enable().await;
    source.until_committed(&[2]).await;
    source.mapping.disable().await;
    assert_eq!(source.delivered(0), ["0", "1"]);
    assert_eq!(source.mapping.statistics().failures, 0);
}
