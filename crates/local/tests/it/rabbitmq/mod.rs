//! The RabbitMQ source.

mod batching;
mod broker;
mod event;
mod failures;

use crate::cases::Case;

/// The rows of this area.
pub(crate) fn cases() -> Vec<Case> {
    cases![
        "rabbitmq.event.a-message-looks-as-lambda-sends-it" => event::a_message_looks_as_lambda_sends_it,
        "rabbitmq.event.every-property-is-there-and-null-when-it-is-unset" => event::every_property_is_there_and_null_when_it_is_unset,
        "rabbitmq.event.headers-of-every-type" => event::headers_of_every_type,
        "rabbitmq.event.the-key-names-queue-and-virtual-host" => event::the_key_names_queue_and_virtual_host,
        "rabbitmq.event.the-same-message-published-twice-is-delivered-twice" => event::the_same_message_published_twice_is_delivered_twice,
        "rabbitmq.batching.a-batch-has-no-more-than-its-size-and-the-queues-order" => batching::a_batch_has_no_more_than_its_size_and_the_queues_order,
        "rabbitmq.batching.the-window-closes-a-small-batch" => batching::the_window_closes_a_small_batch,
        "rabbitmq.batching.without-a-window-a-batch-waits-half-a-second" => batching::without_a_window_a_batch_waits_half_a_second,
        "rabbitmq.batching.a-batch-is-closed-before-its-payload-exceeds-6-mb" => batching::a_batch_is_closed_before_its_payload_exceeds_6_mb,
        "rabbitmq.batching.a-message-over-the-limit-is-rejected-to-the-dead-letter-exchange-and-the-others-are-delivered" => batching::a_message_over_the_limit_is_rejected_to_the_dead_letter_exchange_and_the_others_are_delivered,
        "rabbitmq.batching.one-invocation-at-a-time-whatever-the-function-has-reserved" => batching::one_invocation_at_a_time_whatever_the_function_has_reserved,
        "rabbitmq.batching.a-changed-batch-size-holds-from-the-next-batch-on" => batching::a_changed_batch_size_holds_from_the_next_batch_on,
        "rabbitmq.batching.a-message-that-the-filters-do-not-let-pass-is-acknowledged" => batching::a_message_that_the_filters_do_not_let_pass_is_acknowledged,
        "rabbitmq.batching.a-mapping-that-is-disabled-ends-and-acknowledges-what-runs-and-loses-nothing" => batching::a_mapping_that_is_disabled_ends_and_acknowledges_what_runs_and_loses_nothing,
        "rabbitmq.failures.messages-are-acknowledged-after-success-only" => failures::messages_are_acknowledged_after_success_only,
        "rabbitmq.failures.a-failed-batch-comes-again-whole-and-marked-as-redelivered" => failures::a_failed_batch_comes_again_whole_and_marked_as_redelivered,
        "rabbitmq.failures.an-answer-with-batch-item-failures-is-success" => failures::an_answer_with_batch_item_failures_is_success,
        "rabbitmq.failures.a-crash-is-a-failure-like-any-other" => failures::a_crash_is_a_failure_like_any_other,
        "rabbitmq.failures.a-timeout-is-a-failure-like-any-other" => failures::a_timeout_is_a_failure_like_any_other,
        "rabbitmq.failures.a-throttled-batch-comes-again-until-there-is-room" => failures::a_throttled_batch_comes_again_until_there_is_room,
        "rabbitmq.failures.the-wait-after-a-failure-grows" => failures::the_wait_after_a_failure_grows,
        "rabbitmq.failures.a-queue-with-a-delivery-limit-takes-a-poison-message-out-of-the-way" => failures::a_queue_with_a_delivery_limit_takes_a_poison_message_out_of_the_way,
        "rabbitmq.failures.a-stopped-function-does-not-use-up-a-delivery-limit" => failures::a_stopped_function_does_not_use_up_a_delivery_limit,
        "rabbitmq.broker.a-queue-that-is-not-there-is-named-and-waited-for" => broker::a_queue_that_is_not_there_is_named_and_waited_for,
        "rabbitmq.broker.a-broker-that-dies-and-comes-back-loses-nothing" => broker::a_broker_that_dies_and_comes_back_loses_nothing,
        "rabbitmq.broker.the-login-is-that-of-the-secret-and-a-changed-one-is-found" => broker::the_login_is_that_of_the_secret_and_a_changed_one_is_found,
        "rabbitmq.broker.a-secret-that-is-no-login-is-named-and-not-shown" => broker::a_secret_that_is_no_login_is_named_and_not_shown,
    ]
}
