//! What happens to a batch that fails: it goes back whole, and comes again.

use lapin::types::AMQPValue;
use serde_json::{Value, json};

use crate::support::{
    queue::{Queue, Rabbit},
    until,
};

/// Fails until it is mended.
const UNTIL_MENDED: &str = "
def judge(batch):
    if not raised('mended'):
        raise ValueError('not yet')
";

pub(crate) async fn messages_are_acknowledged_after_success_only() {
    let rabbit = Rabbit::new("BatchSize: 3, MaximumBatchingWindowInSeconds: 1", UNTIL_MENDED).await;
    rabbit.queue.publish(&["a", "b", "c"]).await;
    rabbit.mapping.enable().await;
    rabbit.app.recorded(2).await;
    // The runner ends in the midst of it.
    rabbit.mapping.disable().await;
    assert_eq!(rabbit.queue.ready().await, 3);
    assert_eq!(rabbit.mapping.statistics().records, 0);
}

pub(crate) async fn a_failed_batch_comes_again_whole_and_marked_as_redelivered() {
    let judge = "
def judge(batch):
    if 'b' in batch and not raised('once'):
        raise_flag('once')
        raise ValueError('b')
";
    let rabbit = Rabbit::new("BatchSize: 3, MaximumBatchingWindowInSeconds: 1", judge).await;
    rabbit.queue.publish(&["a", "b", "c"]).await;
    rabbit.mapping.enable().await;
    rabbit.done(3).await;
    rabbit.mapping.disable().await;
    let batch = |again: bool| json!([["a", again], ["b", again], ["c", again]]);
    assert_eq!(rabbit.app.records(), [batch(false), batch(true)]);
    assert_eq!(rabbit.queue.ready().await, 0);
}

pub(crate) async fn an_answer_with_batch_item_failures_is_success() {
    let judge = "
def judge(batch):
    return {'batchItemFailures': [{'itemIdentifier': 'm-1'}]}
";
    let rabbit = Rabbit::new("BatchSize: 1", judge).await;
    rabbit.queue.publish(&["a", "b"]).await;
    rabbit.mapping.enable().await;
    rabbit.done(2).await;
    rabbit.mapping.disable().await;
    assert_eq!((rabbit.delivered(), rabbit.queue.ready().await), (vec!["a".into(), "b".into()], 0));
}

pub(crate) async fn a_crash_is_a_failure_like_any_other() {
    let judge = "
import os
def judge(batch):
    if not raised('mended'):
        raise_flag('mended')
        os._exit(1)
";
    let rabbit = Rabbit::new("BatchSize: 2, MaximumBatchingWindowInSeconds: 1", judge).await;
    rabbit.queue.publish(&["a", "b"]).await;
    rabbit.mapping.enable().await;
    rabbit.done(2).await;
    rabbit.mapping.disable().await;
    assert_eq!(rabbit.delivered(), ["a", "b", "a", "b"]);
}

pub(crate) async fn a_timeout_is_a_failure_like_any_other() {
    let judge = "
def judge(batch):
    if not raised('mended'):
        raise_flag('mended')
        await_flag('never')
";
    let rabbit = Rabbit::with_function("Timeout: 1", "BatchSize: 1", judge).await;
    rabbit.queue.publish(&["a"]).await;
    rabbit.mapping.enable().await;
    rabbit.done(1).await;
    rabbit.mapping.disable().await;
    assert_eq!(rabbit.app.records(), [json!([["a", false]]), json!([["a", true]])]);
}

pub(crate) async fn a_throttled_batch_comes_again_until_there_is_room() {
    let holds = "
deliver = handler
def handler(event, context):
    if 'rmqMessagesByQueue' in event:
        return deliver(event, context)
    record([['begun', False]])
    await_flag('go')
";
    let function = "Timeout: 60, ReservedConcurrentExecutions: 1";
    let rabbit = Rabbit::with_function(function, "BatchSize: 1", holds).await;
    let holder = rabbit.app.start_invocation(&json!({}));
    rabbit.app.recorded(1).await;
    rabbit.queue.publish(&["a"]).await;
    rabbit.mapping.enable().await;
    until("a throttled attempt", async || (rabbit.app.f().statistics().throttles >= 2).then_some(())).await;
    rabbit.app.raise("go");
    assert!(holder.await.unwrap().unwrap().is_success());
    rabbit.done(1).await;
    rabbit.mapping.disable().await;
    assert_eq!(rabbit.delivered(), ["begun", "a"]);
}

pub(crate) async fn the_wait_after_a_failure_grows() {
    let judge = "
import time
def handler(event, context):
    record(time.time())
    raise ValueError('poison')
";
    let rabbit = Rabbit::new("BatchSize: 1", judge).await;
    rabbit.queue.publish(&["poison"]).await;
    rabbit.mapping.enable().await;
    let times: Vec<f64> = rabbit.app.recorded(4).await.iter().map(|time| time.as_f64().unwrap()).collect();
    rabbit.mapping.disable().await;
    let waits: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(waits[0] >= 0.2 && waits[1] >= 0.4 && waits[2] >= 0.8, "{waits:?}");
}

pub(crate) async fn a_queue_with_a_delivery_limit_takes_a_poison_message_out_of_the_way() {
    let name = Queue::unused_name();
    let dead = Queue::create(&format!("{name}.dead"), &[]).await;
    let text = |text: &str| AMQPValue::LongString(text.into());
    let arguments = [
        ("x-queue-type", text("quorum")),
        ("x-delivery-limit", AMQPValue::LongInt(2)),
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text(&dead.name)),
    ];
    let judge = "
def judge(batch):
    if 'poison' in batch:
        raise ValueError('poison')
";
    let rabbit = Rabbit::of(Queue::create(&name, &arguments).await, "BatchSize: 1", judge);
    rabbit.queue.publish(&["poison", "a"]).await;
    rabbit.mapping.enable().await;
    rabbit.done(1).await;
    until("the dead letter", async || (dead.ready().await == 1).then_some(())).await;
    rabbit.mapping.disable().await;
    let delivered = rabbit.delivered();
    assert_eq!(delivered.iter().filter(|data| *data == "poison").count(), 3, "once and twice again");
    assert_eq!(delivered.iter().filter(|data| *data == "a").count(), 1);
}

pub(crate) async fn a_stopped_function_does_not_use_up_a_delivery_limit() {
    let name = Queue::unused_name();
    let arguments =
        [("x-queue-type", AMQPValue::LongString("quorum".into())), ("x-delivery-limit", AMQPValue::LongInt(1))];
    let rabbit = Rabbit::of(Queue::create(&name, &arguments).await, "BatchSize: 1", "");
    rabbit.app.f().stop().await;
    rabbit.queue.publish(&["a"]).await;
    rabbit.mapping.enable().await;
    until("the message with the mapping", async || (rabbit.queue.ready().await == 0).then_some(())).await;
    // Long enough for two attempts, had there been any.
    let deadline = std::time::Instant::now() + std::time::Duration::from_millis(1200);
    until("two attempts' time", async || (std::time::Instant::now() > deadline).then_some(())).await;
    rabbit.app.f().resume();
    rabbit.done(1).await;
    rabbit.mapping.disable().await;
    assert_eq!(rabbit.app.records(), [json!([["a", false]])] as [Value; 1]);
}
