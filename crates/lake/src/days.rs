//! The days of which a table holds rows, by its manifest list: each manifest says which partitions its files lie in.

use anyhow::Context;
use chrono::{Days, NaiveDate};
use iceberg::spec::{FieldSummary, MAIN_BRANCH};
use iceberg::table::Table;

/// First and last day; `None` when the table is empty, or a manifest does not say.
///
/// # Errors
/// When S3 does not answer.
pub(crate) async fn of(table: &Table) -> anyhow::Result<Option<(NaiveDate, NaiveDate)>> {
    let Some(snapshot) = table.metadata().snapshot_for_ref(MAIN_BRANCH) else { return Ok(None) };
    let list = table.manifest_list_reader(snapshot).load().await.context("read the manifest list")?;
    let summaries = list.entries().iter().map(|manifest| manifest.partitions.as_ref()?.first().and_then(range));
    // One manifest that does not say could hold any day.
    let Some(ranges) = summaries.collect::<Option<Vec<_>>>() else { return Ok(None) };
    let first = ranges.iter().map(|(first, _)| *first).min();
    let last = ranges.iter().map(|(_, last)| *last).max();
    Ok(first.zip(last).and_then(|(first, last)| Some((date(first)?, date(last)?))))
}

/// Bounds are Iceberg's single values: an int in little endian.
fn range(summary: &FieldSummary) -> Option<(i32, i32)> {
    let day = |bound: &[u8]| bound.try_into().ok().map(i32::from_le_bytes);
    Some((day(summary.lower_bound.as_ref()?)?, day(summary.upper_bound.as_ref()?)?))
}

/// Of days since 1970.
fn date(day: i32) -> Option<NaiveDate> {
    let distance = Days::new(day.unsigned_abs().into());
    let epoch = NaiveDate::default();
    if day < 0 { epoch.checked_sub_days(distance) } else { epoch.checked_add_days(distance) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_1970_in_both_directions() {
        let text = |day| date(day).map(|date| date.to_string());
        assert_eq!(text(0).as_deref(), Some("1970-01-01"));
        assert_eq!(text(-1).as_deref(), Some("1969-12-31"));
        assert_eq!(text(20_000).as_deref(), Some("2024-10-04"));
        assert_eq!(text(i32::MAX), None);
    }
}
