//! Prometheus' text exposition format, version 0.0.4.

use std::{collections::BTreeMap, fmt::Write};

/// Families by name, so that each has its lines together whatever the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Text {
    families: BTreeMap<String, Family>,
}

#[derive(Debug)]
struct Family {
    kind: &'static str,
    help: String,
    lines: String,
}

impl Text {
    /// One value; `suffix` is that of a histogram's or summary's part, else empty.
    pub(super) fn value(
        &mut self,
        (name, suffix): (&str, &str),
        (kind, help): (&'static str, &str),
        labels: &[(&str, &str)],
        value: f64,
    ) {
        let family = self.families.entry(name.to_owned()).or_insert_with(|| Family {
            kind,
            help: help.replace('\\', r"\\").replace('\n', r"\n"),
            lines: String::new(),
        });
        let _ = write!(family.lines, "{name}{suffix}");
        for (at, (label, value)) in labels.iter().enumerate() {
            let value = value.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n");
            let _ = write!(family.lines, r#"{}{label}="{value}""#, if at == 0 { "{" } else { "," });
        }
        let _ = writeln!(family.lines, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }

    pub(super) fn counter(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.value((name, ""), ("counter", help), labels, value);
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.value((name, ""), ("gauge", help), labels, value);
    }

    /// The whole text.
    pub(super) fn finish(self) -> String {
        let mut text = String::new();
        for (name, Family { kind, help, lines }) in self.families {
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{lines}");
        }
        text
    }
}

/// A name that Prometheus takes: `lambda-function-metrics`, `rowsStaged` -> `lambda_function_metrics`, `rows_staged`.
pub(super) fn name(text: &str) -> String {
    let mut name = String::with_capacity(text.len() + 4);
    let mut before_small = false;
    for character in text.chars() {
        if character.is_ascii_uppercase() && before_small {
            name.push('_');
        }
        before_small = character.is_ascii_lowercase() || character.is_ascii_digit();
        let fits = character.is_ascii_alphanumeric();
        if fits || !name.ends_with('_') {
            name.push(if fits { character.to_ascii_lowercase() } else { '_' });
        }
    }
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_stand_together() {
        let mut text = Text::default();
        text.counter("b_total", "B.", &[], 1.0);
        text.gauge("a", "A.", &[("x", "1\"\n\\")], 2.5);
        text.counter("b_total", "B.", &[("y", "2"), ("z", "3")], 4.0);
        let expected = "# HELP a A.\n# TYPE a gauge\na{x=\"1\\\"\\n\\\\\"} 2.5\n\
                        # HELP b_total B.\n# TYPE b_total counter\nb_total 1\nb_total{y=\"2\",z=\"3\"} 4\n";
        assert_eq!(text.finish(), expected);
    }

    #[test]
    fn names() {
        for (from, to) in [("Millrace/GitHub", "millrace_git_hub"), ("rowsStaged", "rows_staged"), ("99%", "_99_")] {
            assert_eq!(name(from), to);
        }
    }
}
