//! How a template is read: CloudFormation's and SAM's rules, without a process or a broker.

mod defaults;
mod merging;
mod parameters;
mod refusals;

use std::{collections::BTreeMap, path::Path};

use millrace::template::{self, Options, spec::Application};

use crate::cases::Case;

/// What a template means, with these parameters.
fn read_with(text: &str, parameters: &[(&str, &str)]) -> Result<Application, String> {
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let options = Options { parameters, environment: BTreeMap::new() };
    template::parse(text, Path::new("t.yaml"), &options).map_err(|error| error.to_string())
}

fn read(text: &str) -> Application {
    read_with(text, &[]).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn refused(text: &str) -> String {
    match read_with(text, &[]) {
        Ok(_) => panic!("it is accepted:\n{text}"),
        Err(error) => error,
    }
}

/// Sections before a function `F`, whose further properties are in one line.
fn function(sections: &str, properties: &str) -> String {
    format!(
        "{sections}\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {{Runtime: provided.al2023, CodeUri: f/, {properties}}}\n"
    )
}

/// The variable `A` of the function `F`, where it has this value.
fn variable(sections: &str, value: &str) -> Option<String> {
    let text = function(sections, &format!("Environment: {{Variables: {{A: {value}}}}}"));
    read(&text).functions["F"].environment.get("A").cloned()
}

/// The rows of this area.
pub(crate) fn cases() -> Vec<Case> {
    cases![
        "template.defaults.a-function-has-3-seconds-128-mb-and-no-reservation" => defaults::a_function_has_3_seconds_128_mb_and_no_reservation,
        "template.defaults.a-kafka-mapping-has-100-records-500-ms-and-endless-retries" => defaults::a_kafka_mapping_has_100_records_500_ms_and_endless_retries,
        "template.defaults.endless-retries-are-10-with-a-destination" => defaults::endless_retries_are_10_with_a_destination,
        "template.defaults.an-event-and-a-mapping-resource-mean-the-same" => defaults::an_event_and_a_mapping_resource_mean_the_same,
        "template.defaults.a-name-comes-from-the-logical-id" => defaults::a_name_comes_from_the_logical_id,
        "template.globals.maps-merge-lists-append-and-anything-else-is-replaced" => merging::maps_merge_lists_append_and_anything_else_is_replaced,
        "template.conditions.what-a-false-condition-names-is-not-there" => merging::what_a_false_condition_names_is_not_there,
        "template.conditions.no-value-takes-a-property-an-entry-or-an-item-away" => merging::no_value_takes_a_property_an_entry_or_an_item_away,
        "template.functions.sub-takes-its-own-variables-first-and-keeps-literals" => merging::sub_takes_its_own_variables_first_and_keeps_literals,
        "template.functions.lists-are-joined-split-and-selected-from" => merging::lists_are_joined_split_and_selected_from,
        "template.functions.a-map-is-looked-up-by-computed-keys" => merging::a_map_is_looked_up_by_computed_keys,
        "template.parameters.a-given-value-stands-over-the-default" => parameters::a_given_value_stands_over_the_default,
        "template.parameters.a-value-must-fit-its-type-pattern-and-limits" => parameters::a_value_must_fit_its_type_pattern_and_limits,
        "template.parameters.a-secret-is-not-shown-in-an-error" => parameters::a_secret_is_not_shown_in_an_error,
        "template.rules.an-assertion-that-is-false-stops-with-its-description" => parameters::an_assertion_that_is_false_stops_with_its_description,
        "template.rules.a-rule-holds-only-where-its-condition-does" => parameters::a_rule_holds_only_where_its_condition_does,
        "template.refusals.what-is-not-supported-is-refused-with-its-place" => refusals::what_is_not_supported_is_refused_with_its_place,
        "template.refusals.loops-and-other-extensions-are-refused" => refusals::loops_and_other_extensions_are_refused,
        "template.refusals.a-template-that-multiplies-itself-is-refused" => refusals::a_template_that_multiplies_itself_is_refused,
        "template.lint.a-trap-is-named-with-its-place-and-not-where-it-is-allowed" => refusals::a_trap_is_named_with_its_place_and_not_where_it_is_allowed,
    ]
}
