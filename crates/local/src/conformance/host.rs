//! The Lambda host.

use super::Rule;

/// Checked by `tests/it/host/`.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "host.answers.the-answer-is-what-the-function-returned",
        text: "The caller gets the function's answer byte for byte",
        source: "lambda/latest/api/API_Invoke.html",
    },
    Rule {
        id: "host.answers.a-function-is-found-by-id-name-and-arn",
        text: "A function is found by its name and its ARN, with or without $LATEST, and by its logical id",
        source: "lambda/latest/api/API_Invoke.html",
    },
    Rule {
        id: "host.answers.the-context-has-deadline-arn-and-trace",
        text: "An invocation has its request id, the deadline in Unix milliseconds, the function's ARN and a \
               trace id in the Runtime API's headers",
        source: "lambda/latest/dg/runtimes-api.html",
    },
    Rule {
        id: "host.answers.the-environment-is-lambdas-and-the-templates-and-nothing-else",
        text: "A function sees Lambda's variables and the template's, none of the runner's own, and starts in the \
               folder of its code",
        source: "lambda/latest/dg/configuration-envvars.html",
    },
    Rule {
        id: "host.answers.the-second-invocation-is-warm",
        text: "A process that has answered is used again; its next invocation has no init phase",
        source: "lambda/latest/dg/lambda-runtime-environment.html",
    },
    Rule {
        id: "host.answers.a-function-error-is-passed-on-and-the-process-stays",
        text: "An error that the function reports reaches the caller with its type and message, and the process \
               goes on",
        source: "lambda/latest/dg/runtimes-api.html",
    },
    Rule {
        id: "host.answers.the-log-has-the-functions-lines-between-start-end-and-report",
        text: "The log has START, the function's own lines, END and REPORT with duration, memory and the init \
               phase's time",
        source: "lambda/latest/dg/ruby-logging.html",
    },
    Rule {
        id: "host.answers.an-event-is-accepted-at-once-and-run-later",
        text: "An asynchronous invocation is accepted at once and run later",
        source: "lambda/latest/dg/invocation-async.html",
    },
    Rule {
        id: "host.concurrency.a-reserved-concurrency-throttles-what-exceeds-it",
        text: "What exceeds ReservedConcurrentExecutions is throttled at once, with 429",
        source: "lambda/latest/dg/configuration-concurrency.html",
    },
    Rule {
        id: "host.concurrency.a-reserved-concurrency-of-zero-throttles-everything",
        text: "A reserved concurrency of 0 throttles every invocation",
        source: "lambda/latest/dg/configuration-concurrency.html",
    },
    Rule {
        id: "host.concurrency.without-a-reservation-invocations-run-at-once-up-to-the-default-and-wait-beyond",
        text: "Without a reservation, invocations run beside each other up to the number of cores and wait \
               beyond; AWS has 1000 for an account",
        source: "",
    },
    Rule {
        id: "host.endings.a-restart-gives-a-new-process-and-lets-the-old-one-finish",
        text: "A restart gives new invocations a new process, and the running ones end in the old one",
        source: "",
    },
    Rule {
        id: "host.endings.a-stopped-function-refuses-until-it-is-resumed",
        text: "A function that was stopped refuses invocations until it is started",
        source: "",
    },
    Rule {
        id: "host.endings.what-waits-for-its-turn-when-the-function-stops-is-refused",
        text: "What waits for a process when its function stops is refused at once",
        source: "",
    },
    Rule {
        id: "host.endings.the-end-of-the-host-lets-running-invocations-end",
        text: "When the runner ends, running invocations end first",
        source: "",
    },
    Rule {
        id: "host.endings.the-end-of-the-host-waits-no-longer-than-its-grace",
        text: "When the runner ends, it waits no longer than its grace and kills what is left",
        source: "",
    },
    Rule {
        id: "host.failures.a-crash-is-answered-at-once-and-the-next-invocation-is-cold",
        text: "A process that dies is answered at once with Runtime.ExitError, and the next invocation begins \
               with an init phase",
        source: "lambda/latest/dg/lambda-runtime-environment.html",
    },
    Rule {
        id: "host.failures.a-process-that-died-while-idle-is-not-used",
        text: "A process that died between two invocations is not used for the next one",
        source: "",
    },
    Rule {
        id: "host.failures.a-timeout-kills-the-function-with-all-that-it-started",
        text: "At its Timeout a function is killed, with every process that it started, and the caller is told \
               `Task timed out`",
        source: "lambda/latest/dg/configuration-timeout.html",
    },
    Rule {
        id: "host.failures.an-error-of-the-init-phase-is-passed-on-at-once",
        text: "An error that the init phase reports reaches the caller at once",
        source: "lambda/latest/dg/runtimes-api.html",
    },
    Rule {
        id: "host.failures.an-exit-during-init-is-answered-at-once",
        text: "A program that ends in its init phase is answered at once",
        source: "lambda/latest/dg/lambda-runtime-environment.html",
    },
    Rule {
        id: "host.failures.an-answer-over-6-mb-is-an-error",
        text: "An answer over 6 MB is the error Function.ResponseSizeTooLarge",
        source: "lambda/latest/dg/gettingstarted-limits.html",
    },
    Rule {
        id: "host.failures.a-payload-over-6-mb-is-refused",
        text: "A payload over 6 MB is refused with RequestEntityTooLargeException",
        source: "lambda/latest/dg/gettingstarted-limits.html",
    },
    Rule {
        id: "host.failures.a-program-that-is-missing-or-no-program-is-named",
        text: "A program that is missing, or is none, is an error that names its path",
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
