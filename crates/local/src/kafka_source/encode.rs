//! One record as the JSON that Lambda sends, written straight into the batch's buffer.

use std::io::Write;

use base64_simd::{AsOut, STANDARD};
use rdkafka::{
    Message, Timestamp,
    message::{BorrowedMessage, Headers},
};

/// Appends the record. Keys and values that are null are left out, as Lambda does; header bytes are signed.
pub(super) fn append(buffer: &mut Vec<u8>, message: &BorrowedMessage<'_>) {
    let (timestamp, kind) = match message.timestamp() {
        Timestamp::CreateTime(ms) => (ms, "CREATE_TIME"),
        Timestamp::LogAppendTime(ms) => (ms, "LOG_APPEND_TIME"),
        Timestamp::NotAvailable => (0, "CREATE_TIME"),
    };
    // Topic names need no escaping: Kafka allows letters, digits, dots, underscores and hyphens only.
    // Writing to a Vec cannot fail.
    let _ = write!(
        buffer,
        r#"{{"topic":"{}","partition":{},"offset":{},"timestamp":{timestamp},"timestampType":"{kind}""#,
        message.topic(),
        message.partition(),
        message.offset()
    );
    field(buffer, "key", message.key());
    field(buffer, "value", message.payload());
    buffer.extend_from_slice(br#","headers":["#);
    if let Some(headers) = message.headers() {
        for (index, header) in headers.iter().enumerate() {
            if index > 0 {
                buffer.push(b',');
            }
            self::header(buffer, header.key, header.value.unwrap_or_default());
        }
    }
    buffer.extend_from_slice(b"]}");
}

/// No more bytes than this will [`append`] write for the message.
pub(super) fn upper_bound(message: &BorrowedMessage<'_>) -> usize {
    let base64 = |bytes: Option<&[u8]>| bytes.map_or(0, |bytes| bytes.len().div_ceil(3) * 4 + 12);
    let headers = message.headers().map_or(0, |headers| {
        // A byte is at most `-128,`; a name's character at most `\u0000`.
        headers.iter().map(|header| header.key.len() * 6 + header.value.map_or(0, <[u8]>::len) * 5 + 10).sum()
    });
    160 + message.topic().len() + base64(message.key()) + base64(message.payload()) + headers
}

fn field(buffer: &mut Vec<u8>, name: &str, bytes: Option<&[u8]>) {
    let Some(bytes) = bytes else { return };
    let _ = write!(buffer, r#","{name}":""#);
    let start = buffer.len();
    buffer.resize(start + STANDARD.encoded_length(bytes.len()), 0);
    if let Some(space) = buffer.get_mut(start..) {
        let _ = STANDARD.encode(bytes, space.as_out());
    }
    buffer.push(b'"');
}

fn header(buffer: &mut Vec<u8>, name: &str, value: &[u8]) {
    buffer.push(b'{');
    let _ = serde_json::to_writer(&mut *buffer, name);
    buffer.extend_from_slice(b":[");
    for (index, byte) in value.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let _ = write!(buffer, "{comma}{}", byte.cast_signed());
    }
    buffer.extend_from_slice(b"]}");
}
