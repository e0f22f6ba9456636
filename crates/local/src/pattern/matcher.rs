//! One condition on one value.

use std::{borrow::Cow, net::IpAddr};

/// A value that is neither an object nor an array.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    /// As it is written: `300`, `300.0` and `3.0e2` are three numbers to an exact match.
    Number(Cow<'a, str>),
    Text(Cow<'a, str>),
}

/// What a rule asks of a value; one of a list must hold.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Matcher {
    Exact(Scalar<'static>),
    Text(TextMatcher),
    Numeric(Range),
    Cidr {
        network: IpAddr,
        bits: u8,
    },
    /// No text that fulfils one of these; and every value that is no text.
    NoText(Vec<TextMatcher>),
    /// A number other than these.
    NoNumber(Vec<f64>),
    Exists,
    /// Judged with the whole event, not with one value.
    Absent,
}

/// A condition on text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TextMatcher {
    Equal(String),
    /// The characters in lower case.
    EqualIgnoringCase(String),
    Prefix(String),
    PrefixIgnoringCase(String),
    Suffix(String),
    SuffixIgnoringCase(String),
    /// The parts between the wildcards.
    Wildcard(Vec<String>),
}

/// A range of numbers; `true` says that the end belongs to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    pub(super) bottom: (f64, bool),
    pub(super) top: (f64, bool),
}

/// EventBridge compares numbers from minus to plus this much; a number beyond is in no range.
pub(super) const LARGEST_NUMBER: f64 = 5.0e9;

impl Matcher {
    pub(super) fn accepts(&self, value: &Scalar<'_>) -> bool {
        match (self, value) {
            (Self::Exact(wanted), found) => wanted == found,
            (Self::Text(matcher), Scalar::Text(text)) => matcher.accepts(text),
            (Self::Numeric(range), Scalar::Number(number)) => comparable(number).is_some_and(|n| range.contains(n)),
            (Self::Cidr { network, bits }, Scalar::Text(text)) => {
                text.parse().is_ok_and(|address| within(address, *network, *bits))
            }
            (Self::NoText(unwanted), Scalar::Text(text)) => !unwanted.iter().any(|matcher| matcher.accepts(text)),
            (Self::NoNumber(unwanted), Scalar::Number(number)) => {
                comparable(number).is_none_or(|number| !unwanted.iter().any(|one| same(*one, number)))
            }
            (Self::NoText(_) | Self::Exists, _) => true,
            (Self::Text(_) | Self::Numeric(_) | Self::Cidr { .. } | Self::NoNumber(_) | Self::Absent, _) => false,
        }
    }
}

impl TextMatcher {
    fn accepts(&self, text: &str) -> bool {
        match self {
            Self::Equal(wanted) => wanted == text,
            Self::EqualIgnoringCase(wanted) => lower(text).eq(wanted.chars()),
            Self::Prefix(wanted) => text.starts_with(wanted.as_str()),
            Self::PrefixIgnoringCase(wanted) => {
                let mut found = lower(text);
                wanted.chars().all(|character| found.next() == Some(character))
            }
            Self::Suffix(wanted) => text.ends_with(wanted.as_str()),
            Self::SuffixIgnoringCase(wanted) => lower(text).collect::<String>().ends_with(wanted.as_str()),
            Self::Wildcard(parts) => wildcard(parts, text),
        }
    }
}

impl Range {
    fn contains(&self, number: f64) -> bool {
        let above = number > self.bottom.0 || (self.bottom.1 && same(number, self.bottom.0));
        let below = number < self.top.0 || (self.top.1 && same(number, self.top.0));
        above && below
    }
}

/// The characters in lower case, one by one.
pub(super) fn lower(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

/// The number, when EventBridge compares it.
fn comparable(number: &str) -> Option<f64> {
    number.parse().ok().filter(|number: &f64| number.abs() <= LARGEST_NUMBER)
}

/// EventBridge compares six digits after the point.
fn same(one: f64, other: f64) -> bool {
    (one - other).abs() < 5.0e-7
}

/// Whether `text` is the parts in order with anything between them.
fn wildcard(parts: &[String], text: &str) -> bool {
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return false };
    if parts.len() == 1 {
        return first == text;
    }
    let Some(rest) = text.strip_prefix(first.as_str()) else { return false };
    let Some(mut rest) = rest.strip_suffix(last.as_str()) else { return false };
    // The earliest place is the best for each part: it leaves most to the parts behind it.
    for part in parts.get(1..parts.len() - 1).unwrap_or_default() {
        let Some(at) = rest.find(part.as_str()) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    true
}

fn within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let (address, network, width) = match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            (u128::from(address.to_bits()), u128::from(network.to_bits()), 32_u32)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => (address.to_bits(), network.to_bits(), 128),
        _ => return false,
    };
    let free = width.saturating_sub(u32::from(bits));
    address.checked_shr(free) == network.checked_shr(free)
}
