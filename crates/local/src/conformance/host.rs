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
    Rule {
        id: "host.api.a-reservation-holds-at-once-and-outlives-the-runner",
        text: "PutFunctionConcurrency holds at once and after a restart; what ran when it came ends as it would have, what exceeds it gets 429",
        source: "lambda/latest/dg/configuration-concurrency.html",
    },
    Rule {
        id: "host.api.functions-are-listed-and-described",
        text: "ListFunctions, GetFunction and GetFunctionConfiguration describe a function under its name and its ARN",
        source: "lambda/latest/api/API_GetFunction.html",
    },
    Rule {
        id: "host.api.a-client-context-and-a-trace-id-are-passed-on",
        text: "The client context and the trace id of a caller reach the function; without one the function gets a trace id of its own",
        source: "lambda/latest/api/API_Invoke.html",
    },
    Rule {
        id: "host.api.the-log-tail-comes-with-the-answer-when-it-is-asked-for",
        text: "With X-Amz-Log-Type: Tail an answer carries the last 4 KB of the invocation's log in base64",
        source: "lambda/latest/api/API_Invoke.html",
    },
    Rule {
        id: "host.api.exec-runs-a-command-with-the-functions-environment",
        text: "`millrace exec` runs a command with a function's environment and its exit status; printed, secrets are masked",
        source: "",
    },
    Rule {
        id: "host.api.functions-end-when-the-runner-is-killed",
        text: "A function's processes end when the runner is killed",
        source: "",
    },
    Rule {
        id: "host.foreign.a-template-from-elsewhere-is-built-started-and-invoked",
        text: "A template of another repository is built with cargo, started and invoked; only what it needs runs beside it",
        source: "serverless-application-model/latest/developerguide/building-rust.html",
    },
    Rule {
        id: "host.foreign.a-package-at-the-templates-own-folder-names-its-program",
        text: "CodeUri is the folder of a package; BuildProperties.Binary is needed only when that has several programs",
        source: "serverless-application-model/latest/developerguide/building-rust.html",
    },
    Rule {
        id: "host.foreign.a-program-that-does-not-compile-stops-up-with-the-compilers-words",
        text: "A function that does not compile stops `up` with the compiler's words",
        source: "",
    },
    Rule {
        id: "host.foreign.without-services-a-trigger-names-the-variable-that-it-needs",
        text: "With --services none a trigger without an endpoint is an error that names the variable",
        source: "",
    },
    Rule {
        id: "host.foreign.without-services-the-environment-gives-the-endpoints-and-the-credentials",
        text: "With --services none endpoints, credentials and region come from the environment",
        source: "",
    },
    Rule {
        id: "host.foreign.the-invoke-api-moves-when-9000-is-taken",
        text: "The Invoke API takes the next free port when 9000 is taken, and says so",
        source: "",
    },
    Rule {
        id: "host.limits.a-function-over-its-memory-is-ended-when-that-is-asked-for",
        text: "With --enforce-memory a function over its MemorySize is killed, and answered with Runtime.ExitError, signal: killed",
        source: "lambda/latest/dg/troubleshooting-invocation.html",
    },
    Rule {
        id: "host.limits.a-json-log-has-lambdas-records",
        text: "With LogFormat: JSON the log has platform.initStart, platform.start and platform.report records, and the function the log format and level in its environment",
        source: "lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html",
    },
    Rule {
        id: "host.limits.an-extension-in-the-process-hears-of-every-invocation",
        text: "An extension in the function's process that registered for INVOKE hears of every invocation",
        source: "lambda/latest/dg/runtimes-extensions-api.html",
    },
    Rule {
        id: "host.limits.what-the-extensions-api-refuses-it-refuses-as-lambda-does",
        text: "An internal extension cannot register for SHUTDOWN, nor twice, nor ask without its identifier; its errors are accepted",
        source: "lambda/latest/dg/runtimes-extensions-api.html",
    },
    Rule {
        id: "host.reload.an-edit-restarts-what-depends-on-it-and-nothing-else",
        text: "With --watch an edit rebuilds and restarts the functions that depend on the edited file, and no other",
        source: "",
    },
    Rule {
        id: "host.reload.a-build-that-fails-is-shown-and-what-ran-runs-on",
        text: "With --watch a compiler error is shown in full, and the old process serves until the build succeeds",
        source: "",
    },
    Rule {
        id: "host.reload.a-bootstrap-of-any-language-restarts-when-its-folder-changes",
        text: "With --watch a function with a ready bootstrap restarts when a file of its CodeUri changes",
        source: "",
    },
    Rule {
        id: "host.reload.an-edited-template-brings-environment-and-timeout-at-once-and-names-the-rest",
        text: "With --watch an edited template brings environment, memory and timeout to the next process, and names what needs a new start",
        source: "",
    },
];
