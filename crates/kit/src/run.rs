//! The run loop: load once, then one handler call an invocation, each in a span with its request id, each failure
//! logged once with its whole chain.

use std::{future::Future, sync::Arc};

use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, layers::TracingLayer, service_fn};
use serde::{
    Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use tracing::{Instrument, error, info_span};

use crate::{Invocation, ending::Ending, payload::Payload, telemetry};

/// What ends a function's process.
pub type Error = lambda_runtime::Error;

/// Runs a function: starts logging, loads what it needs, then serves invocations until Lambda ends the process.
///
/// `load` builds configuration and clients once a cold start. When it fails, the error goes to Lambda as an init error,
/// so the caller learns which variable or service is missing. A panic in `handle` becomes an error answer.
///
/// # Errors
/// When `load` fails, or the Runtime API is gone.
pub async fn run<D, E, R>(
    load: impl Future<Output = anyhow::Result<D>>,
    handle: impl AsyncFn(&D, E, &Invocation) -> anyhow::Result<R>,
) -> Result<(), Error>
where
    E: DeserializeOwned,
    R: Serialize,
{
    telemetry::init();
    let deps = Arc::new(load_or_report(load).await?);
    let handle = Arc::new(handle);
    let ending = Ending::watch().await;
    let payload = Payload::default();
    let aside = payload.clone();
    let service = service_fn(move |event: LambdaEvent<IgnoredAny>| {
        let (deps, handle, ending, payload) = (Arc::clone(&deps), Arc::clone(&handle), ending.clone(), payload.clone());
        async move {
            let invocation = Invocation::from_context(&event.context, ending);
            let span = info_span!("invocation", request_id = %invocation.request_id);
            let event = span.in_scope(|| payload.decode())?;
            let answer = handle(&deps, event, &invocation).instrument(span.clone()).await;
            answer.map_err(|error| span.in_scope(|| report(&error)))
        }
    });
    Runtime::new(service).layer(TracingLayer::new()).layer(aside).run().await
}

/// Awaits `load` and, when it fails, tells Lambda why before the process ends.
pub(crate) async fn load_or_report<D>(load: impl Future<Output = anyhow::Result<D>>) -> Result<D, Error> {
    match load.await {
        Ok(deps) => Ok(deps),
        Err(error) => {
            error!(error = format!("{error:#}"), "init failed");
            post_init_error(&format!("{error:#}")).await;
            Err(format!("init failed: {error:#}").into())
        }
    }
}

/// Logs a failed invocation and makes it Lambda's answer.
pub(crate) fn report(error: &anyhow::Error) -> Diagnostic {
    let chain = format!("{error:#}");
    error!(error = chain, "invocation failed");
    Diagnostic { error_type: "FunctionError".into(), error_message: chain }
}

async fn post_init_error(message: &str) {
    let body = serde_json::json!({"errorType": "InitError", "errorMessage": message}).to_string();
    let request = http::Request::post("/2018-06-01/runtime/init/error")
        .header("content-type", "application/json")
        .header("lambda-runtime-function-error-type", "InitError")
        .body(lambda_runtime_api_client::body::Body::from(body));
    // AWS_LAMBDA_RUNTIME_API is unset when somebody starts the binary by hand; then stderr has the error already.
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_none() {
        return;
    }
    let (Ok(client), Ok(request)) = (lambda_runtime_api_client::Client::builder().build(), request) else { return };
    if let Err(failure) = client.call(request).await {
        error!(error = %failure, "init error could not be reported");
    }
}
