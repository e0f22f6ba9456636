//! Schedules: when they fire, what they send, and what happens when the function does not take it.

mod events;
mod retries;
mod times;

use std::sync::Arc;

use millrace::schedule_source::ScheduleSource;

use crate::{
    cases::Case,
    support::{App, with_events},
};

/// Records its event; waits for a flag when it is told to.
const HANDLER: &str = "
def handler(event, context):
    record(event)
    if isinstance(event, dict) and event.get('wait'):
        await_flag('go')
";

/// A function `F` with one event of this kind, `Tick`, and its schedule.
fn app(kind: &str, properties: &str) -> (App, Arc<ScheduleSource>) {
    of(&with_events(&format!("Tick: {{Type: {kind}, Properties: {{{properties}}}}}")), 0)
}

/// The application of a template, and one of its schedules.
fn of(template: &str, index: usize) -> (App, Arc<ScheduleSource>) {
    let app = App::of(template, HANDLER);
    let source = ScheduleSource::new(app.application.schedules[index].clone(), app.host.clone()).unwrap();
    (app, source)
}

/// The rows of this area.
pub(crate) fn cases() -> Vec<Case> {
    cases![
        "schedules.times.a-time-that-the-clocks-leave-out-is-skipped" => times::a_time_that_the_clocks_leave_out_is_skipped,
        "schedules.times.a-time-that-the-clocks-show-twice-fires-once" => times::a_time_that_the_clocks_show_twice_fires_once,
        "schedules.times.a-day-of-a-rate-has-24-hours-whatever-the-clocks-do" => times::a_day_of_a_rate_has_24_hours_whatever_the_clocks_do,
        "schedules.times.nothing-fires-before-the-start-date-or-after-the-end-date" => times::nothing_fires_before_the_start_date_or_after_the_end_date,
        "schedules.times.a-one-time-schedule-fires-once-and-does-not-look-at-the-dates" => times::a_one_time_schedule_fires_once_and_does_not_look_at_the_dates,
        "schedules.times.the-last-day-the-nearest-weekday-and-the-nth-weekday-have-letters" => times::the_last_day_the_nearest_weekday_and_the_nth_weekday_have_letters,
        "schedules.events.a-rate-without-a-start-date-fires-at-once-and-the-words-of-its-input-are-replaced" => events::a_rate_without_a_start_date_fires_at_once_and_the_words_of_its_input_are_replaced,
        "schedules.events.a-rule-sends-the-scheduled-event-with-its-arn" => events::a_rule_sends_the_scheduled_event_with_its_arn,
        "schedules.events.a-raw-rule-fires-each-of-its-targets" => events::a_raw_rule_fires_each_of_its_targets,
        "schedules.events.a-schedule-can-be-fired-by-hand-although-it-is-disabled" => events::a_schedule_can_be_fired_by_hand_although_it_is_disabled,
        "schedules.events.a-slow-run-does-not-stop-the-next-one" => events::a_slow_run_does_not_stop_the_next_one,
        "schedules.events.an-update-replaces-every-setting-of-a-schedule" => events::an_update_replaces_every_setting_of_a_schedule,
        "schedules.retries.a-run-that-is-not-taken-is-tried-again-with-the-next-attempt-number" => retries::a_run_that_is_not_taken_is_tried_again_with_the_next_attempt_number,
        "schedules.retries.a-run-whose-retries-are-used-up-goes-to-the-dead-letter-queue-with-its-attributes" => retries::a_run_whose_retries_are_used_up_goes_to_the_dead_letter_queue_with_its_attributes,
    ]
}
