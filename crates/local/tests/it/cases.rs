//! The table: each rule of `millrace conformance` and the function that checks it.

use std::{collections::BTreeSet, future::Future, pin::Pin};

use libtest_mimic::{Failed, Trial};
use millrace::conformance;

use crate::{asynchronous, chaos, destinations, host, kafka, paths, pattern, rabbitmq, replay, schedules, template};

/// Checks one rule against the real thing; a panic says what was found instead.
struct Case {
    id: &'static str,
    check: fn() -> Pin<Box<dyn Future<Output = ()>>>,
}

macro_rules! cases {
    ($($id:literal => $check:path),* $(,)?) => {
        vec![$(Case { id: $id, check: || Box::pin($check()) }),*]
    };
}

/// One test a row, and one that holds the table to the list of rules.
pub(crate) fn trials() -> Vec<Trial> {
    let cases = table();
    let ids: BTreeSet<&str> = cases.iter().map(|case| case.id).collect();
    let rules: BTreeSet<&str> = conformance::rules().map(|rule| rule.id).collect();
    let unchecked: Vec<&str> = rules.difference(&ids).copied().collect();
    let unnamed: Vec<&str> = ids.difference(&rules).copied().collect();
    let whole = Trial::test("every rule has its case and every case its rule", move || {
        if unchecked.is_empty() && unnamed.is_empty() {
            return Ok(());
        }
        Err(Failed::from(format!("rules without a case: {unchecked:?}; cases without a rule: {unnamed:?}")))
    });
    let trials = cases.into_iter().map(|case| {
        Trial::test(case.id, move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.map_err(|error| error.to_string())?.block_on((case.check)());
            Ok(())
        })
    });
    std::iter::once(whole).chain(trials).collect()
}

fn table() -> Vec<Case> {
    [
        cases![
            "schedules.times.a-time-that-the-clocks-leave-out-is-skipped" => schedules::times::a_time_that_the_clocks_leave_out_is_skipped,
            "schedules.times.a-time-that-the-clocks-show-twice-fires-once" => schedules::times::a_time_that_the_clocks_show_twice_fires_once,
            "schedules.times.a-day-of-a-rate-has-24-hours-whatever-the-clocks-do" => schedules::times::a_day_of_a_rate_has_24_hours_whatever_the_clocks_do,
            "schedules.times.nothing-fires-before-the-start-date-or-after-the-end-date" => schedules::times::nothing_fires_before_the_start_date_or_after_the_end_date,
            "schedules.times.a-one-time-schedule-fires-once-and-does-not-look-at-the-dates" => schedules::times::a_one_time_schedule_fires_once_and_does_not_look_at_the_dates,
            "schedules.times.the-last-day-the-nearest-weekday-and-the-nth-weekday-have-letters" => schedules::times::the_last_day_the_nearest_weekday_and_the_nth_weekday_have_letters,
            "schedules.events.a-rate-without-a-start-date-fires-at-once-and-the-words-of-its-input-are-replaced" => schedules::events::a_rate_without_a_start_date_fires_at_once_and_the_words_of_its_input_are_replaced,
            "schedules.events.a-rule-sends-the-scheduled-event-with-its-arn" => schedules::events::a_rule_sends_the_scheduled_event_with_its_arn,
            "schedules.events.a-raw-rule-fires-each-of-its-targets" => schedules::events::a_raw_rule_fires_each_of_its_targets,
            "schedules.events.a-schedule-can-be-fired-by-hand-although-it-is-disabled" => schedules::events::a_schedule_can_be_fired_by_hand_although_it_is_disabled,
            "schedules.events.a-slow-run-does-not-stop-the-next-one" => schedules::events::a_slow_run_does_not_stop_the_next_one,
            "schedules.events.an-update-replaces-every-setting-of-a-schedule" => schedules::events::an_update_replaces_every_setting_of_a_schedule,
            "schedules.retries.a-run-that-is-not-taken-is-tried-again-with-the-next-attempt-number" => schedules::retries::a_run_that_is_not_taken_is_tried_again_with_the_next_attempt_number,
            "schedules.retries.a-run-whose-retries-are-used-up-goes-to-the-dead-letter-queue-with-its-attributes" => schedules::retries::a_run_whose_retries_are_used_up_goes_to_the_dead_letter_queue_with_its_attributes,
        ],
        cases![
            "asynchronous.retries.a-function-error-is-tried-twice-more-with-the-same-request-id" => asynchronous::retries::a_function_error_is_tried_twice_more_with_the_same_request_id,
            "asynchronous.retries.maximum-retry-attempts-limits-the-retries" => asynchronous::retries::maximum_retry_attempts_limits_the_retries,
            "asynchronous.retries.an-event-that-succeeds-at-a-later-attempt-is-done" => asynchronous::retries::an_event_that_succeeds_at_a_later_attempt_is_done,
            "asynchronous.retries.a-throttled-event-waits-and-uses-up-no-retry" => asynchronous::retries::a_throttled_event_waits_and_uses_up_no_retry,
            "asynchronous.retries.an-event-that-grows-older-than-its-maximum-age-is-given-up" => asynchronous::retries::an_event_that_grows_older_than_its_maximum_age_is_given_up,
            "asynchronous.retries.a-reserved-concurrency-of-zero-gives-events-up-without-a-retry" => asynchronous::retries::a_reserved_concurrency_of_zero_gives_events_up_without_a_retry,
            "asynchronous.retries.an-event-over-1-mb-is-refused" => asynchronous::retries::an_event_over_1_mb_is_refused,
            "asynchronous.destinations.a-success-goes-to-its-queue-with-event-and-answer" => asynchronous::destinations::a_success_goes_to_its_queue_with_event_and_answer,
            "asynchronous.destinations.a-failure-goes-to-its-topic-with-the-functions-error" => asynchronous::destinations::a_failure_goes_to_its_topic_with_the_functions_error,
            "asynchronous.destinations.a-failure-goes-to-its-bucket-under-a-key-with-name-and-time" => asynchronous::destinations::a_failure_goes_to_its_bucket_under_a_key_with_name_and_time,
            "asynchronous.destinations.a-function-as-destination-gets-the-record-as-its-event" => asynchronous::destinations::a_function_as_destination_gets_the_record_as_its_event,
            "asynchronous.destinations.a-dead-letter-queue-gets-the-event-as-it-came-with-three-attributes" => asynchronous::destinations::a_dead_letter_queue_gets_the_event_as_it_came_with_three_attributes,
            "asynchronous.kept.an-event-that-waits-for-a-retry-is-taken-up-by-the-next-runner" => asynchronous::kept::an_event_that_waits_for_a_retry_is_taken_up_by_the_next_runner,
            "asynchronous.kept.a-runner-that-is-killed-loses-no-accepted-event" => asynchronous::kept::a_runner_that_is_killed_loses_no_accepted_event,
            "asynchronous.kept.a-record-waits-until-its-destination-takes-it" => asynchronous::kept::a_record_waits_until_its_destination_takes_it,
            "asynchronous.kept.a-stopped-function-refuses-events-and-keeps-those-it-has" => asynchronous::kept::a_stopped_function_refuses_events_and_keeps_those_it_has,
        ],
        cases![
            "template.defaults.a-function-has-3-seconds-128-mb-and-no-reservation" => template::defaults::a_function_has_3_seconds_128_mb_and_no_reservation,
            "template.defaults.a-kafka-mapping-has-100-records-500-ms-and-endless-retries" => template::defaults::a_kafka_mapping_has_100_records_500_ms_and_endless_retries,
            "template.defaults.endless-retries-are-10-with-a-destination" => template::defaults::endless_retries_are_10_with_a_destination,
            "template.defaults.an-event-and-a-mapping-resource-mean-the-same" => template::defaults::an_event_and_a_mapping_resource_mean_the_same,
            "template.defaults.a-name-comes-from-the-logical-id" => template::defaults::a_name_comes_from_the_logical_id,
            "template.globals.maps-merge-lists-append-and-anything-else-is-replaced" => template::merging::maps_merge_lists_append_and_anything_else_is_replaced,
            "template.conditions.what-a-false-condition-names-is-not-there" => template::merging::what_a_false_condition_names_is_not_there,
            "template.conditions.no-value-takes-a-property-an-entry-or-an-item-away" => template::merging::no_value_takes_a_property_an_entry_or_an_item_away,
            "template.functions.sub-takes-its-own-variables-first-and-keeps-literals" => template::merging::sub_takes_its_own_variables_first_and_keeps_literals,
            "template.functions.lists-are-joined-split-and-selected-from" => template::merging::lists_are_joined_split_and_selected_from,
            "template.functions.a-map-is-looked-up-by-computed-keys" => template::merging::a_map_is_looked_up_by_computed_keys,
            "template.parameters.a-given-value-stands-over-the-default" => template::parameters::a_given_value_stands_over_the_default,
            "template.parameters.a-value-must-fit-its-type-pattern-and-limits" => template::parameters::a_value_must_fit_its_type_pattern_and_limits,
            "template.parameters.a-secret-is-not-shown-in-an-error" => template::parameters::a_secret_is_not_shown_in_an_error,
            "template.rules.an-assertion-that-is-false-stops-with-its-description" => template::parameters::an_assertion_that_is_false_stops_with_its_description,
            "template.rules.a-rule-holds-only-where-its-condition-does" => template::parameters::a_rule_holds_only_where_its_condition_does,
            "template.refusals.what-is-not-supported-is-refused-with-its-place" => template::refusals::what_is_not_supported_is_refused_with_its_place,
            "template.refusals.loops-and-other-extensions-are-refused" => template::refusals::loops_and_other_extensions_are_refused,
            "template.refusals.a-template-that-multiplies-itself-is-refused" => template::refusals::a_template_that_multiplies_itself_is_refused,
            "template.lint.a-trap-is-named-with-its-place-and-not-where-it-is-allowed" => template::refusals::a_trap_is_named_with_its_place_and_not_where_it_is_allowed,
        ],
        cases![
            "destinations.batches.a-queue-gets-the-metadata-of-a-failed-batch-and-no-records" => destinations::batches::a_queue_gets_the_metadata_of_a_failed_batch_and_no_records,
            "destinations.batches.an-sns-topic-gets-the-metadata-of-a-failed-batch-as-its-message" => destinations::batches::an_sns_topic_gets_the_metadata_of_a_failed_batch_as_its_message,
            "destinations.batches.a-bucket-gets-the-metadata-and-the-whole-event-as-text" => destinations::batches::a_bucket_gets_the_metadata_and_the_whole_event_as_text,
            "destinations.batches.a-queue-that-is-not-there-yet-loses-nothing" => destinations::batches::a_queue_that_is_not_there_yet_loses_nothing,
            "destinations.resources.what-the-template-names-is-made-before-a-trigger-starts-and-may-be-there" => destinations::resources::what_the_template_names_is_made_before_a_trigger_starts_and_may_be_there,
        ],
        cases![
            "kafka.batching.one-payload-holds-several-partitions-each-in-order" => kafka::batching::one_payload_holds_several_partitions_each_in_order,
            "kafka.batching.a-batch-has-no-more-than-its-size" => kafka::batching::a_batch_has_no_more_than_its_size,
            "kafka.batching.the-window-closes-a-small-batch" => kafka::batching::the_window_closes_a_small_batch,
            "kafka.batching.an-ending-mapping-delivers-what-it-has-begun" => kafka::batching::an_ending_mapping_delivers_what_it_has_begun,
            "kafka.batching.a-changed-batch-size-holds-from-the-next-batch-on" => kafka::batching::a_changed_batch_size_holds_from_the_next_batch_on,
            "kafka.event.a-record-looks-as-lambda-sends-it" => kafka::event::a_record_looks_as_lambda_sends_it,
            "kafka.event.a-tombstone-has-no-value-and-a-record-without-key-no-key" => kafka::event::a_tombstone_has_no_value_and_a_record_without_key_no_key,
            "kafka.event.header-bytes-are-signed-and-names-may-stand-twice" => kafka::event::header_bytes_are_signed_and_names_may_stand_twice,
            "kafka.event.the-time-is-the-brokers-where-the-topic-says-so" => kafka::event::the_time_is_the_brokers_where_the_topic_says_so,
            "kafka.event.msk-says-so-and-names-the-cluster" => kafka::event::msk_says_so_and_names_the_cluster,
            "kafka.failures.offsets-are-committed-after-success-only" => kafka::failures::offsets_are_committed_after_success_only,
            "kafka.failures.a-failing-partition-holds-up-no-other" => kafka::failures::a_failing_partition_holds_up_no_other,
            "kafka.failures.a-crash-is-a-failure-like-any-other" => kafka::failures::a_crash_is_a_failure_like_any_other,
            "kafka.failures.a-throttled-batch-waits-and-uses-up-no-retry" => kafka::failures::a_throttled_batch_waits_and_uses_up_no_retry,
            "kafka.failures.after-its-retries-a-batch-goes-to-the-destination-and-the-next-one-comes" => kafka::failures::after_its_retries_a_batch_goes_to_the_destination_and_the_next_one_comes,
            "kafka.failures.without-a-destination-a-batch-is-dropped-after-its-retries" => kafka::failures::without_a_destination_a_batch_is_dropped_after_its_retries,
            "kafka.failures.records-that-grew-too-old-are-given-up-and-the-others-tried-again" => kafka::failures::records_that_grew_too_old_are_given_up_and_the_others_tried_again,
            "kafka.failures.bisecting-finds-the-poison-and-delivers-everything-else" => kafka::failures::bisecting_finds_the_poison_and_delivers_everything_else,
            "kafka.failures.a-destination-that-refuses-loses-nothing" => kafka::failures::a_destination_that_refuses_loses_nothing,
            "kafka.partial.a-partition-goes-on-from-its-failed-offset-while-others-go-on" => kafka::partial::a_partition_goes_on_from_its_failed_offset_while_others_go_on,
            "kafka.partial.an-answer-that-makes-no-sense-returns-the-whole-batch" => kafka::partial::an_answer_that_makes_no_sense_returns_the_whole_batch,
            "kafka.partial.without-the-setting-a-normal-return-is-success" => kafka::partial::without_the_setting_a_normal_return_is_success,
            "kafka.position.trim-horizon-begins-with-the-oldest-record" => kafka::position::trim_horizon_begins_with_the_oldest_record,
            "kafka.position.latest-begins-with-the-first-record-after-it-was-enabled" => kafka::position::latest_begins_with_the_first_record_after_it_was_enabled,
            "kafka.position.at-timestamp-begins-with-the-first-record-at-or-after-it" => kafka::position::at_timestamp_begins_with_the_first_record_at_or_after_it,
            "kafka.position.a-group-with-offsets-ignores-the-starting-position" => kafka::position::a_group_with_offsets_ignores_the_starting_position,
            "kafka.position.disabling-and-enabling-loses-and-doubles-nothing" => kafka::position::disabling_and_enabling_loses_and_doubles_nothing,
            "kafka.position.a-missing-topic-is-an-error-that-names-mapping-and-topic" => kafka::position::a_missing_topic_is_an_error_that_names_mapping_and_topic,
            "kafka.sharing.several-pollers-deliver-partitions-side-by-side" => kafka::sharing::several_pollers_deliver_partitions_side_by_side,
            "kafka.sharing.two-runners-in-one-group-share-its-partitions-and-lose-nothing" => kafka::sharing::two_runners_in_one_group_share_its_partitions_and_lose_nothing,
            "kafka.sharing.a-rebalance-in-the-midst-of-retries-loses-nothing-and-stops-no-partition" => kafka::sharing::a_rebalance_in_the_midst_of_retries_loses_nothing_and_stops_no_partition,
            "kafka.size.a-batch-is-closed-before-its-payload-exceeds-6-mb" => kafka::size::a_batch_is_closed_before_its_payload_exceeds_6_mb,
            "kafka.size.a-record-over-the-limit-goes-to-the-failure-destination-as-it-came" => kafka::size::a_record_over_the_limit_goes_to_the_failure_destination_as_it_came,
            "kafka.size.the-record-that-did-not-fit-does-not-overtake-a-batch-that-failed" => kafka::size::the_record_that_did_not_fit_does_not_overtake_a_batch_that_failed,
            "kafka.filtering.filtered-records-are-not-delivered-and-their-offsets-are-committed" => kafka::filtering::filtered_records_are_not_delivered_and_their_offsets_are_committed,
            "kafka.filtering.when-all-records-are-filtered-out-nothing-is-invoked" => kafka::filtering::when_all_records_are_filtered_out_nothing_is_invoked,
            "kafka.filtering.filtering-comes-before-batching" => kafka::filtering::filtering_comes_before_batching,
            "kafka.filtering.a-failed-batch-is-not-overtaken-by-what-was-filtered-out" => kafka::filtering::a_failed_batch_is_not_overtaken_by_what_was_filtered_out,
            "kafka.sharing.a-second-runner-gets-its-share-while-the-first-ones-function-runs" => kafka::sharing::a_second_runner_gets_its_share_while_the_first_ones_function_runs,
            "kafka.sharing.what-was-revoked-while-the-function-ran-is-not-committed-by-its-success" => kafka::sharing::what_was_revoked_while_the_function_ran_is_not_committed_by_its_success,
            "kafka.sharing.partitions-that-are-added-are-read-from-their-first-record" => kafka::sharing::partitions_that_are_added_are_read_from_their_first_record,
            "kafka.access.passwords-for-scram-and-plain-come-from-a-secret" => kafka::access::passwords_for_scram_and_plain_come_from_a_secret,
            "kafka.access.a-client-certificate-comes-from-a-secret" => kafka::access::a_client_certificate_comes_from_a_secret,
            "kafka.access.a-login-that-is-refused-is-an-error-when-the-mapping-starts" => kafka::access::a_login_that_is_refused_is_an_error_when_the_mapping_starts,
            "kafka.access.the-login-is-not-for-the-stacks-own-broker" => kafka::access::the_login_is_not_for_the_stacks_own_broker,
        ],
        cases![
            "pattern.conditions.values-match-exactly-and-one-of-a-list-is-enough" => pattern::conditions::values_match_exactly_and_one_of_a_list_is_enough,
            "pattern.conditions.an-exact-number-matches-as-it-is-written" => pattern::conditions::an_exact_number_matches_as_it_is_written,
            "pattern.conditions.prefix-and-suffix-match-text-only" => pattern::conditions::prefix_and_suffix_match_text_only,
            "pattern.conditions.prefix-and-suffix-can-ignore-case" => pattern::conditions::prefix_and_suffix_can_ignore_case,
            "pattern.conditions.equals-ignore-case-matches-the-whole-text" => pattern::conditions::equals_ignore_case_matches_the_whole_text,
            "pattern.conditions.a-wildcard-stands-for-any-characters-and-can-be-escaped" => pattern::conditions::a_wildcard_stands_for_any_characters_and_can_be_escaped,
            "pattern.conditions.anything-but-excludes-values-and-needs-one" => pattern::conditions::anything_but_excludes_values_and_needs_one,
            "pattern.conditions.anything-but-excludes-prefixes-suffixes-wildcards-and-cases" => pattern::conditions::anything_but_excludes_prefixes_suffixes_wildcards_and_cases,
            "pattern.conditions.numeric-compares-numbers-and-ranges" => pattern::conditions::numeric_compares_numbers_and_ranges,
            "pattern.conditions.exists-asks-for-a-value-that-is-no-object" => pattern::conditions::exists_asks_for_a_value_that_is_no_object,
            "pattern.conditions.cidr-matches-addresses-of-a-block" => pattern::conditions::cidr_matches_addresses_of_a_block,
            "pattern.structure.every-named-field-must-match-and-others-do-not-count" => pattern::structure::every_named_field_must_match_and_others_do_not_count,
            "pattern.structure.or-joins-fields-and-stands-beside-others" => pattern::structure::or_joins_fields_and_stands_beside_others,
            "pattern.structure.of-an-array-one-item-is-enough" => pattern::structure::of_an_array_one_item_is_enough,
            "pattern.structure.of-an-array-of-objects-one-object-has-all-the-fields" => pattern::structure::of_an_array_of_objects_one_object_has_all_the_fields,
            "pattern.structure.of-a-key-that-stands-twice-the-last-one-counts" => pattern::structure::of_a_key_that_stands_twice_the_last_one_counts,
            "pattern.structure.a-record-that-passes-one-of-several-filters-is-delivered" => pattern::structure::a_record_that_passes_one_of_several_filters_is_delivered,
            "pattern.formats.a-list-of-conditions-on-the-value-filters-plain-text" => pattern::formats::a_list_of_conditions_on_the_value_filters_plain_text,
            "pattern.formats.text-and-a-pattern-for-json-do-not-fit-so-the-record-is-delivered" => pattern::formats::text_and_a_pattern_for_json_do_not_fit_so_the_record_is_delivered,
            "pattern.formats.json-and-a-pattern-for-text-do-not-fit-so-the-record-is-delivered" => pattern::formats::json_and_a_pattern_for_text_do_not_fit_so_the_record_is_delivered,
            "pattern.formats.what-is-not-utf8-is-delivered" => pattern::formats::what_is_not_utf8_is_delivered,
            "pattern.formats.a-tombstone-passes-only-where-absence-is-asked-for" => pattern::formats::a_tombstone_passes_only_where_absence_is_asked_for,
        ],
        cases![
            "rabbitmq.event.a-message-looks-as-lambda-sends-it" => rabbitmq::event::a_message_looks_as_lambda_sends_it,
            "rabbitmq.event.every-property-is-there-and-null-when-it-is-unset" => rabbitmq::event::every_property_is_there_and_null_when_it_is_unset,
            "rabbitmq.event.headers-of-every-type" => rabbitmq::event::headers_of_every_type,
            "rabbitmq.event.the-key-names-queue-and-virtual-host" => rabbitmq::event::the_key_names_queue_and_virtual_host,
            "rabbitmq.event.the-same-message-published-twice-is-delivered-twice" => rabbitmq::event::the_same_message_published_twice_is_delivered_twice,
            "rabbitmq.batching.a-batch-has-no-more-than-its-size-and-the-queues-order" => rabbitmq::batching::a_batch_has_no_more_than_its_size_and_the_queues_order,
            "rabbitmq.batching.the-window-closes-a-small-batch" => rabbitmq::batching::the_window_closes_a_small_batch,
            "rabbitmq.batching.without-a-window-a-batch-waits-half-a-second" => rabbitmq::batching::without_a_window_a_batch_waits_half_a_second,
            "rabbitmq.batching.a-batch-is-closed-before-its-payload-exceeds-6-mb" => rabbitmq::batching::a_batch_is_closed_before_its_payload_exceeds_6_mb,
            "rabbitmq.batching.a-message-over-the-limit-is-rejected-to-the-dead-letter-exchange-and-the-others-are-delivered" => rabbitmq::batching::a_message_over_the_limit_is_rejected_to_the_dead_letter_exchange_and_the_others_are_delivered,
            "rabbitmq.batching.one-invocation-at-a-time-whatever-the-function-has-reserved" => rabbitmq::batching::one_invocation_at_a_time_whatever_the_function_has_reserved,
            "rabbitmq.batching.a-changed-batch-size-holds-from-the-next-batch-on" => rabbitmq::batching::a_changed_batch_size_holds_from_the_next_batch_on,
            "rabbitmq.batching.a-message-that-the-filters-do-not-let-pass-is-acknowledged" => rabbitmq::batching::a_message_that_the_filters_do_not_let_pass_is_acknowledged,
            "rabbitmq.batching.a-mapping-that-is-disabled-ends-and-acknowledges-what-runs-and-loses-nothing" => rabbitmq::batching::a_mapping_that_is_disabled_ends_and_acknowledges_what_runs_and_loses_nothing,
            "rabbitmq.failures.messages-are-acknowledged-after-success-only" => rabbitmq::failures::messages_are_acknowledged_after_success_only,
            "rabbitmq.failures.a-failed-batch-comes-again-whole-and-marked-as-redelivered" => rabbitmq::failures::a_failed_batch_comes_again_whole_and_marked_as_redelivered,
            "rabbitmq.failures.an-answer-with-batch-item-failures-is-success" => rabbitmq::failures::an_answer_with_batch_item_failures_is_success,
            "rabbitmq.failures.a-crash-is-a-failure-like-any-other" => rabbitmq::failures::a_crash_is_a_failure_like_any_other,
            "rabbitmq.failures.a-timeout-is-a-failure-like-any-other" => rabbitmq::failures::a_timeout_is_a_failure_like_any_other,
            "rabbitmq.failures.a-throttled-batch-comes-again-until-there-is-room" => rabbitmq::failures::a_throttled_batch_comes_again_until_there_is_room,
            "rabbitmq.failures.the-wait-after-a-failure-grows" => rabbitmq::failures::the_wait_after_a_failure_grows,
            "rabbitmq.failures.a-queue-with-a-delivery-limit-takes-a-poison-message-out-of-the-way" => rabbitmq::failures::a_queue_with_a_delivery_limit_takes_a_poison_message_out_of_the_way,
            "rabbitmq.failures.a-stopped-function-does-not-use-up-a-delivery-limit" => rabbitmq::failures::a_stopped_function_does_not_use_up_a_delivery_limit,
            "rabbitmq.broker.a-queue-that-is-not-there-is-named-and-waited-for" => rabbitmq::broker::a_queue_that_is_not_there_is_named_and_waited_for,
            "rabbitmq.broker.a-broker-that-dies-and-comes-back-loses-nothing" => rabbitmq::broker::a_broker_that_dies_and_comes_back_loses_nothing,
            "rabbitmq.broker.the-login-is-that-of-the-secret-and-a-changed-one-is-found" => rabbitmq::broker::the_login_is_that_of_the_secret_and_a_changed_one_is_found,
            "rabbitmq.broker.a-secret-that-is-no-login-is-named-and-not-shown" => rabbitmq::broker::a_secret_that_is_no_login_is_named_and_not_shown,
        ],
        cases![
            "host.answers.the-answer-is-what-the-function-returned" => host::answers::the_answer_is_what_the_function_returned,
            "host.answers.a-function-is-found-by-id-name-and-arn" => host::answers::a_function_is_found_by_id_name_and_arn,
            "host.answers.the-context-has-deadline-arn-and-trace" => host::answers::the_context_has_deadline_arn_and_trace,
            "host.answers.the-environment-is-lambdas-and-the-templates-and-nothing-else" => host::answers::the_environment_is_lambdas_and_the_templates_and_nothing_else,
            "host.answers.the-second-invocation-is-warm" => host::answers::the_second_invocation_is_warm,
            "host.answers.a-function-error-is-passed-on-and-the-process-stays" => host::answers::a_function_error_is_passed_on_and_the_process_stays,
            "host.answers.the-log-has-the-functions-lines-between-start-end-and-report" => host::answers::the_log_has_the_functions_lines_between_start_end_and_report,
            "host.answers.an-event-is-accepted-at-once-and-run-later" => host::answers::an_event_is_accepted_at_once_and_run_later,
            "host.concurrency.a-reserved-concurrency-throttles-what-exceeds-it" => host::concurrency::a_reserved_concurrency_throttles_what_exceeds_it,
            "host.concurrency.a-reserved-concurrency-of-zero-throttles-everything" => host::concurrency::a_reserved_concurrency_of_zero_throttles_everything,
            "host.concurrency.without-a-reservation-invocations-run-at-once-up-to-the-default-and-wait-beyond" => host::concurrency::without_a_reservation_invocations_run_at_once_up_to_the_default_and_wait_beyond,
            "host.endings.a-restart-gives-a-new-process-and-lets-the-old-one-finish" => host::endings::a_restart_gives_a_new_process_and_lets_the_old_one_finish,
            "host.endings.a-stopped-function-refuses-until-it-is-resumed" => host::endings::a_stopped_function_refuses_until_it_is_resumed,
            "host.endings.what-waits-for-its-turn-when-the-function-stops-is-refused" => host::endings::what_waits_for_its_turn_when_the_function_stops_is_refused,
            "host.endings.the-end-of-the-host-lets-running-invocations-end" => host::endings::the_end_of_the_host_lets_running_invocations_end,
            "host.endings.the-end-of-the-host-waits-no-longer-than-its-grace" => host::endings::the_end_of_the_host_waits_no_longer_than_its_grace,
            "host.failures.a-crash-is-answered-at-once-and-the-next-invocation-is-cold" => host::failures::a_crash_is_answered_at_once_and_the_next_invocation_is_cold,
            "host.failures.a-process-that-died-while-idle-is-not-used" => host::failures::a_process_that_died_while_idle_is_not_used,
            "host.failures.a-timeout-kills-the-function-with-all-that-it-started" => host::failures::a_timeout_kills_the_function_with_all_that_it_started,
            "host.failures.an-error-of-the-init-phase-is-passed-on-at-once" => host::failures::an_error_of_the_init_phase_is_passed_on_at_once,
            "host.failures.an-exit-during-init-is-answered-at-once" => host::failures::an_exit_during_init_is_answered_at_once,
            "host.failures.an-answer-over-6-mb-is-an-error" => host::failures::an_answer_over_6_mb_is_an_error,
            "host.failures.a-payload-over-6-mb-is-refused" => host::failures::a_payload_over_6_mb_is_refused,
            "host.failures.a-program-that-is-missing-or-no-program-is-named" => host::failures::a_program_that_is_missing_or_no_program_is_named,
            "host.metrics.embedded-metrics-are-summed-over-processes" => host::metrics::embedded_metrics_are_summed_over_processes,
            "host.api.a-reservation-holds-at-once-and-outlives-the-runner" => host::api::a_reservation_holds_at_once_and_outlives_the_runner,
            "host.api.functions-are-listed-and-described" => host::api::functions_are_listed_and_described,
            "host.api.a-client-context-and-a-trace-id-are-passed-on" => host::api::a_client_context_and_a_trace_id_are_passed_on,
            "host.api.the-log-tail-comes-with-the-answer-when-it-is-asked-for" => host::api::the_log_tail_comes_with_the_answer_when_it_is_asked_for,
            "host.api.exec-runs-a-command-with-the-functions-environment" => host::api::exec_runs_a_command_with_the_functions_environment,
            "host.api.functions-end-when-the-runner-is-killed" => host::api::functions_end_when_the_runner_is_killed,
            "host.foreign.a-template-from-elsewhere-is-built-started-and-invoked" => host::foreign::a_template_from_elsewhere_is_built_started_and_invoked,
            "host.foreign.a-package-at-the-templates-own-folder-names-its-program" => host::foreign::a_package_at_the_templates_own_folder_names_its_program,
            "host.foreign.a-program-that-does-not-compile-stops-up-with-the-compilers-words" => host::foreign::a_program_that_does_not_compile_stops_up_with_the_compilers_words,
            "host.foreign.without-services-a-trigger-names-the-variable-that-it-needs" => host::foreign::without_services_a_trigger_names_the_variable_that_it_needs,
            "host.foreign.without-services-the-environment-gives-the-endpoints-and-the-credentials" => host::foreign::without_services_the_environment_gives_the_endpoints_and_the_credentials,
            "host.foreign.the-invoke-api-moves-when-9000-is-taken" => host::foreign::the_invoke_api_moves_when_9000_is_taken,
            "host.limits.a-function-over-its-memory-is-ended-when-that-is-asked-for" => host::limits::a_function_over_its_memory_is_ended_when_that_is_asked_for,
            "host.limits.a-json-log-has-lambdas-records" => host::limits::a_json_log_has_lambdas_records,
            "host.limits.an-extension-in-the-process-hears-of-every-invocation" => host::limits::an_extension_in_the_process_hears_of_every_invocation,
            "host.limits.what-the-extensions-api-refuses-it-refuses-as-lambda-does" => host::limits::what_the_extensions_api_refuses_it_refuses_as_lambda_does,
            "host.reload.an-edit-restarts-what-depends-on-it-and-nothing-else" => host::reload::an_edit_restarts_what_depends_on_it_and_nothing_else,
            "host.reload.a-build-that-fails-is-shown-and-what-ran-runs-on" => host::reload::a_build_that_fails_is_shown_and_what_ran_runs_on,
            "host.reload.a-bootstrap-of-any-language-restarts-when-its-folder-changes" => host::reload::a_bootstrap_of_any_language_restarts_when_its_folder_changes,
            "host.reload.an-edited-template-brings-environment-and-timeout-at-once-and-names-the-rest" => host::reload::an_edited_template_brings_environment_and_timeout_at_once_and_names_the_rest,
        ],
        cases![
            "paths.watch.two-functions-of-cargo-lambda-answer-at-once-and-none-is-started-here" => paths::watch::two_functions_of_cargo_lambda_answer_at_once_and_none_is_started_here,
            "paths.watch.an-error-that-has-no-header-of-aws-is-a-function-error" => paths::watch::an_error_that_has_no_header_of_aws_is_a_function_error,
            "paths.watch.a-crash-there-is-a-timeout-here" => paths::watch::a_crash_there_is_a_timeout_here,
            "paths.elsewhere.a-host-that-cannot-be-reached-uses-up-no-retry-and-loses-nothing" => paths::elsewhere::a_host_that_cannot_be_reached_uses_up_no_retry_and_loses_nothing,
            "paths.elsewhere.a-concurrency-limit-holds-for-another-host-too" => paths::elsewhere::a_concurrency_limit_holds_for_another_host_too,
            "paths.elsewhere.calls-are-signed-when-the-environment-has-credentials" => paths::elsewhere::calls_are_signed_when_the_environment_has_credentials,
            "paths.ministack.a-function-of-ministack-answers-and-its-error-is-known-by-the-header" => paths::ministack::a_function_of_ministack_answers_and_its_error_is_known_by_the_header,
            "paths.ministack.invoke-asks-any-host-and-fails-with-the-function" => paths::ministack::invoke_asks_any_host_and_fails_with_the_function,
        ],
        cases![
            "chaos.faults.a-crash-kills-the-process-while-it-has-the-event" => chaos::faults::a_crash_kills_the_process_while_it_has_the_event,
            "chaos.faults.a-timeout-kills-the-process-although-it-has-done-its-work" => chaos::faults::a_timeout_kills_the_process_although_it_has_done_its_work,
            "chaos.faults.an-error-replaces-the-answer-to-work-that-was-done" => chaos::faults::an_error_replaces_the_answer_to_work_that_was_done,
            "chaos.faults.a-throttled-invocation-does-not-reach-the-function" => chaos::faults::a_throttled_invocation_does_not_reach_the_function,
            "chaos.faults.an-event-is-duplicated-and-a-request-is-not" => chaos::faults::an_event_is_duplicated_and_a_request_is_not,
            "chaos.faults.a-seed-gives-a-trigger-the-same-sequence-again-whatever-others-do" => chaos::faults::a_seed_gives_a_trigger_the_same_sequence_again_whatever_others_do,
            "chaos.kafka.every-record-is-handled-at-least-once-and-none-is-lost" => chaos::kafka::every_record_is_handled_at_least_once_and_none_is_lost,
            "chaos.kafka.consumers-that-leave-and-join-again-lose-and-double-nothing" => chaos::kafka::consumers_that_leave_and_join_again_lose_and_double_nothing,
        ],
        cases![
            "replay.records.what-is-delivered-is-kept-with-its-answer-and-what-is-not-is-not" => replay::records::what_is_delivered_is_kept_with_its_answer_and_what_is_not_is_not,
            "replay.kafka.records-come-again-in-the-mappings-batches-through-its-filters-and-no-offset-moves" => replay::kafka::records_come_again_in_the_mappings_batches_through_its_filters_and_no_offset_moves,
            "replay.kafka.a-time-begins-with-the-first-record-at-or-after-it-in-every-partition" => replay::kafka::a_time_begins_with_the_first_record_at_or_after_it_in_every_partition,
            "replay.stack.a-recorded-event-is-sent-again-and-its-answer-compared" => replay::stack::a_recorded_event_is_sent_again_and_its_answer_compared,
            "replay.stack.a-function-is-replayed-from-an-offset-and-its-group-stays-where-it-is" => replay::stack::a_function_is_replayed_from_an_offset_and_its_group_stays_where_it_is,
            "replay.stack.status-says-where-functions-run-and-what-was-injected" => replay::stack::status_says_where_functions_run_and_what_was_injected,
            "replay.stack.an-api-answers-500-to-an-injected-error-and-503-to-injected-throttling" => replay::stack::an_api_answers_500_to_an_injected_error_and_503_to_injected_throttling,
        ],
    ]
    .into_iter()
    .flatten()
    .collect()
}
