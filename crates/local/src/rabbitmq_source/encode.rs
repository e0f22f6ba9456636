//! One message as the JSON that Lambda sends: every property is there, null when it is unset.

use std::io::Write;

use base64_simd::{AsOut, STANDARD};
use chrono::DateTime;
use lapin::{
    BasicProperties,
    types::{AMQPValue, ShortString},
};

/// Lambda's text for a time in UTC: `Jan 1, 1970, 12:33:41 AM`.
const DATE: &str = "%b %-d, %Y, %-I:%M:%S %p";

/// Appends the message.
pub(super) fn append(buffer: &mut Vec<u8>, properties: &BasicProperties, redelivered: bool, data: &[u8]) {
    // Writing to a Vec cannot fail.
    let _ = write!(buffer, r#"{{"basicProperties":{{"contentType":"#);
    text(buffer, properties.content_type().as_ref());
    field(buffer, "contentEncoding", properties.content_encoding().as_ref());
    buffer.extend_from_slice(br#","headers":"#);
    match properties.headers() {
        Some(headers) => table(buffer, headers.inner()),
        None => null(buffer),
    }
    number(buffer, "deliveryMode", *properties.delivery_mode());
    number(buffer, "priority", *properties.priority());
    field(buffer, "correlationId", properties.correlation_id().as_ref());
    field(buffer, "replyTo", properties.reply_to().as_ref());
    field(buffer, "expiration", properties.expiration().as_ref());
    field(buffer, "messageId", properties.message_id().as_ref());
    buffer.extend_from_slice(br#","timestamp":"#);
    match properties.timestamp() {
        Some(seconds) => date(buffer, *seconds),
        None => null(buffer),
    }
    field(buffer, "type", properties.kind().as_ref());
    field(buffer, "userId", properties.user_id().as_ref());
    field(buffer, "appId", properties.app_id().as_ref());
    field(buffer, "clusterId", properties.cluster_id().as_ref());
    let _ = write!(buffer, r#","bodySize":{}}},"redelivered":{redelivered},"data":""#, data.len());
    let start = buffer.len();
    buffer.resize(start + STANDARD.encoded_length(data.len()), 0);
    if let Some(space) = buffer.get_mut(start..) {
        let _ = STANDARD.encode(data, space.as_out());
    }
    buffer.extend_from_slice(br#""}"#);
}

fn null(buffer: &mut Vec<u8>) {
    buffer.extend_from_slice(b"null");
}

fn string(buffer: &mut Vec<u8>, value: &str) {
    // Text into a Vec cannot fail.
    let _ = serde_json::to_writer(&mut *buffer, value);
}

fn text(buffer: &mut Vec<u8>, value: Option<&ShortString>) {
    match value {
        Some(value) => string(buffer, value.as_str()),
        None => null(buffer),
    }
}

fn field(buffer: &mut Vec<u8>, name: &str, value: Option<&ShortString>) {
    let _ = write!(buffer, r#","{name}":"#);
    text(buffer, value);
}

fn number(buffer: &mut Vec<u8>, name: &str, value: Option<u8>) {
    match value {
        Some(value) => drop(write!(buffer, r#","{name}":{value}"#)),
        None => drop(write!(buffer, r#","{name}":null"#)),
    }
}

/// A time beyond what a calendar holds is null.
fn date(buffer: &mut Vec<u8>, seconds: u64) {
    match i64::try_from(seconds).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0)) {
        Some(time) => string(buffer, &time.format(DATE).to_string()),
        None => null(buffer),
    }
}

fn table<'t>(buffer: &mut Vec<u8>, entries: impl IntoIterator<Item = (&'t ShortString, &'t AMQPValue)>) {
    buffer.push(b'{');
    for (index, (name, value)) in entries.into_iter().enumerate() {
        if index > 0 {
            buffer.push(b',');
        }
        string(buffer, name.as_str());
        buffer.push(b':');
        header(buffer, value);
    }
    buffer.push(b'}');
}

/// Text comes as its bytes, because AMQP does not say in which encoding it is; numbers and booleans come as they are.
fn header(buffer: &mut Vec<u8>, value: &AMQPValue) {
    match value {
        AMQPValue::Boolean(value) => drop(write!(buffer, "{value}")),
        AMQPValue::ShortShortInt(value) => drop(write!(buffer, "{value}")),
        AMQPValue::ShortShortUInt(value) => drop(write!(buffer, "{value}")),
        AMQPValue::ShortInt(value) => drop(write!(buffer, "{value}")),
        AMQPValue::ShortUInt(value) => drop(write!(buffer, "{value}")),
        AMQPValue::LongInt(value) => drop(write!(buffer, "{value}")),
        AMQPValue::LongUInt(value) => drop(write!(buffer, "{value}")),
        AMQPValue::LongLongInt(value) => drop(write!(buffer, "{value}")),
        // Infinity and not-a-number, which JSON has not, are null.
        AMQPValue::Float(value) => drop(serde_json::to_writer(&mut *buffer, value)),
        AMQPValue::Double(value) => drop(serde_json::to_writer(&mut *buffer, value)),
        AMQPValue::DecimalValue(value) => decimal(buffer, value.value.into(), value.scale.into()),
        AMQPValue::ShortString(value) => bytes(buffer, value.as_str().as_bytes()),
        AMQPValue::LongString(value) => bytes(buffer, value.as_bytes()),
        AMQPValue::ByteArray(value) => bytes(buffer, value.as_slice()),
        AMQPValue::Timestamp(seconds) => date(buffer, *seconds),
        AMQPValue::FieldTable(value) => table(buffer, value.inner()),
        AMQPValue::FieldArray(values) => {
            buffer.push(b'[');
            for (index, value) in values.as_slice().iter().enumerate() {
                if index > 0 {
                    buffer.push(b',');
                }
                header(buffer, value);
            }
            buffer.push(b']');
        }
        AMQPValue::Void => null(buffer),
    }
}

/// `{"bytes":[118,-28]}`: signed, as Java's bytes are.
fn bytes(buffer: &mut Vec<u8>, value: &[u8]) {
    buffer.extend_from_slice(br#"{"bytes":["#);
    for (index, byte) in value.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let _ = write!(buffer, "{comma}{}", byte.cast_signed());
    }
    buffer.extend_from_slice(b"]}");
}

/// `value` with its last `scale` digits behind the point.
fn decimal(buffer: &mut Vec<u8>, value: i64, scale: usize) {
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if value < 0 { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    let _ = write!(buffer, "{sign}{whole}{point}{fraction}");
}

#[cfg(test)]
mod tests {
    use lapin::types::{ByteArray, DecimalValue, FieldArray, FieldTable, LongString};
    use serde_json::{Value, json};

    use super::*;

    fn encoded(properties: &BasicProperties, data: &[u8]) -> Value {
        let mut buffer = Vec::new();
        append(&mut buffer, properties, true, data);
        serde_json::from_slice(&buffer).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&buffer)))
    }

    #[test]
    fn what_is_unset_is_null() {
        let message = encoded(&BasicProperties::default(), b"Hello World 1");
        let names = [
            "contentType",
            "contentEncoding",
            "headers",
            "deliveryMode",
            "priority",
            "correlationId",
            "replyTo",
            "expiration",
            "messageId",
            "timestamp",
            "type",
            "userId",
            "appId",
            "clusterId",
            "bodySize",
        ];
        let properties = message["basicProperties"].as_object().unwrap();
        assert_eq!(properties.len(), names.len());
        assert!(
            names
                .iter()
                .all(|name| properties.contains_key(*name) && (*name == "bodySize" || properties[*name].is_null()))
        );
        assert_eq!(properties["bodySize"], 13);
        assert_eq!((&message["redelivered"], &message["data"]), (&json!(true), &json!("SGVsbG8gV29ybGQgMQ==")));
    }

    #[test]
    fn the_example_of_lambdas_documentation() {
        let text = |text: &str| AMQPValue::LongString(LongString::from(text));
        let mut headers = FieldTable::default();
        headers.insert("header1".into(), text("value1"));
        headers.insert("numberInHeader".into(), AMQPValue::LongInt(10));
        let properties = BasicProperties::default()
            .with_content_type("text/plain".into())
            .with_headers(headers)
            .with_delivery_mode(1)
            .with_priority(34)
            .with_expiration("60000".into())
            .with_timestamp(2021)
            .with_user_id("AIDACKCEVSQ6C2EXAMPLE".into());
        let expected = json!({
            "contentType": "text/plain", "contentEncoding": null,
            "headers": {"header1": {"bytes": [118, 97, 108, 117, 101, 49]}, "numberInHeader": 10},
            "deliveryMode": 1, "priority": 34, "correlationId": null, "replyTo": null, "expiration": "60000",
            "messageId": null, "timestamp": "Jan 1, 1970, 12:33:41 AM", "type": null,
            "userId": "AIDACKCEVSQ6C2EXAMPLE", "appId": null, "clusterId": null, "bodySize": 2,
        });
        assert_eq!(encoded(&properties, b"{}")["basicProperties"], expected);
    }

    #[test]
    fn headers_of_every_type() {
        let mut inner = FieldTable::default();
        inner.insert("deep".into(), AMQPValue::LongString("ä".into()));
        for (value, expected) in [
            (AMQPValue::Boolean(true), json!(true)),
            (AMQPValue::ShortShortInt(-1), json!(-1)),
            (AMQPValue::ShortShortUInt(200), json!(200)),
            (AMQPValue::ShortInt(-300), json!(-300)),
            (AMQPValue::ShortUInt(65_000), json!(65_000)),
            (AMQPValue::LongUInt(4_000_000_000), json!(4_000_000_000_u32)),
            (AMQPValue::LongLongInt(i64::MIN), json!(i64::MIN)),
            (AMQPValue::Float(1.5), json!(1.5)),
            (AMQPValue::Double(f64::NAN), Value::Null),
            (AMQPValue::DecimalValue(DecimalValue { scale: 2, value: 1_205 }), json!(12.05)),
            (AMQPValue::DecimalValue(DecimalValue { scale: 3, value: 5 }), json!(0.005)),
            (AMQPValue::LongString("\u{e4}".into()), json!({"bytes": [-61, -92]})),
            (AMQPValue::ByteArray(ByteArray::from(vec![0, 127, 128, 255])), json!({"bytes": [0, 127, -128, -1]})),
            (AMQPValue::Timestamp(1_700_000_000), json!("Nov 14, 2023, 10:13:20 PM")),
            (AMQPValue::Timestamp(u64::MAX), Value::Null),
            (AMQPValue::FieldTable(inner), json!({"deep": {"bytes": [-61, -92]}})),
            (AMQPValue::FieldArray(FieldArray::from(vec![AMQPValue::LongInt(1), AMQPValue::Void])), json!([1, null])),
            (AMQPValue::Void, Value::Null),
        ] {
            let mut headers = FieldTable::default();
            headers.insert("h \"".into(), value.clone());
            let message = encoded(&BasicProperties::default().with_headers(headers), b"");
            assert_eq!(message["basicProperties"]["headers"], json!({"h \"": expected}), "{value:?}");
        }
    }
}
