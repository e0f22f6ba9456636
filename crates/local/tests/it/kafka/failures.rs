//! What happens to a batch that fails: retries, giving up, cutting.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::support::{
    source::{Source, decoded},
    topic::{Rec, rec},
    until,
};

const DESTINATION: &str = "DestinationConfig: {OnFailure: {Destination: 'kafka://TOPIC.failed'}}";

/// Cannot stand the value `poison`.
const POISONED: &str = "
def judge(batch):
    if any('poison' in values for values in batch.values()):
        raise ValueError('poison')
";

fn now_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

pub(crate) async fn offsets_are_committed_after_success_only() {
    let source = Source::new(
        1,
        "BatchSize: 3",
        "
def judge(batch):
    if not raised('mended'):
        raise ValueError('not yet')
",
    )
    .await;
    source.topic.produce(&[rec(0, 0), rec(0, 1), rec(0, 2)]).await;
    source.enable().await;
    source.app.recorded(2).await;
    // The runner ends in the midst of it.
    source.mapping.disable().await;
    assert_eq!(source.committed().await[0].unwrap_or(0), 0);
    let before = source.app.records().len();
    source.app.raise("mended");
    source.enable().await;
    source.until_committed(&[3]).await;
    source.mapping.disable().await;
    let after: Vec<_> = source.delivered(0).split_off(3 * before);
    assert_eq!(after, ["0", "1", "2"], "the same records come again, once");
}

pub(crate) async fn a_failing_partition_holds_up_no_other() {
    let source = Source::new(2, "BatchSize: 1", POISONED).await;
    source.topic.produce(&[rec(0, "poison"), rec(0, "behind")]).await;
    source.enable().await;
    source.app.recorded(2).await;
    source.topic.produce(&[rec(1, "a"), rec(1, "b")]).await;
    source.until_committed(&[0, 2]).await;
    source.mapping.disable().await;
    assert_eq!(source.delivered(1), ["a", "b"]);
    assert!(source.delivered(0).iter().all(|value| value == "poison"), "nothing overtakes it");
}

pub(crate) async fn a_crash_is_a_failure_like_any_other() {
    let source = Source::new(
        1,
        "BatchSize: 2",
        "
import os
def judge(batch):
    if not raised('mended'):
        raise_flag('mended')
        os._exit(1)
",
    )
    .await;
    source.topic.produce(&[rec(0, 0), rec(0, 1)]).await;
    source.enable().await;
    source.until_committed(&[2]).await;
    source.mapping.disable().await;
    assert_eq!(source.delivered(0), ["0", "1", "0", "1"]);
}

pub(crate) async fn a_throttled_batch_waits_and_uses_up_no_retry() {
    // Two mappings of one function with one place: the second one has to wait.
    let source = Source::new(1, &format!("BatchSize: 1, MaximumRetryAttempts: 0, {DESTINATION}"), "").await;
    let busy = crate::support::App::function(
        "ReservedConcurrentExecutions: 1, Timeout: 60",
        "
def handler(event, context):
    record('begun')
    await_flag('go')
",
    );
    let spec = source.mapping.spec().clone();
    let mapping = millrace::kafka_source::Mapping::new(spec, busy.host.clone(), source.topic.kafka.clone());
    let holder = busy.start_invocation(&json!({}));
    busy.recorded(1).await;
    source.topic.produce(&[rec(0, "a")]).await;
    mapping.enable().await.unwrap();
    until("a throttled attempt", async || (busy.f().statistics().throttles >= 2).then_some(())).await;
    busy.raise("go");
    assert!(holder.await.unwrap().unwrap().is_success());
    source.until_committed(&[1]).await;
    mapping.disable().await;
    assert_eq!((mapping.statistics().records, mapping.statistics().given_up), (1, 0));
}

pub(crate) async fn after_its_retries_a_batch_goes_to_the_destination_and_the_next_one_comes() {
    let properties = format!("BatchSize: 2, MaximumBatchingWindowInSeconds: 1, MaximumRetryAttempts: 2, {DESTINATION}");
    let source = Source::new(1, &properties, POISONED).await;
    let keyed = Rec { key: Some(b"k".to_vec()), ..rec(0, "a") };
    source.topic.produce(&[keyed, rec(0, "poison"), rec(0, "b"), rec(0, "c")]).await;
    source.enable().await;
    source.until_committed(&[4]).await;
    source.mapping.disable().await;
    let expected = ["a", "poison", "a", "poison", "a", "poison", "b", "c"];
    assert_eq!(source.delivered(0), expected, "one attempt and two retries");
    let failed = source.failed.read(2).await;
    let document = failed[1].json();
    let request = &document["requestContext"];
    assert_eq!(request["condition"], "RetriesExhausted");
    assert_eq!(request["approximateInvokeCount"], 3);
    assert_eq!(request["functionArn"], format!("{}:$LATEST", source.app.f().arn()));
    assert!(source.app.log().contains(request["requestId"].as_str().unwrap()), "the last attempt's");
    assert_eq!(document["responseContext"]["functionError"], "Unhandled");
    let info = &document["KafkaBatchInfo"];
    assert_eq!((&info["batchSize"], &info["recordInfo"]["offset"]), (&json!(1), &json!("1")));
    assert_eq!(failed.iter().map(|record| record.key.clone()).collect::<Vec<_>>(), [Some(b"k".to_vec()), None]);
    let partition = format!("{}-0", source.topic.name);
    let values = failed.iter().map(|record| decoded(&record.json()["payload"]["records"][&partition][0]["value"]));
    assert_eq!(values.collect::<Vec<_>>(), ["a", "poison"], "one message a record, with the record's key");
    assert_eq!(source.mapping.statistics().given_up, 2);
}

pub(crate) async fn without_a_destination_a_batch_is_dropped_after_its_retries() {
    let source = Source::new(1, "BatchSize: 1, MaximumRetryAttempts: 1", POISONED).await;
    source.topic.produce(&[rec(0, "poison"), rec(0, "a")]).await;
    source.enable().await;
    source.until_committed(&[2]).await;
    source.mapping.disable().await;
    assert_eq!(source.delivered(0), ["poison", "poison", "a"]);
}

pub(crate) async fn records_that_grew_too_old_are_given_up_and_the_others_tried_again() {
    let properties =
        format!("BatchSize: 3, MaximumBatchingWindowInSeconds: 1, MaximumRecordAgeInSeconds: 3600, {DESTINATION}");
    let source = Source::new(
        1,
        &properties,
        "
def judge(batch):
    if 'old' in batch['0'] or not raised('mended'):
        raise ValueError('not yet')
",
    )
    .await;
    let at = |value: &str, ms| Rec { timestamp_ms: Some(ms), ..rec(0, value) };
    let (old, now) = (now_ms() - 2 * 3_600_000, now_ms());
    source.topic.produce(&[at("old", old), at("old", old + 1), at("young", now)]).await;
    source.enable().await;
    source.app.recorded(2).await;
    source.until_committed(&[2]).await;
    source.app.raise("mended");
    source.until_committed(&[3]).await;
    source.mapping.disable().await;
    let document = source.failed.read(1).await[0].json();
    assert_eq!(document["requestContext"]["condition"], "MaximumRecordAgeExceeded");
    assert_eq!(document["KafkaBatchInfo"]["recordInfo"]["offset"], "0");
    assert_eq!(source.delivered(0)[..4], ["old", "old", "young", "young"]);
}

pub(crate) async fn bisecting_finds_the_poison_and_delivers_everything_else() {
    let properties = format!(
        "BatchSize: 8, MaximumBatchingWindowInSeconds: 1, BisectBatchOnFunctionError: true, MaximumRetryAttempts: 1, {DESTINATION}"
    );
    // Only what comes through is recorded.
    let source = Source::new(
        1,
        &properties,
        "
def handler(event, context):
    batch = values(event)
    if 'poison' in batch['0']:
        raise ValueError('poison')
    record(batch)
",
    )
    .await;
    let values = ["0", "1", "2", "3", "4", "poison", "6", "7"];
    source.topic.produce(&values.map(|value| rec(0, value))).await;
    source.enable().await;
    source.until_committed(&[8]).await;
    source.mapping.disable().await;
    assert_eq!(source.delivered(0), ["0", "1", "2", "3", "4", "6", "7"], "in order, each once");
    let document = source.failed.read(1).await[0].json();
    assert_eq!(document["KafkaBatchInfo"]["batchSize"], 1);
    assert_eq!(document["KafkaBatchInfo"]["recordInfo"]["offset"], "5");
    assert_eq!(source.mapping.statistics().given_up, 1);
}

pub(crate) async fn a_destination_that_refuses_loses_nothing() {
    let destination = "DestinationConfig: {OnFailure: {Destination: 'kafka://TOPIC.small'}}";
    let source = Source::new(1, &format!("BatchSize: 1, MaximumRetryAttempts: 0, {destination}"), POISONED).await;
    let limit = [("max.message.bytes".to_owned(), "100".to_owned())].into();
    let small = format!("{}.small", source.topic.name);
    kafka::admin::create_topic(&source.topic.kafka, &small, 1, &limit).await.unwrap();
    source.topic.produce(&[rec(0, "poison"), rec(0, "a")]).await;
    source.gives_up_and_settles_nothing().await;
}
