//! What makes a batch.

use std::time::{Duration, Instant};

use lapin::{BasicProperties, types::AMQPValue};
use millrace::mapping::{MappingChange, MappingState};
use serde_json::{Value, json};

use crate::support::queue::{Queue, Rabbit};

const MB: usize = 1024 * 1024;

/// Says how many messages came and how large their event was.
const SIZES: &str = "
import json
def handler(event, context):
    (found,) = event['rmqMessagesByQueue'].values()
    size = len(json.dumps(event, separators=(',', ':')).encode())
    record({'first': [m['basicProperties']['messageId'] for m in found], 'bytes': size})
";

/// The lengths of recorded batches.
fn lengths(records: &[Value]) -> Vec<usize> {
    records.iter().map(|batch| batch.as_array().unwrap().len()).collect()
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

pub(crate) async fn a_batch_has_no_more_than_its_size_and_the_queues_order() {
    let rabbit = Rabbit::new("BatchSize: 10, MaximumBatchingWindowInSeconds: 1", "").await;
    rabbit.queue.publish_numbers(0..25).await;
    rabbit.mapping.enable().await;
    rabbit.done(25).await;
    rabbit.mapping.disable().await;
    assert_eq!(lengths(&rabbit.app.records()), [10, 10, 5]);
    assert_eq!(rabbit.delivered(), numbers(0..25));
    assert_eq!(rabbit.queue.ready().await, 0, "all are acknowledged");
}

pub(crate) async fn the_window_closes_a_small_batch() {
    let rabbit = Rabbit::new("BatchSize: 100, MaximumBatchingWindowInSeconds: 2", "").await;
    rabbit.mapping.enable().await;
    let began = Instant::now();
    rabbit.queue.publish(&["a"]).await;
    rabbit.queue.publish(&["b"]).await;
    rabbit.done(2).await;
    let took = began.elapsed();
    rabbit.mapping.disable().await;
    assert_eq!(rabbit.app.records(), [json!([["a", false], ["b", false]])]);
    assert!(took >= Duration::from_secs(2), "{took:?}");
}

pub(crate) async fn without_a_window_a_batch_waits_half_a_second() {
    let rabbit = Rabbit::new("BatchSize: 100, Enabled: true", "").await;
    let spec = rabbit.app.application.mq_mappings[0].clone();
    assert_eq!(spec.batching_window, Duration::ZERO, "as the template says");
    let template = "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {Runtime: provided.al2023, CodeUri: f/, \
                    Events: {E: {Type: MQ, Properties: {Broker: 'arn:aws:mq:us-east-1:1:broker:b:b-1', Queues: [q], \
                    SourceAccessConfigurations: [{Type: BASIC_AUTH, URI: s}]}}}}\n";
    let unset = crate::support::App::of(template, "").application.mq_mappings[0].clone();
    assert_eq!((unset.batch_size, unset.batching_window), (100, Duration::from_millis(500)));
}

pub(crate) async fn a_batch_is_closed_before_its_payload_exceeds_6_mb() {
    let rabbit = Rabbit::new("BatchSize: 100, MaximumBatchingWindowInSeconds: 1", SIZES).await;
    // Base64 makes 2 MB of 1.5 MB, so two fit and three do not.
    for id in numbers(0..5) {
        let properties = BasicProperties::default().with_message_id(id.as_str().into());
        rabbit.queue.publish_with(properties, &vec![b'x'; 3 * MB / 2]).await;
    }
    rabbit.mapping.enable().await;
    rabbit.done(5).await;
    rabbit.mapping.disable().await;
    let events = rabbit.app.records();
    let ids: Vec<&Value> = events.iter().map(|event| &event["first"]).collect();
    assert_eq!(ids, [&json!(["0", "1"]), &json!(["2", "3"]), &json!(["4"])]);
    assert!(events.iter().all(|event| event["bytes"].as_u64().unwrap() <= 6 * MB as u64), "{events:?}");
}

pub(crate) async fn a_message_over_the_limit_is_rejected_to_the_dead_letter_exchange_and_the_others_are_delivered() {
    let name = Queue::unused_name();
    let dead = Queue::create(&format!("{name}.dead"), &[]).await;
    let text = |text: &str| AMQPValue::LongString(text.into());
    let to_dead = [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text(&dead.name))];
    let queue = Queue::create(&name, &to_dead).await;
    let rabbit = Rabbit::of(queue, "BatchSize: 100, MaximumBatchingWindowInSeconds: 1", "");
    let huge = "x".repeat(5 * MB);
    rabbit.queue.publish(&["a", &huge, "b"]).await;
    rabbit.mapping.enable().await;
    rabbit.done(2).await;
    crate::support::until("the dead letter", async || (dead.ready().await == 1).then_some(())).await;
    rabbit.mapping.disable().await;
    assert_eq!(rabbit.app.records(), [json!([["a", false], ["b", false]])]);
    assert_eq!((rabbit.mapping.statistics().given_up, rabbit.queue.ready().await), (1, 0));
}

pub(crate) async fn one_invocation_at_a_time_whatever_the_function_has_reserved() {
    let judge = "
def judge(batch):
    import os
    here = os.path.join(os.environ['LAMBDA_TASK_ROOT'], 'here')
    os.close(os.open(here, os.O_CREAT | os.O_EXCL))
    await_flag('never', 0.1)
    os.remove(here)
";
    let rabbit = Rabbit::with_function("ReservedConcurrentExecutions: 5", "BatchSize: 1", judge).await;
    rabbit.queue.publish_numbers(0..8).await;
    rabbit.mapping.enable().await;
    rabbit.done(8).await;
    rabbit.mapping.disable().await;
    assert_eq!(rabbit.delivered(), numbers(0..8), "none failed because another one was there");
    assert_eq!(rabbit.app.f().statistics().cold_starts, 1);
}

pub(crate) async fn a_changed_batch_size_holds_from_the_next_batch_on() {
    let rabbit = Rabbit::new("BatchSize: 1", "").await;
    rabbit.mapping.enable().await;
    rabbit.queue.publish(&["a"]).await;
    rabbit.done(1).await;
    rabbit.mapping.change(&MappingChange {
        batch_size: Some(5),
        batching_window_seconds: Some(1),
        ..MappingChange::default()
    });
    rabbit.queue.publish_numbers(0..10).await;
    rabbit.done(11).await;
    rabbit.mapping.disable().await;
    assert_eq!(rabbit.delivered().len(), 11);
    assert!(lengths(&rabbit.app.records()).contains(&5), "{:?}", rabbit.app.records());
}

pub(crate) async fn a_message_that_the_filters_do_not_let_pass_is_acknowledged() {
    let filters = r#"FilterCriteria: {Filters: [{Pattern: '{"data": {"kind": ["order"]}}'}]}"#;
    let rabbit = Rabbit::new(&format!("BatchSize: 1, {filters}"), "").await;
    let (order, other) = (r#"{"kind":"order"}"#, r#"{"kind":"other"}"#);
    // More of the others than the broker gives out at once.
    rabbit.queue.publish(&[other, other, other, order, other, order, other]).await;
    rabbit.mapping.enable().await;
    rabbit.done(2).await;
    crate::support::until("all filtered", async || (rabbit.mapping.statistics().filtered == 5).then_some(())).await;
    rabbit.mapping.disable().await;
    assert_eq!(rabbit.delivered(), [order, order]);
    assert_eq!(rabbit.queue.ready().await, 0);
}

pub(crate) async fn a_mapping_that_is_disabled_ends_and_acknowledges_what_runs_and_loses_nothing() {
    let rabbit = Rabbit::new(
        "BatchSize: 2",
        "
def judge(batch):
    await_flag('go')
",
    )
    .await;
    rabbit.queue.publish_numbers(0..6).await;
    rabbit.mapping.enable().await;
    rabbit.app.recorded(1).await;
    let ends = rabbit.mapping.disable();
    let lets_go = async {
        crate::support::until("the end that was asked for", async || {
            (rabbit.mapping.state().0 == MappingState::Disabling).then_some(())
        })
        .await;
        rabbit.app.raise("go");
    };
    tokio::join!(ends, lets_go);
    assert_eq!(rabbit.mapping.state().0, MappingState::Disabled);
    let done = rabbit.delivered();
    assert_eq!(rabbit.mapping.statistics().records, done.len() as u64);
    assert_eq!(rabbit.queue.ready().await as usize, 6 - done.len(), "the others are back");
    rabbit.mapping.enable().await;
    rabbit.done(6).await;
    rabbit.mapping.disable().await;
    assert_eq!(rabbit.delivered(), numbers(0..6), "each once, in order");
}
