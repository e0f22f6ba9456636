//! A record's JSON, of which only what the patterns look at is kept.

use std::{borrow::Cow, fmt};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::matcher::Scalar;

/// The keys that patterns name, as a tree.
#[derive(Debug, Clone, Default)]
pub(super) struct Interest {
    children: Vec<(String, Interest)>,
}

/// What was found of an event.
#[derive(Debug)]
pub(super) enum Found<'e> {
    Scalar(Scalar<'e>),
    Array(Vec<Found<'e>>),
    /// The interesting keys by their number in [`Interest`].
    Object(Vec<(usize, Found<'e>)>),
}

impl Interest {
    /// The number of a key, which is added when it is new, and what is interesting below it.
    pub(super) fn child(&mut self, key: &str) -> (usize, &mut Interest) {
        let known = self.children.iter().position(|(name, _)| name == key);
        let index = known.unwrap_or_else(|| {
            self.children.push((key.to_owned(), Interest::default()));
            self.children.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the position of what is there or was just pushed")]
        (index, &mut self.children[index].1)
    }
}

impl<'e> Found<'e> {
    /// A key's value.
    pub(super) fn get(&self, key: usize) -> Option<&Self> {
        match self {
            Self::Object(fields) => fields.iter().find(|(index, _)| *index == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Itself, or the items when it is an array, and so on: arrays are as good as their items.
    pub(super) fn any(&self, check: &mut dyn FnMut(&Self) -> bool) -> bool {
        match self {
            Self::Array(items) => items.iter().any(|item| item.any(check)),
            _ => check(self),
        }
    }
}

/// Reads the text when it is a JSON object or array; everything else is plain text to Lambda.
pub(super) fn read<'e>(text: &'e str, interest: &Interest) -> Option<Found<'e>> {
    let first = text.bytes().find(|byte| !byte.is_ascii_whitespace());
    if !matches!(first, Some(b'{' | b'[')) {
        return None;
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let found = Seed(interest).deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(found)
}

struct Seed<'i>(&'i Interest);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Found<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found<'de>, D::Error> {
        if !self.0.children.is_empty() {
            return deserializer.deserialize_any(self);
        }
        // Nothing below is interesting: the value as it is written, for a number's sake.
        let raw: &'de RawValue = serde::Deserialize::deserialize(deserializer)?;
        Ok(leaf(raw))
    }
}

/// A value of which no key is interesting.
fn leaf(raw: &RawValue) -> Found<'_> {
    let text = raw.get();
    let scalar = match text.as_bytes().first() {
        Some(b'{') => return Found::Object(Vec::new()),
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
            return Found::Array(items.into_iter().map(leaf).collect());
        }
        Some(b'"') => Scalar::Text(string(text)),
        Some(b't') => Scalar::Bool(true),
        Some(b'f') => Scalar::Bool(false),
        Some(b'n') => Scalar::Null,
        _ => Scalar::Number(text.into()),
    };
    Found::Scalar(scalar)
}

/// A JSON string's text; borrowed unless it has escapes.
pub(super) fn string(quoted: &str) -> Cow<'_, str> {
    let plain = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).filter(|text| !text.contains('\\'));
    plain.map_or_else(|| Cow::Owned(serde_json::from_str(quoted).unwrap_or_default()), Cow::Borrowed)
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Found<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found<'de>, A::Error> {
        let mut fields: Vec<(usize, Found<'de>)> = Vec::with_capacity(self.0.children.len());
        while let Some(key) = map.next_key_seed(Key(self.0))? {
            let Some((index, interest)) = key.and_then(|index| Some((index, &self.0.children.get(index)?.1))) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = map.next_value_seed(Seed(interest))?;
            // Of a key that stands twice the last one counts.
            fields.retain(|(other, _)| *other != index);
            fields.push((index, value));
        }
        Ok(Found::Object(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Found<'de>, A::Error> {
        let mut found = Vec::new();
        while let Some(item) = items.next_element_seed(Seed(self.0))? {
            found.push(item);
        }
        Ok(Found::Array(found))
    }

    fn visit_str<E>(self, text: &str) -> Result<Found<'de>, E> {
        Ok(Found::Scalar(Scalar::Text(Cow::Owned(text.to_owned()))))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Found<'de>, E> {
        Ok(Found::Scalar(Scalar::Bool(value)))
    }

    fn visit_unit<E>(self) -> Result<Found<'de>, E> {
        Ok(Found::Scalar(Scalar::Null))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Found<'de>, E> {
        Ok(Found::Scalar(Scalar::Number(number.to_string().into())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Found<'de>, E> {
        Ok(Found::Scalar(Scalar::Number(number.to_string().into())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Found<'de>, E> {
        Ok(Found::Scalar(Scalar::Number(number.to_string().into())))
    }
}

/// Looks a key up without allocating it.
struct Key<'i>(&'i Interest);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Option<usize>, E> {
        Ok(self.0.children.iter().position(|(name, _)| name == key))
    }
}
