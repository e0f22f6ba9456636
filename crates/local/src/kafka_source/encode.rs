//! One record as the JSON that Lambda sends, written straight into the batch's buffer.

use base64_simd::{AsOut, STANDARD};
use rdkafka::{
    Message, Timestamp,
    message::{BorrowedMessage, Headers},
};

/// Appends the record of this topic. Keys and values that are null are left out, as Lambda does; header bytes are signed.
pub(super) fn append(buffer: &mut Vec<u8>, topic: &str, message: &BorrowedMessage<'_>) {
    let (timestamp, kind): (i64, &[u8]) = match message.timestamp() {
        Timestamp::CreateTime(ms) => (ms, b"CREATE_TIME"),
        Timestamp::LogAppendTime(ms) => (ms, b"LOG_APPEND_TIME"),
        Timestamp::NotAvailable => (0, b"CREATE_TIME"),
    };
    // Topic names need no escaping: Kafka allows letters, digits, dots, underscores and hyphens only.
    buffer.extend_from_slice(br#"{"topic":""#);
    buffer.extend_from_slice(topic.as_bytes());
    buffer.extend_from_slice(br#"","partition":"#);
    number(buffer, message.partition().into());
    buffer.extend_from_slice(br#","offset":"#);
    number(buffer, message.offset());
    buffer.extend_from_slice(br#","timestamp":"#);
    number(buffer, timestamp);
    buffer.extend_from_slice(br#","timestampType":""#);
    buffer.extend_from_slice(kind);
    buffer.push(b'"');
    field(buffer, br#","key":""#, message.key());
    field(buffer, br#","value":""#, message.payload());
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

/// Decimal digits, without the way through a formatter: there are three numbers a record, and one for each byte of its headers.
fn number(buffer: &mut Vec<u8>, number: i64) {
    if number < 0 {
        buffer.push(b'-');
    }
    let (mut left, start) = (number.unsigned_abs(), buffer.len());
    loop {
        buffer.push(b'0' + u8::try_from(left % 10).unwrap_or_default());
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if let Some(digits) = buffer.get_mut(start..) {
        digits.reverse();
    }
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

fn field(buffer: &mut Vec<u8>, opening: &[u8], bytes: Option<&[u8]>) {
    let Some(bytes) = bytes else { return };
    buffer.extend_from_slice(opening);
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
        if index > 0 {
            buffer.push(b',');
        }
        number(buffer, byte.cast_signed().into());
    }
    buffer.extend_from_slice(b"]}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_of_a_header_is_a_signed_number() {
        let (mut buffer, bytes) = (Vec::new(), (0..=255).collect::<Vec<u8>>());
        header(&mut buffer, "a \"name\"", &bytes);
        header(&mut buffer, "b", &[]);
        let signed: Vec<i8> = bytes.iter().map(|byte| byte.cast_signed()).collect();
        let name = serde_json::json!({ "a \"name\"": signed }).to_string();
        assert_eq!(String::from_utf8(buffer).unwrap(), format!(r#"{name}{{"b":[]}}"#));
    }

    #[test]
    fn numbers_are_decimal() {
        for expected in [0, 7, 10, -1, 1_767_225_600_000, i64::MAX, i64::MIN] {
            let mut buffer = b"x".to_vec();
            number(&mut buffer, expected);
            assert_eq!(buffer, format!("x{expected}").into_bytes());
        }
    }
}
