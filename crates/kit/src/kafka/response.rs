//! The partial failure response of a Kafka mapping with `ReportBatchItemFailures`.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer, ser::SerializeSeq};

/// Which records to deliver again. Empty means that the whole batch is done.
///
/// Lambda goes back to the lowest failed offset of each named partition; partitions that are not named are done. So
/// only the lowest offset of a partition matters, and only that one is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    #[serde(serialize_with = "failures")]
    batch_item_failures: BTreeMap<(String, i32), i64>,
}

impl BatchResponse {
    /// Asks for the record, and all that follow it in its partition, again.
    pub fn fail(&mut self, topic: &str, partition: i32, offset: i64) {
        self.batch_item_failures
            .entry((topic.into(), partition))
            .and_modify(|lowest| *lowest = offset.min(*lowest))
            .or_insert(offset);
    }

    /// Whether everything is done.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.batch_item_failures.is_empty()
    }

    /// The lowest failed offset of a partition, when it has one.
    #[must_use]
    pub fn failed_from(&self, topic: &str, partition: i32) -> Option<i64> {
        self.batch_item_failures.get(&(topic.to_owned(), partition)).copied()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: Identifier,
}

/// An object, unlike the string of SQS and Kinesis: Lambda takes a string for an invalid response.
#[derive(Serialize)]
struct Identifier {
    partition: String,
    offset: i64,
}

fn failures<S: Serializer>(failed: &BTreeMap<(String, i32), i64>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(failed.len()))?;
    for ((topic, partition), offset) in failed {
        let partition = format!("{topic}-{partition}");
        list.serialize_element(&Failure { item_identifier: Identifier { partition, offset: *offset } })?;
    }
    list.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_lowest_offset_of_each_partition() {
        let mut response = BatchResponse::default();
        assert_eq!(serde_json::to_string(&response).unwrap(), r#"{"batchItemFailures":[]}"#);
        response.fail("orders", 0, 7);
        response.fail("orders", 0, 5);
        response.fail("orders", 0, 9);
        assert_eq!(
            serde_json::to_string(&response).unwrap(),
            r#"{"batchItemFailures":[{"itemIdentifier":{"partition":"orders-0","offset":5}}]}"#
        );
    }
}
