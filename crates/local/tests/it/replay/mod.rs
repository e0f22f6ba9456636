//! Records of invocations, and sending them again.

mod kafka;
mod records;
mod stack;

use crate::cases::Case;

/// The rows of this area.
pub(crate) fn cases() -> Vec<Case> {
    cases![
        "replay.records.what-is-delivered-is-kept-with-its-answer-and-what-is-not-is-not" => records::what_is_delivered_is_kept_with_its_answer_and_what_is_not_is_not,
        "replay.kafka.records-come-again-in-the-mappings-batches-through-its-filters-and-no-offset-moves" => kafka::records_come_again_in_the_mappings_batches_through_its_filters_and_no_offset_moves,
        "replay.kafka.a-time-begins-with-the-first-record-at-or-after-it-in-every-partition" => kafka::a_time_begins_with_the_first_record_at_or_after_it_in_every_partition,
        "replay.stack.a-recorded-event-is-sent-again-and-its-answer-compared" => stack::a_recorded_event_is_sent_again_and_its_answer_compared,
        "replay.stack.a-function-is-replayed-from-an-offset-and-its-group-stays-where-it-is" => stack::a_function_is_replayed_from_an_offset_and_its_group_stays_where_it_is,
        "replay.stack.status-says-where-functions-run-and-what-was-injected" => stack::status_says_where_functions_run_and_what_was_injected,
        "replay.stack.an-api-answers-500-to-an-injected-error-and-503-to-injected-throttling" => stack::an_api_answers_500_to_an_injected_error_and_503_to_injected_throttling,
    ]
}
