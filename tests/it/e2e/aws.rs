//! The AWS calls that the runner answers, made with AWS's own SDKs and tools.

use std::{process::Command, time::Duration};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_lambda::{
    primitives::Blob,
    types::{EventSourcePosition, InvokeWithResponseStreamResponseEvent},
};
use aws_sdk_scheduler::types::{FlexibleTimeWindow, FlexibleTimeWindowMode, ScheduleState};
use serde_json::{Value, json};

use super::instance::{Instance, root, until};

/// Runs all of them against a running stack and leaves it as it was.
pub(crate) fn calls_are_answered_as_aws_does(instance: &Instance) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let config = config(instance).await;
        event_source_mappings(instance, &config).await;
        concurrency(&config).await;
        streams(&config).await;
        schedules(&config).await;
        brokers(instance, &config).await;
    });
    tools_invoke(instance);
}

async fn config(instance: &Instance) -> SdkConfig {
    let endpoint = instance.variable("AWS_ENDPOINT_URL_LAMBDA");
    aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region("us-east-1")
        .test_credentials()
        .load()
        .await
}

async fn event_source_mappings(instance: &Instance, config: &SdkConfig) {
    let lambda = aws_sdk_lambda::Client::new(config);
    let listed = lambda.list_event_source_mappings().function_name("github-lake-writer").send().await.unwrap();
    let mapping = &listed.event_source_mappings()[0];
    assert_eq!(mapping.topics(), ["github-events"]);
    assert_eq!(mapping.starting_position(), Some(&EventSourcePosition::TrimHorizon));
    let uuid = mapping.uuid().unwrap();

    let changed = lambda.update_event_source_mapping().uuid(uuid).enabled(false).batch_size(500).send().await.unwrap();
    assert_eq!((changed.state(), changed.batch_size()), (Some("Disabling"), Some(500)));
    reaches(&lambda, uuid, "Disabled").await;
    // Nothing is read now, and nothing is lost: the lag grows, and goes away once the trigger is on again.
    until("a growing lag", Duration::from_secs(30), || (instance.records_and_lag().1 > 0).then_some(()));
    lambda.update_event_source_mapping().uuid(uuid).enabled(true).batch_size(10_000).send().await.unwrap();
    reaches(&lambda, uuid, "Enabled").await;

    let refused = lambda.update_event_source_mapping().uuid(uuid).batch_size(0).send().await.unwrap_err();
    assert!(refused.into_service_error().is_invalid_parameter_value_exception());
    let missing = lambda.get_event_source_mapping().uuid("no-such-mapping").send().await.unwrap_err();
    assert!(missing.into_service_error().is_resource_not_found_exception());
}

async fn reaches(lambda: &aws_sdk_lambda::Client, uuid: &str, state: &str) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        let mapping = lambda.get_event_source_mapping().uuid(uuid).send().await.unwrap();
        if mapping.state() == Some(state) {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "mapping is {:?}, expected {state}", mapping.state());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn concurrency(config: &SdkConfig) {
    let lambda = aws_sdk_lambda::Client::new(config);
    let name = "github-query-api";
    let before = lambda.get_function_concurrency().function_name(name).send().await.unwrap();
    assert_eq!(before.reserved_concurrent_executions(), None);
    lambda.put_function_concurrency().function_name(name).reserved_concurrent_executions(0).send().await.unwrap();
    let refused = lambda.invoke().function_name(name).send().await.unwrap_err();
    assert!(refused.into_service_error().is_too_many_requests_exception());
    lambda.delete_function_concurrency().function_name(name).send().await.unwrap();
    let functions = lambda.list_functions().send().await.unwrap();
    assert!(functions.functions().iter().any(|function| function.function_name() == Some(name)));
    let missing = lambda.get_function().function_name("no-such-function").send().await.unwrap_err();
    assert!(missing.into_service_error().is_resource_not_found_exception());
}

/// The frames of a streamed answer, read by AWS's own SDK.
async fn streams(config: &SdkConfig) {
    let lambda = aws_sdk_lambda::Client::new(config);
    let event = std::fs::read(root().join("events/github-query-api/health.json")).unwrap();
    let answer = lambda
        .invoke_with_response_stream()
        .function_name("github-query-api")
        .payload(Blob::new(event))
        .send()
        .await
        .unwrap();
    let (mut events, mut body, mut complete) = (answer.event_stream, Vec::new(), false);
    while let Some(event) = events.recv().await.unwrap() {
        match event {
            InvokeWithResponseStreamResponseEvent::PayloadChunk(chunk) => {
                body.extend_from_slice(chunk.payload().unwrap().as_ref());
            }
            InvokeWithResponseStreamResponseEvent::InvokeComplete(end) => {
                assert_eq!(end.error_code(), None);
                complete = true;
            }
            other => panic!("an event of an unknown kind: {other:?}"),
        }
    }
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((complete, &answer["statusCode"]), (true, &json!(200)));
}

async fn schedules(config: &SdkConfig) {
    let scheduler = aws_sdk_scheduler::Client::new(config);
    let before = scheduler.get_schedule().name("lake-committer").send().await.unwrap();
    assert_eq!(before.schedule_expression(), Some("rate(1 minute)"));
    let window = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build().unwrap();
    for state in [ScheduleState::Disabled, ScheduleState::Enabled] {
        scheduler
            .update_schedule()
            .name("lake-committer")
            .schedule_expression("rate(1 minute)")
            .flexible_time_window(window.clone())
            .target(before.target().unwrap().clone())
            .state(state.clone())
            .send()
            .await
            .unwrap();
        let after = scheduler.get_schedule().name("lake-committer").send().await.unwrap();
        assert_eq!(after.state(), Some(&state));
    }
    let missing = scheduler.get_schedule().name("no-such-schedule").send().await.unwrap_err();
    assert!(missing.into_service_error().is_resource_not_found_exception());
}

async fn brokers(instance: &Instance, config: &SdkConfig) {
    let arn = "arn:aws:kafka:us-east-1:000000000000:cluster/local/abc-1";
    let answer = aws_sdk_kafka::Client::new(config).get_bootstrap_brokers().cluster_arn(arn).send().await.unwrap();
    assert_eq!(answer.bootstrap_broker_string(), Some(instance.variable("KAFKA_BOOTSTRAP_SERVERS").as_str()));
}

/// `millrace invoke`, `aws lambda invoke` and `cargo lambda invoke` reach the same function.
fn tools_invoke(instance: &Instance) {
    let event = root().join("events/db-migrator/migrate.json");
    let event = event.to_str().unwrap();
    let summary = instance.json(&["invoke", "db-migrator", "--event", event]);
    assert_eq!(summary["applied"], 0);

    let tools = std::env::var("MILLRACE_TOOLS_BIN").expect("MILLRACE_TOOLS_BIN is not set: run `make test`");
    let endpoint = instance.variable("AWS_ENDPOINT_URL_LAMBDA");
    let aws = Command::new(format!("{tools}/aws"))
        .args(["lambda", "invoke", "--endpoint-url", &endpoint, "--function-name", "db-migrator"])
        // Version 1 takes the payload as it is; version 2 wants --cli-binary-format raw-in-base64-out.
        .args(["--payload", "{}", "/dev/stderr"])
        .envs(instance.env())
        .output()
        .unwrap();
    assert!(aws.status.success(), "{}", String::from_utf8_lossy(&aws.stderr));
    let answer: Value = serde_json::from_slice(&aws.stdout).unwrap();
    assert_eq!(answer["StatusCode"], 200, "{answer}");

    let port = endpoint.rsplit_once(':').unwrap().1;
    let cargo_lambda = Command::new(format!("{tools}/cargo-lambda"))
        .args(["lambda", "invoke", "db-migrator", "--data-ascii", "{}", "-A", "127.0.0.1", "-P", port])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(cargo_lambda.status.success(), "{}", String::from_utf8_lossy(&cargo_lambda.stderr));
    let answer: Value = serde_json::from_slice(&cargo_lambda.stdout).unwrap();
    assert_eq!(answer["applied"], 0, "{answer}");
}
