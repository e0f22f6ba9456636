//! Topics that the template names.

use super::rule::{Findings, Level, Rule};
use crate::template::spec::{Application, KafkaMappingSpec, Outline};

/// Kafka's default of `max.message.bytes`.
const DEFAULT_MESSAGE_BYTES: u64 = 1_048_588;
/// Without an age, somebody should have this long to mend the function: a day.
const TIME_TO_MEND_MS: i64 = 86_400_000;
/// A chain of destinations ends here.
const MAX_HOPS: usize = 100;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "M040",
        level: Level::Warning,
        title: "a topic is declared nowhere",
        why: "The runner makes it with one partition and the broker's defaults, which is hardly what it has on AWS; \
              there nobody makes it.",
        mend: "Declare it under Metadata: Millrace: Topics: of a resource, with its Partitions.",
        source: "",
        check: undeclared,
    },
    Rule {
        id: "M041",
        level: Level::Error,
        title: "failed records come back to where they failed",
        why: "The on-failure topic is the source of a mapping whose own failures lead back to the first topic, or to a \
              mapping of the same function: a record that always fails goes round for ever.",
        mend: "Let the last topic of the chain have no mapping, or one of another function without a destination back.",
        source: "lambda/latest/dg/kafka-on-failure-destination.html",
        check: circle,
    },
    Rule {
        id: "M042",
        level: Level::Warning,
        title: "the on-failure topic takes smaller records than the source",
        why: "A failed record that does not fit its destination cannot be written there, and what cannot be written \
              holds up the partition or is lost.",
        mend: "Give the on-failure topic a max.message.bytes above that of the source; the metadata needs room too.",
        source: "lambda/latest/dg/kafka-on-failure-destination.html",
        check: small_destination,
    },
    Rule {
        id: "M043",
        level: Level::Warning,
        title: "records expire before they are given up",
        why: "Kafka deletes records at the topic's retention. While a failing batch is tried for longer than that, the \
              records behind it are gone without having reached the function or the destination.",
        mend: "Keep retention.ms above MaximumRecordAgeInSeconds, with time to mend the function.",
        source: "lambda/latest/dg/kafka-retry-configurations.html",
        check: short_retention,
    },
];

/// The topic of an on-failure destination.
fn failure_topic<'o>(outline: &'o Outline, mapping: &KafkaMappingSpec) -> Option<&'o str> {
    let path = destination_path(mapping);
    outline.text(&path)?.strip_prefix("kafka://")
}

fn destination_path(mapping: &KafkaMappingSpec) -> String {
    format!("{}.DestinationConfig.OnFailure.Destination", mapping.logical_id)
}

fn undeclared(application: &Application, findings: &mut Findings<'_>) {
    let outline = &application.outline;
    let declared = |topic: &str| {
        let suffix = format!(".Metadata.Millrace.Topics.{topic}");
        outline.properties.keys().any(|path| path.ends_with(&suffix))
    };
    for mapping in &application.kafka_mappings {
        if !declared(&mapping.topic) {
            let message = format!("topic {} is in no Metadata.Millrace.Topics", mapping.topic);
            findings.at(&format!("{}.Topics", mapping.logical_id), message);
        }
        if let Some(topic) = failure_topic(outline, mapping).filter(|topic| !declared(topic)) {
            let message = format!("on-failure topic {topic} is in no Metadata.Millrace.Topics");
            findings.at(&destination_path(mapping), message);
        }
    }
}

fn circle(application: &Application, findings: &mut Findings<'_>) {
    let outline = &application.outline;
    for mapping in &application.kafka_mappings {
        let mut topic = failure_topic(outline, mapping);
        let mut way = vec![mapping.topic.as_str()];
        while let Some(next) = topic.filter(|_| way.len() < MAX_HOPS) {
            way.push(next);
            let Some(reader) = application.kafka_mappings.iter().find(|other| other.topic == next) else { break };
            // Failing twice in the same function is the shortest circle, because the record is the same.
            let back = next == mapping.topic || reader.function == mapping.function;
            if back {
                let message = format!(
                    "failed records of {} come to {} again: {}",
                    mapping.topic,
                    reader.function,
                    way.join(" -> ")
                );
                findings.at(&destination_path(mapping), message);
                break;
            }
            topic = failure_topic(outline, reader);
        }
    }
}

fn setting<T: std::str::FromStr>(application: &Application, topic: &str, key: &str) -> Option<T> {
    application.topics.get(topic)?.config.get(key)?.parse().ok()
}

fn small_destination(application: &Application, findings: &mut Findings<'_>) {
    for mapping in &application.kafka_mappings {
        let Some(target) = failure_topic(&application.outline, mapping) else { continue };
        let bytes = |topic| setting::<u64>(application, topic, "max.message.bytes").unwrap_or(DEFAULT_MESSAGE_BYTES);
        let (source, destination) = (bytes(&mapping.topic), bytes(target));
        if destination < source {
            let message = format!(
                "records of {} have up to {source} bytes, those of {target} up to {destination}",
                mapping.topic
            );
            findings.at(&destination_path(mapping), message);
        }
    }
}

fn short_retention(application: &Application, findings: &mut Findings<'_>) {
    for mapping in &application.kafka_mappings {
        let Some(retention) = setting::<i64>(application, &mapping.topic, "retention.ms").filter(|ms| *ms >= 0) else {
            continue;
        };
        let age = mapping.maximum_record_age.map(|age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
        if retention < age.unwrap_or(TIME_TO_MEND_MS) {
            let kept = retention / 1000;
            let tried = age.map_or("without end".to_owned(), |age| format!("for {} s", age / 1000));
            let message = format!("{} keeps records for {kept} s, and they are tried {tried}", mapping.topic);
            findings.at(&format!("{}.MaximumRecordAgeInSeconds", mapping.logical_id), message);
        }
    }
}
