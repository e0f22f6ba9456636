//! Event patterns, which are a pure function: pattern and record in, delivered or not out.

#![allow(clippy::unused_async, reason = "the table of cases takes futures")]

pub(crate) mod conditions;
pub(crate) mod formats;
pub(crate) mod structure;

use millrace::pattern::Filters;

/// The filter of one pattern on `value`.
fn filter(pattern: &str) -> Filters {
    filters(&[pattern])
}

fn filters(patterns: &[&str]) -> Filters {
    let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
    Filters::parse(&patterns, "value").unwrap_or_else(|error| panic!("{patterns:?}: {error}"))
}

/// Which of the records pass, all others do not.
fn passes(pattern: &str, passing: &[&str], others: &[&str]) {
    let filter = filter(pattern);
    for (records, expected) in [(passing, true), (others, false)] {
        for record in records {
            assert_eq!(filter.matches(Some(record.as_bytes())), expected, "{pattern} on {record}");
        }
    }
}
