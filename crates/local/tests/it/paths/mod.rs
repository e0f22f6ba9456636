//! What stands between a trigger and a function's answer.

mod elsewhere;
mod ministack;
mod watch;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use millrace::{
    host::Paths,
    remote::{Endpoint, Remote},
};

use crate::cases::Case;

/// A way on which the host at `address` runs every function of these logical ids.
async fn to(address: &str, functions: &[&str], environment: &BTreeMap<String, String>) -> Paths {
    let remote = Arc::new(Remote::new(Endpoint::parse(address).unwrap(), environment).await.unwrap());
    let remotes = functions.iter().map(|id| ((*id).to_owned(), Arc::clone(&remote))).collect();
    Paths { remotes, ..Paths::default() }
}

/// A program of the tests' tools.
fn tool(name: &str) -> PathBuf {
    let folder = std::env::var("MILLRACE_TOOLS_BIN").unwrap_or_default();
    assert!(
        !folder.is_empty(),
        "MILLRACE_TOOLS_BIN is not set: run the tests with `make test`, or \
         `export MILLRACE_TOOLS_BIN=$(bash localstack/tools.sh bin)`"
    );
    PathBuf::from(folder).join(name)
}

/// The rows of this area.
pub(crate) fn cases() -> Vec<Case> {
    cases![
        "paths.watch.two-functions-of-cargo-lambda-answer-at-once-and-none-is-started-here" => watch::two_functions_of_cargo_lambda_answer_at_once_and_none_is_started_here,
        "paths.watch.an-error-that-has-no-header-of-aws-is-a-function-error" => watch::an_error_that_has_no_header_of_aws_is_a_function_error,
        "paths.watch.a-crash-there-is-a-timeout-here" => watch::a_crash_there_is_a_timeout_here,
        "paths.elsewhere.a-host-that-cannot-be-reached-uses-up-no-retry-and-loses-nothing" => elsewhere::a_host_that_cannot_be_reached_uses_up_no_retry_and_loses_nothing,
        "paths.elsewhere.a-concurrency-limit-holds-for-another-host-too" => elsewhere::a_concurrency_limit_holds_for_another_host_too,
        "paths.elsewhere.calls-are-signed-when-the-environment-has-credentials" => elsewhere::calls_are_signed_when_the_environment_has_credentials,
        "paths.ministack.a-function-of-ministack-answers-and-its-error-is-known-by-the-header" => ministack::a_function_of_ministack_answers_and_its_error_is_known_by_the_header,
        "paths.ministack.invoke-asks-any-host-and-fails-with-the-function" => ministack::invoke_asks_any_host_and_fails_with_the_function,
    ]
}
