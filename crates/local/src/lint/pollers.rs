//! Concurrency: pollers, partitions, queues and what a function has reserved.

use std::collections::BTreeSet;

use super::rule::{Findings, Level, Rule};
use crate::template::spec::{Application, KafkaMappingSpec};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "M030",
        level: Level::Warning,
        title: "more pollers than partitions",
        why: "A partition is read by one poller at a time, and Lambda has no more of them than the topic has partitions: \
              the setting promises more than there can be.",
        mend: "Set MaximumPollers to the number of partitions, or give the topic more of them.",
        source: "lambda/latest/dg/kafka-scaling-modes.html",
        check: idle_pollers,
    },
    Rule {
        id: "M031",
        level: Level::Error,
        title: "a function with triggers can never run",
        why: "ReservedConcurrentExecutions: 0 refuses every invocation. Kafka batches are tried again without end, \
              requests are answered 429 or 503, asynchronous events are dropped after six hours.",
        mend: "Take it away, or disable the triggers with Enabled: false, which loses nothing.",
        source: "lambda/latest/dg/configuration-concurrency.html",
        check: never_runs,
    },
    Rule {
        id: "M032",
        level: Level::Warning,
        title: "reserved concurrency below the number of pollers",
        why: "Batches that arrive together are throttled and tried again; a throttled batch grows older, and Lambda \
              answers throttling with fewer pollers.",
        mend: "Reserve at least as much as there are pollers with a partition, or lower MaximumPollers.",
        source: "lambda/latest/dg/kafka-scaling-modes.html",
        check: throttled,
    },
    Rule {
        id: "M033",
        level: Level::Warning,
        title: "a queue is read one batch at a time",
        why: "Lambda runs one execution environment for a RabbitMQ mapping, whatever the function has reserved.",
        mend: "Raise BatchSize, or divide the messages among several queues with a mapping each.",
        source: "lambda/latest/dg/with-mq.html",
        check: single_consumer,
    },
    Rule {
        id: "M034",
        level: Level::Warning,
        title: "a message that always fails comes back for ever",
        why: "A mapping of RabbitMQ has no retry limit and no destination: a batch that failed returns to its queue \
              whole, and a classic queue gives it out again at once, without end.",
        mend: "Declare the queue as a quorum queue with x-delivery-limit and a dead-letter exchange, and allow the rule.",
        source: "lambda/latest/dg/with-mq.html",
        check: comes_back,
    },
];

/// The pollers that can have a partition, when the template says how many there are.
fn busy_pollers(application: &Application, mapping: &KafkaMappingSpec) -> usize {
    let partitions = application.topics.get(&mapping.topic).and_then(|topic| usize::try_from(topic.partitions).ok());
    partitions.map_or(mapping.maximum_pollers, |partitions| mapping.maximum_pollers.min(partitions))
}

fn idle_pollers(application: &Application, findings: &mut Findings<'_>) {
    for mapping in &application.kafka_mappings {
        let path = format!("{}.ProvisionedPollerConfig.MaximumPollers", mapping.logical_id);
        let busy = busy_pollers(application, mapping);
        if application.outline.has(&path) && busy < mapping.maximum_pollers {
            let message = format!("{} pollers for the {busy} partitions of {}", mapping.maximum_pollers, mapping.topic);
            findings.at(&path, message);
        }
    }
}

fn never_runs(application: &Application, findings: &mut Findings<'_>) {
    let mut triggered: BTreeSet<&str> = BTreeSet::new();
    triggered.extend(application.kafka_mappings.iter().filter(|m| m.enabled).map(|m| m.function.as_str()));
    triggered.extend(application.mq_mappings.iter().filter(|m| m.enabled).map(|m| m.function.as_str()));
    triggered.extend(application.schedules.iter().filter(|s| s.enabled).map(|s| s.function.as_str()));
    triggered.extend(application.apis.values().flat_map(|api| &api.routes).map(|route| route.function.as_str()));
    for function in application.functions.values().filter(|function| function.reserved_concurrency == Some(0)) {
        if triggered.contains(function.logical_id.as_str()) {
            let message = format!("{} has triggers and no concurrency", function.logical_id);
            findings.at(&format!("{}.ReservedConcurrentExecutions", function.logical_id), message);
        }
    }
}

fn throttled(application: &Application, findings: &mut Findings<'_>) {
    for function in application.functions.values() {
        let Some(reserved) = function.reserved_concurrency.filter(|reserved| *reserved > 0) else { continue };
        let own = application.kafka_mappings.iter().filter(|m| m.enabled && m.function == function.logical_id);
        let pollers: usize = own.map(|mapping| busy_pollers(application, mapping)).sum();
        if usize::try_from(reserved).is_ok_and(|reserved| reserved < pollers) {
            let message = format!("{reserved} at a time, and {pollers} pollers");
            findings.at(&format!("{}.ReservedConcurrentExecutions", function.logical_id), message);
        }
    }
}

fn single_consumer(application: &Application, findings: &mut Findings<'_>) {
    for mapping in &application.mq_mappings {
        let Some(function) = application.functions.get(&mapping.function) else { continue };
        if let Some(reserved) = function.reserved_concurrency.filter(|reserved| *reserved > 1) {
            let message =
                format!("{} reserves {reserved}, and {} uses 1 of them", mapping.function, mapping.logical_id);
            findings.at(&format!("{}.ReservedConcurrentExecutions", mapping.function), message);
        }
    }
}

fn comes_back(application: &Application, findings: &mut Findings<'_>) {
    for mapping in &application.mq_mappings {
        let message = format!("queue {} takes back what fails", mapping.queue);
        findings.at(&format!("{}.Queues", mapping.logical_id), message);
    }
}
