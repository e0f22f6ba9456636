//! What stands between a trigger and a function's answer: other hosts, injected faults, records, replay and redrive.

use super::Rule;

/// Checked by `tests/it/paths/`, `tests/it/chaos/`, `tests/it/replay/` and `tests/it/redrive.rs`.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "paths.watch.two-functions-of-cargo-lambda-answer-at-once-and-none-is-started-here",
        text: "Functions that `cargo lambda watch` runs are invoked there, several at once, and no process is started here",
        source: "",
    },
    Rule {
        id: "paths.watch.an-error-that-has-no-header-of-aws-is-a-function-error",
        text: "An answer 500 without any header of AWS, as `cargo lambda watch` gives it, is a function error",
        source: "",
    },
    Rule {
        id: "paths.watch.a-crash-there-is-a-timeout-here",
        text: "A function that crashes in `cargo lambda watch`, which never answers then, is reported as timed out after the template's timeout",
        source: "",
    },
    Rule {
        id: "paths.elsewhere.a-host-that-cannot-be-reached-uses-up-no-retry-and-loses-nothing",
        text: "A batch for a host that cannot be reached waits, uses up no retry, and is delivered when the host is there",
        source: "",
    },
    Rule {
        id: "paths.elsewhere.a-concurrency-limit-holds-for-another-host-too",
        text: "A reserved concurrency holds for a function on another host too: what exceeds it is throttled and not sent",
        source: "",
    },
    Rule {
        id: "paths.elsewhere.calls-are-signed-when-the-environment-has-credentials",
        text: "Calls to another host are signed (SigV4, service lambda) when the environment has credentials, and not otherwise",
        source: "",
    },
    Rule {
        id: "paths.ministack.a-function-of-ministack-answers-and-its-error-is-known-by-the-header",
        text: "An error of a function on another host is known by X-Amz-Function-Error, with status 200",
        source: "lambda/latest/api/API_Invoke.html",
    },
    Rule {
        id: "paths.ministack.invoke-asks-any-host-and-fails-with-the-function",
        text: "`millrace invoke --endpoint` prints the answer of a function on any host, and ends with 1 after a function error",
        source: "",
    },
    Rule {
        id: "chaos.faults.a-crash-kills-the-process-while-it-has-the-event",
        text: "An injected crash kills the process after it was given the event, and is reported like any crash",
        source: "",
    },
    Rule {
        id: "chaos.faults.a-timeout-kills-the-process-although-it-has-done-its-work",
        text: "An injected timeout kills the process after its work, after a second at the latest, and is reported with the template's timeout",
        source: "",
    },
    Rule {
        id: "chaos.faults.an-error-replaces-the-answer-to-work-that-was-done",
        text: "An injected error replaces the answer to work that was done; the process stays",
        source: "",
    },
    Rule {
        id: "chaos.faults.a-throttled-invocation-does-not-reach-the-function",
        text: "An injected throttling refuses an invocation before it reaches the function",
        source: "",
    },
    Rule {
        id: "chaos.faults.an-event-is-duplicated-and-a-request-is-not",
        text: "Events of mappings and schedules and asynchronous ones may come twice, and are made to; requests of APIs and callers are not",
        source: "lambda/latest/dg/invocation-async-error-handling.html",
    },
    Rule {
        id: "chaos.faults.a-seed-gives-a-trigger-the-same-sequence-again-whatever-others-do",
        text: "A seed gives each trigger the same sequence of faults again, whatever other triggers do",
        source: "",
    },
    Rule {
        id: "chaos.kafka.every-record-is-handled-at-least-once-and-none-is-lost",
        text: "An event source mapping delivers every record at least once: through crashes, timeouts, errors, throttling, duplicates and rebalances none is lost",
        source: "lambda/latest/dg/invocation-eventsourcemapping.html",
    },
    Rule {
        id: "chaos.kafka.consumers-that-leave-and-join-again-lose-and-double-nothing",
        text: "Consumers that leave their group after their batches and join again lose and double nothing",
        source: "",
    },
    Rule {
        id: "replay.records.what-is-delivered-is-kept-with-its-answer-and-what-is-not-is-not",
        text: "Every delivered event is kept with its origin, attempt, answer and error, byte for byte; what was refused is not",
        source: "",
    },
    Rule {
        id: "replay.kafka.records-come-again-in-the-mappings-batches-through-its-filters-and-no-offset-moves",
        text: "A topic's records come again from an offset in the mapping's batches and through its filters, and no group's offset moves",
        source: "",
    },
    Rule {
        id: "replay.kafka.a-time-begins-with-the-first-record-at-or-after-it-in-every-partition",
        text: "From a time on, a topic's records come again from the first one at or after it in every partition",
        source: "",
    },
    Rule {
        id: "replay.stack.a-recorded-event-is-sent-again-and-its-answer-compared",
        text: "`millrace replay ID` sends a recorded event again and shows how the answer differs; it ends with 1 when the function fails",
        source: "",
    },
    Rule {
        id: "replay.stack.a-function-is-replayed-from-an-offset-and-its-group-stays-where-it-is",
        text: "`millrace replay --from-offset` delivers a trigger's records again, --dry-run only shows them, and the trigger goes on where it was",
        source: "",
    },
    Rule {
        id: "replay.stack.status-says-where-functions-run-and-what-was-injected",
        text: "`status` says where functions run and what was injected; a wrong specification is an error that says what is accepted",
        source: "",
    },
    Rule {
        id: "replay.stack.an-api-answers-500-to-an-injected-error-and-503-to-injected-throttling",
        text: "An HTTP API's client gets 500 for an injected error and 503 for injected throttling, as for real ones",
        source: "",
    },
    Rule {
        id: "redrive.letters.each-goes-to-its-topic-as-it-was-and-a-second-run-sends-only-what-is-new",
        text: "`millrace redrive` sends each dead letter to its origin with key, value and headers byte for byte, and a second run sends only what is new",
        source: "",
    },
    Rule {
        id: "redrive.letters.a-run-that-is-killed-half-way-loses-none-and-repeats-no-more-than-it-had-not-passed-by",
        text: "A redrive that is killed half-way, twice, loses no letter and repeats at most the 500 that were not passed by yet",
        source: "",
    },
    Rule {
        id: "redrive.letters.a-rule-alone-leaves-the-others-for-another-run",
        text: "`--rule` sends the letters of one rule; the others stay for another run, which sends none twice",
        source: "",
    },
    Rule {
        id: "redrive.letters.what-a-trigger-gave-up-goes-back-as-it-was",
        text: "Records that a trigger gave up to a Kafka topic, failed or too large, go back to their topic byte for byte",
        source: "",
    },
    Rule {
        id: "redrive.letters.what-cannot-be-sent-is-named-and-does-not-block-the-rest",
        text: "A record that is no letter is named with its place and reason and passed by; a topic that does not exist stops the run",
        source: "",
    },
    Rule {
        id: "redrive.letters.nothing-is-sent-twice-when-kafka-may-have-forgotten-the-position",
        text: "An old letter in a topic without a position is refused, because Kafka forgets positions; `--from-beginning` sends it",
        source: "",
    },
];
