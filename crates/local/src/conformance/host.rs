//! The Lambda host.

use super::Rule;

/// Checked by `tests/it/host/`.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "host.answers.the-answer-is-what-the-function-returned",
        text: "The answer is what the function returned",
        source: "",
    },
    Rule {
        id: "host.answers.a-function-is-found-by-id-name-and-arn",
        text: "A function is found by id name and arn",
        source: "",
    },
    Rule {
        id: "host.answers.the-context-has-deadline-arn-and-trace",
        text: "The context has deadline arn and trace",
        source: "",
    },
    Rule {
        id: "host.answers.the-environment-is-lambdas-and-the-templates-and-nothing-else",
        text: "The environment is lambdas and the templates and nothing else",
        source: "",
    },
    Rule { id: "host.answers.the-second-invocation-is-warm", text: "The second invocation is warm", source: "" },
    Rule {
        id: "host.answers.a-function-error-is-passed-on-and-the-process-stays",
        text: "A function error is passed on and the process stays",
        source: "",
    },
    Rule {
        id: "host.answers.the-log-has-the-functions-lines-between-start-end-and-report",
        text: "The log has the functions lines between start end and report",
        source: "",
    },
    Rule {
        id: "host.answers.an-event-is-accepted-at-once-and-run-later",
        text: "An event is accepted at once and run later",
        source: "",
    },
    Rule {
        id: "host.concurrency.a-reserved-concurrency-throttles-what-exceeds-it",
        text: "A reserved concurrency throttles what exceeds it",
        source: "",
    },
    Rule {
        id: "host.concurrency.a-reserved-concurrency-of-zero-throttles-everything",
        text: "A reserved concurrency of zero throttles everything",
        source: "",
    },
    Rule {
        id: "host.concurrency.without-a-reservation-invocations-run-at-once-up-to-the-default-and-wait-beyond",
        text: "Without a reservation invocations run at once up to the default and wait beyond",
        source: "",
    },
    Rule {
        id: "host.endings.a-restart-gives-a-new-process-and-lets-the-old-one-finish",
        text: "A restart gives a new process and lets the old one finish",
        source: "",
    },
    Rule {
        id: "host.endings.a-stopped-function-refuses-until-it-is-resumed",
        text: "A stopped function refuses until it is resumed",
        source: "",
    },
    Rule {
        id: "host.endings.what-waits-for-its-turn-when-the-function-stops-is-refused",
        text: "What waits for its turn when the function stops is refused",
        source: "",
    },
    Rule {
        id: "host.endings.the-end-of-the-host-lets-running-invocations-end",
        text: "The end of the host lets running invocations end",
        source: "",
    },
    Rule {
        id: "host.endings.the-end-of-the-host-waits-no-longer-than-its-grace",
        text: "The end of the host waits no longer than its grace",
        source: "",
    },
    Rule {
        id: "host.failures.a-crash-is-answered-at-once-and-the-next-invocation-is-cold",
        text: "A crash is answered at once and the next invocation is cold",
        source: "",
    },
    Rule {
        id: "host.failures.a-process-that-died-while-idle-is-not-used",
        text: "A process that died while idle is not used",
        source: "",
    },
    Rule {
        id: "host.failures.a-timeout-kills-the-function-with-all-that-it-started",
        text: "A timeout kills the function with all that it started",
        source: "",
    },
    Rule {
        id: "host.failures.an-error-of-the-init-phase-is-passed-on-at-once",
        text: "An error of the init phase is passed on at once",
        source: "",
    },
    Rule {
        id: "host.failures.an-exit-during-init-is-answered-at-once",
        text: "An exit during init is answered at once",
        source: "",
    },
    Rule { id: "host.failures.an-answer-over-6-mb-is-an-error", text: "An answer over 6 mb is an error", source: "" },
    Rule { id: "host.failures.a-payload-over-6-mb-is-refused", text: "A payload over 6 mb is refused", source: "" },
    Rule {
        id: "host.failures.a-program-that-is-missing-or-no-program-is-named",
        text: "A program that is missing or no program is named",
        source: "",
    },
    Rule {
        id: "host.metrics.embedded-metrics-are-summed-over-processes",
        text: "A line in embedded metric format becomes a metric, whichever execution environment printed it",
        source: "AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html",
    },
];
