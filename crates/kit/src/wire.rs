//! Bytes as AWS's events write them.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

/// Bytes that stand as base64 text, decoded straight from the input.
pub(crate) struct Base64(pub(crate) Vec<u8>);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Base64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("base64 text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Base64, E> {
                base64_simd::STANDARD.decode_to_vec(text).map(Base64).map_err(|_| E::custom("not base64"))
            }
        }
        deserializer.deserialize_str(Text)
    }
}
