//! The intrinsic functions over lists and maps: `Fn::Join`, `Fn::Select`, `Fn::Split`, `Fn::FindInMap`.

use super::{
    error::Fault,
    intrinsics::{MAX_TEXT, Scope, items, shape},
    node::{Kind, Node},
};

impl Scope<'_> {
    pub(super) fn join(&self, argument: &Node) -> Result<String, Fault> {
        let form = "[separator, [values]]";
        let [separator, values] = items(argument, "Fn::Join", form)? else {
            return Err(shape(argument, "Fn::Join", form));
        };
        let separator = self.resolve_text(separator)?;
        let values = self.list(values, "Fn::Join", form)?;
        let texts: Result<Vec<String>, Fault> = values.iter().map(|value| self.resolve_text(value)).collect();
        let texts = texts?;
        let length: usize = texts.iter().map(|text| text.len() + separator.len()).sum();
        if length > MAX_TEXT {
            return Err(Fault::new(argument.position, "Fn::Join: the text is longer than 1 MB"));
        }
        Ok(texts.join(&separator))
    }

    pub(super) fn select(&self, argument: &Node) -> Result<Node, Fault> {
        let form = "[index, [values]]";
        let [index, values] = items(argument, "Fn::Select", form)? else {
            return Err(shape(argument, "Fn::Select", form));
        };
        let at = self.resolve_text(index)?;
        let values = self.list(values, "Fn::Select", form)?;
        let found = at.parse::<usize>().ok().and_then(|at| values.get(at));
        let count = values.len();
        found
            .cloned()
            .ok_or_else(|| Fault::new(index.position, format!("Fn::Select: no value {at} in a list of {count}")))
    }

    pub(super) fn split(&self, argument: &Node) -> Result<Node, Fault> {
        let form = "[separator, text]";
        let [separator, text] = items(argument, "Fn::Split", form)? else {
            return Err(shape(argument, "Fn::Split", form));
        };
        let (separator, source) = (self.resolve_text(separator)?, self.resolve_text(text)?);
        if separator.is_empty() {
            return Err(shape(argument, "Fn::Split", "a separator that is not empty"));
        }
        self.charge(source.len() / separator.len(), argument.position)?;
        let parts = source.split(&separator).map(|part| Node::text(part, text.position)).collect();
        Ok(Node::sequence(parts, text.position))
    }

    pub(super) fn find_in_map(&self, argument: &Node) -> Result<Node, Fault> {
        let form = "[map, first key, second key]";
        let keys = items(argument, "Fn::FindInMap", form)?;
        if let [_, _, _, default] = keys {
            let message = "Fn::FindInMap: a DefaultValue needs AWS::LanguageExtensions, which is not supported";
            return Err(Fault::new(default.position, message));
        }
        let [_, _, _] = keys else { return Err(shape(argument, "Fn::FindInMap", form)) };
        let mut node = self.root.get("Mappings");
        let mut path = Vec::new();
        for key in keys {
            let key = self.resolve_text(key)?;
            node = node.and_then(|node| node.get(&key));
            path.push(key);
        }
        let path = path.join(".");
        node.cloned().ok_or_else(|| Fault::new(argument.position, format!("no {path} in Mappings")))
    }

    /// A list that is written out, or that a reference gives.
    fn list(&self, node: &Node, function: &str, form: &str) -> Result<Vec<Node>, Fault> {
        match self.resolve(node)?.map(|node| node.kind) {
            Some(Kind::Sequence(items)) => Ok(items),
            _ => Err(shape(node, function, form)),
        }
    }
}
