//! CloudFormation's intrinsic functions, replaced by what they mean locally.

use std::{borrow::Cow, cell::Cell, collections::BTreeMap};

use super::{
    error::Fault,
    node::{Entry, Kind, Node, Position},
    parameters::Parameters,
};

/// The functions of CloudFormation. All of them can be read, because what is ignored may use any; those that need an
/// account ([`NOT_LOCAL`]) fail when something that matters uses them.
pub(super) const FUNCTIONS: [&str; 19] = [
    "Sub",
    "GetAtt",
    "If",
    "Join",
    "Equals",
    "Not",
    "And",
    "Or",
    "FindInMap",
    "Select",
    "Split",
    "Base64",
    "Cidr",
    "GetAZs",
    "ImportValue",
    "Transform",
    "Length",
    "ToJsonString",
    "ForEach",
];

/// With the reason.
const NOT_LOCAL: [(&str, &str); 6] = [
    ("Cidr", "networks are an account's; use a parameter"),
    ("GetAZs", "zones are an account's; use a parameter"),
    ("ImportValue", "other stacks are an account's; use a parameter"),
    ("Transform", "macros run in an account"),
    ("Length", "it needs AWS::LanguageExtensions, which is not supported; use a parameter"),
    ("ToJsonString", "it needs AWS::LanguageExtensions, which is not supported; write the JSON, with Fn::Sub"),
];

/// Loops are keys with a name of their own: `Fn::ForEach::Topics`.
pub(super) const FOR_EACH: &str =
    "Fn::ForEach needs AWS::LanguageExtensions, which is not supported; write the entries out";

/// References that lead back to themselves end here.
const MAX_DEPTH: usize = 64;
/// A reference that leads to two, each of which leads to two, is a small template with much to do.
const MAX_STEPS: usize = 1_000_000;
/// The same for texts: CloudFormation takes a template of at most 1 MB.
pub(super) const MAX_TEXT: usize = 1_000_000;

/// Everything that an intrinsic may refer to.
pub(super) struct Scope<'a> {
    /// The template's root.
    pub root: &'a Node,
    /// Parameters and pseudo parameters with their values.
    pub parameters: Parameters,
    /// Local ports of the APIs, by logical id.
    pub ports: BTreeMap<String, u16>,
    /// What a queue's URL begins with.
    pub queues_at: String,
    /// How deep references are nested just now.
    pub depth: Cell<usize>,
    /// How much was done.
    pub steps: Cell<usize>,
}

impl Scope<'_> {
    /// The node without intrinsics; `None` for `AWS::NoValue`.
    ///
    /// # Errors
    /// An intrinsic that is wrong, refers to nothing, or has no local meaning.
    pub(super) fn resolve(&self, node: &Node) -> Result<Option<Node>, Fault> {
        self.nested(node.position, || self.resolve_unguarded(node))
    }

    /// What an `Fn::If` chooses, through any number of them; another intrinsic is resolved, a plain node is as it is,
    /// so that a part of it that nobody reads may refer to what is not here.
    ///
    /// # Errors
    /// As [`Scope::resolve`].
    pub(super) fn choose<'n>(&self, node: &'n Node) -> Result<Option<Cow<'n, Node>>, Fault> {
        let mut node = node;
        while let Some(entry) = node.only_entry().filter(|entry| entry.key == "Fn::If") {
            node = self.branch(&entry.value)?;
        }
        if is_call(node) { Ok(self.resolve(node)?.map(Cow::Owned)) } else { Ok(Some(Cow::Borrowed(node))) }
    }

    fn branch<'n>(&self, argument: &'n Node) -> Result<&'n Node, Fault> {
        let form = "[condition, then, else]";
        match items(argument, "Fn::If", form)? {
            [condition, yes, no] => Ok(if self.named_condition(condition)? { yes } else { no }),
            _ => Err(shape(argument, "Fn::If", form)),
        }
    }

    /// The node without intrinsics, as text.
    ///
    /// # Errors
    /// As [`Scope::resolve`]; a list, a mapping or nothing where text is needed.
    pub(super) fn resolve_text(&self, node: &Node) -> Result<String, Fault> {
        let wrong = |found: &str| Fault::new(node.position, format!("text was expected, found {found}"));
        match self.resolve(node)? {
            Some(resolved) => match resolved.as_text() {
                Some(text) => Ok(text.to_owned()),
                None => Err(wrong(&resolved.describe())),
            },
            None => Err(wrong("AWS::NoValue")),
        }
    }

    /// Runs `work` one level deeper.
    pub(super) fn nested<T>(&self, position: Position, work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
        let depth = self.depth.get();
        if depth > MAX_DEPTH {
            return Err(Fault::new(position, "this refers to itself, through other values"));
        }
        self.charge(1, position)?;
        self.depth.set(depth + 1);
        let result = work();
        self.depth.set(depth);
        result
    }

    /// Counts work, so that a small template cannot make much of it.
    ///
    /// # Errors
    /// It is too much.
    pub(super) fn charge(&self, steps: usize, position: Position) -> Result<(), Fault> {
        let steps = self.steps.get().saturating_add(steps);
        if steps > MAX_STEPS {
            return Err(Fault::new(position, "the template's references are too many to be followed"));
        }
        self.steps.set(steps);
        Ok(())
    }

    fn resolve_unguarded(&self, node: &Node) -> Result<Option<Node>, Fault> {
        match &node.kind {
            Kind::Scalar { text, .. } if text.contains("{{resolve:") => {
                let message = "dynamic references ({{resolve:...}}) have no local value; pass the name of the secret or \
                               parameter and read it at run time";
                Err(Fault::new(node.position, message))
            }
            Kind::Scalar { .. } => Ok(Some(node.clone())),
            Kind::Sequence(items) => {
                let items: Result<Vec<_>, _> = items.iter().filter_map(|item| self.resolve(item).transpose()).collect();
                Ok(Some(Node::sequence(items?, node.position)))
            }
            Kind::Mapping(entries) => match entries.iter().find(|entry| is_intrinsic(&entry.key)) {
                Some(entry) if entries.len() == 1 => self.call(entry, node.position),
                Some(entry) => {
                    let message = format!("{} must stand alone in its mapping", entry.key);
                    Err(Fault::new(entry.position, message))
                }
                None => self.resolve_entries(entries, node.position).map(Some),
            },
        }
    }

    fn resolve_entries(&self, entries: &[Entry], position: Position) -> Result<Node, Fault> {
        let mut resolved = Vec::with_capacity(entries.len());
        for entry in entries {
            if let Some(value) = self.resolve(&entry.value)? {
                resolved.push(Entry { key: entry.key.clone(), position: entry.position, value });
            }
        }
        Ok(Node { kind: Kind::Mapping(resolved), position })
    }

    fn call(&self, entry: &Entry, position: Position) -> Result<Option<Node>, Fault> {
        let argument = &entry.value;
        let name = entry.key.strip_prefix("Fn::").unwrap_or(&entry.key);
        match name {
            "Ref" => self.reference(argument),
            "GetAtt" => self.get_att(argument).map(Some),
            "Sub" => self.sub(argument).map(|text| Some(Node::text(text, position))),
            "If" => self.resolve(self.branch(argument)?),
            "Join" => self.join(argument).map(|text| Some(Node::text(text, position))),
            "Select" => self.select(argument).map(Some),
            "Split" => self.split(argument).map(Some),
            "FindInMap" => self.find_in_map(argument).map(Some),
            "Equals" | "Not" | "And" | "Or" => {
                self.evaluate_entry(entry).map(|value| Some(Node::text(value.to_string(), position)))
            }
            "Base64" => {
                let text = self.resolve_text(argument)?;
                Ok(Some(Node::text(base64_simd::STANDARD.encode_to_string(text.as_bytes()), position)))
            }
            _ if name.starts_with("ForEach") => Err(Fault::new(entry.position, FOR_EACH)),
            _ => Err(not_local(entry, name)),
        }
    }

    fn sub(&self, argument: &Node) -> Result<String, Fault> {
        let (pattern, variables) = match &argument.kind {
            Kind::Scalar { text, .. } => (text, None),
            Kind::Sequence(parts) => match parts.as_slice() {
                [Node { kind: Kind::Scalar { text, .. }, .. }, variables] if variables.as_mapping().is_some() => {
                    (text, Some(variables))
                }
                _ => return Err(shape(argument, "Fn::Sub", "text, or [text, {name: value}]")),
            },
            Kind::Mapping(_) => return Err(shape(argument, "Fn::Sub", "text, or [text, {name: value}]")),
        };
        let mut out = String::with_capacity(pattern.len());
        let mut rest = pattern.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            if out.len() > MAX_TEXT {
                return Err(Fault::new(argument.position, "Fn::Sub: the text is longer than 1 MB"));
            }
            let Some((name, tail)) = after.split_once('}') else {
                return Err(Fault::new(argument.position, "Fn::Sub: ${ without }"));
            };
            rest = tail;
            let name = name.trim();
            if let Some(literal) = name.strip_prefix('!') {
                out.push_str(&format!("${{{literal}}}"));
            } else if let Some(value) = variables.and_then(|variables| variables.get(name)) {
                out.push_str(&self.resolve_text(value)?);
            } else {
                out.push_str(&self.named_value(name, argument.position)?);
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    /// `${Name}` or `${Name.Attribute}`.
    fn named_value(&self, name: &str, position: Position) -> Result<String, Fault> {
        let value = match name.split_once('.') {
            Some((id, attribute)) => Some(self.attribute(id, attribute, position)?),
            None => self.reference(&Node::text(name, position))?,
        };
        match value.as_ref().and_then(Node::as_text) {
            Some(text) => Ok(text.to_owned()),
            None => Err(Fault::new(position, format!("Fn::Sub: ${{{name}}} is not text"))),
        }
    }

    fn get_att(&self, argument: &Node) -> Result<Node, Fault> {
        let form = "Resource.Attribute, or [Resource, Attribute]";
        match &argument.kind {
            Kind::Scalar { text, .. } => match text.split_once('.') {
                Some((id, attribute)) => self.attribute(id, attribute, argument.position),
                None => Err(shape(argument, "Fn::GetAtt", form)),
            },
            Kind::Sequence(parts) => match parts.as_slice() {
                [id, attribute] => {
                    let (id, attribute) = (self.resolve_text(id)?, self.resolve_text(attribute)?);
                    self.attribute(&id, &attribute, argument.position)
                }
                _ => Err(shape(argument, "Fn::GetAtt", form)),
            },
            Kind::Mapping(_) => Err(shape(argument, "Fn::GetAtt", form)),
        }
    }
}

fn not_local(entry: &Entry, name: &str) -> Fault {
    if let Some((_, why)) = NOT_LOCAL.iter().find(|(known, _)| *known == name) {
        return Fault::new(entry.position, format!("Fn::{name} has no local value: {why}"));
    }
    let known = FUNCTIONS.into_iter().filter(|known| !NOT_LOCAL.iter().any(|(name, _)| name == known));
    let known: Vec<&str> = known.filter(|known| *known != "ForEach").collect();
    let known = known.join(", Fn::");
    Fault::new(entry.position, format!("{} is not supported; supported: Ref, Fn::{known}", entry.key))
}

fn is_intrinsic(key: &str) -> bool {
    key == "Ref" || key.starts_with("Fn::")
}

/// Whether this mapping is one call of an intrinsic.
pub(super) fn is_call(node: &Node) -> bool {
    node.only_entry().is_some_and(|entry| is_intrinsic(&entry.key))
}

/// The arguments of an intrinsic that takes a list.
pub(super) fn items<'n>(node: &'n Node, function: &str, form: &str) -> Result<&'n [Node], Fault> {
    node.as_sequence().ok_or_else(|| shape(node, function, form))
}

/// An intrinsic with arguments of the wrong shape.
pub(super) fn shape(node: &Node, function: &str, form: &str) -> Fault {
    let found = node.as_sequence().map_or_else(|| node.describe(), |items| format!("a list of {}", items.len()));
    Fault::new(node.position, format!("{function} takes {form}, found {found}"))
}
