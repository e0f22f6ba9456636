//! Event patterns, which are a pure function: pattern and record in, delivered or not out.

#![allow(clippy::unused_async, reason = "the table of cases takes futures")]

mod conditions;
mod formats;
mod structure;

use millrace::pattern::Filters;

use crate::cases::Case;

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

/// The rows of this area.
pub(crate) fn cases() -> Vec<Case> {
    cases![
        "pattern.conditions.values-match-exactly-and-one-of-a-list-is-enough" => conditions::values_match_exactly_and_one_of_a_list_is_enough,
        "pattern.conditions.an-exact-number-matches-as-it-is-written" => conditions::an_exact_number_matches_as_it_is_written,
        "pattern.conditions.prefix-and-suffix-match-text-only" => conditions::prefix_and_suffix_match_text_only,
        "pattern.conditions.prefix-and-suffix-can-ignore-case" => conditions::prefix_and_suffix_can_ignore_case,
        "pattern.conditions.equals-ignore-case-matches-the-whole-text" => conditions::equals_ignore_case_matches_the_whole_text,
        "pattern.conditions.a-wildcard-stands-for-any-characters-and-can-be-escaped" => conditions::a_wildcard_stands_for_any_characters_and_can_be_escaped,
        "pattern.conditions.anything-but-excludes-values-and-needs-one" => conditions::anything_but_excludes_values_and_needs_one,
        "pattern.conditions.anything-but-excludes-prefixes-suffixes-wildcards-and-cases" => conditions::anything_but_excludes_prefixes_suffixes_wildcards_and_cases,
        "pattern.conditions.numeric-compares-numbers-and-ranges" => conditions::numeric_compares_numbers_and_ranges,
        "pattern.conditions.exists-asks-for-a-value-that-is-no-object" => conditions::exists_asks_for_a_value_that_is_no_object,
        "pattern.conditions.cidr-matches-addresses-of-a-block" => conditions::cidr_matches_addresses_of_a_block,
        "pattern.structure.every-named-field-must-match-and-others-do-not-count" => structure::every_named_field_must_match_and_others_do_not_count,
        "pattern.structure.or-joins-fields-and-stands-beside-others" => structure::or_joins_fields_and_stands_beside_others,
        "pattern.structure.of-an-array-one-item-is-enough" => structure::of_an_array_one_item_is_enough,
        "pattern.structure.of-an-array-of-objects-one-object-has-all-the-fields" => structure::of_an_array_of_objects_one_object_has_all_the_fields,
        "pattern.structure.of-a-key-that-stands-twice-the-last-one-counts" => structure::of_a_key_that_stands_twice_the_last_one_counts,
        "pattern.structure.a-record-that-passes-one-of-several-filters-is-delivered" => structure::a_record_that_passes_one_of_several_filters_is_delivered,
        "pattern.formats.a-list-of-conditions-on-the-value-filters-plain-text" => formats::a_list_of_conditions_on_the_value_filters_plain_text,
        "pattern.formats.text-and-a-pattern-for-json-do-not-fit-so-the-record-is-delivered" => formats::text_and_a_pattern_for_json_do_not_fit_so_the_record_is_delivered,
        "pattern.formats.json-and-a-pattern-for-text-do-not-fit-so-the-record-is-delivered" => formats::json_and_a_pattern_for_text_do_not_fit_so_the_record_is_delivered,
        "pattern.formats.what-is-not-utf8-is-delivered" => formats::what_is_not_utf8_is_delivered,
        "pattern.formats.a-tombstone-passes-only-where-absence-is-asked-for" => formats::a_tombstone_passes_only_where_absence_is_asked_for,
    ]
}
