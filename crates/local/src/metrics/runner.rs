//! What the runner itself knows: functions, triggers.

use std::sync::Arc;

use super::text::Text;
use crate::{
    host::{BUCKET_BOUNDS_MS, Function},
    mapping::{Lag, Mapping, MappingState},
};

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn float(count: u64) -> f64 {
    count as f64
}

pub(super) fn functions(text: &mut Text, functions: &[&Arc<Function>]) {
    for function in functions {
        let statistics = function.statistics();
        let labels = [("function", function.spec().name.as_str())];
        let counters = [
            ("millrace_invocations_total", "Invocations that ended.", statistics.invocations),
            ("millrace_errors_total", "Invocations that ended with a function error.", statistics.errors),
            ("millrace_throttles_total", "Invocations refused for want of concurrency.", statistics.throttles),
            ("millrace_cold_starts_total", "Processes started.", statistics.cold_starts),
        ];
        for (name, help, value) in counters {
            text.counter(name, help, &labels, float(value));
        }
        let in_flight = u64::try_from(function.in_flight()).unwrap_or_default();
        text.gauge("millrace_invocations_in_flight", "Invocations under way.", &labels, float(in_flight));
        durations(text, labels, &statistics.durations);
        let usage = function.usage();
        let cpu = ("process_cpu_seconds_total", "Processor time of the function's processes, ended ones included.");
        text.counter(cpu.0, cpu.1, &labels, usage.cpu_seconds);
        let resident = ("process_resident_memory_bytes", "Resident memory of the function's processes.");
        text.gauge(resident.0, resident.1, &labels, float(usage.resident_bytes));
    }
}

fn durations(text: &mut Text, labels: [(&str, &str); 1], durations: &crate::host::Durations) {
    const NAME: &str = "millrace_invocation_duration_milliseconds";
    let family = ("histogram", "From an event's hand-over to its answer.");
    let [function] = labels;
    let mut below = 0;
    let bounds = BUCKET_BOUNDS_MS.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
    for (bound, count) in bounds.zip(durations.buckets()) {
        below += count;
        text.value((NAME, "_bucket"), family, &[function, ("le", &bound)], float(below));
    }
    text.value((NAME, "_sum"), family, &labels, durations.sum_ms());
    text.value((NAME, "_count"), family, &labels, float(below));
}

pub(super) fn trigger(text: &mut Text, mapping: &Mapping, lag: Option<Lag>) {
    let source = mapping.source();
    let labels = match mapping {
        Mapping::Kafka(_) => [("mapping", mapping.logical_id()), ("topic", source.as_str())],
        Mapping::RabbitMq(_) => [("mapping", mapping.logical_id()), ("queue", source.as_str())],
    };
    let statistics = mapping.statistics();
    let counters = [
        ("millrace_mapping_invocations_total", "Attempts to deliver a batch.", statistics.invocations),
        ("millrace_mapping_failures_total", "Attempts that failed, wholly or in part.", statistics.failures),
        ("millrace_mapping_delivered_records_total", "Records in all attempts.", statistics.delivered),
        ("millrace_mapping_records_total", "Records that are done.", statistics.records),
        ("millrace_mapping_given_up_records_total", "Records given up.", statistics.given_up),
    ];
    for (name, help, value) in counters {
        text.counter(name, help, &labels, float(value));
    }
    let enabled = if mapping.state().0 == MappingState::Enabled { 1.0 } else { 0.0 };
    text.gauge("millrace_mapping_enabled", "1 while the mapping reads.", &labels, enabled);
    let Some(lag) = lag else { return };
    let records = float(u64::try_from(lag.records).unwrap_or_default());
    text.gauge("millrace_mapping_lag_records", "Records that are not done.", &labels, records);
    if let Some(seconds) = lag.seconds {
        let help = "Age of the newest record that is done, while others wait.";
        text.gauge("millrace_mapping_lag_seconds", help, &labels, seconds);
    }
}
