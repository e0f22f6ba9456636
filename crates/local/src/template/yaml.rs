//! YAML text to [`Node`]s: places kept, short intrinsics made long, duplicate keys refused, anchors followed.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};

use super::{
    error::Fault,
    node::{Entry, Kind, Node, Position},
};

/// Aliases multiply: this stops a small file from becoming a huge tree.
const MAX_NODES: usize = 200_000;
/// The same for its texts, of which an alias may repeat a long one.
const MAX_BYTES: usize = 16_000_000;
/// CloudFormation takes 1 MB.
const MAX_LENGTH: usize = 1_000_000;
/// Keys of one mapping; CloudFormation takes 500 resources. Each key is compared with all others.
const MAX_KEYS: usize = 500;
/// A template nests about ten deep; the parser below recurses.
const MAX_DEPTH: usize = 100;

/// Parses one YAML document.
///
/// # Errors
/// Text that is not YAML, a second document, a duplicate key, a tag that is no CloudFormation intrinsic.
pub(super) fn parse(text: &str) -> Result<Node, Fault> {
    if text.len() > MAX_LENGTH {
        let message = format!("the template has {} bytes; CloudFormation takes {MAX_LENGTH}", text.len());
        return Err(Fault::new(Position { line: 1, column: 1 }, message));
    }
    // Editors on Windows put this before the text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { parser: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0, bytes: 0 };
    let mut root = None;
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamEnd => break,
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            event if root.is_none() => root = Some(reader.node(event, span, 0)?),
            _ => return Err(Fault::new(place(span), "a second YAML document; a template is one document")),
        }
    }
    root.ok_or_else(|| Fault::new(Position { line: 1, column: 1 }, "the template is empty"))
}

fn place(span: Span) -> Position {
    Position { line: span.start.line().max(1), column: span.start.col() + 1 }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    bytes: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Fault> {
        match self.parser.next_event() {
            Some(Ok(pair)) => Ok(pair),
            Some(Err(error)) => {
                let marker = error.marker();
                let position = Position { line: marker.line().max(1), column: marker.col() + 1 };
                Err(Fault::new(position, format!("not valid YAML: {}", error.info())))
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Fault> {
        let position = place(span);
        if depth > MAX_DEPTH {
            return Err(Fault::new(position, format!("more than {MAX_DEPTH} levels of nesting")));
        }
        self.count(1, 0, position)?;
        let (node, anchor, tag) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = matches!(style, ScalarStyle::Plain);
                (Node { kind: Kind::Scalar { text: text.into_owned(), plain }, position }, anchor, tag)
            }
            Event::SequenceStart(anchor, tag) => (self.sequence(position, depth)?, anchor, tag),
            Event::MappingStart(anchor, tag) => (self.mapping(position, depth)?, anchor, tag),
            Event::Alias(anchor) => {
                let target = self.anchors.get(&anchor).cloned();
                let target =
                    target.ok_or_else(|| Fault::new(position, "an alias inside of the value that it names"))?;
                self.count(target.size(), target.bytes(), position)?;
                (target, 0, None)
            }
            _ => return Err(Fault::new(position, "not valid YAML: a value was expected")),
        };
        let node = match tag {
            Some(tag) => lengthen(&tag, node)?,
            None => node,
        };
        if anchor != 0 {
            self.count(node.size(), node.bytes(), position)?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    /// Aliases and anchors are copies.
    fn count(&mut self, nodes: usize, bytes: usize, position: Position) -> Result<(), Fault> {
        self.nodes += nodes;
        self.bytes += bytes;
        if self.nodes > MAX_NODES || self.bytes > MAX_BYTES {
            let limits = format!("more than {MAX_NODES} values or {MAX_BYTES} bytes, with what aliases repeat");
            return Err(Fault::new(position, limits));
        }
        Ok(())
    }

    fn sequence(&mut self, position: Position, depth: usize) -> Result<Node, Fault> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Node::sequence(items, position)),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, position: Position, depth: usize) -> Result<Node, Fault> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Ok(Node { kind: Kind::Mapping(entries), position });
            }
            let at = place(span);
            let key = match self.node(event, span, depth + 1)?.kind {
                Kind::Scalar { text, .. } => text,
                _ => return Err(Fault::new(at, "a key must be text")),
            };
            if entries.len() >= MAX_KEYS {
                return Err(Fault::new(at, format!("more than {MAX_KEYS} keys in one mapping")));
            }
            if key == "<<" {
                return Err(Fault::new(at, "merge keys (<<) are not supported, by CloudFormation neither"));
            }
            if let Some(first) = entries.iter().find(|entry| entry.key == key) {
                let line = first.position.line;
                return Err(Fault::new(at, format!("{key} stands twice, first on line {line}")));
            }
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            entries.push(Entry { key, position: at, value });
        }
    }
}

/// `!Ref X` becomes `{Ref: X}`, `!Sub X` becomes `{Fn::Sub: X}`.
fn lengthen(tag: &Tag, node: Node) -> Result<Node, Fault> {
    let position = node.position;
    if tag.is_yaml_core_schema() {
        // `!!str 1` is the one of them that changes a value's meaning.
        return Ok(match node.kind {
            Kind::Scalar { text, .. } if tag.suffix == "str" => Node::text(text, position),
            kind => Node { kind, position },
        });
    }
    let name = match (tag.handle.as_str(), tag.suffix.as_str()) {
        ("!", name @ ("Ref" | "Condition")) => name.to_owned(),
        ("!", name) if super::intrinsics::FUNCTIONS.contains(&name) || super::rules::FUNCTIONS.contains(&name) => {
            format!("Fn::{name}")
        }
        _ => {
            let known = super::intrinsics::FUNCTIONS.join(", !");
            return Err(Fault::new(
                position,
                format!("{tag} is not a function of CloudFormation; known: !Ref, !Condition, !{known}"),
            ));
        }
    };
    Ok(Node::single(name, node, position))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> String {
        parse(text).unwrap().to_json().to_string()
    }

    fn fault(text: &str) -> String {
        let fault = parse(text).unwrap_err();
        format!("{}:{}: {}", fault.position.line, fault.position.column, fault.message)
    }

    #[test]
    fn short_forms_become_long_ones() {
        assert_eq!(json("a: !Ref X"), r#"{"a":{"Ref":"X"}}"#);
        assert_eq!(json("a: !If [C, !Ref X, 1]"), r#"{"a":{"Fn::If":["C",{"Ref":"X"},1]}}"#);
        assert_eq!(json("a: !Condition C"), r#"{"a":{"Condition":"C"}}"#);
    }

    #[test]
    fn scalars_have_types_only_without_quotes() {
        assert_eq!(json("[1, '1', 1.5, true, 'true', ~, nan, 1.0.0]"), r#"[1,"1",1.5,true,"true",null,"nan","1.0.0"]"#);
    }

    #[test]
    fn aliases_are_followed() {
        assert_eq!(json("a: &x {b: 1}\nc: *x"), r#"{"a":{"b":1},"c":{"b":1}}"#);
    }

    #[test]
    fn faults_name_the_place() {
        assert_eq!(fault("a: 1\nb: 2\na: 3"), "3:1: a stands twice, first on line 1");
        assert!(fault("a:\n  b: !Nope x").starts_with("2:6: !Nope is not a function of CloudFormation; known: !Ref"));
        assert!(fault("a: [1").contains("not valid YAML"));
        assert_eq!(fault(""), "1:1: the template is empty");
        assert!(fault("a: 1\n---\nb: 2").contains("a second YAML document"));
    }
}
