//! A message as its fields, each in the JSON text in which it stands: what a stage does not look at is not decoded.

use std::fmt;

use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{COUNT, DIGITS, Fault};

/// Most fields of a message.
const FIELDS: usize = 32;

/// How much of what is wrong a reason quotes.
const QUOTED: usize = 40;

/// A JSON object that has the field `numbers`.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    fields: Vec<(String, &'a str)>,
}

impl<'a> Message<'a> {
    /// Reads a value of `limit` bytes at most.
    ///
    /// # Errors
    /// Rules `size`, `json`, `fields`, `numbers`.
    pub fn parse(value: &'a [u8], limit: usize) -> Result<Self, Fault> {
        if value.len() > limit {
            let reason = format!("the message has {} bytes, expected at most {limit}", value.len());
            return Err(Fault::new("size", reason));
        }
        let text = std::str::from_utf8(value).map_err(|error| Fault::new("json", format!("not UTF-8: {error}")))?;
        let mut json = serde_json::Deserializer::from_str(text);
        let fields = json.deserialize_map(Fields).and_then(|fields| json.end().map(|()| fields));
        let fields = fields.map_err(|error| Fault::new("json", format!("not a JSON object: {error}")))?;
        if fields.len() > FIELDS {
            return Err(Fault::new("fields", format!("found more than {FIELDS} fields")));
        }
        let mut names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if let Some([twice, _]) = names.array_windows().find(|[one, other]| one == other) {
            return Err(Fault::new("fields", format!("the field {:?} stands there twice", quoted(twice))));
        }
        let message = Self { fields };
        message.field("numbers")?;
        Ok(message)
    }

    /// The JSON text of a field.
    ///
    /// # Errors
    /// When it is missing; the rule is the field's name where that is one of a stage's.
    pub fn field(&self, name: &'static str) -> Result<&'a str, Fault> {
        let found = self.fields.iter().find(|(field, _)| field == name).map(|(_, text)| *text);
        found.ok_or_else(|| Fault::new(name, format!("the field {name:?} is missing")))
    }

    /// The names of all fields, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(name, _)| name.as_str())
    }

    /// The elements of the field `numbers`, each in its JSON text.
    ///
    /// # Errors
    /// When it is no array, or has too many.
    pub fn elements(&self) -> Result<Vec<&'a str>, Fault> {
        let text = self.field("numbers")?;
        let elements: Vec<&RawValue> = serde_json::from_str(text)
            .map_err(|_| Fault::new("numbers", format!("\"numbers\" is {}, expected an array", quoted(text))))?;
        if elements.len() > COUNT {
            return Err(Fault::new("count", format!("found {} numbers, expected at most {COUNT}", elements.len())));
        }
        Ok(elements.into_iter().map(RawValue::get).collect())
    }

    /// The numbers, in the form that the first stage gives them: digits, with a `-` where one is.
    ///
    /// # Errors
    /// When one is in another form, or there are too many.
    pub fn numbers(&self) -> Result<Vec<&'a str>, Fault> {
        let elements = self.elements()?;
        match elements.iter().position(|text| !is_plain(text)) {
            None => Ok(elements),
            Some(position) => {
                let found = quoted(elements.get(position).copied().unwrap_or_default());
                let expected = "expected an integer as stage 1 writes it";
                Err(Fault::new("numbers", format!("number {position} is {found}, {expected}")))
            }
        }
    }

    /// The message with this field, at its place when there is one, else at the end.
    pub(super) fn with(&self, name: &str, json: &str) -> String {
        let changed = self.fields.iter().map(|(field, old)| (field.as_str(), if field == name { json } else { old }));
        let added = (!self.names().any(|field| field == name)).then_some((name, json));
        self.render(changed.chain(added), name.len() + json.len())
    }

    /// The message without this field.
    pub(super) fn without(&self, name: &str) -> String {
        let left = self.fields.iter().filter(|(field, _)| field != name);
        self.render(left.map(|(field, json)| (field.as_str(), *json)), 0)
    }

    fn render<'f>(&self, fields: impl Iterator<Item = (&'f str, &'f str)>, more: usize) -> String {
        let size: usize = self.fields.iter().map(|(name, json)| name.len() + json.len() + 4).sum();
        let mut text = String::with_capacity(size + more + 8);
        for (name, json) in fields {
            text.push(if text.is_empty() { '{' } else { ',' });
            if name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                text.extend(["\"", name, "\""]);
            } else {
                text.push_str(&serde_json::Value::from(name).to_string());
            }
            text.push(':');
            text.push_str(json);
        }
        if text.is_empty() {
            text.push('{');
        }
        text.push('}');
        text
    }
}

/// Whether the text is an integer without anything that another form of it has: no `+`, no `-0`, no zeros before it.
fn is_plain(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let zeros = text != "0" && digits.starts_with('0');
    !zeros && !digits.is_empty() && digits.len() <= DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The beginning of a text that may be long.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Vec<(String, &'de str)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the field \"numbers\"")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::with_capacity(6);
        while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
            if fields.len() > FIELDS {
                return Err(A::Error::custom(format!("more than {FIELDS} fields")));
            }
            fields.push((name, value.get()));
        }
        Ok(fields)
    }
}
