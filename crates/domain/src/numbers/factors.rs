//! The field `factors`, as the stages behind the one that writes it read it.

use std::borrow::Cow;

use serde::Deserialize;

use super::message::quoted;
use super::{Fault, Message};

/// A text a number.
pub(super) struct Factors<'a>(Vec<Text<'a>>);

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Factors<'a> {
    /// Those of a message with `count` numbers.
    pub(super) fn read(message: &Message<'a>, count: usize) -> Result<Self, Fault> {
        let json = message.field("factors")?;
        let texts: Vec<Text<'a>> = serde_json::from_str(json).map_err(|_| {
            Fault::new("factors", format!("\"factors\" is {}, expected an array of texts", quoted(json)))
        })?;
        if texts.len() != count {
            let reason = format!("found factors of {} numbers, expected those of {count}", texts.len());
            return Err(Fault::new("factors", reason));
        }
        Ok(Self(texts))
    }

    /// In the order of the numbers.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|text| &*text.0)
    }
}
