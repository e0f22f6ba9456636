//! Kafka triggers: what happens to records that fail.

use super::rule::{Findings, Level, Rule};
use crate::template::spec::{Application, KafkaMappingSpec};

const SOURCE: &str = "lambda/latest/dg/kafka-retry-configurations.html";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "M001",
        level: Level::Warning,
        title: "retry settings without provisioned pollers",
        why: "Lambda offers retries, record age, bisecting and partial batch responses in provisioned mode; without \
              ProvisionedPollerConfig a deploy is refused, or the batch is retried as a whole until it expires.",
        mend: "Add ProvisionedPollerConfig: {MinimumPollers: 1, MaximumPollers: <partitions>}.",
        source: SOURCE,
        check: without_pollers,
    },
    Rule {
        id: "M002",
        level: Level::Warning,
        title: "a destination turns infinite retries into 10",
        why: "With an on-failure destination and no limit, Lambda retries 10 times. A database that is away for a \
              minute sends good batches to the destination.",
        mend: "State MaximumRetryAttempts (up to 10000), and MaximumRecordAgeInSeconds when age is what matters.",
        source: SOURCE,
        check: ten_retries,
    },
    Rule {
        id: "M003",
        level: Level::Error,
        title: "records that fail are dropped without a trace",
        why: "Retries or age are limited and there is no on-failure destination: when the limit is reached, Lambda \
              skips the batch, and nobody learns which records it held.",
        mend: "Add DestinationConfig: {OnFailure: {Destination: kafka://<topic>}}, or take the limits away.",
        source: SOURCE,
        check: dropped,
    },
    Rule {
        id: "M004",
        level: Level::Warning,
        title: "one bad record blocks its partition for ever",
        why: "Neither retries nor age are limited: the batch with a record that can never succeed is tried until the \
              record expires, and nothing behind it in its partitions is read.",
        mend: "Limit MaximumRetryAttempts or MaximumRecordAgeInSeconds and add an on-failure destination; or see to it \
               that the function puts such records aside itself, and allow the rule.",
        source: SOURCE,
        check: blocked,
    },
    Rule {
        id: "M005",
        level: Level::Warning,
        title: "good records are given up with the bad one",
        why: "The batch is one whole: when one record fails to the end, all of it goes to the destination.",
        mend: "Set BisectBatchOnFunctionError: true, or FunctionResponseTypes: [ReportBatchItemFailures] with a function \
               that names the record it failed at.",
        source: SOURCE,
        check: whole_batch,
    },
];

fn without_pollers(application: &Application, findings: &mut Findings<'_>) {
    const SETTINGS: [&str; 4] =
        ["MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "BisectBatchOnFunctionError", "FunctionResponseTypes"];
    for mapping in &application.kafka_mappings {
        let path = |key: &str| format!("{}.{key}", mapping.logical_id);
        if application.outline.has(&path("ProvisionedPollerConfig")) {
            continue;
        }
        let written: Vec<&str> = SETTINGS.into_iter().filter(|key| application.outline.has(&path(key))).collect();
        if let Some(first) = written.first() {
            let message = format!("{} without ProvisionedPollerConfig", written.join(", "));
            findings.at(&path(first), message);
        }
    }
}

fn ten_retries(application: &Application, findings: &mut Findings<'_>) {
    for mapping in &application.kafka_mappings {
        if mapping.on_failure.is_some() && mapping.maximum_retry_attempts.is_none() {
            let path = format!("{}.MaximumRetryAttempts", mapping.logical_id);
            findings
                .at(&path, "MaximumRetryAttempts is infinite by itself, and 10 beside DestinationConfig".to_owned());
        }
    }
}

/// Whether Lambda gives a batch up at some time.
fn is_limited(mapping: &KafkaMappingSpec) -> bool {
    mapping.effective_retry_attempts().is_some() || mapping.maximum_record_age.is_some()
}

fn dropped(application: &Application, findings: &mut Findings<'_>) {
    for mapping in application.kafka_mappings.iter().filter(|mapping| mapping.on_failure.is_none()) {
        let id = &mapping.logical_id;
        if let Some(retries) = mapping.maximum_retry_attempts {
            let message = format!("after {retries} retries the batch is skipped, and no destination keeps it");
            findings.at(&format!("{id}.MaximumRetryAttempts"), message);
        } else if let Some(age) = mapping.maximum_record_age {
            let message = format!("records older than {} s are skipped, and no destination keeps them", age.as_secs());
            findings.at(&format!("{id}.MaximumRecordAgeInSeconds"), message);
        }
    }
}

fn blocked(application: &Application, findings: &mut Findings<'_>) {
    for mapping in application.kafka_mappings.iter().filter(|mapping| !is_limited(mapping)) {
        let message = format!("topic {} is tried without end", mapping.topic);
        findings.at(&format!("{}.MaximumRetryAttempts", mapping.logical_id), message);
    }
}

fn whole_batch(application: &Application, findings: &mut Findings<'_>) {
    for mapping in &application.kafka_mappings {
        let splits = mapping.bisect_on_error || mapping.report_batch_item_failures || mapping.batch_size == 1;
        if is_limited(mapping) && mapping.on_failure.is_some() && !splits {
            let message = format!("up to {} records are given up together", mapping.batch_size);
            findings.at(&format!("{}.BatchSize", mapping.logical_id), message);
        }
    }
}
