//! Conditions: `Fn::Equals`, `Fn::Not`, `Fn::And`, `Fn::Or` and references to other conditions.

use super::{
    error::Fault,
    intrinsics::{Scope, items, shape},
    node::{Entry, Node, Position},
};

impl Scope<'_> {
    /// The value of the condition that `name` names.
    ///
    /// # Errors
    /// No such condition, or one that cannot be evaluated.
    pub(super) fn named_condition(&self, name: &Node) -> Result<bool, Fault> {
        match name.as_text() {
            Some(text) => self.condition(text, name.position),
            None => Err(shape(name, "a condition", "the name of a condition")),
        }
    }

    /// The value of a condition by its name.
    ///
    /// # Errors
    /// No such condition, or one that cannot be evaluated.
    pub(super) fn condition(&self, name: &str, position: Position) -> Result<bool, Fault> {
        let conditions = self.root.get("Conditions");
        let Some(node) = conditions.and_then(|conditions| conditions.get(name)) else {
            let known: Vec<_> =
                conditions.and_then(Node::as_mapping).unwrap_or_default().iter().map(|c| c.key.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(Fault::new(position, format!("no condition {name}; the template has: {known}")));
        };
        self.nested(position, || self.evaluate(node))
    }

    fn evaluate(&self, node: &Node) -> Result<bool, Fault> {
        match node.only_entry() {
            Some(entry) => self.evaluate_entry(entry),
            None => Err(shape(node, "a condition", "one of Fn::Equals, Fn::Not, Fn::And, Fn::Or, Condition")),
        }
    }

    /// The value of one condition function.
    ///
    /// # Errors
    /// A function that is no condition, arguments of the wrong shape, a reference to nothing.
    pub(super) fn evaluate_entry(&self, entry: &Entry) -> Result<bool, Fault> {
        let argument = &entry.value;
        let key = entry.key.as_str();
        match key {
            "Condition" => self.named_condition(argument),
            "Fn::Equals" => match items(argument, key, "[a, b]")? {
                [left, right] => Ok(self.comparable(left)? == self.comparable(right)?),
                _ => Err(shape(argument, key, "[a, b]")),
            },
            "Fn::Not" => match items(argument, key, "[condition]")? {
                [only] => self.nested(only.position, || self.evaluate(only)).map(|value| !value),
                _ => Err(shape(argument, key, "[condition]")),
            },
            "Fn::And" | "Fn::Or" => {
                let form = "a list of 2 to 10 conditions";
                let parts = items(argument, key, form)?;
                if !(2..=10).contains(&parts.len()) {
                    return Err(shape(argument, key, form));
                }
                // Every part is evaluated, so that a wrong one is found whatever the others say.
                let mut values = Vec::with_capacity(parts.len());
                for part in parts {
                    values.push(self.nested(part.position, || self.evaluate(part))?);
                }
                Ok(if key == "Fn::And" { values.iter().all(|v| *v) } else { values.iter().any(|v| *v) })
            }
            _ => {
                let message =
                    format!("{key} is no condition; accepted: Fn::Equals, Fn::Not, Fn::And, Fn::Or, Condition");
                Err(Fault::new(entry.position, message))
            }
        }
    }

    fn comparable(&self, node: &Node) -> Result<String, Fault> {
        Ok(match self.resolve(node)? {
            Some(resolved) => resolved.as_text().map_or_else(|| resolved.to_json().to_string(), str::to_owned),
            None => String::new(),
        })
    }
}
