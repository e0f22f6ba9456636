//! What `POST /config` asks for, checked field by field. No I/O.

use std::ops::RangeInclusive;

use kit::{Secret, http::Problem};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use utoipa::ToSchema;

/// Stands for a token that is stored. Sent back, it leaves the token as it is.
pub(crate) const MASK: &str = "********";

/// The poller waits no longer, whatever it is told.
const INTERVAL: RangeInclusive<i64> = 1..=3600;
/// GitHub's feed shows 300.
const EVENTS: RangeInclusive<i64> = 1..=300;
/// GitHub's own have 40 to 93.
const TOKEN_CHARS: usize = 255;

/// A partial update: what is left out, or null, stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigChange {
    /// Seconds between two polls. GitHub's own interval holds when it is longer.
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 3600, example = 15)]
    fetch_interval_seconds: Option<Value>,
    /// Most events that one poll reads.
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 300, example = 200)]
    max_events_per_fetch: Option<Value>,
    /// A token for the GitHub API, of printable ASCII characters without spaces. Null removes the one that is stored; the
    /// mask that `GET /config` shows leaves it.
    #[serde(default, deserialize_with = "also_null")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 255, pattern = "^[!-~]+$")]
    github_token: Option<Value>,
}

/// Null is a value here, and apart from a field that is not there.
fn also_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// A change that can be made.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) interval_seconds: Option<i64>,
    pub(crate) events_max: Option<i64>,
    pub(crate) token: Option<TokenChange>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TokenChange {
    Store(Secret),
    Remove,
}

impl ConfigChange {
    /// All of it, or the first fault. No fault repeats a token.
    pub(crate) fn check(self) -> Result<Change, Problem> {
        Ok(Change {
            interval_seconds: number("fetch_interval_seconds", self.fetch_interval_seconds, INTERVAL)?,
            events_max: number("max_events_per_fetch", self.max_events_per_fetch, EVENTS)?,
            token: self.github_token.map(token).transpose()?.flatten(),
        })
    }
}

fn number(name: &str, value: Option<Value>, range: RangeInclusive<i64>) -> Result<Option<i64>, Problem> {
    let Some(value) = value else { return Ok(None) };
    match whole(&value).filter(|number| range.contains(number)) {
        Some(number) => Ok(Some(number)),
        None => {
            let accepted = format!("a whole number from {} to {}", range.start(), range.end());
            Err(Problem::bad_parameter(name, &fault(&value), &accepted))
        }
    }
}

/// JSON knows one kind of number: 15.0 is 15.
fn whole(value: &Value) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "a whole number of that size has an i64")]
    let of_float = |float: f64| (float.fract() == 0.0 && float.abs() < 1e15).then_some(float as i64);
    value.as_i64().or_else(|| value.as_f64().and_then(of_float))
}

fn fault(value: &Value) -> String {
    match value {
        Value::Number(number) => format!("is {number}"),
        Value::String(_) => "is a string".to_owned(),
        Value::Bool(_) => "is true or false".to_owned(),
        Value::Null => "is null".to_owned(),
        Value::Array(_) | Value::Object(_) => "is an array or an object".to_owned(),
    }
}

fn token(value: Value) -> Result<Option<TokenChange>, Problem> {
    match value {
        Value::Null => Ok(Some(TokenChange::Remove)),
        Value::String(text) if text == MASK => Ok(None),
        Value::String(text)
            if (1..=TOKEN_CHARS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            Ok(Some(TokenChange::Store(Secret::new(text))))
        }
        _ => {
            let accepted = "1 to 255 printable ASCII characters without spaces, or null to remove it";
            Err(Problem::bad_parameter("github_token", "cannot be a token", accepted))
        }
    }
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
