//! What start, stop and `POST /config` ask of the trigger, checked field by field. No I/O.

use kit::http::Problem;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::trigger::Mapping;

/// Lambda's own limits.
const WINDOW_SECONDS_MAX: i32 = 300;
const BATCH_MAX: i64 = 10_000;

/// A partial update: what is left out, or null, stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigChange {
    /// How long a batch is collected, unless it is full before: a number and its unit, 0 to 300 seconds or 0 to 5 minutes.
    #[schema(
        value_type = Option<String>,
        pattern = "^(([0-9]|[1-9][0-9]|[12][0-9][0-9]|300) seconds?|[0-5] minutes?)$",
        example = "15 seconds"
    )]
    trigger_interval: Option<Value>,
    /// Most events that one invocation of the writer gets.
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 10000, example = 2000)]
    max_events_per_batch: Option<Value>,
}

/// A change that can be made; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) enabled: Option<bool>,
    pub(crate) window_seconds: Option<i32>,
    pub(crate) batch_size: Option<i32>,
}

impl Change {
    /// Start or stop.
    pub(crate) fn switch(enabled: bool) -> Self {
        Self { enabled: Some(enabled), ..Self::default() }
    }

    /// Whether the mapping is not so already, or on its way there.
    pub(crate) fn is_needed(&self, mapping: &Mapping) -> bool {
        let reads = ["Enabled", "Enabling", "Creating"].contains(&mapping.state.as_str());
        let rests = ["Disabled", "Disabling"].contains(&mapping.state.as_str());
        let is_so = |enabled: bool| if enabled { reads } else { rests };
        self.enabled.is_some_and(|enabled| !is_so(enabled))
            || self.window_seconds.is_some_and(|seconds| seconds != mapping.window_seconds)
            || self.batch_size.is_some_and(|size| size != mapping.batch_size)
    }
}

impl ConfigChange {
    /// All of it, or the first fault.
    pub(crate) fn check(self) -> Result<Change, Problem> {
        let window_seconds = self.trigger_interval.map(|value| {
            let seconds = value.as_str().and_then(seconds);
            seconds.ok_or_else(|| {
                let accepted = "\"0 seconds\" to \"300 seconds\", \"0 minutes\" to \"5 minutes\"";
                Problem::bad_parameter("trigger_interval", &fault(&value), accepted)
            })
        });
        let batch_size = self.max_events_per_batch.map(|value| {
            size(&value).ok_or_else(|| {
                let accepted = format!("a whole number from 1 to {BATCH_MAX}");
                Problem::bad_parameter("max_events_per_batch", &fault(&value), &accepted)
            })
        });
        Ok(Change { enabled: None, window_seconds: window_seconds.transpose()?, batch_size: batch_size.transpose()? })
    }
}

/// `15 seconds`, `1 minute`.
fn seconds(text: &str) -> Option<i32> {
    let (number, unit) = text.split_once(' ')?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit()) && (number.len() == 1 || !number.starts_with('0'));
    let number: i32 = number.parse().ok().filter(|_| is_number)?;
    let seconds = match unit {
        "second" | "seconds" => number,
        "minute" | "minutes" => number.checked_mul(60)?,
        _ => return None,
    };
    (seconds <= WINDOW_SECONDS_MAX).then_some(seconds)
}

/// JSON knows one kind of number: 2000.0 is 2000.
fn size(value: &Value) -> Option<i32> {
    #[expect(clippy::cast_possible_truncation, reason = "a whole number of that size has an i64")]
    let of_float = |float: f64| (float.fract() == 0.0 && float.abs() < 1e15).then_some(float as i64);
    let size = value.as_i64().or_else(|| value.as_f64().and_then(of_float))?;
    (1..=BATCH_MAX).contains(&size).then(|| i32::try_from(size).ok()).flatten()
}

fn fault(value: &Value) -> String {
    match value {
        Value::String(text) => format!("is {:?}", text.chars().take(100).collect::<String>()),
        Value::Array(_) | Value::Object(_) => "is an array or an object".to_owned(),
        other => format!("is {other}"),
    }
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
