//! Invocations of type `Event`.

use super::Rule;

const RETRIES: &str = "lambda/latest/dg/invocation-async-error-handling.html";
const RECORDS: &str = "lambda/latest/dg/invocation-async-retain-records.html";
const SETTINGS: &str = "lambda/latest/dg/invocation-async-configuring.html";

/// Checked by `tests/it/asynchronous/`.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "asynchronous.retries.a-function-error-is-tried-twice-more-with-the-same-request-id",
        text: "An event whose function fails is tried twice more, after one minute and after two, under the same request id",
        source: RETRIES,
    },
    Rule {
        id: "asynchronous.retries.maximum-retry-attempts-limits-the-retries",
        text: "MaximumRetryAttempts says how often a failed event is tried again",
        source: SETTINGS,
    },
    Rule {
        id: "asynchronous.retries.an-event-that-succeeds-at-a-later-attempt-is-done",
        text: "An event that succeeds at a later attempt is done",
        source: RETRIES,
    },
    Rule {
        id: "asynchronous.retries.a-throttled-event-waits-and-uses-up-no-retry",
        text: "An event for which the function has no room is offered again, from 1 s to 5 minutes apart, and uses up no retry",
        source: RETRIES,
    },
    Rule {
        id: "asynchronous.retries.an-event-that-grows-older-than-its-maximum-age-is-given-up",
        text: "An event that grows older than MaximumEventAgeInSeconds is given up as EventAgeExceeded",
        source: SETTINGS,
    },
    Rule {
        id: "asynchronous.retries.a-reserved-concurrency-of-zero-gives-events-up-without-a-retry",
        text: "With a reserved concurrency of 0, new events go to the on-failure destination without any retry",
        source: RECORDS,
    },
    Rule {
        id: "asynchronous.retries.an-event-over-1-mb-is-refused",
        text: "An event over 1 MB is refused",
        source: "lambda/latest/dg/gettingstarted-limits.html",
    },
    Rule {
        id: "asynchronous.destinations.a-success-goes-to-its-queue-with-event-and-answer",
        text: "The OnSuccess destination gets a record with the event and the function's answer",
        source: RECORDS,
    },
    Rule {
        id: "asynchronous.destinations.a-failure-goes-to-its-topic-with-the-functions-error",
        text: "The OnFailure destination gets a record with the event and the function's error",
        source: RECORDS,
    },
    Rule {
        id: "asynchronous.destinations.a-failure-goes-to-its-bucket-under-a-key-with-name-and-time",
        text: "A bucket gets the record as aws/lambda/async/<function>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<UUID>",
        source: RECORDS,
    },
    Rule {
        id: "asynchronous.destinations.a-function-as-destination-gets-the-record-as-its-event",
        text: "A function as destination is invoked with the record as its event",
        source: RECORDS,
    },
    Rule {
        id: "asynchronous.destinations.a-dead-letter-queue-gets-the-event-as-it-came-with-three-attributes",
        text: "A dead-letter queue gets the event as it came, with the attributes RequestID, ErrorCode and ErrorMessage",
        source: RECORDS,
    },
    Rule {
        id: "asynchronous.kept.an-event-that-waits-for-a-retry-is-taken-up-by-the-next-runner",
        text: "An event that waits for a retry when the stack goes down is taken up at the next start",
        source: "",
    },
    Rule {
        id: "asynchronous.kept.a-runner-that-is-killed-loses-no-accepted-event",
        text: "A runner that is killed loses no event that it has accepted",
        source: "",
    },
    Rule {
        id: "asynchronous.kept.a-record-waits-until-its-destination-takes-it",
        text: "A record waits for its destination, for six hours and over restarts; AWS drops what it cannot deliver",
        source: RECORDS,
    },
    Rule {
        id: "asynchronous.kept.a-stopped-function-refuses-events-and-keeps-those-it-has",
        text: "A function that is stopped refuses new events and runs those that it has when it is started again",
        source: "",
    },
];
