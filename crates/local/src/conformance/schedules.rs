//! Schedules.

use super::Rule;

const TYPES: &str = "scheduler/latest/UserGuide/schedule-types.html";

/// Checked by `tests/it/schedules/`.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "schedules.times.a-time-that-the-clocks-leave-out-is-skipped",
        text: "A cron time that does not exist on the day when clocks go forward is skipped",
        source: TYPES,
    },
    Rule {
        id: "schedules.times.a-time-that-the-clocks-show-twice-fires-once",
        text: "A cron time that exists twice on the day when clocks go back fires once",
        source: TYPES,
    },
    Rule {
        id: "schedules.times.a-day-of-a-rate-has-24-hours-whatever-the-clocks-do",
        text: "rate(1 day) fires every 24 hours, also on a day of 23 or 25 hours",
        source: TYPES,
    },
    Rule {
        id: "schedules.times.nothing-fires-before-the-start-date-or-after-the-end-date",
        text: "Nothing fires before StartDate or after EndDate, and a rate begins at StartDate",
        source: TYPES,
    },
    Rule {
        id: "schedules.times.a-one-time-schedule-fires-once-and-does-not-look-at-the-dates",
        text: "at(...) fires once, in its time zone, and does not look at StartDate and EndDate",
        source: "scheduler/latest/APIReference/API_CreateSchedule.html",
    },
    Rule {
        id: "schedules.times.the-last-day-the-nearest-weekday-and-the-nth-weekday-have-letters",
        text: "cron has six fields, and L, W and # for the last day, the nearest weekday and the nth weekday",
        source: TYPES,
    },
    Rule {
        id: "schedules.events.a-rate-without-a-start-date-fires-at-once-and-the-words-of-its-input-are-replaced",
        text: "A rate of EventBridge Scheduler without StartDate fires at once; <aws.scheduler.*> words of Input are replaced",
        source: "scheduler/latest/UserGuide/managing-schedule-context-attributes.html",
    },
    Rule {
        id: "schedules.events.a-rule-sends-the-scheduled-event-with-its-arn",
        text: "A rule without Input sends the Scheduled Event of aws.events with the rule's ARN and an empty detail",
        source: "eventbridge/latest/userguide/eb-create-rule-schedule.html",
    },
    Rule {
        id: "schedules.events.a-raw-rule-fires-each-of-its-targets",
        text: "AWS::Events::Rule with a schedule fires each of its targets, with its own Input or the rule's event",
        source: "AWSCloudFormation/latest/UserGuide/aws-resource-events-rule.html",
    },
    Rule {
        id: "schedules.events.a-schedule-can-be-fired-by-hand-although-it-is-disabled",
        text: "millrace fire runs a schedule once now, with the event that it would have sent, also when it is disabled",
        source: "",
    },
    Rule {
        id: "schedules.events.a-slow-run-does-not-stop-the-next-one",
        text: "A run that takes long does not stop the next one: they overlap",
        source: "lambda/latest/dg/invocation-async.html",
    },
    Rule {
        id: "schedules.events.an-update-replaces-every-setting-of-a-schedule",
        text: "UpdateSchedule replaces every setting; what it leaves out goes back to its default",
        source: "scheduler/latest/APIReference/API_UpdateSchedule.html",
    },
    Rule {
        id: "schedules.retries.a-run-that-is-not-taken-is-tried-again-with-the-next-attempt-number",
        text: "A run that the function does not take is tried again, with a higher <aws.scheduler.attempt-number>",
        source: "scheduler/latest/APIReference/API_RetryPolicy.html",
    },
    Rule {
        id: "schedules.retries.a-run-whose-retries-are-used-up-goes-to-the-dead-letter-queue-with-its-attributes",
        text: "A run whose MaximumRetryAttempts are used up goes to its dead-letter queue: the call, and why in attributes",
        source: "scheduler/latest/UserGuide/configuring-schedule-dlq.html",
    },
];
