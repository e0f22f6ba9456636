//! One record as it stands in its file.

use base64_simd::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// One invocation.
#[derive(Debug, Serialize, Deserialize)]
pub struct Entry {
    /// The name of its file without `.json`; later ones sort behind.
    pub id: String,
    /// When it ended, RFC 3339 with milliseconds.
    pub time: String,
    /// Name of the function.
    pub function: String,
    /// `mapping Orders`, `schedule nightly`, `api Api`, `caller`, `asynchronous`.
    pub origin: String,
    /// Lambda's request id.
    pub request_id: String,
    /// 1 for the first attempt to deliver the event.
    pub attempt: u32,
    /// What the function got.
    pub event: Content,
    /// What it answered, or the error object.
    pub answer: Content,
    /// `Unhandled` when the answer is an error object.
    pub error: Option<String>,
    /// Milliseconds from hand-over to answer.
    pub duration_ms: f64,
}

/// Bytes: as they are when they are JSON, otherwise in base64.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// JSON, byte for byte.
    Json(Box<RawValue>),
    /// Anything else.
    Base64(String),
}

impl Content {
    pub(super) fn of(bytes: &Bytes) -> Self {
        let json = std::str::from_utf8(bytes).ok().and_then(|text| RawValue::from_string(text.to_owned()).ok());
        // Spaces around the value are no part of it; with them the bytes would not come back.
        match json.filter(|json| json.get().len() == bytes.len()) {
            Some(json) => Self::Json(json),
            None => Self::Base64(STANDARD.encode_to_string(bytes)),
        }
    }

    /// The bytes again.
    ///
    /// # Errors
    /// When the file was changed by hand and has no base64 there.
    pub fn bytes(&self) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Json(json) => Ok(json.get().as_bytes().to_vec()),
            Self::Base64(text) => {
                STANDARD.decode_to_vec(text).map_err(|error| anyhow::anyhow!("the record's base64: {error}"))
            }
        }
    }
}

/// What a list shows of a record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Summary {
    /// Its id.
    pub id: String,
    /// When it ended.
    pub time: String,
    /// Name of the function.
    pub function: String,
    /// What asked for it.
    pub origin: String,
    /// The attempt's number.
    pub attempt: u32,
    /// `Unhandled` when the function failed.
    pub error: Option<String>,
    /// Milliseconds.
    pub duration_ms: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_content_comes_back_byte_for_byte() {
        for (bytes, is_json) in [
            (&br#"{"a": 1.50, "b":[ ]}"#[..], true),
            (b"\"text\"", true),
            (b"{\"a\":1}\n", false),
            (b"no json", false),
            (b"\xff\x00", false),
            (b"", false),
        ] {
            let content = Content::of(&Bytes::from_static(bytes));
            assert_eq!(matches!(content, Content::Json(_)), is_json, "{bytes:?}");
            let written = serde_json::to_string(&content).unwrap();
            assert_eq!(serde_json::from_str::<Content>(&written).unwrap().bytes().unwrap(), bytes);
        }
    }
}
