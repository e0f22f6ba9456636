//! The value of a message's header.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

/// What a header can hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Header {
    /// AMQP's null.
    Null,
    /// A truth value.
    Boolean(bool),
    /// A whole number of any width.
    Integer(i64),
    /// A number with a fraction.
    Number(f64),
    /// A text or a byte array, which Lambda does not tell apart.
    Bytes(Vec<u8>),
    /// A time, as Lambda writes it: `Jan 1, 1970, 12:33:41 AM`.
    Time(String),
    /// A list.
    List(Vec<Self>),
    /// A table, in the event's order.
    Table(Vec<(String, Self)>),
}

impl Header {
    /// The text of a header whose bytes are UTF-8.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// A whole number.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// `{"bytes":[118,-28]}`, with bytes from -128 to 255, is no table.
    fn of_table(mut entries: Vec<(String, Self)>) -> Self {
        if let [(name, Self::List(items))] = entries.as_mut_slice()
            && name == "bytes"
        {
            let byte = |item: &Self| {
                let number = item.as_integer()?;
                u8::try_from(number).ok().or_else(|| i8::try_from(number).ok().map(i8::cast_unsigned))
            };
            if let Some(bytes) = items.iter().map(byte).collect() {
                return Self::Bytes(bytes);
            }
        }
        Self::Table(entries)
    }
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Header;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a header's value")
            }

            fn visit_unit<E: Error>(self) -> Result<Header, E> {
                Ok(Header::Null)
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Header, E> {
                Ok(Header::Boolean(value))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Header, E> {
                Ok(Header::Integer(value))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Header, E> {
                i64::try_from(value).map(Header::Integer).map_err(|_| E::custom("a header's number is over 64 bits"))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Header, E> {
                Ok(Header::Number(value))
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<Header, E> {
                Ok(Header::Time(value.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Header, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Header::List(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Header::of_table(entries))
            }
        }
        deserializer.deserialize_any(Any)
    }
}
