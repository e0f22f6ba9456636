//! Invocations of type `Event`: retries, destinations, and what is kept.

mod destinations;
mod kept;
mod retries;

use std::time::Duration;

use millrace::{
    host::{EventConfig, Journal, Origin},
    template::spec::AsynchronousSpec,
};
use serde_json::Value;

use crate::{cases::Case, support::App};

/// Records the event with the request id, then does what the event asks for.
const HANDLER: &str = "
import os
def handler(event, context):
    record({'event': event, 'id': context.request_id})
    kind = event.get('do') if isinstance(event, dict) else None
    if kind == 'fail' or kind == 'fail-once' and not raised('mended'):
        raise_flag('mended')
        raise ValueError('no')
    if kind == 'wait':
        await_flag('go')
    return {'done': True}
";

/// Lambda's waits, shortened.
fn quick() -> EventConfig {
    let delay = Duration::from_millis(20);
    EventConfig { retry_delays: [delay, 2 * delay], busy_delay: delay, journal: Journal::default() }
}

/// A function with these properties whose events wait for milliseconds; `change` is over what the template says.
fn app(properties: &str, events: EventConfig, change: impl FnOnce(&mut AsynchronousSpec)) -> App {
    let template = format!(
        "Resources:
           F:
             Type: AWS::Serverless::Function
             Properties: {{Runtime: provided.al2023, CodeUri: f/, Timeout: 60, {properties}}}
        "
    );
    App::changed(&template, HANDLER, |config, application| {
        config.events = events;
        change(&mut application.functions["F"].asynchronous);
    })
}

/// Leaves an event for `F`.
fn leave(app: &App, event: &Value) -> String {
    app.host.invoke_asynchronously(&Origin::asynchronous(), "F", event.to_string().into()).unwrap()
}

/// The rows of this area.
pub(crate) fn cases() -> Vec<Case> {
    cases![
        "asynchronous.retries.a-function-error-is-tried-twice-more-with-the-same-request-id" => retries::a_function_error_is_tried_twice_more_with_the_same_request_id,
        "asynchronous.retries.maximum-retry-attempts-limits-the-retries" => retries::maximum_retry_attempts_limits_the_retries,
        "asynchronous.retries.an-event-that-succeeds-at-a-later-attempt-is-done" => retries::an_event_that_succeeds_at_a_later_attempt_is_done,
        "asynchronous.retries.a-throttled-event-waits-and-uses-up-no-retry" => retries::a_throttled_event_waits_and_uses_up_no_retry,
        "asynchronous.retries.an-event-that-grows-older-than-its-maximum-age-is-given-up" => retries::an_event_that_grows_older_than_its_maximum_age_is_given_up,
        "asynchronous.retries.a-reserved-concurrency-of-zero-gives-events-up-without-a-retry" => retries::a_reserved_concurrency_of_zero_gives_events_up_without_a_retry,
        "asynchronous.retries.an-event-over-1-mb-is-refused" => retries::an_event_over_1_mb_is_refused,
        "asynchronous.destinations.a-success-goes-to-its-queue-with-event-and-answer" => destinations::a_success_goes_to_its_queue_with_event_and_answer,
        "asynchronous.destinations.a-failure-goes-to-its-topic-with-the-functions-error" => destinations::a_failure_goes_to_its_topic_with_the_functions_error,
        "asynchronous.destinations.a-failure-goes-to-its-bucket-under-a-key-with-name-and-time" => destinations::a_failure_goes_to_its_bucket_under_a_key_with_name_and_time,
        "asynchronous.destinations.a-function-as-destination-gets-the-record-as-its-event" => destinations::a_function_as_destination_gets_the_record_as_its_event,
        "asynchronous.destinations.a-dead-letter-queue-gets-the-event-as-it-came-with-three-attributes" => destinations::a_dead_letter_queue_gets_the_event_as_it_came_with_three_attributes,
        "asynchronous.kept.an-event-that-waits-for-a-retry-is-taken-up-by-the-next-runner" => kept::an_event_that_waits_for_a_retry_is_taken_up_by_the_next_runner,
        "asynchronous.kept.a-runner-that-is-killed-loses-no-accepted-event" => kept::a_runner_that_is_killed_loses_no_accepted_event,
        "asynchronous.kept.a-record-waits-until-its-destination-takes-it" => kept::a_record_waits_until_its_destination_takes_it,
        "asynchronous.kept.a-stopped-function-refuses-events-and-keeps-those-it-has" => kept::a_stopped_function_refuses_events_and_keeps_those_it_has,
    ]
}
