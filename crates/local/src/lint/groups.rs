//! Kafka triggers: where they begin, and who else reads.

use std::collections::BTreeMap;

use super::rule::{Findings, Level, Rule};
use crate::template::spec::{Application, StartingPosition};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "M010",
        level: Level::Warning,
        title: "LATEST misses what comes before the mapping is ready",
        why: "Lambda takes minutes until a new mapping polls, and up to 90 seconds after an update. What is produced \
              meanwhile, by a group without offsets, is never delivered.",
        mend: "Use StartingPosition: TRIM_HORIZON, or AT_TIMESTAMP with the time of the deploy.",
        source: "lambda/latest/dg/kafka-starting-positions.html",
        check: latest,
    },
    Rule {
        id: "M011",
        level: Level::Error,
        title: "two mappings share a consumer group",
        why: "A group's partitions are divided among its members: each mapping gets a part of the records, and neither \
              gets all. Lambda asks for a group id of its own for every mapping.",
        mend: "Give each mapping its own ConsumerGroupId.",
        source: "lambda/latest/dg/kafka-consumer-group-id.html",
        check: shared_group,
    },
    Rule {
        id: "M012",
        level: Level::Warning,
        title: "a function gets each record twice",
        why: "Two mappings of one topic call the same function, each with a group of its own.",
        mend: "Remove one of the mappings; for more throughput use ProvisionedPollerConfig.",
        source: "",
        check: twice,
    },
];

fn latest(application: &Application, findings: &mut Findings<'_>) {
    for mapping in &application.kafka_mappings {
        if mapping.starting_position == StartingPosition::Latest {
            let message = format!("{} begins with what is produced once it is ready", mapping.logical_id);
            findings.at(&format!("{}.StartingPosition", mapping.logical_id), message);
        }
    }
}

/// Where the group id stands, in each of the forms.
const GROUP_PATHS: [&str; 3] = [
    "ConsumerGroupId",
    "SelfManagedKafkaEventSourceConfig.ConsumerGroupId",
    "AmazonManagedKafkaEventSourceConfig.ConsumerGroupId",
];

fn shared_group(application: &Application, findings: &mut Findings<'_>) {
    let mut groups: BTreeMap<&str, &str> = BTreeMap::new();
    for mapping in &application.kafka_mappings {
        let Some(group) = mapping.consumer_group_id.as_deref() else { continue };
        let Some(first) = groups.insert(group, &mapping.logical_id) else { continue };
        let paths = GROUP_PATHS.map(|path| format!("{}.{path}", mapping.logical_id));
        let path = paths.iter().find(|path| application.outline.has(path)).unwrap_or(&mapping.logical_id);
        findings.at(path, format!("{first} has group {group} too"));
    }
}

fn twice(application: &Application, findings: &mut Findings<'_>) {
    let mut seen: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for mapping in application.kafka_mappings.iter().filter(|mapping| mapping.enabled) {
        let first = seen.insert((&mapping.topic, &mapping.function), &mapping.logical_id);
        if let Some(first) = first {
            let message = format!("{first} brings {} to {} already", mapping.topic, mapping.function);
            findings.at(&format!("{}.Topics", mapping.logical_id), message);
        }
    }
}
