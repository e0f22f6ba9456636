//! `FilterCriteria` of event source mappings.

use super::{error::Fault, fields::Fields, node::Position};
use crate::pattern::{Filters, PatternError};

/// Reads the filters, none when there are none. `key` is what they may filter on: `value` for Kafka, `data` for Amazon MQ.
///
/// # Errors
/// A pattern that Lambda would refuse, with the place of the pattern and the place in it.
pub(super) fn criteria(fields: &Fields<'_, '_>, key: &str) -> Result<Filters, Fault> {
    let filters = fields.nested("FilterCriteria", |criteria| {
        criteria.only(&["Filters"], &[])?;
        let patterns = criteria.each("Filters", |filter| {
            filter.only(&["Pattern"], &[])?;
            Ok((filter.required("Pattern")?, filter.place("Pattern")))
        })?;
        read(criteria, patterns, key)
    })?;
    Ok(filters.unwrap_or_default())
}

fn read(criteria: &Fields<'_, '_>, patterns: Vec<(String, Position)>, key: &str) -> Result<Filters, Fault> {
    let (patterns, places): (Vec<_>, Vec<_>) = patterns.into_iter().unzip();
    Filters::parse(&patterns, key).map_err(|error: PatternError| {
        let position = places.get(error.filter).copied().unwrap_or(criteria.place("Filters"));
        Fault::new(position, format!("{}.Filters[{}].Pattern: {error}", criteria.what, error.filter))
    })
}
