//! Which messages a replay is for: what was asked, checked. No I/O.

use chrono::{DateTime, Utc};
use domain::numbers::{KEY_BYTES, Stage};
use kit::http::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::cursor::Place;

/// Messages when nothing is said, and at most.
const MESSAGES: (u32, u32) = (1_000, 10_000);

/// A replay of many messages: by their offsets in the topic that `from` reads, or by the time of their submission, all or
/// those of a key.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RangeRequest {
    /// The first stage that they pass again, `stage1` to `stage5`.
    #[schema(pattern = "^stage[1-5]$", example = "stage3")]
    from: String,
    /// With the two offsets: the partition of the topic that `from` reads.
    #[schema(minimum = 0)]
    #[serde(skip_serializing_if = "Option::is_none")]
    partition: Option<i32>,
    /// The first offset.
    #[schema(minimum = 0)]
    #[serde(skip_serializing_if = "Option::is_none")]
    first_offset: Option<i64>,
    /// The last offset.
    #[schema(minimum = 0)]
    #[serde(skip_serializing_if = "Option::is_none")]
    last_offset: Option<i64>,
    /// Submitted at this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<DateTime<Utc>>,
    /// Submitted before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<DateTime<Utc>>,
    /// Records with this key.
    #[schema(max_length = 4096)]
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// `next` of the answer before.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    /// Most messages of this request; 1000 when absent. A dry run looks at 200 at most.
    #[schema(minimum = 1, maximum = 10_000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    /// Send nothing, and say what would change.
    #[serde(default)]
    pub(crate) dry_run: bool,
}

/// The messages of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selection {
    /// One.
    Message(Uuid),
    /// Those at these offsets of the topic that the stage reads.
    Offsets { partition: i32, first: i64, last: i64 },
    /// Those that were submitted behind a place and before a time, with a key when one is given.
    Submitted { after: Place, until: DateTime<Utc>, key: Option<String> },
}

/// A request that is usable.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) stage: &'static Stage,
    pub(crate) limit: u32,
}

impl RangeRequest {
    /// What is asked for.
    ///
    /// # Errors
    /// 400 with the field that cannot be used.
    pub(crate) fn check(&self) -> Result<(Limits, Selection), Problem> {
        let stage = crate::stage("from", &self.from)?;
        let limit = self.limit.unwrap_or(MESSAGES.0);
        if !(1..=MESSAGES.1).contains(&limit) {
            let accepted = format!("1 to {}", MESSAGES.1);
            return Err(Problem::bad_parameter("limit", &format!("is {limit}"), &accepted));
        }
        let offsets = self.partition.is_some() || self.first_offset.is_some() || self.last_offset.is_some();
        let selection = if offsets { self.offsets()? } else { self.submitted()? };
        Ok((Limits { stage, limit }, selection))
    }

    fn offsets(&self) -> Result<Selection, Problem> {
        for (name, given) in
            [("since", self.since.is_some()), ("until", self.until.is_some()), ("key", self.key.is_some())]
        {
            if given {
                return Err(Problem::bad_parameter(name, "stands beside offsets", "offsets, or times and a key"));
            }
        }
        let needed = |name: &str, value: Option<i64>| match value {
            Some(value) if value >= 0 => Ok(value),
            Some(value) => Err(Problem::bad_parameter(name, &format!("is {value}"), "0 or more")),
            None => Err(Problem::bad_parameter(name, "is missing", "partition, first_offset and last_offset together")),
        };
        let first = needed("first_offset", self.first_offset)?;
        let last = needed("last_offset", self.last_offset)?;
        needed("partition", self.partition.map(i64::from))?;
        if last < first {
            return Err(Problem::bad_parameter("last_offset", "is before first_offset", "the same or more"));
        }
        let first = match &self.after {
            None => first,
            Some(after) => match after.parse::<i64>() {
                Ok(after) if (first..=last).contains(&after) => after + 1,
                _ => {
                    return Err(Problem::bad_parameter(
                        "after",
                        "is no place",
                        "`next` of an earlier answer, unchanged",
                    ));
                }
            },
        };
        Ok(Selection::Offsets { partition: self.partition.unwrap_or_default(), first, last })
    }

    fn submitted(&self) -> Result<Selection, Problem> {
        if self.key.as_ref().is_some_and(|key| key.len() > KEY_BYTES) {
            return Err(Problem::bad_parameter("key", "is too long", &format!("{KEY_BYTES} bytes at most")));
        }
        let since = self.since.unwrap_or(DateTime::UNIX_EPOCH);
        let last = DateTime::from_timestamp(253_402_300_799, 0).unwrap_or(DateTime::<Utc>::MAX_UTC);
        for (name, time) in [("since", since), ("until", self.until.unwrap_or(last))] {
            if !(DateTime::UNIX_EPOCH..=last).contains(&time) {
                return Err(Problem::bad_parameter(name, "is no time of a message", "1970 to 9999"));
            }
        }
        let after = match &self.after {
            // No message has this id.
            None => Place { at: since, id: Uuid::nil() },
            Some(after) => Place::read("after", after)?,
        };
        Ok(Selection::Submitted { after, until: self.until.unwrap_or(last), key: self.key.clone() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn check(body: &Value) -> Result<Selection, String> {
        let request: RangeRequest = kit::http::parse(body.to_string().as_bytes()).map_err(|problem| field(&problem))?;
        request.check().map(|(_, selection)| selection).map_err(|problem| field(&problem))
    }

    fn field(problem: &Problem) -> String {
        serde_json::to_value(problem).unwrap()["parameter"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_fault_names_its_field() {
        for (body, named) in [
            (json!({}), "from"),
            (json!({"from": "stage6"}), "from"),
            (json!({"from": "3"}), "from"),
            (json!({"from": "stage1", "limit": 0}), "limit"),
            (json!({"from": "stage1", "limit": 10_001}), "limit"),
            (json!({"from": "stage1", "partition": 0, "first_offset": 1}), "last_offset"),
            (json!({"from": "stage1", "first_offset": 1, "last_offset": 2}), "partition"),
            (json!({"from": "stage1", "partition": 0, "first_offset": 3, "last_offset": 2}), "last_offset"),
            (json!({"from": "stage1", "partition": 0, "first_offset": -1, "last_offset": 2}), "first_offset"),
            (json!({"from": "stage1", "partition": 0, "first_offset": 1, "last_offset": 2, "key": "a"}), "key"),
            (json!({"from": "stage1", "partition": 0, "first_offset": 1, "last_offset": 2, "after": "9"}), "after"),
            (json!({"from": "stage1", "since": "yesterday"}), "since"),
            (json!({"from": "stage1", "until": "1969-01-01T00:00:00Z"}), "until"),
            (json!({"from": "stage1", "after": "1-2"}), "after"),
            (json!({"from": "stage1", "key": "a".repeat(5_000)}), "key"),
            (json!({"from": "stage1", "offset": 1}), "offset"),
        ] {
            assert_eq!(check(&body).unwrap_err(), named, "{body}");
        }
    }

    #[test]
    fn offsets_go_on_behind_the_last_one() {
        let body = json!({"from": "stage2", "partition": 1, "first_offset": 5, "last_offset": 9, "after": "6"});
        assert_eq!(check(&body), Ok(Selection::Offsets { partition: 1, first: 7, last: 9 }));
    }

    proptest! {
        #[test]
        fn any_request_is_usable_or_refused(
            from in "stage[0-9]|\\PC{0,9}", numbers: (Option<i32>, Option<i64>, Option<i64>, Option<u32>),
            texts in proptest::option::of("\\PC{0,40}"), time in proptest::option::of(any::<i64>()),
        ) {
            let (partition, first_offset, last_offset, limit) = numbers;
            let since = time.and_then(DateTime::from_timestamp_micros);
            let (key, after) = (texts.clone(), texts);
            let request = RangeRequest {
                from, partition, first_offset, last_offset, since, until: None, key, after, limit, dry_run: false,
            };
            match request.check() {
                Ok((limits, Selection::Offsets { first, last, partition })) => {
                    prop_assert!(limits.limit <= 10_000 && partition >= 0 && first >= 0 && first <= last + 1);
                }
                Ok((limits, _)) => prop_assert!((1..=10_000).contains(&limits.limit)),
                Err(problem) => prop_assert_eq!(problem.status().as_u16(), 400),
            }
        }
    }
}
