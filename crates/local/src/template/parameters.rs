//! Parameters: what is given, what the stack's environment says, and their defaults; and the pseudo parameters.

use std::collections::BTreeMap;

use super::{
    Options, constraints,
    error::Fault,
    node::{Node, Position},
};

/// The account of everything local.
pub const ACCOUNT: &str = "000000000000";
/// The region of everything local.
pub const REGION: &str = "us-east-1";

/// One parameter's value.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// `String`, `Number` and the types that name one thing.
    Text(String),
    /// `CommaDelimitedList` and `List<...>`.
    List(Vec<String>),
    /// Declared, without a value: an error when something needs it.
    Missing(String),
    /// `AWS::NoValue`.
    Nothing,
}

/// Every parameter by name, the pseudo ones among them.
pub(super) type Parameters = BTreeMap<String, Value>;

/// The values of all parameters.
///
/// # Errors
/// A value outside of what the declaration allows, an override or a mapped variable for a parameter that is not declared.
pub(super) fn read(root: &Node, options: &Options) -> Result<Parameters, Fault> {
    let mut values: Parameters = [
        ("AWS::Region", REGION),
        ("AWS::AccountId", ACCOUNT),
        ("AWS::Partition", "aws"),
        ("AWS::StackName", "millrace"),
        ("AWS::StackId", "arn:aws:cloudformation:us-east-1:000000000000:stack/millrace/local"),
        ("AWS::URLSuffix", "amazonaws.com"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), Value::Text(value.to_owned())))
    .collect();
    values.insert("AWS::NoValue".to_owned(), Value::Nothing);
    values.insert("AWS::NotificationARNs".to_owned(), Value::List(Vec::new()));

    let declared = match root.get("Parameters") {
        Some(node) => node.as_mapping().ok_or_else(|| Fault::value("Parameters", node, "a mapping"))?,
        None => &[],
    };
    let variables = variables(root)?;
    let known = |name: &str| declared.iter().any(|entry| entry.key == name);
    if let Some((name, (_, position))) = variables.iter().find(|(name, _)| !known(name)) {
        return Err(Fault::new(*position, format!("no parameter {name} in Parameters")));
    }
    if let Some(name) = options.parameters.keys().find(|name| !known(name)) {
        let names: Vec<_> = declared.iter().map(|entry| entry.key.as_str()).collect();
        let message = format!(
            "a value is given for parameter {name}, which the template does not have; it has: {}",
            names.join(", ")
        );
        return Err(Fault::new(root.position, message));
    }
    for entry in declared {
        let variable = variables.get(&entry.key).map(|(variable, _)| variable.as_str());
        let value = value(&entry.key, &entry.value, variable, options)?;
        values.insert(entry.key.clone(), value);
    }
    Ok(values)
}

/// `Metadata.Millrace.Parameters`: parameter to environment variable, with the place of each.
fn variables(root: &Node) -> Result<BTreeMap<String, (String, Position)>, Fault> {
    let Some(millrace) = root.get("Metadata").and_then(|metadata| metadata.get("Millrace")) else {
        return Ok(BTreeMap::new());
    };
    let entries = millrace.as_mapping().ok_or_else(|| Fault::value("Metadata.Millrace", millrace, "a mapping"))?;
    let mut variables = BTreeMap::new();
    for entry in entries {
        if entry.key != "Parameters" {
            let message = format!("Metadata.Millrace.{} is not known; known here: Parameters", entry.key);
            return Err(Fault::new(entry.position, message));
        }
        let what = "Metadata.Millrace.Parameters";
        let pairs =
            entry.value.as_mapping().ok_or_else(|| Fault::value(what, &entry.value, "{Parameter: VARIABLE}"))?;
        for pair in pairs {
            let variable = pair.value.as_text().filter(|text| !text.is_empty());
            let variable =
                variable.ok_or_else(|| Fault::value(what, &pair.value, "the name of an environment variable"))?;
            variables.insert(pair.key.clone(), (variable.to_owned(), pair.position));
        }
    }
    Ok(variables)
}

fn value(name: &str, node: &Node, variable: Option<&str>, options: &Options) -> Result<Value, Fault> {
    let entries = node.as_mapping().ok_or_else(|| Fault::value(name, node, "a mapping with Type"))?;
    for entry in entries {
        const KNOWN: [&str; 11] = [
            "Type",
            "Default",
            "AllowedValues",
            "MinLength",
            "MaxLength",
            "MinValue",
            "MaxValue",
            "AllowedPattern",
            "ConstraintDescription",
            "Description",
            "NoEcho",
        ];
        if !KNOWN.contains(&entry.key.as_str()) {
            let message = format!("parameter {name}: {} is not known; known: {}", entry.key, KNOWN.join(", "));
            return Err(Fault::new(entry.position, message));
        }
    }
    let kind = node.get("Type").ok_or_else(|| Fault::new(node.position, format!("parameter {name} has no Type")))?;
    let kind = constraints::kind(name, kind)?;
    let given = options.parameters.get(name).or_else(|| options.environment.get(variable?));
    let text = match (given, node.get("Default")) {
        (Some(given), _) => given.clone(),
        (None, Some(_)) if kind.stored => {
            let why =
                format!("its Default is a name in the SSM parameter store; give a value with --parameter {name}=VALUE");
            return Ok(Value::Missing(why));
        }
        (None, Some(default)) => match default.as_text() {
            Some(text) => text.to_owned(),
            None => return Err(Fault::value(&format!("parameter {name}: Default"), default, "text")),
        },
        (None, None) => {
            let or = variable.map(|variable| format!(", or set {variable}")).unwrap_or_default();
            return Ok(Value::Missing(format!("it has no Default; give a value with --parameter {name}=VALUE{or}")));
        }
    };
    let values = match (kind.list, text.is_empty()) {
        (true, true) => Vec::new(),
        (true, false) => text.split(',').map(str::trim).map(str::to_owned).collect(),
        (false, _) => vec![text.clone()],
    };
    constraints::check(name, kind, &text, &values, node)?;
    Ok(if kind.list { Value::List(values) } else { Value::Text(text) })
}
