//! Batches of Kafka and RabbitMQ, and the time for them.

use std::time::Duration;

use super::rule::{Findings, Level, Rule};
use crate::template::spec::Application;

/// Less time than this for a record is hardly ever meant.
const LEAST_FOR_A_RECORD: Duration = Duration::from_millis(1);

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "M020",
        level: Level::Warning,
        title: "a batching window has nothing to wait for",
        why: "A batch of one record is full at once; the window changes nothing.",
        mend: "Remove MaximumBatchingWindowInSeconds, or raise BatchSize.",
        source: "lambda/latest/dg/invocation-eventsourcemapping.html",
        check: idle_window,
    },
    Rule {
        id: "M021",
        level: Level::Warning,
        title: "a batch has the default timeout of 3 seconds",
        why: "A function without Timeout has 3 seconds, its cold start and its connections among them. A batch that \
              takes longer fails each time it comes.",
        mend: "State Timeout, with room for a whole batch (up to 840 seconds with Kafka).",
        source: "lambda/latest/dg/configuration-timeout.html",
        check: default_timeout,
    },
    Rule {
        id: "M022",
        level: Level::Warning,
        title: "less than a millisecond for each record of a batch",
        why: "A full batch leaves each record less than a millisecond of the function's timeout. Batches are full when \
              there is a backlog, which is when the function is needed most.",
        mend: "Raise Timeout or lower BatchSize.",
        source: "lambda/latest/dg/configuration-timeout.html",
        check: hurried,
    },
    Rule {
        id: "M023",
        level: Level::Warning,
        title: "batches that last longer than their records may be old",
        why: "A batch may take as long as the function's timeout. With MaximumRecordAgeInSeconds below that, what waits \
              behind one slow batch is given up without having been tried.",
        mend: "Raise MaximumRecordAgeInSeconds to several timeouts.",
        source: "lambda/latest/dg/kafka-retry-configurations.html",
        check: aged_while_waiting,
    },
];

fn idle_window(application: &Application, findings: &mut Findings<'_>) {
    let kafka = application.kafka_mappings.iter().map(|m| (&m.logical_id, m.batch_size, m.batching_window));
    let queues = application.mq_mappings.iter().map(|m| (&m.logical_id, m.batch_size, m.batching_window));
    for (id, _, window) in kafka.chain(queues).filter(|(_, size, window)| *size == 1 && !window.is_zero()) {
        let path = format!("{id}.MaximumBatchingWindowInSeconds");
        if application.outline.has(&path) {
            findings.at(&path, format!("a window of {} s for a BatchSize of 1", window.as_secs()));
        }
    }
}

fn default_timeout(application: &Application, findings: &mut Findings<'_>) {
    let kafka = application.kafka_mappings.iter().map(|m| (&m.function, m.batch_size, &m.topic));
    let queues = application.mq_mappings.iter().map(|m| (&m.function, m.batch_size, &m.queue));
    for (function, size, source) in kafka.chain(queues) {
        let path = format!("{function}.Timeout");
        if size > 1 && !application.outline.has(&path) {
            findings.at(&path, format!("{function} has 3 s for up to {size} records of {source}"));
        }
    }
}

fn hurried(application: &Application, findings: &mut Findings<'_>) {
    for mapping in &application.kafka_mappings {
        let Some(function) = application.functions.get(&mapping.function) else { continue };
        let records = u32::try_from(mapping.batch_size).unwrap_or(u32::MAX);
        if function.timeout < LEAST_FOR_A_RECORD.saturating_mul(records) {
            let message = format!(
                "{} records in {} s, the Timeout of {}",
                mapping.batch_size,
                function.timeout.as_secs(),
                mapping.function
            );
            findings.at(&format!("{}.BatchSize", mapping.logical_id), message);
        }
    }
}

fn aged_while_waiting(application: &Application, findings: &mut Findings<'_>) {
    for mapping in &application.kafka_mappings {
        let Some(function) = application.functions.get(&mapping.function) else { continue };
        if let Some(age) = mapping.maximum_record_age.filter(|age| *age <= function.timeout) {
            let message = format!(
                "records may be {} s old, and one batch may take {} s",
                age.as_secs(),
                function.timeout.as_secs()
            );
            findings.at(&format!("{}.MaximumRecordAgeInSeconds", mapping.logical_id), message);
        }
    }
}
