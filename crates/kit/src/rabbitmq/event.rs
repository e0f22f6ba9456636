//! The event of an Amazon MQ mapping of a RabbitMQ broker.

use std::{borrow::Cow, collections::BTreeMap, fmt, sync::Arc};

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};

use super::header::Header;
use crate::wire::Base64;

/// One batch: messages in the order in which the broker gave them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RabbitMqEvent {
    /// `aws:rmq`; some recorded events lack it.
    pub event_source: Option<String>,
    /// The broker's ARN.
    pub event_source_arn: String,
    /// All messages.
    pub messages: Vec<Message>,
}

/// One message, decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Shared by all messages of the queue.
    pub queue: Arc<str>,
    /// Shared by all messages of the queue.
    pub virtual_host: Arc<str>,
    /// What the publisher said of it.
    pub properties: Properties,
    /// Whether the broker has given it to a consumer before.
    pub redelivered: bool,
    /// The body.
    pub data: Vec<u8>,
}

/// A message's properties: `None` is what the publisher did not set.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Properties {
    /// MIME type of the body.
    pub content_type: Option<String>,
    /// Its encoding.
    pub content_encoding: Option<String>,
    /// By name; none and an empty table are the same.
    #[serde(deserialize_with = "null_is_empty")]
    pub headers: BTreeMap<String, Header>,
    /// 2 is persistent.
    pub delivery_mode: Option<u8>,
    /// 0 to 255.
    pub priority: Option<u8>,
    /// For answers.
    pub correlation_id: Option<String>,
    /// The queue for answers.
    pub reply_to: Option<String>,
    /// Time to live in milliseconds, as text.
    pub expiration: Option<String>,
    /// The publisher's own id.
    pub message_id: Option<String>,
    /// To the second.
    #[serde(deserialize_with = "date")]
    pub timestamp: Option<DateTime<Utc>>,
    /// The publisher's own word for it.
    pub r#type: Option<String>,
    /// The login that published, when it says so.
    pub user_id: Option<String>,
    /// The program that published, when it says so.
    pub app_id: Option<String>,
    /// Out of use.
    pub cluster_id: Option<String>,
    /// Bytes of the body.
    pub body_size: u64,
}

impl<'de> Deserialize<'de> for RabbitMqEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire {
            event_source: Option<String>,
            event_source_arn: String,
            rmq_messages_by_queue: Messages,
        }
        let Wire { event_source, event_source_arn, rmq_messages_by_queue: Messages(messages) } =
            Wire::deserialize(deserializer)?;
        Ok(Self { event_source, event_source_arn, messages })
    }
}

/// The map by queue, flattened while it is read.
struct Messages(Vec<Message>);

impl<'de> Deserialize<'de> for Messages {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Queues;
        impl<'de> Visitor<'de> for Queues {
            type Value = Messages;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map from <queue>::<virtual host> to messages")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Messages, A::Error> {
                let mut all = Vec::new();
                while let Some((key, messages)) = map.next_entry::<Cow<'de, str>, Vec<WireMessage>>()? {
                    // A queue's name may hold two colons, a virtual host hardly does.
                    let (queue, virtual_host) = key
                        .rsplit_once("::")
                        .ok_or_else(|| A::Error::custom(format!("{key} is not <queue>::<virtual host>")))?;
                    let (queue, virtual_host): (Arc<str>, Arc<str>) = (queue.into(), virtual_host.into());
                    all.extend(messages.into_iter().map(|message| Message {
                        queue: Arc::clone(&queue),
                        virtual_host: Arc::clone(&virtual_host),
                        properties: message.basic_properties,
                        redelivered: message.redelivered,
                        data: message.data.0,
                    }));
                }
                Ok(Messages(all))
            }
        }
        deserializer.deserialize_map(Queues)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMessage {
    basic_properties: Properties,
    #[serde(default)]
    redelivered: bool,
    data: Base64,
}

fn null_is_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Header>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// `Jan 1, 1970, 12:33:41 AM`, in UTC. Newer Java runtimes put a narrow space before AM and PM.
fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let parsed = NaiveDateTime::parse_from_str(&text.replace('\u{202f}', " "), "%b %d, %Y, %I:%M:%S %p");
    let time = parsed.map_err(|_| D::Error::custom("timestamp is not of the form Jan 1, 1970, 12:33:41 AM"))?;
    Ok(Some(time.and_utc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<RabbitMqEvent, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// The example of Lambda's documentation.
    const DOCUMENTED: &str = r#"{
      "eventSource": "aws:rmq",
      "eventSourceArn": "arn:aws:mq:us-west-2:111122223333:broker:pizzaBroker:b-9bcfa592-423a-4942-879d-eb284b418fc8",
      "rmqMessagesByQueue": {"pizzaQueue::/": [{
        "basicProperties": {
          "contentType": "text/plain", "contentEncoding": null,
          "headers": {"header1": {"bytes": [118, 97, 108, 117, 101, 49]}, "header2": {"bytes": [118, 97, 108, 117, 101, 50]},
                      "numberInHeader": 10},
          "deliveryMode": 1, "priority": 34, "correlationId": null, "replyTo": null, "expiration": "60000",
          "messageId": null, "timestamp": "Jan 1, 1970, 12:33:41 AM", "type": null,
          "userId": "AIDACKCEVSQ6C2EXAMPLE", "appId": null, "clusterId": null, "bodySize": 80},
        "redelivered": false,
        "data": "eyJ0aW1lb3V0IjowLCJkYXRhIjoiQ1pybWYwR3c4T3Y0YnFMUXhENEUifQ=="}]}}"#;

    #[test]
    fn reads_the_documented_event() {
        let event = parse(DOCUMENTED).unwrap();
        let [message] = event.messages.as_slice() else { panic!("{event:?}") };
        assert_eq!((&*message.queue, &*message.virtual_host, message.redelivered), ("pizzaQueue", "/", false));
        assert_eq!(message.data, br#"{"timeout":0,"data":"CZrmf0Gw8Ov4bqLQxD4E"}"#);
        let properties = &message.properties;
        assert_eq!(properties.headers["header2"].as_text(), Some("value2"));
        assert_eq!(properties.headers["numberInHeader"].as_integer(), Some(10));
        assert_eq!((properties.delivery_mode, properties.priority), (Some(1), Some(34)));
        assert_eq!(properties.timestamp.map(|time| time.timestamp()), Some(33 * 60 + 41));
        assert_eq!(properties.correlation_id, None);
    }

    #[test]
    fn reads_null_priority_and_null_headers_and_lacks_no_source() {
        let unset = r#"{"contentType":null,"contentEncoding":null,"headers":null,"deliveryMode":null,"priority":null,
          "correlationId":null,"replyTo":null,"expiration":null,"messageId":null,"timestamp":null,"type":null,
          "userId":null,"appId":null,"clusterId":null,"bodySize":13}"#;
        let message = |again: bool| {
            format!(r#"{{"basicProperties":{unset},"redelivered":{again},"data":"SGVsbG8gV29ybGQgMQ=="}}"#)
        };
        let event = parse(&format!(
            r#"{{"eventSourceArn":"arn","rmqMessagesByQueue":{{"a::b::/":[{},{}],"c::v":[{}]}}}}"#,
            message(true),
            message(false),
            message(false)
        ))
        .unwrap();
        let places: Vec<(&str, &str)> = event.messages.iter().map(|m| (&*m.queue, &*m.virtual_host)).collect();
        assert_eq!(places, [("a::b", "/"), ("a::b", "/"), ("c", "v")]);
        assert!(event.messages[0].redelivered && !event.messages[1].redelivered);
        assert_eq!(event.messages[0].properties, Properties { body_size: 13, ..Properties::default() });
    }

    #[test]
    fn reads_headers_of_every_type() {
        let headers = r#"{"bytes":{"bytes":[0,-128,255]},"empty":{"bytes":[]},"flag":true,"low":-9223372036854775808,
          "fraction":2.5,"time":"Nov 14, 2023, 10:13:20 PM","nothing":null,"list":[1,{"bytes":[120]}],
          "table":{"deep":{"bytes":[121]}},"no":{"bytes":[300]}}"#;
        let headers: BTreeMap<String, Header> = serde_json::from_str(headers).unwrap();
        let text = |text: &str| Header::Bytes(text.into());
        for (name, expected) in [
            ("bytes", Header::Bytes(vec![0, 128, 255])),
            ("empty", Header::Bytes(Vec::new())),
            ("flag", Header::Boolean(true)),
            ("low", Header::Integer(i64::MIN)),
            ("fraction", Header::Number(2.5)),
            ("time", Header::Time("Nov 14, 2023, 10:13:20 PM".into())),
            ("nothing", Header::Null),
            ("list", Header::List(vec![Header::Integer(1), text("x")])),
            ("table", Header::Table(vec![("deep".into(), text("y"))])),
            ("no", Header::Table(vec![("bytes".into(), Header::List(vec![Header::Integer(300)]))])),
        ] {
            assert_eq!(headers[name], expected, "{name}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let with = |key: &str, properties: &str, data: &str| {
            format!(
                r#"{{"eventSourceArn":"a","rmqMessagesByQueue":{{"{key}":[{{"basicProperties":{properties},"data":"{data}"}}]}}}}"#
            )
        };
        for (json, expected) in [
            (r#"{"eventSourceArn":"a"}"#.to_owned(), "rmqMessagesByQueue"),
            (with("queue", "{}", ""), "queue is not <queue>::<virtual host>"),
            (with("q::/", "{}", "%%"), "not base64"),
            (with("q::/", r#"{"timestamp":"yesterday"}"#, ""), "timestamp is not of the form"),
            (with("q::/", r#"{"priority":256}"#, ""), "256"),
        ] {
            let error = parse(&json).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
