//! Figures as CloudWatch's embedded metric format: one JSON line on stdout, which CloudWatch turns into metrics on AWS and
//! the runner into series for Prometheus. No client, no call, nothing to lose with the process.

use std::{io::Write, time::Duration};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

/// The figures of one invocation, or of one step of it.
///
/// ```
/// use kit::metrics::Metrics;
/// Metrics::new("Millrace/Github", chrono::Utc::now()).count("records", 12).emit();
/// ```
#[derive(Debug, Clone)]
pub struct Metrics {
    namespace: &'static str,
    now: DateTime<Utc>,
    dimensions: Vec<(&'static str, String)>,
    metrics: Vec<(&'static str, &'static str, f64)>,
}

impl Metrics {
    /// Nothing yet, in a namespace such as `Millrace/Github`; `now` is the invocation's.
    #[must_use]
    pub fn new(namespace: &'static str, now: DateTime<Utc>) -> Self {
        Self { namespace, now, dimensions: Vec::new(), metrics: Vec::new() }
    }

    /// A label with few values (a rule, a topic), never an id: each value is a series of its own, and costs on AWS.
    #[must_use]
    pub fn dimension(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.dimensions.push((name, value.into()));
        self
    }

    /// How many; adds up.
    #[must_use]
    pub fn count(self, name: &'static str, count: u64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "counts of one invocation stay far below 2^53")]
        self.metric(name, "Count", count as f64)
    }

    /// How long.
    #[must_use]
    pub fn duration(self, name: &'static str, duration: Duration) -> Self {
        self.metric(name, "Milliseconds", duration.as_secs_f64() * 1000.0)
    }

    /// How large.
    #[must_use]
    pub fn bytes(self, name: &'static str, bytes: u64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "sizes of one invocation stay far below 2^53")]
        self.metric(name, "Bytes", bytes as f64)
    }

    fn metric(mut self, name: &'static str, unit: &'static str, value: f64) -> Self {
        self.metrics.push((name, unit, value));
        self
    }

    /// Prints the line; nothing when there is no figure.
    pub fn emit(self) {
        if self.metrics.is_empty() {
            return;
        }
        // One write, so that lines of several threads do not mix; figures that cannot be told must not fail the work.
        let _ = std::io::stdout().lock().write_all(format!("{}\n", self.line()).as_bytes());
    }

    fn line(&self) -> Value {
        let names: Vec<&str> = self.dimensions.iter().map(|(name, _)| *name).collect();
        let metrics: Vec<Value> =
            self.metrics.iter().map(|(name, unit, _)| json!({"Name": name, "Unit": unit})).collect();
        let directive = json!({"Namespace": self.namespace, "Dimensions": [names], "Metrics": metrics});
        let mut line = Map::new();
        line.insert("_aws".into(), json!({"Timestamp": self.now.timestamp_millis(), "CloudWatchMetrics": [directive]}));
        line.extend(self.dimensions.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
        line.extend(self.metrics.iter().map(|(name, _, value)| ((*name).to_owned(), json!(value))));
        Value::Object(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_embedded_metric_format() {
        let now = DateTime::from_timestamp_millis(1_574_109_732_004).unwrap();
        let metrics = Metrics::new("Millrace/Github", now)
            .dimension("rule", "size")
            .count("dead_letters", 3)
            .duration("took", Duration::from_micros(1500));
        let expected = json!({
            "_aws": {"Timestamp": 1_574_109_732_004_i64, "CloudWatchMetrics": [{
                "Namespace": "Millrace/Github", "Dimensions": [["rule"]],
                "Metrics": [{"Name": "dead_letters", "Unit": "Count"}, {"Name": "took", "Unit": "Milliseconds"}],
            }]},
            "rule": "size", "dead_letters": 3.0, "took": 1.5,
        });
        assert_eq!(metrics.line(), expected);
    }
}
