//! The Lambda host.

mod answers;
mod api;
mod concurrency;
mod endings;
mod failures;
mod foreign;
mod limits;
mod metrics;
mod reload;

use crate::cases::Case;

/// The rows of this area.
pub(crate) fn cases() -> Vec<Case> {
    cases![
        "host.answers.the-answer-is-what-the-function-returned" => answers::the_answer_is_what_the_function_returned,
        "host.answers.a-function-is-found-by-id-name-and-arn" => answers::a_function_is_found_by_id_name_and_arn,
        "host.answers.the-context-has-deadline-arn-and-trace" => answers::the_context_has_deadline_arn_and_trace,
        "host.answers.the-environment-is-lambdas-and-the-templates-and-nothing-else" => answers::the_environment_is_lambdas_and_the_templates_and_nothing_else,
        "host.answers.the-second-invocation-is-warm" => answers::the_second_invocation_is_warm,
        "host.answers.a-function-error-is-passed-on-and-the-process-stays" => answers::a_function_error_is_passed_on_and_the_process_stays,
        "host.answers.the-log-has-the-functions-lines-between-start-end-and-report" => answers::the_log_has_the_functions_lines_between_start_end_and_report,
        "host.answers.an-event-is-accepted-at-once-and-run-later" => answers::an_event_is_accepted_at_once_and_run_later,
        "host.concurrency.a-reserved-concurrency-throttles-what-exceeds-it" => concurrency::a_reserved_concurrency_throttles_what_exceeds_it,
        "host.concurrency.a-reserved-concurrency-of-zero-throttles-everything" => concurrency::a_reserved_concurrency_of_zero_throttles_everything,
        "host.concurrency.without-a-reservation-invocations-run-at-once-up-to-the-default-and-wait-beyond" => concurrency::without_a_reservation_invocations_run_at_once_up_to_the_default_and_wait_beyond,
        "host.endings.a-restart-gives-a-new-process-and-lets-the-old-one-finish" => endings::a_restart_gives_a_new_process_and_lets_the_old_one_finish,
        "host.endings.a-stopped-function-refuses-until-it-is-resumed" => endings::a_stopped_function_refuses_until_it_is_resumed,
        "host.endings.what-waits-for-its-turn-when-the-function-stops-is-refused" => endings::what_waits_for_its_turn_when_the_function_stops_is_refused,
        "host.endings.the-end-of-the-host-lets-running-invocations-end" => endings::the_end_of_the_host_lets_running_invocations_end,
        "host.endings.the-end-of-the-host-waits-no-longer-than-its-grace" => endings::the_end_of_the_host_waits_no_longer_than_its_grace,
        "host.failures.a-crash-is-answered-at-once-and-the-next-invocation-is-cold" => failures::a_crash_is_answered_at_once_and_the_next_invocation_is_cold,
        "host.failures.a-process-that-died-while-idle-is-not-used" => failures::a_process_that_died_while_idle_is_not_used,
        "host.failures.a-timeout-kills-the-function-with-all-that-it-started" => failures::a_timeout_kills_the_function_with_all_that_it_started,
        "host.failures.an-error-of-the-init-phase-is-passed-on-at-once" => failures::an_error_of_the_init_phase_is_passed_on_at_once,
        "host.failures.an-exit-during-init-is-answered-at-once" => failures::an_exit_during_init_is_answered_at_once,
        "host.failures.an-answer-over-6-mb-is-an-error" => failures::an_answer_over_6_mb_is_an_error,
        "host.failures.a-payload-over-6-mb-is-refused" => failures::a_payload_over_6_mb_is_refused,
        "host.failures.a-program-that-is-missing-or-no-program-is-named" => failures::a_program_that_is_missing_or_no_program_is_named,
        "host.metrics.embedded-metrics-are-summed-over-processes" => metrics::embedded_metrics_are_summed_over_processes,
        "host.api.a-reservation-holds-at-once-and-outlives-the-runner" => api::a_reservation_holds_at_once_and_outlives_the_runner,
        "host.api.functions-are-listed-and-described" => api::functions_are_listed_and_described,
        "host.api.a-client-context-and-a-trace-id-are-passed-on" => api::a_client_context_and_a_trace_id_are_passed_on,
        "host.api.the-log-tail-comes-with-the-answer-when-it-is-asked-for" => api::the_log_tail_comes_with_the_answer_when_it_is_asked_for,
        "host.api.exec-runs-a-command-with-the-functions-environment" => api::exec_runs_a_command_with_the_functions_environment,
        "host.api.functions-end-when-the-runner-is-killed" => api::functions_end_when_the_runner_is_killed,
        "host.foreign.a-template-from-elsewhere-is-built-started-and-invoked" => foreign::a_template_from_elsewhere_is_built_started_and_invoked,
        "host.foreign.a-package-at-the-templates-own-folder-names-its-program" => foreign::a_package_at_the_templates_own_folder_names_its_program,
        "host.foreign.a-program-that-does-not-compile-stops-up-with-the-compilers-words" => foreign::a_program_that_does_not_compile_stops_up_with_the_compilers_words,
        "host.foreign.without-services-a-trigger-names-the-variable-that-it-needs" => foreign::without_services_a_trigger_names_the_variable_that_it_needs,
        "host.foreign.without-services-the-environment-gives-the-endpoints-and-the-credentials" => foreign::without_services_the_environment_gives_the_endpoints_and_the_credentials,
        "host.foreign.the-invoke-api-moves-when-9000-is-taken" => foreign::the_invoke_api_moves_when_9000_is_taken,
        "host.limits.a-function-over-its-memory-is-ended-when-that-is-asked-for" => limits::a_function_over_its_memory_is_ended_when_that_is_asked_for,
        "host.limits.a-json-log-has-lambdas-records" => limits::a_json_log_has_lambdas_records,
        "host.limits.an-extension-in-the-process-hears-of-every-invocation" => limits::an_extension_in_the_process_hears_of_every_invocation,
        "host.limits.what-the-extensions-api-refuses-it-refuses-as-lambda-does" => limits::what_the_extensions_api_refuses_it_refuses_as_lambda_does,
        "host.reload.an-edit-restarts-what-depends-on-it-and-nothing-else" => reload::an_edit_restarts_what_depends_on_it_and_nothing_else,
        "host.reload.a-build-that-fails-is-shown-and-what-ran-runs-on" => reload::a_build_that_fails_is_shown_and_what_ran_runs_on,
        "host.reload.a-bootstrap-of-any-language-restarts-when-its-folder-changes" => reload::a_bootstrap_of_any_language_restarts_when_its_folder_changes,
        "host.reload.an-edited-template-brings-environment-and-timeout-at-once-and-names-the-rest" => reload::an_edited_template_brings_environment_and_timeout_at_once_and_names_the_rest,
    ]
}
