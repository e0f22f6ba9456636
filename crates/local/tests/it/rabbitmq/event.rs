//! What the function gets.

use lapin::{
    BasicProperties,
    types::{AMQPValue, ByteArray, DecimalValue, FieldArray, FieldTable, LongString},
};
use serde_json::{Value, json};

use crate::support::queue::{Queue, Rabbit, broker_url, manage, mapping};

/// Records the whole event.
const WHOLE: &str = "
def handler(event, context):
    record(event)
";

/// The event of one message.
async fn event_of(properties: BasicProperties, data: &[u8]) -> (Value, String) {
    let rabbit = Rabbit::new("BatchSize: 1", WHOLE).await;
    rabbit.queue.publish_with(properties, data).await;
    rabbit.mapping.enable().await;
    let event = rabbit.app.recorded(1).await.remove(0);
    rabbit.mapping.disable().await;
    (event, rabbit.queue.name)
}

pub(crate) async fn a_message_looks_as_lambda_sends_it() {
    let mut headers = FieldTable::default();
    headers.insert("header1".into(), AMQPValue::LongString("value1".into()));
    headers.insert("numberInHeader".into(), AMQPValue::LongInt(10));
    let properties = BasicProperties::default()
        .with_content_type("text/plain".into())
        .with_content_encoding("identity".into())
        .with_headers(headers)
        .with_delivery_mode(1)
        .with_priority(34)
        .with_correlation_id("c-1".into())
        .with_reply_to("answers".into())
        .with_expiration("60000".into())
        .with_message_id("m-1".into())
        .with_timestamp(2_021)
        .with_type("order".into())
        .with_user_id("millrace".into())
        .with_app_id("shop".into())
        .with_cluster_id("k".into());
    let (event, queue) = event_of(properties, b"\x00\xff").await;
    let message = json!({
        "basicProperties": {
            "contentType": "text/plain", "contentEncoding": "identity",
            "headers": {"header1": {"bytes": [118, 97, 108, 117, 101, 49]}, "numberInHeader": 10},
            "deliveryMode": 1, "priority": 34, "correlationId": "c-1", "replyTo": "answers", "expiration": "60000",
            "messageId": "m-1", "timestamp": "Jan 1, 1970, 12:33:41 AM", "type": "order", "userId": "millrace",
            "appId": "shop", "clusterId": "k", "bodySize": 2,
        },
        "redelivered": false,
        "data": "AP8=",
    });
    let arn = event["eventSourceArn"].as_str().unwrap();
    assert!(arn.starts_with("arn:aws:mq:us-east-1:000000000000:broker:orders:b-"), "{arn}");
    let expected = json!({"eventSource": "aws:rmq", "eventSourceArn": arn, "rmqMessagesByQueue": {format!("{queue}::/"): [message]}});
    assert_eq!(event, expected);
}

pub(crate) async fn every_property_is_there_and_null_when_it_is_unset() {
    let (event, queue) = event_of(BasicProperties::default(), b"Hello World 1").await;
    let message = &event["rmqMessagesByQueue"][format!("{queue}::/")][0];
    let expected = json!({
        "contentType": null, "contentEncoding": null, "headers": null, "deliveryMode": null, "priority": null,
        "correlationId": null, "replyTo": null, "expiration": null, "messageId": null, "timestamp": null, "type": null,
        "userId": null, "appId": null, "clusterId": null, "bodySize": 13,
    });
    assert_eq!(message["basicProperties"], expected);
}

pub(crate) async fn headers_of_every_type() {
    let mut inner = FieldTable::default();
    inner.insert("deep".into(), AMQPValue::LongString("x".into()));
    let array = vec![AMQPValue::LongInt(1), AMQPValue::LongString("y".into()), AMQPValue::Void];
    let values = [
        ("text", AMQPValue::LongString(LongString::from(vec![0x61, 0xc3, 0xa4])), json!({"bytes": [97, -61, -92]})),
        ("bytes", AMQPValue::ByteArray(ByteArray::from(vec![0, 128, 255])), json!({"bytes": [0, -128, -1]})),
        ("boolean", AMQPValue::Boolean(true), json!(true)),
        ("i8", AMQPValue::ShortShortInt(-5), json!(-5)),
        ("u8", AMQPValue::ShortShortUInt(250), json!(250)),
        ("i16", AMQPValue::ShortInt(-500), json!(-500)),
        ("u16", AMQPValue::ShortUInt(65_000), json!(65_000)),
        ("i32", AMQPValue::LongInt(-70_000), json!(-70_000)),
        ("u32", AMQPValue::LongUInt(4_000_000_000), json!(4_000_000_000_u32)),
        ("i64", AMQPValue::LongLongInt(i64::MAX), json!(i64::MAX)),
        ("f32", AMQPValue::Float(0.5), json!(0.5)),
        ("f64", AMQPValue::Double(-1.25), json!(-1.25)),
        ("decimal", AMQPValue::DecimalValue(DecimalValue { scale: 2, value: 205 }), json!(2.05)),
        ("time", AMQPValue::Timestamp(1_700_000_000), json!("Nov 14, 2023, 10:13:20 PM")),
        ("table", AMQPValue::FieldTable(inner), json!({"deep": {"bytes": [120]}})),
        ("list", AMQPValue::FieldArray(FieldArray::from(array)), json!([1, {"bytes": [121]}, null])),
        ("nothing", AMQPValue::Void, Value::Null),
    ];
    let mut headers = FieldTable::default();
    let mut expected = serde_json::Map::new();
    for (name, value, json) in values {
        headers.insert(name.into(), value);
        expected.insert(name.into(), json);
    }
    let (event, queue) = event_of(BasicProperties::default().with_headers(headers), b"").await;
    let message = &event["rmqMessagesByQueue"][format!("{queue}::/")][0];
    assert_eq!(message["basicProperties"]["headers"], Value::Object(expected));
    assert_eq!((&message["data"], &message["basicProperties"]["bodySize"]), (&json!(""), &json!(0)));
}

pub(crate) async fn the_key_names_queue_and_virtual_host() {
    let name = Queue::unused_name();
    manage(&format!("vhosts/{name}"), &json!({})).await;
    manage(&format!("permissions/{name}/millrace"), &json!({"configure": ".*", "write": ".*", "read": ".*"})).await;
    let queue = Queue::create_at(&broker_url(), &name, "orders", &[]).await;
    queue.publish(&["a"]).await;
    let access =
        format!("SourceAccessConfigurations: [{{Type: BASIC_AUTH, URI: s}}, {{Type: VIRTUAL_HOST, URI: {name}}}]");
    let (app, mapping) = mapping("orders", "Timeout: 60", &access, WHOLE);
    mapping.enable().await;
    let event = app.recorded(1).await.remove(0);
    mapping.disable().await;
    let keys: Vec<&String> = event["rmqMessagesByQueue"].as_object().unwrap().keys().collect();
    assert_eq!(keys, [&format!("orders::{name}")]);
}

pub(crate) async fn the_same_message_published_twice_is_delivered_twice() {
    let rabbit = Rabbit::new("BatchSize: 10, MaximumBatchingWindowInSeconds: 1", "").await;
    for _ in 0..2 {
        rabbit.queue.publish_with(BasicProperties::default().with_message_id("m-1".into()), b"same").await;
    }
    rabbit.mapping.enable().await;
    rabbit.done(2).await;
    rabbit.mapping.disable().await;
    assert_eq!(rabbit.app.records(), [json!([["same", false], ["same", false]])]);
}
