//! Destinations of records, and the resources that can be one.

use super::Rule;

/// Checked by `tests/it/destinations/`.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "destinations.batches.a-queue-gets-the-metadata-of-a-failed-batch-and-no-records",
        text: "An SQS queue as a Kafka mapping's on-failure destination gets one message a batch: why and where, without \
               the records",
        source: "lambda/latest/dg/kafka-on-failure.html",
    },
    Rule {
        id: "destinations.batches.an-sns-topic-gets-the-metadata-of-a-failed-batch-as-its-message",
        text: "An SNS topic as a Kafka mapping's on-failure destination gets what a queue would, as its message",
        source: "lambda/latest/dg/kafka-on-failure.html",
    },
    Rule {
        id: "destinations.batches.a-bucket-gets-the-metadata-and-the-whole-event-as-text",
        text: "A bucket as a Kafka mapping's on-failure destination gets the metadata and, as text, the whole event",
        source: "lambda/latest/dg/kafka-on-failure.html",
    },
    Rule {
        id: "destinations.batches.a-queue-that-is-not-there-yet-loses-nothing",
        text: "What an on-failure destination does not take is not committed, and is delivered again by the next runner",
        source: "",
    },
    Rule {
        id: "destinations.resources.what-the-template-names-is-made-before-a-trigger-starts-and-may-be-there",
        text: "Queues, SNS topics with subscribed queues, and buckets of the template are made, and may be there already",
        source: "",
    },
];
