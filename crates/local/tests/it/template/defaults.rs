//! What holds where the template says nothing, and forms that mean the same.

use std::time::Duration;

use millrace::template::spec::StartingPosition;

use super::{function, read};

const KAFKA: &str = "KafkaBootstrapServers: ['a:1'], Topics: [t], StartingPosition: TRIM_HORIZON";

pub(crate) async fn a_function_has_3_seconds_128_mb_and_no_reservation() {
    let app = read(&function("", ""));
    let f = &app.functions["F"];
    assert_eq!((f.timeout, f.memory_mb, f.reserved_concurrency), (Duration::from_secs(3), 128, None));
    assert!(f.environment.is_empty());
}

pub(crate) async fn a_kafka_mapping_has_100_records_500_ms_and_endless_retries() {
    let app = read(&function("", &format!("Events: {{E: {{Type: SelfManagedKafka, Properties: {{{KAFKA}}}}}}}")));
    let mapping = &app.kafka_mappings[0];
    assert_eq!((mapping.batch_size, mapping.batching_window), (100, Duration::from_millis(500)));
    assert_eq!((mapping.maximum_retry_attempts, mapping.maximum_record_age), (None, None));
    assert_eq!((mapping.bisect_on_error, mapping.report_batch_item_failures, mapping.enabled), (false, false, true));
    assert_eq!(mapping.consumer_group_id, None, "the mapping's UUID is its group");
}

pub(crate) async fn endless_retries_are_10_with_a_destination() {
    let on_failure = "DestinationConfig: {OnFailure: {Destination: 'kafka://failed'}}";
    let retries = |more: &str| {
        let text = function("", &format!("Events: {{E: {{Type: SelfManagedKafka, Properties: {{{KAFKA}, {more}}}}}}}"));
        read(&text).kafka_mappings[0].effective_retry_attempts()
    };
    assert_eq!(retries("BatchSize: 1"), None);
    assert_eq!(retries(on_failure), Some(10));
    assert_eq!(retries(&format!("{on_failure}, MaximumRetryAttempts: -1")), Some(10));
    assert_eq!(retries(&format!("{on_failure}, MaximumRetryAttempts: 3")), Some(3));
}

pub(crate) async fn an_event_and_a_mapping_resource_mean_the_same() {
    let more =
        "BatchSize: 7, MaximumBatchingWindowInSeconds: 2, BisectBatchOnFunctionError: true, MaximumRetryAttempts: 4";
    let event = read(&function(
        "",
        &format!("Events: {{E: {{Type: SelfManagedKafka, Properties: {{{KAFKA}, ConsumerGroupId: g, {more}}}}}}}"),
    ));
    let raw = read(&format!(
        "{}  FE:\n    Type: AWS::Lambda::EventSourceMapping\n    Properties: {{FunctionName: !GetAtt F.Arn, \
         SelfManagedEventSource: {{Endpoints: {{KafkaBootstrapServers: ['a:1']}}}}, Topics: [t], \
         StartingPosition: TRIM_HORIZON, SelfManagedKafkaEventSourceConfig: {{ConsumerGroupId: g}}, {more}}}\n",
        function("", "")
    ));
    let (one, other) = (&event.kafka_mappings[0], &raw.kafka_mappings[0]);
    assert_eq!((&one.logical_id, &one.uuid, &one.function), (&other.logical_id, &other.uuid, &other.function));
    assert_eq!((&one.topic, &one.bootstrap_servers), (&other.topic, &other.bootstrap_servers));
    assert_eq!((one.batch_size, one.batching_window), (other.batch_size, other.batching_window));
    assert_eq!((one.maximum_retry_attempts, one.bisect_on_error), (Some(4), other.bisect_on_error));
    assert_eq!(
        (&one.consumer_group_id, one.starting_position),
        (&other.consumer_group_id, StartingPosition::TrimHorizon)
    );
}

pub(crate) async fn a_name_comes_from_the_logical_id() {
    let names = |id: &str, more: &str| {
        let text = function("", more).replace("  F:", &format!("  {id}:"));
        read(&text).functions[id].name.clone()
    };
    assert_eq!(names("GithubPoller", ""), "github-poller");
    assert_eq!(names("GithubPoller", "FunctionName: own_Name-1"), "own_Name-1");
}
