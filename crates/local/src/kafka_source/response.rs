//! What a function's answer means for its batch.

use std::collections::BTreeMap;

use serde_json::Value;

use super::batch::{Batch, Partition};

/// The verdict over one delivered batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Every record is done.
    Done,
    /// Of the named partitions, the records from these offsets on are to be delivered again; all others are done.
    Again(BTreeMap<Partition, i64>),
    /// The answer cannot be used, so the whole batch is delivered again; the reason.
    Invalid(String),
}

/// Reads the answer of a successful invocation. Without `ReportBatchItemFailures` every answer means success, and
/// the caller should warn when [`looks_partial`] says that the function thinks otherwise.
pub(super) fn read(answer: &[u8], batch: &Batch, report_batch_item_failures: bool) -> Verdict {
    if !report_batch_item_failures || answer.is_empty() {
        return Verdict::Done;
    }
    let Ok(answer) = serde_json::from_slice::<Value>(answer) else {
        return Verdict::Invalid("the answer is not JSON".into());
    };
    let failures = match answer.get("batchItemFailures") {
        // Null, an empty object or list: everything is done.
        None | Some(Value::Null) => return Verdict::Done,
        Some(Value::Array(failures)) => failures,
        Some(other) => return Verdict::Invalid(format!("batchItemFailures is {other}, expected a list")),
    };
    let mut again: BTreeMap<Partition, i64> = BTreeMap::new();
    for failure in failures {
        match identifier(failure, batch) {
            Ok((partition, offset)) => {
                again.entry(partition).and_modify(|lowest| *lowest = offset.min(*lowest)).or_insert(offset);
            }
            Err(reason) => return Verdict::Invalid(reason),
        }
    }
    if again.is_empty() { Verdict::Done } else { Verdict::Again(again) }
}

/// One `itemIdentifier`: an object with partition and offset. The string of SQS and Kinesis is invalid here.
fn identifier(failure: &Value, batch: &Batch) -> Result<(Partition, i64), String> {
    let identifier = failure.get("itemIdentifier");
    let name = identifier.and_then(|id| id.get("partition")).and_then(Value::as_str);
    let offset = identifier.and_then(|id| id.get("offset")).and_then(Value::as_i64);
    let (Some(name), Some(offset)) = (name, offset) else {
        return Err(format!(
            r#"itemIdentifier is {}, expected {{"partition":"<topic>-<partition>","offset":<number>}}"#,
            identifier.unwrap_or(&Value::Null)
        ));
    };
    let known = batch.partitions.iter().find(|(partition, _)| partition.to_string() == name);
    match known {
        Some((partition, slice)) if slice.records.iter().any(|record| record.offset == offset) => {
            Ok((partition.clone(), offset))
        }
        _ => Err(format!("itemIdentifier names {name} offset {offset}, which was not in the batch")),
    }
}

/// Whether a function that may not report partial failures has tried to: its records would be lost silently.
pub(super) fn looks_partial(answer: &[u8]) -> bool {
    // Most answers are null or a small summary; only a suspicious one is parsed.
    let parsed: Option<Value> = (answer.len() < 64 * 1024).then(|| serde_json::from_slice(answer).ok()).flatten();
    parsed.and_then(|answer| answer.get("batchItemFailures")?.as_array().map(|list| !list.is_empty())).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::{super::batch::tests::batch, *};

    fn verdict(answer: &str) -> Verdict {
        read(answer.as_bytes(), &batch(&[(0, 5, 0), (0, 6, 0), (1, 9, 0)]), true)
    }

    #[test]
    fn an_answer_without_failures_is_success() {
        for answer in ["", "null", "{}", r#"{"batchItemFailures":[]}"#, r#"{"batchItemFailures":null}"#, "\"ok\""] {
            assert_eq!(verdict(answer), Verdict::Done, "{answer}");
        }
    }

    #[test]
    fn a_partition_goes_back_to_its_lowest_named_offset() {
        let answer = r#"{"batchItemFailures":[{"itemIdentifier":{"partition":"t-0","offset":6}},
                         {"itemIdentifier":{"partition":"t-0","offset":5}}]}"#;
        let expected = BTreeMap::from([(Partition { topic: "t".into(), number: 0 }, 5)]);
        assert_eq!(verdict(answer), Verdict::Again(expected));
    }

    #[test]
    fn what_cannot_be_understood_returns_the_whole_batch() {
        for answer in [
            "not json",
            r#"{"batchItemFailures":"t-0"}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"t-0-5"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":{"partition":"t-0","offset":"5"}}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":{"partition":"t-0","offset":99}}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":{"partition":"t-7","offset":5}}]}"#,
            r#"{"batchItemFailures":[{}]}"#,
        ] {
            assert!(matches!(verdict(answer), Verdict::Invalid(_)), "{answer}");
        }
    }

    #[test]
    fn without_the_setting_every_answer_is_success_but_a_partial_one_is_noticed() {
        let answer = br#"{"batchItemFailures":[{"itemIdentifier":{"partition":"t-0","offset":5}}]}"#;
        assert_eq!(read(answer, &batch(&[(0, 5, 0)]), false), Verdict::Done);
        assert!(looks_partial(answer));
        assert!(!looks_partial(b"null"));
    }
}
