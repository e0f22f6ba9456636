//! What a parameter's declaration allows.

use super::{
    error::Fault,
    node::{Node, Position},
};

/// Types that name one thing of an account; the same in `List<...>` and in `AWS::SSM::Parameter::Value<...>`.
const NAMED: [&str; 9] = [
    "AWS::EC2::AvailabilityZone::Name",
    "AWS::EC2::Image::Id",
    "AWS::EC2::Instance::Id",
    "AWS::EC2::KeyPair::KeyName",
    "AWS::EC2::SecurityGroup::GroupName",
    "AWS::EC2::SecurityGroup::Id",
    "AWS::EC2::Subnet::Id",
    "AWS::EC2::VPC::Id",
    "AWS::Route53::HostedZone::Id",
];

/// How a parameter's text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Type {
    /// Values with commas between them.
    pub list: bool,
    /// Each value is a number.
    pub number: bool,
    /// The default is a name in the parameter store of an account.
    pub stored: bool,
}

/// Reads a type.
///
/// # Errors
/// One that CloudFormation does not have.
pub(super) fn kind(name: &str, node: &Node) -> Result<Type, Fault> {
    let text = node.as_text().unwrap_or_default();
    let inner = text.strip_prefix("AWS::SSM::Parameter::Value<").and_then(|rest| rest.strip_suffix('>'));
    let stored = inner.is_some();
    let plain = inner.unwrap_or(text);
    let of_list = plain.strip_prefix("List<").and_then(|rest| rest.strip_suffix('>'));
    let one = of_list.unwrap_or(plain);
    let known = match (one, of_list.is_some()) {
        ("String", in_list) => stored || !in_list,
        ("Number", _) | ("AWS::EC2::Volume::Id", _) => !stored,
        ("CommaDelimitedList", in_list) => !in_list,
        ("AWS::SSM::Parameter::Name", in_list) => !stored && !in_list,
        (other, _) => NAMED.contains(&other),
    };
    if !known {
        let accepted = "String, Number, List<Number>, CommaDelimitedList, a type of AWS's (AWS::EC2::Subnet::Id ...), \
                        List<> of one, AWS::SSM::Parameter::Name, AWS::SSM::Parameter::Value<> of one";
        return Err(Fault::value(&format!("parameter {name}: Type"), node, accepted));
    }
    Ok(Type { list: of_list.is_some() || one == "CommaDelimitedList", number: one == "Number", stored })
}

/// A value against its declaration; `values` are the parts of a list, or the one value.
///
/// # Errors
/// The constraint that it breaks, with `ConstraintDescription` when there is one.
pub(super) fn check(name: &str, kind: Type, text: &str, values: &[String], node: &Node) -> Result<(), Fault> {
    let constraints = Constraints { name, node };
    constraints.words(values)?;
    if kind.number {
        constraints.numbers(values)?;
    }
    constraints.length(text)?;
    constraints.pattern(if kind.list { values } else { &[] }, if kind.list { None } else { Some(text) })
}

struct Constraints<'a> {
    name: &'a str,
    node: &'a Node,
}

impl Constraints<'_> {
    fn fail(&self, key: &str, found: &str, accepted: &str) -> Fault {
        let position = self.node.get(key).map_or(self.node.position, |node| node.position);
        // Errors are printed and logged; such a value must not be.
        let hidden =
            self.node.get("NoEcho").and_then(Node::as_text).is_some_and(|text| text.eq_ignore_ascii_case("true"));
        let found = if hidden { "****" } else { found };
        let own = self.node.get("ConstraintDescription").and_then(Node::as_text);
        let own = own.map(|text| format!(" ({text})")).unwrap_or_default();
        Fault::new(position, format!("parameter {}: \"{found}\" is not accepted; accepted: {accepted}{own}", self.name))
    }

    /// A limit, which is a number.
    fn number(&self, key: &str) -> Result<Option<f64>, Fault> {
        let Some(node) = self.node.get(key) else { return Ok(None) };
        let number = node.as_text().and_then(|text| text.parse::<f64>().ok()).filter(|number| number.is_finite());
        number.map(Some).ok_or_else(|| Fault::value(&format!("parameter {}: {key}", self.name), node, "a number"))
    }

    fn words(&self, values: &[String]) -> Result<(), Fault> {
        let Some(node) = self.node.get("AllowedValues") else { return Ok(()) };
        let what = format!("parameter {}: AllowedValues", self.name);
        let items = node.as_sequence().ok_or_else(|| Fault::value(&what, node, "a list of texts"))?;
        let allowed: Vec<_> = items.iter().filter_map(Node::as_text).collect();
        match values.iter().find(|value| !allowed.contains(&value.as_str())) {
            Some(other) => Err(self.fail("AllowedValues", other, &allowed.join(", "))),
            None => Ok(()),
        }
    }

    fn numbers(&self, values: &[String]) -> Result<(), Fault> {
        let (least, most) = (self.number("MinValue")?, self.number("MaxValue")?);
        for text in values {
            let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
            let Some(value) = number else { return Err(self.fail("Type", text, "a number")) };
            if let Some(least) = least.filter(|least| value < *least) {
                return Err(self.fail("MinValue", text, &format!("{least} or more")));
            }
            if let Some(most) = most.filter(|most| value > *most) {
                return Err(self.fail("MaxValue", text, &format!("{most} or less")));
            }
        }
        Ok(())
    }

    fn length(&self, text: &str) -> Result<(), Fault> {
        let length = u32::try_from(text.chars().count()).map_or(f64::MAX, f64::from);
        match (self.number("MinLength")?, self.number("MaxLength")?) {
            (Some(least), _) if length < least => {
                Err(self.fail("MinLength", text, &format!("{least} characters or more")))
            }
            (_, Some(most)) if length > most => {
                Err(self.fail("MaxLength", text, &format!("{most} characters or less")))
            }
            _ => Ok(()),
        }
    }

    /// The pattern must fit a text as a whole, or each value of a list.
    fn pattern(&self, values: &[String], text: Option<&str>) -> Result<(), Fault> {
        let Some(node) = self.node.get("AllowedPattern") else { return Ok(()) };
        let pattern = regular(self.name, node)?;
        let mut all = values.iter().map(String::as_str).chain(text);
        match all.find(|value| !pattern.is_match(value)) {
            Some(other) => Err(self.fail("AllowedPattern", other, &node.describe())),
            None => Ok(()),
        }
    }
}

fn regular(name: &str, node: &Node) -> Result<regex::Regex, Fault> {
    let what = format!("parameter {name}: AllowedPattern");
    let text = node.as_text().ok_or_else(|| Fault::value(&what, node, "a regular expression"))?;
    // CloudFormation's are Java's, which can look around; such a pattern cannot be checked here.
    let pattern = regex::RegexBuilder::new(&format!("^(?:{text})$")).size_limit(1_000_000).build();
    pattern.map_err(|error| {
        let reason = error.to_string();
        let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        let position: Position = node.position;
        Fault::new(position, format!("{what}: \"{text}\" is not supported: {reason}"))
    })
}
