//! One log line in CloudWatch's embedded metric format.

use serde::Deserialize;
use serde_json::{Map, Value};

/// What one line says of one metric.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    pub(super) namespace: String,
    pub(super) name: String,
    /// `Count`, `Milliseconds` ...; `None` when unset.
    pub(super) unit: String,
    /// Names and values of the dimensions.
    pub(super) dimensions: Vec<(String, String)>,
    pub(super) values: Vec<f64>,
}

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "_aws")]
    aws: Aws,
    #[serde(flatten)]
    members: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Aws {
    cloud_watch_metrics: Vec<Directive>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: String,
    #[serde(default)]
    dimensions: Vec<Vec<String>>,
    metrics: Vec<Definition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Definition {
    name: String,
    unit: Option<String>,
}

/// The samples of a line; none when it is an ordinary log line, or malformed: CloudWatch ignores those too.
pub(super) fn samples(line: &[u8]) -> Vec<Sample> {
    const MARK: &[u8] = br#""_aws""#;
    if !line.windows(MARK.len()).any(|window| window == MARK) {
        return Vec::new();
    }
    let Ok(line) = serde_json::from_slice::<Line>(line) else { return Vec::new() };
    let directives = line.aws.cloud_watch_metrics.iter();
    directives.flat_map(|directive| of_directive(directive, &line.members)).collect()
}

fn of_directive<'l>(directive: &'l Directive, members: &'l Map<String, Value>) -> impl Iterator<Item = Sample> + 'l {
    // CloudWatch makes a series of each set of dimensions; Prometheus sums by label itself, so the largest set is enough.
    let dimensions = directive.dimensions.iter().max_by_key(|set| set.len());
    let dimensions: Vec<(String, String)> =
        dimensions.into_iter().flatten().filter_map(|name| Some((name.clone(), text(members.get(name)?)?))).collect();
    directive.metrics.iter().filter_map(move |metric| {
        let values = numbers(members.get(&metric.name)?);
        (!values.is_empty()).then(|| Sample {
            namespace: directive.namespace.clone(),
            name: metric.name.clone(),
            unit: metric.unit.clone().unwrap_or_else(|| "None".to_owned()),
            dimensions: dimensions.clone(),
            values,
        })
    })
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// A number, or a list of at most a hundred.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().take(100).filter_map(Value::as_f64).collect(),
        value => value.as_f64().into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_aws_documentation() {
        let line = br#"{"_aws":{"Timestamp":1574109732004,"CloudWatchMetrics":[{"Namespace":"lambda-function-metrics",
            "Dimensions":[["functionVersion"],[]],"Metrics":[{"Name":"time","Unit":"Milliseconds","StorageResolution":60},
            {"Name":"absent"}]}]},"functionVersion":"$LATEST","time":[100,50.5],"requestId":"989ffbf8"}"#;
        let expected = Sample {
            namespace: "lambda-function-metrics".into(),
            name: "time".into(),
            unit: "Milliseconds".into(),
            dimensions: vec![("functionVersion".into(), "$LATEST".into())],
            values: vec![100.0, 50.5],
        };
        assert_eq!(samples(line), [expected]);
    }

    #[test]
    fn other_lines_say_nothing() {
        for line in [&b"START RequestId: 1"[..], br#"{"message":"\"_aws\""}"#, br#"{"_aws":{}}"#, br#"{"_aws""#, b""] {
            assert_eq!(samples(line), []);
        }
    }
}
