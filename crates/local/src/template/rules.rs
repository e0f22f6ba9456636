//! The section `Rules`: assertions about the parameters, checked before anything is read, as CloudFormation does.

use super::{
    error::Fault,
    intrinsics::{Scope, items, shape},
    node::{Entry, Kind, Node},
};

/// What may stand in a rule beside `Ref`, without `Fn::`.
pub(super) const FUNCTIONS: [&str; 6] =
    ["Contains", "EachMemberEquals", "EachMemberIn", "RefAll", "ValueOf", "ValueOfAll"];

const ACCEPTED: &str = "Fn::And, Fn::Or, Fn::Not, Fn::Equals, Fn::Contains, Fn::EachMemberEquals, Fn::EachMemberIn";

/// Checks every rule.
///
/// # Errors
/// The first assertion that is false, with its description; a rule that is wrong or needs an account.
pub(super) fn check(scope: &Scope<'_>) -> Result<(), Fault> {
    let Some(section) = scope.root.get("Rules") else { return Ok(()) };
    let rules = section.as_mapping().ok_or_else(|| Fault::value("Rules", section, "a mapping of rules"))?;
    for rule in rules {
        only(&rule.value, &rule.key, &["RuleCondition", "Assertions"])?;
        let assertions = rule.value.get("Assertions").and_then(Node::as_sequence).filter(|list| !list.is_empty());
        let assertions = assertions
            .ok_or_else(|| Fault::new(rule.position, format!("rule {}: Assertions is missing or empty", rule.key)))?;
        let applies = rule.value.get("RuleCondition").map_or(Ok(true), |condition| scope.holds(condition))?;
        for assertion in assertions {
            only(assertion, &rule.key, &["Assert", "AssertDescription"])?;
            let assert = assertion.get("Assert");
            let assert = assert
                .ok_or_else(|| Fault::new(assertion.position, format!("rule {}: Assert is missing", rule.key)))?;
            // Evaluated in any case, so that a wrong one is found whatever the condition says.
            if !scope.holds(assert)? && applies {
                let description = assertion.get("AssertDescription").and_then(Node::as_text);
                let description = description.unwrap_or("the assertion is false");
                return Err(Fault::new(assert.position, format!("rule {}: {description}", rule.key)));
            }
        }
    }
    Ok(())
}

fn only(node: &Node, rule: &str, accepted: &[&str]) -> Result<(), Fault> {
    let form = accepted.join(", ");
    let entries = node.as_mapping().ok_or_else(|| Fault::value(&format!("rule {rule}"), node, &form))?;
    match entries.iter().find(|entry| !accepted.contains(&entry.key.as_str())) {
        Some(entry) => {
            Err(Fault::new(entry.position, format!("rule {rule}: {} is not supported; supported: {form}", entry.key)))
        }
        None => Ok(()),
    }
}

impl Scope<'_> {
    /// The value of a rule's condition or assertion.
    fn holds(&self, node: &Node) -> Result<bool, Fault> {
        self.nested(node.position, || {
            let entry = node.only_entry();
            entry.map_or_else(|| Err(shape(node, "a rule", ACCEPTED)), |entry| self.holds_entry(entry))
        })
    }

    fn holds_entry(&self, entry: &Entry) -> Result<bool, Fault> {
        let (key, argument) = (entry.key.as_str(), &entry.value);
        match key {
            "Fn::And" | "Fn::Or" => {
                let form = "a list of 2 to 10 conditions";
                let parts = items(argument, key, form)?;
                if !(2..=10).contains(&parts.len()) {
                    return Err(shape(argument, key, form));
                }
                let values = parts.iter().map(|part| self.holds(part)).collect::<Result<Vec<_>, _>>()?;
                Ok(if key == "Fn::And" { values.iter().all(|v| *v) } else { values.iter().any(|v| *v) })
            }
            "Fn::Not" => match items(argument, key, "[condition]")? {
                [only] => self.holds(only).map(|value| !value),
                _ => Err(shape(argument, key, "[condition]")),
            },
            "Fn::Equals" => {
                let [left, right] = pair(argument, key, "[a, b]")?;
                Ok(self.strings(left)? == self.strings(right)?)
            }
            "Fn::Contains" => {
                let [list, text] = pair(argument, key, "[[values], value]")?;
                let (list, text) = (self.strings(list)?, self.strings(text)?);
                Ok(text.iter().all(|text| list.contains(text)))
            }
            "Fn::EachMemberEquals" => {
                let [list, text] = pair(argument, key, "[[values], value]")?;
                let (list, text) = (self.strings(list)?, self.strings(text)?);
                Ok(list.iter().all(|item| text.contains(item)))
            }
            "Fn::EachMemberIn" => {
                let [list, accepted] = pair(argument, key, "[[values], [accepted values]]")?;
                let (list, accepted) = (self.strings(list)?, self.strings(accepted)?);
                Ok(list.iter().all(|item| accepted.contains(item)))
            }
            _ => Err(Fault::new(entry.position, format!("{key} is not accepted in a rule; accepted: {ACCEPTED}"))),
        }
    }

    /// Texts that are written out, or that a parameter gives.
    fn strings(&self, node: &Node) -> Result<Vec<String>, Fault> {
        if let Some(entry) = node.only_entry() {
            return match entry.key.as_str() {
                "Ref" => self.reference(&entry.value)?.map_or(Ok(Vec::new()), |value| self.strings(&value)),
                "Fn::RefAll" | "Fn::ValueOf" | "Fn::ValueOfAll" => {
                    let message = format!("{} asks an account for values, and there is none here", entry.key);
                    Err(Fault::new(entry.position, message))
                }
                key => Err(Fault::new(
                    entry.position,
                    format!(
                        "{key} is not accepted as a value in a rule; accepted: text, a list of texts, Ref of a parameter"
                    ),
                )),
            };
        }
        match &node.kind {
            Kind::Scalar { text, .. } => Ok(vec![text.clone()]),
            Kind::Sequence(list) => {
                let lists = list.iter().map(|item| self.nested(item.position, || self.strings(item)));
                Ok(lists.collect::<Result<Vec<_>, _>>()?.concat())
            }
            Kind::Mapping(_) => {
                Err(Fault::value("a value in a rule", node, "text, a list of texts, Ref of a parameter"))
            }
        }
    }
}

fn pair<'n>(argument: &'n Node, key: &str, form: &str) -> Result<[&'n Node; 2], Fault> {
    match items(argument, key, form)? {
        [left, right] => Ok([left, right]),
        _ => Err(shape(argument, key, form)),
    }
}
