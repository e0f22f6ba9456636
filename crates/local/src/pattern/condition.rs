//! Reads the conditions of one field.

use serde_json::value::RawValue;

use super::{
    event,
    matcher::{LARGEST_NUMBER, Matcher, Range, Scalar, TextMatcher, lower},
    parse::{Object, Result, fault, shown},
};

/// What an object in a list of conditions may name.
pub(super) const CONDITIONS: [&str; 8] =
    ["anything-but", "cidr", "equals-ignore-case", "exists", "numeric", "prefix", "suffix", "wildcard"];

/// All conditions of a field, of which one must hold.
pub(super) fn conditions(raw: &RawValue, place: &str) -> Result<Vec<Matcher>> {
    let items = list(raw, place)?;
    items.iter().enumerate().map(|(index, item)| condition(item, &format!("{place}[{index}]"))).collect()
}

/// A list with something in it.
fn list<'p>(raw: &'p RawValue, place: &str) -> Result<Vec<&'p RawValue>> {
    match serde_json::from_str::<Vec<&RawValue>>(raw.get()) {
        Ok(items) if items.is_empty() => fault(place, "an empty list is not accepted; accepted: at least one value"),
        Ok(items) => Ok(items),
        Err(_) => fault(place, format!("{} is not accepted; accepted: a list", shown(raw))),
    }
}

fn condition(raw: &RawValue, place: &str) -> Result<Matcher> {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'"') => Ok(Matcher::Exact(Scalar::Text(event::string(text).into_owned().into()))),
        Some(b't') => Ok(Matcher::Exact(Scalar::Bool(true))),
        Some(b'f') => Ok(Matcher::Exact(Scalar::Bool(false))),
        Some(b'n') => Ok(Matcher::Exact(Scalar::Null)),
        Some(b'[') => fault(place, "a list within a list is not accepted; accepted: text, number, true, false, null"),
        Some(b'{') => {
            let (name, value) = only_entry(raw, place)?;
            named(&name, value, &format!("{place}.{name}"))
        }
        _ => Ok(Matcher::Exact(Scalar::Number(text.to_owned().into()))),
    }
}

fn named(name: &str, value: &RawValue, place: &str) -> Result<Matcher> {
    match name {
        "prefix" | "suffix" => affix(name, value, place).map(Matcher::Text),
        "equals-ignore-case" => Ok(Matcher::Text(TextMatcher::EqualIgnoringCase(folded(&text(value, place)?)))),
        "wildcard" => wildcard(value, place).map(Matcher::Text),
        "anything-but" => anything_but(value, place),
        "numeric" => numeric(value, place).map(Matcher::Numeric),
        "exists" => match value.get() {
            "true" => Ok(Matcher::Exists),
            "false" => Ok(Matcher::Absent),
            _ => fault(place, format!("{} is not accepted; accepted: true, false", shown(value))),
        },
        "cidr" => cidr(&text(value, place)?, place),
        _ => fault(place, format!("it is not a condition; accepted: {}", CONDITIONS.join(", "))),
    }
}

/// `"AB"`, or `{"equals-ignore-case": "ab"}`.
fn affix(name: &str, value: &RawValue, place: &str) -> Result<TextMatcher> {
    let prefix = name == "prefix";
    if value.get().starts_with('{') {
        let (inner, value) = only_entry(value, place)?;
        let place = format!("{place}.{inner}");
        if inner != "equals-ignore-case" {
            return fault(&place, "it is not accepted here; accepted: equals-ignore-case");
        }
        let wanted = folded(&text(value, &place)?);
        let ignoring =
            if prefix { TextMatcher::PrefixIgnoringCase(wanted) } else { TextMatcher::SuffixIgnoringCase(wanted) };
        return Ok(ignoring);
    }
    let wanted = text(value, place)?;
    Ok(if prefix { TextMatcher::Prefix(wanted) } else { TextMatcher::Suffix(wanted) })
}

fn anything_but(value: &RawValue, place: &str) -> Result<Matcher> {
    if value.get().starts_with('{') {
        let (name, value) = only_entry(value, place)?;
        let place = format!("{place}.{name}");
        let one = |value: &RawValue| match name.as_str() {
            "prefix" | "suffix" if value.get() == "\"\"" => {
                fault(&place, "an empty text is not accepted; accepted: text")
            }
            "prefix" => text(value, &place).map(TextMatcher::Prefix),
            "suffix" => text(value, &place).map(TextMatcher::Suffix),
            "equals-ignore-case" => text(value, &place).map(|text| TextMatcher::EqualIgnoringCase(folded(&text))),
            "wildcard" => wildcard(value, &place),
            _ => fault(&place, "it is not accepted here; accepted: equals-ignore-case, prefix, suffix, wildcard"),
        };
        return some(value, &place)?.into_iter().map(one).collect::<Result<_>>().map(Matcher::NoText);
    }
    let values = some(value, place)?;
    if values.iter().all(|value| value.get().starts_with('"')) {
        let equal = values.into_iter().map(|value| text(value, place).map(TextMatcher::Equal));
        return equal.collect::<Result<_>>().map(Matcher::NoText);
    }
    let numbers: Option<Vec<f64>> = values.iter().map(|value| value.get().parse().ok()).collect();
    match numbers {
        Some(numbers) => Ok(Matcher::NoNumber(numbers)),
        None => fault(place, format!("{} is not accepted; accepted: texts only, or numbers only", shown(value))),
    }
}

/// One value, or a list of them.
fn some<'p>(value: &'p RawValue, place: &str) -> Result<Vec<&'p RawValue>> {
    if value.get().starts_with('[') { list(value, place) } else { Ok(vec![value]) }
}

/// `["=", 100]`, `[">", 10]`, `[">", 10, "<=", 20]`.
fn numeric(value: &RawValue, place: &str) -> Result<Range> {
    let items = list(value, place)?;
    let open = Range { bottom: (f64::NEG_INFINITY, false), top: (f64::INFINITY, false) };
    let number = |raw: &RawValue| match raw.get().parse::<f64>() {
        Ok(number) if number.abs() <= LARGEST_NUMBER => Ok(number),
        _ => fault(place, format!("{} is not accepted; accepted: a number from -5.0e9 to 5.0e9", shown(raw))),
    };
    let end = |operator: &RawValue| event::string(operator.get()).into_owned();
    match items.as_slice() {
        [operator, limit] => {
            let limit = number(limit)?;
            match end(operator).as_str() {
                "=" => Ok(Range { bottom: (limit, true), top: (limit, true) }),
                ">" => Ok(Range { bottom: (limit, false), ..open }),
                ">=" => Ok(Range { bottom: (limit, true), ..open }),
                "<" => Ok(Range { top: (limit, false), ..open }),
                "<=" => Ok(Range { top: (limit, true), ..open }),
                _ => fault(place, format!("{} is not accepted; accepted: =, <, <=, >, >=", shown(operator))),
            }
        }
        [from, bottom, to, top] => {
            let (bottom, top) = (number(bottom)?, number(top)?);
            let (from, to) = (end(from), end(to));
            if !matches!(from.as_str(), ">" | ">=") || !matches!(to.as_str(), "<" | "<=") {
                return fault(place, format!("{from} and {to} are not accepted; accepted: > or >=, then < or <="));
            }
            if bottom >= top {
                return fault(place, format!("{bottom} to {top} is not accepted; accepted: a bottom below its top"));
            }
            Ok(Range { bottom: (bottom, from == ">="), top: (top, to == "<=") })
        }
        _ => fault(place, format!("{} items are not accepted; accepted: 2, or 4 for a range", items.len())),
    }
}

fn wildcard(value: &RawValue, place: &str) -> Result<TextMatcher> {
    let pattern = text(value, place)?;
    let mut parts = vec![String::new()];
    let (mut characters, mut after_star) = (pattern.chars(), false);
    while let Some(character) = characters.next() {
        let literal = match character {
            '*' if after_star => return fault(place, "two wildcards in a row are not accepted; accepted: one"),
            '*' => {
                parts.push(String::new());
                after_star = true;
                continue;
            }
            '\\' => match characters.next() {
                Some(escaped @ ('*' | '\\')) => escaped,
                _ => return fault(place, r"a backslash is not accepted here; accepted: \* and \\"),
            },
            other => other,
        };
        after_star = false;
        if let Some(part) = parts.last_mut() {
            part.push(literal);
        }
    }
    Ok(TextMatcher::Wildcard(parts))
}

fn cidr(block: &str, place: &str) -> Result<Matcher> {
    let parsed = block.split_once('/').and_then(|(network, bits)| {
        let network: std::net::IpAddr = network.parse().ok()?;
        let most = if network.is_ipv4() { 32 } else { 128 };
        let bits: u8 = bits.parse().ok().filter(|bits| *bits <= most)?;
        Some(Matcher::Cidr { network, bits })
    });
    parsed.map_or_else(|| fault(place, format!("\"{block}\" is not accepted; accepted: 10.0.0.0/24, ::1/128")), Ok)
}

fn only_entry<'p>(raw: &'p RawValue, place: &str) -> Result<(String, &'p RawValue)> {
    let entries: Object<'p> = serde_json::from_str(raw.get()).unwrap_or_default();
    let count = entries.len();
    let mut entries = entries.into_iter();
    match (entries.next(), entries.next()) {
        (Some(entry), None) => Ok(entry),
        _ => fault(place, format!("{count} conditions in one object are not accepted; accepted: one")),
    }
}

fn text(raw: &RawValue, place: &str) -> Result<String> {
    match serde_json::from_str(raw.get()) {
        Ok(text) => Ok(text),
        Err(_) => fault(place, format!("{} is not accepted; accepted: text", shown(raw))),
    }
}

fn folded(text: &str) -> String {
    lower(text).collect()
}
