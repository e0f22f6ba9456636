//! The Kafka source.

mod access;
mod batching;
mod event;
mod failures;
mod filtering;
mod partial;
mod position;
mod sharing;
mod size;

use crate::cases::Case;

/// The rows of this area.
pub(crate) fn cases() -> Vec<Case> {
    cases![
        "kafka.batching.one-payload-holds-several-partitions-each-in-order" => batching::one_payload_holds_several_partitions_each_in_order,
        "kafka.batching.a-batch-has-no-more-than-its-size" => batching::a_batch_has_no_more_than_its_size,
        "kafka.batching.the-window-closes-a-small-batch" => batching::the_window_closes_a_small_batch,
        "kafka.batching.an-ending-mapping-delivers-what-it-has-begun" => batching::an_ending_mapping_delivers_what_it_has_begun,
        "kafka.batching.a-changed-batch-size-holds-from-the-next-batch-on" => batching::a_changed_batch_size_holds_from_the_next_batch_on,
        "kafka.event.a-record-looks-as-lambda-sends-it" => event::a_record_looks_as_lambda_sends_it,
        "kafka.event.a-tombstone-has-no-value-and-a-record-without-key-no-key" => event::a_tombstone_has_no_value_and_a_record_without_key_no_key,
        "kafka.event.header-bytes-are-signed-and-names-may-stand-twice" => event::header_bytes_are_signed_and_names_may_stand_twice,
        "kafka.event.the-time-is-the-brokers-where-the-topic-says-so" => event::the_time_is_the_brokers_where_the_topic_says_so,
        "kafka.event.msk-says-so-and-names-the-cluster" => event::msk_says_so_and_names_the_cluster,
        "kafka.failures.offsets-are-committed-after-success-only" => failures::offsets_are_committed_after_success_only,
        "kafka.failures.a-failing-partition-holds-up-no-other" => failures::a_failing_partition_holds_up_no_other,
        "kafka.failures.a-crash-is-a-failure-like-any-other" => failures::a_crash_is_a_failure_like_any_other,
        "kafka.failures.a-throttled-batch-waits-and-uses-up-no-retry" => failures::a_throttled_batch_waits_and_uses_up_no_retry,
        "kafka.failures.after-its-retries-a-batch-goes-to-the-destination-and-the-next-one-comes" => failures::after_its_retries_a_batch_goes_to_the_destination_and_the_next_one_comes,
        "kafka.failures.without-a-destination-a-batch-is-dropped-after-its-retries" => failures::without_a_destination_a_batch_is_dropped_after_its_retries,
        "kafka.failures.records-that-grew-too-old-are-given-up-and-the-others-tried-again" => failures::records_that_grew_too_old_are_given_up_and_the_others_tried_again,
        "kafka.failures.bisecting-finds-the-poison-and-delivers-everything-else" => failures::bisecting_finds_the_poison_and_delivers_everything_else,
        "kafka.failures.a-destination-that-refuses-loses-nothing" => failures::a_destination_that_refuses_loses_nothing,
        "kafka.partial.a-partition-goes-on-from-its-failed-offset-while-others-go-on" => partial::a_partition_goes_on_from_its_failed_offset_while_others_go_on,
        "kafka.partial.an-answer-that-makes-no-sense-returns-the-whole-batch" => partial::an_answer_that_makes_no_sense_returns_the_whole_batch,
        "kafka.partial.without-the-setting-a-normal-return-is-success" => partial::without_the_setting_a_normal_return_is_success,
        "kafka.position.trim-horizon-begins-with-the-oldest-record" => position::trim_horizon_begins_with_the_oldest_record,
        "kafka.position.latest-begins-with-the-first-record-after-it-was-enabled" => position::latest_begins_with_the_first_record_after_it_was_enabled,
        "kafka.position.at-timestamp-begins-with-the-first-record-at-or-after-it" => position::at_timestamp_begins_with_the_first_record_at_or_after_it,
        "kafka.position.a-group-with-offsets-ignores-the-starting-position" => position::a_group_with_offsets_ignores_the_starting_position,
        "kafka.position.disabling-and-enabling-loses-and-doubles-nothing" => position::disabling_and_enabling_loses_and_doubles_nothing,
        "kafka.position.a-missing-topic-is-an-error-that-names-mapping-and-topic" => position::a_missing_topic_is_an_error_that_names_mapping_and_topic,
        "kafka.sharing.several-pollers-deliver-partitions-side-by-side" => sharing::several_pollers_deliver_partitions_side_by_side,
        "kafka.sharing.two-runners-in-one-group-share-its-partitions-and-lose-nothing" => sharing::two_runners_in_one_group_share_its_partitions_and_lose_nothing,
        "kafka.sharing.a-rebalance-in-the-midst-of-retries-loses-nothing-and-stops-no-partition" => sharing::a_rebalance_in_the_midst_of_retries_loses_nothing_and_stops_no_partition,
        "kafka.size.a-batch-is-closed-before-its-payload-exceeds-6-mb" => size::a_batch_is_closed_before_its_payload_exceeds_6_mb,
        "kafka.size.a-record-of-4-mb-is-delivered-whole-and-what-no-event-holds-is-not" => size::a_record_of_4_mb_is_delivered_whole_and_what_no_event_holds_is_not,
        "kafka.size.a-record-over-the-limit-goes-to-the-failure-destination-as-it-came" => size::a_record_over_the_limit_goes_to_the_failure_destination_as_it_came,
        "kafka.size.the-record-that-did-not-fit-does-not-overtake-a-batch-that-failed" => size::the_record_that_did_not_fit_does_not_overtake_a_batch_that_failed,
        "kafka.filtering.filtered-records-are-not-delivered-and-their-offsets-are-committed" => filtering::filtered_records_are_not_delivered_and_their_offsets_are_committed,
        "kafka.filtering.when-all-records-are-filtered-out-nothing-is-invoked" => filtering::when_all_records_are_filtered_out_nothing_is_invoked,
        "kafka.filtering.filtering-comes-before-batching" => filtering::filtering_comes_before_batching,
        "kafka.filtering.a-failed-batch-is-not-overtaken-by-what-was-filtered-out" => filtering::a_failed_batch_is_not_overtaken_by_what_was_filtered_out,
        "kafka.sharing.a-second-runner-gets-its-share-while-the-first-ones-function-runs" => sharing::a_second_runner_gets_its_share_while_the_first_ones_function_runs,
        "kafka.sharing.what-was-revoked-while-the-function-ran-is-not-committed-by-its-success" => sharing::what_was_revoked_while_the_function_ran_is_not_committed_by_its_success,
        "kafka.sharing.partitions-that-are-added-are-read-from-their-first-record" => sharing::partitions_that_are_added_are_read_from_their_first_record,
        "kafka.access.passwords-for-scram-and-plain-come-from-a-secret" => access::passwords_for_scram_and_plain_come_from_a_secret,
        "kafka.access.a-client-certificate-comes-from-a-secret" => access::a_client_certificate_comes_from_a_secret,
        "kafka.access.a-login-that-is-refused-is-an-error-when-the-mapping-starts" => access::a_login_that_is_refused_is_an_error_when_the_mapping_starts,
        "kafka.access.the-login-is-not-for-the-stacks-own-broker" => access::the_login_is_not_for_the_stacks_own_broker,
        "kafka.access.a-broker-of-the-environment-is-read-with-the-environments-login" => access::a_broker_of_the_environment_is_read_with_the_environments_login,
        "kafka.access.a-connection-string-that-is-refused-is-an-error-that-does-not-show-it" => access::a_connection_string_that_is_refused_is_an_error_that_does_not_show_it,
    ]
}
