//! Samples of many lines and processes, put together.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    emf::Sample,
    text::{Text, name},
};

/// More series than this are a mistake (an id as a dimension, say); further ones are counted and dropped.
const MOST_SERIES: usize = 10_000;

/// Every series that functions have printed.
#[derive(Debug, Default)]
pub(super) struct Series {
    by_key: BTreeMap<Key, Sum>,
    dropped: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// Of the function.
    function: String,
    name: String,
    kind: Kind,
    labels: Vec<(String, String)>,
}

/// What a unit means for many values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// They add up.
    Counter,
    /// The newest one counts.
    Gauge,
    /// Sizes and durations: sum and number.
    Summary,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    sum: f64,
    count: u64,
    newest: f64,
}

impl Series {
    pub(super) fn add(&mut self, function: &str, sample: Sample) {
        let (kind, suffix) = kind(&sample.unit);
        let key = Key {
            function: function.to_owned(),
            name: format!("{}_{}{suffix}", name(&sample.namespace), name(&sample.name)),
            kind,
            labels: sample.dimensions.into_iter().map(|(label, value)| (name(&label), value)).collect(),
        };
        if self.by_key.len() >= MOST_SERIES && !self.by_key.contains_key(&key) {
            self.dropped += 1;
            return;
        }
        let sum = self.by_key.entry(key).or_default();
        for value in sample.values.into_iter().filter(|value| value.is_finite()) {
            sum.sum += value;
            sum.count += 1;
            sum.newest = value;
        }
    }

    /// Writes the series of these functions.
    pub(super) fn render(&self, text: &mut Text, functions: &[&str]) {
        let mut kinds: BTreeMap<&str, Kind> = BTreeMap::new();
        for (key, sum) in self.by_key.iter().filter(|(key, _)| functions.contains(&key.function.as_str())) {
            // One name has one type; the first one stands.
            if *kinds.entry(&key.name).or_insert(key.kind) != key.kind {
                continue;
            }
            let mut labels: Vec<(&str, &str)> = vec![("function", &key.function)];
            let mut seen: BTreeSet<&str> = BTreeSet::from(["function"]);
            labels.extend(key.labels.iter().map(|(l, v)| (l.as_str(), v.as_str())).filter(|(l, _)| seen.insert(l)));
            let help = "Printed by the function in embedded metric format.";
            match key.kind {
                Kind::Counter => text.counter(&key.name, help, &labels, sum.sum),
                Kind::Gauge => text.gauge(&key.name, help, &labels, sum.newest),
                Kind::Summary => {
                    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 samples")]
                    let count = sum.count as f64;
                    text.value((&key.name, "_sum"), ("summary", help), &labels, sum.sum);
                    text.value((&key.name, "_count"), ("summary", help), &labels, count);
                }
            }
        }
        if self.dropped > 0 {
            #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 samples")]
            text.counter(
                "millrace_metrics_dropped_total",
                "Samples beyond the most series that are kept.",
                &[],
                self.dropped as f64,
            );
        }
    }
}

fn kind(unit: &str) -> (Kind, &'static str) {
    match unit {
        "Count" => (Kind::Counter, "_total"),
        "Seconds" => (Kind::Summary, "_seconds"),
        "Milliseconds" => (Kind::Summary, "_milliseconds"),
        "Microseconds" => (Kind::Summary, "_microseconds"),
        "Bytes" => (Kind::Summary, "_bytes"),
        "Percent" => (Kind::Gauge, "_percent"),
        _ => (Kind::Gauge, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(name: &str, unit: &str, values: &[f64]) -> Sample {
        let dimensions = vec![("eventType".to_owned(), "Push".to_owned())];
        let (namespace, name, unit) = ("Millrace".to_owned(), name.to_owned(), unit.to_owned());
        Sample { namespace, name, unit, dimensions, values: values.to_vec() }
    }

    #[test]
    fn units_say_how_values_are_put_together() {
        let mut series = Series::default();
        for values in [[1.0, 2.0], [3.0, 4.0]] {
            series.add("f", sample("rows", "Count", &values));
            series.add("f", sample("took", "Milliseconds", &values));
            series.add("f", sample("depth", "None", &values));
            series.add("other", sample("rows", "Count", &values));
        }
        let mut text = Text::default();
        series.render(&mut text, &["f"]);
        let text = text.finish();
        for line in [
            r#"millrace_rows_total{function="f",event_type="Push"} 10"#,
            r#"millrace_took_milliseconds_sum{function="f",event_type="Push"} 10"#,
            r#"millrace_took_milliseconds_count{function="f",event_type="Push"} 4"#,
            r#"millrace_depth{function="f",event_type="Push"} 4"#,
            "# TYPE millrace_took_milliseconds summary",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("other"));
    }

    #[test]
    fn an_id_as_a_dimension_does_not_fill_the_memory() {
        let mut series = Series::default();
        for id in 0..MOST_SERIES + 5 {
            let mut sample = sample("rows", "Count", &[1.0]);
            sample.dimensions = vec![("id".to_owned(), id.to_string())];
            series.add("f", sample);
        }
        assert_eq!((series.by_key.len(), series.dropped), (MOST_SERIES, 5));
    }
}
