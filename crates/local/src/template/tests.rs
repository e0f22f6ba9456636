//! Tables of templates: what they mean, and what is wrong with them.

use std::{collections::BTreeMap, path::Path, time::Duration};

use super::{
    Options, load, parse,
    spec::{Application, Destination, ScheduleKind, StartingPosition},
};

const FUNCTION: &str = "
  F:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      CodeUri: target/lambda/f/
";

fn read(text: &str) -> Result<Application, String> {
    parse(text, Path::new("t.yaml"), &Options::default()).map_err(|error| error.to_string())
}

fn fixture(name: &str, options: &Options) -> Application {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    load(&root.join(name), options).unwrap_or_else(|error| panic!("{error}"))
}

fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn short_and_long_forms_mean_the_same() {
    let long = fixture("tests/templates/long-forms.yaml", &Options::default());
    let short = fixture("tests/templates/short-forms.yaml", &Options::default());
    let (one, other) = (&long.functions["Orders"], &short.functions["Orders"]);
    assert_eq!(one.environment, other.environment);
    assert_eq!((&one.name, one.memory_mb, &one.services), (&other.name, other.memory_mb, &other.services));
    assert_eq!(long.apis["Api"].routes, short.apis["Api"].routes);
    assert_eq!(long.topics, short.topics);
    let expected = environment(&[
        ("API", "http://localhost:4001"),
        ("NESTED", "dev-b:9092/${Literal}/us-east-1"),
        ("BROKERS", "a:9092,b:9092"),
        ("BUCKET", "millrace-lake"),
        ("MAPPING", &long.kafka_mappings[0].uuid),
    ]);
    assert_eq!(one.environment, expected);
    assert_eq!(one.name, "millrace-orders-dev");
    assert_eq!(one.memory_mb, 256);
    assert_eq!(long.kafka_mappings[0].bootstrap_servers, ["a:9092", "b:9092"]);
    assert_eq!(long.kafka_mappings[0].logical_id, "OrdersRecords");
    assert_eq!(long.kafka_mappings[0].batching_window, Duration::from_millis(500));
    assert_eq!(long.topics["orders"].config["retention.ms"], "1000");
    assert!(!long.functions.contains_key("ProdOnly"), "its condition is false");
    assert_eq!(long.buckets, ["millrace-lake"]);
}

#[test]
fn parameters_are_given_mapped_or_defaulted() {
    let text = format!(
        "Metadata: {{Millrace: {{Parameters: {{A: FROM_STACK, B: FROM_STACK}}}}}}
Parameters:
  A: {{Type: String, Default: default}}
  B: {{Type: String, Default: default}}
  C: {{Type: String, Default: default}}
Resources:{FUNCTION}      Environment:
        Variables: {{A: !Ref A, B: !Ref B, C: !Ref C}}
"
    );
    let options =
        Options { parameters: environment(&[("A", "given")]), environment: environment(&[("FROM_STACK", "stack")]) };
    let application = parse(&text, Path::new("t.yaml"), &options).unwrap();
    let expected = environment(&[("A", "given"), ("B", "stack"), ("C", "default")]);
    assert_eq!(application.functions["F"].environment, expected);
    let options = Options { parameters: environment(&[("X", "1")]), ..Options::default() };
    let error = parse(&text, Path::new("t.yaml"), &options).unwrap_err().to_string();
    assert!(error.contains("parameter X, which the template does not have; it has: A, B, C"), "{error}");
}

#[test]
fn globals_merge_maps_and_append_lists() {
    let text = "
Globals:
  Function:
    Runtime: provided.al2023
    Timeout: 10
    MemorySize: 512
    Environment: {Variables: {A: global, B: global}}
  HttpApi:
    CorsConfiguration: {AllowOrigins: [http://a]}
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties: {CorsConfiguration: {AllowOrigins: [http://b], AllowMethods: [GET]}}
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: target/lambda/worker/
      Timeout: 20
      Environment: {Variables: {B: own, C: own}}
";
    let application = read(text).unwrap();
    let worker = &application.functions["Worker"];
    assert_eq!((worker.timeout, worker.memory_mb), (Duration::from_secs(20), 512));
    assert_eq!(worker.environment, environment(&[("A", "global"), ("B", "own"), ("C", "own")]));
    assert_eq!((worker.name.as_str(), worker.binary.as_str(), worker.line), ("worker", "worker", 14));
    assert_eq!(application.apis["Api"].cors.as_ref().unwrap().allow_origins, ["http://a", "http://b"]);
}

#[test]
fn schedules_and_the_implicit_api() {
    let text = format!(
        "Resources:{FUNCTION}      Events:
        Tick: {{Type: Schedule, Properties: {{Schedule: rate(1 minute), Enabled: false, Input: '{{}}'}}}}
        Tock: {{Type: ScheduleV2, Properties: {{ScheduleExpression: 'cron(0 8 * * ? *)', ScheduleExpressionTimezone: Europe/Berlin}}}}
        Any: {{Type: HttpApi}}
        Get: {{Type: HttpApi, Properties: {{Method: get, Path: /a, TimeoutInMillis: 1000}}}}
  Nightly:
    Type: AWS::Scheduler::Schedule
    Properties:
      ScheduleExpression: rate(1 day)
      FlexibleTimeWindow: {{Mode: 'OFF'}}
      State: DISABLED
      Target: {{Arn: !GetAtt F.Arn, RoleArn: !GetAtt FRole.Arn, Input: x}}
"
    );
    let application = read(&text).unwrap();
    let found: Vec<_> = application
        .schedules
        .iter()
        .map(|s| (s.name.as_str(), s.kind, s.enabled, s.timezone.as_str(), s.input.as_deref()))
        .collect();
    assert_eq!(
        found,
        [
            ("f-tick", ScheduleKind::Rule, false, "UTC", Some("{}")),
            ("f-tock", ScheduleKind::Scheduler, true, "Europe/Berlin", None),
            ("nightly", ScheduleKind::Scheduler, false, "UTC", Some("x")),
        ]
    );
    let api = &application.apis["ServerlessHttpApi"];
    assert_eq!((api.port, api.port_variable.as_str()), (3000, "MILLRACE_PORT_SERVERLESS_HTTP_API"));
    let routes: Vec<_> = api.routes.iter().map(crate::gateway::route::route_key).collect();
    assert_eq!(routes, ["$default", "GET /a"]);
}

#[test]
fn what_is_not_applied_may_refer_to_what_is_not_here() {
    let text = format!(
        "Conditions: {{Yes: !Equals [a, a]}}
Resources:{FUNCTION}      DeadLetterQueue: {{Type: SQS, TargetArn: !GetAtt Dead.Arn}}
      VpcConfig: {{SubnetIds: [!Ref Subnet]}}
      Layers: !If [Yes, !Ref AWS::NoValue, [!Ref Dead]]
      Events:
        Tick:
          Type: ScheduleV2
          Properties:
            ScheduleExpression: rate(1 minute)
            DeadLetterConfig: {{Arn: !GetAtt Dead.Arn}}
  Dead: {{Type: AWS::SQS::Queue}}
  Subnet: {{Type: AWS::EC2::Subnet, Properties: {{CidrBlock: !Select [0, !Cidr [10.0.0.0/16, 1, 8]]}}}}
  M:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: !GetAtt F.Arn
      SelfManagedEventSource: {{Endpoints: {{KafkaBootstrapServers: ['a:1']}}}}
      SourceAccessConfigurations:
        - {{Type: VPC_SUBNET, URI: !Sub 'subnet:${{Subnet}}'}}
        - {{Type: SASL_SCRAM_512_AUTH, URI: !Ref Dead}}
      Topics: [t]
      StartingPosition: AT_TIMESTAMP
      StartingPositionTimestamp: 1.5
"
    );
    let application = read(&text).unwrap();
    assert!(application.warnings.is_empty(), "{:?}", application.warnings);
    assert_eq!(application.kafka_mappings[0].starting_position, StartingPosition::AtTimestamp(1500));
    let dead = Destination::SqsQueue("arn:aws:sqs:us-east-1:000000000000:millrace-dead".to_owned());
    assert_eq!(application.functions["F"].asynchronous.dead_letter_queue, Some(dead));
}

#[test]
fn the_projects_own_template() {
    let options = Options {
        environment: environment(&[
            ("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:19092"),
            ("DATABASE_URL", "postgres://x"),
            ("GITHUB_API_URL", "http://127.0.0.1:8099"),
            ("MILLRACE_PORT_GITHUB_QUERY_API", "18003"),
        ]),
        ..Options::default()
    };
    let application = fixture("../../template.yaml", &options);
    assert_eq!(application.warnings, []);
    assert!(crate::lint::check(&application).is_empty(), "{:?}", crate::lint::check(&application));
    let names: Vec<_> = application.functions.values().map(|function| function.name.as_str()).collect();
    for name in ["db-migrator", "github-poller", "github-lake-writer", "lake-committer", "github-query-api"] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    assert!(application.functions["DbMigrator"].run_on_up);
    let poller = &application.functions["GithubPoller"];
    assert_eq!(
        poller.environment,
        environment(&[
            ("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:19092"),
            ("DATABASE_URL", "postgres://x"),
            ("GITHUB_API_URL", "http://127.0.0.1:8099"),
            ("GITHUB_TOKEN_SECRET_NAME", "millrace/github-token"),
        ])
    );
    let mapping = &application.kafka_mappings[0];
    assert_eq!(mapping.consumer_group_id.as_deref(), Some("github-lake-writer"));
    assert_eq!(mapping.bootstrap_servers, ["127.0.0.1:19092"]);
    assert_eq!((mapping.batch_size, mapping.batching_window), (10_000, Duration::from_millis(500)));
    assert_eq!(mapping.starting_position, StartingPosition::TrimHorizon);
    assert_eq!(mapping.on_failure, Some(Destination::KafkaTopic("github-events.failed".to_owned())));
    assert_eq!(mapping.effective_retry_attempts(), Some(10_000));
    assert_eq!(application.topics["github-events"].partitions, 4);
    let writer = &application.functions["GithubLakeWriter"];
    assert_eq!(writer.environment["LAKE_WAREHOUSE"], "s3://millrace-lake/warehouse");
    assert_eq!(application.apis["GithubQueryHttpApi"].port, 18_003);
    assert_eq!(application.apis["GithubStreamingHttpApi"].port, 8_002);
    let msk = Options {
        parameters: environment(&[("MskClusterArn", "arn:aws:kafka:us-east-1:000000000000:cluster/c/1")]),
        ..options
    };
    let application = fixture("../../template.yaml", &msk);
    assert!(application.kafka_mappings[0].event_source_arn.is_some());
    assert_eq!(application.kafka_mappings[0].consumer_group_id.as_deref(), Some("github-lake-writer"));
    assert!(application.functions["GithubPoller"].environment.contains_key("MSK_CLUSTER_ARN"));
}
