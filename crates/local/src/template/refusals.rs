//! A table of templates that are refused: each error names line and column, what was found and what is accepted.

use std::path::Path;

use super::{Options, parse};

fn refused(text: &str) -> String {
    match parse(text, Path::new("t.yaml"), &Options::default()) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// A template with one function; `more` stands under its properties, indented by six.
fn function(more: &str) -> String {
    format!(
        "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Runtime: provided.al2023\n      CodeUri: target/lambda/f/\n{more}"
    )
}

/// A raw mapping of that function; `more` is one line of further properties.
fn mapping(more: &str) -> String {
    function(&format!(
        "  M:\n    Type: AWS::Lambda::EventSourceMapping\n    Properties:\n      FunctionName: !Ref F\n      StartingPosition: LATEST\n      {more}\n"
    ))
}

const SELF_MANAGED: &str = "SelfManagedEventSource: {Endpoints: {KafkaBootstrapServers: ['a:1']}}";

#[test]
fn templates_and_functions() {
    for (text, expected) in [
        ("Resources: {}".to_owned(), "t.yaml:1:12: Resources: a mapping is not accepted; accepted: a mapping with at least one resource"),
        ("Nope: 1".to_owned(), "t.yaml:1:1: Nope is not supported; supported: Resources"),
        ("Transform: Other\nResources: {}".to_owned(), "t.yaml:1:12: Transform: \"Other\" is not accepted"),
        ("Resources:\n  F:\n    Type: AWS::Nope::It\n".to_owned(), "t.yaml:3:11: F: AWS::Nope::It is not supported; supported: AWS::Serverless::Function"),
        ("Resources:\n  F:\n    Type: AWS::Serverless::Api\n".to_owned(), "(REST APIs are not; use AWS::Serverless::HttpApi)"),
        (function("  F:\n    Type: AWS::Logs::LogGroup\n"), "t.yaml:7:3: F stands twice, first on line 2"),
        (function("      Memory: 1\n"), "t.yaml:7:7: F: Memory is not supported; supported: CodeUri, DeadLetterQueue, Environment"),
        (function("      MemorySize: 64\n"), "t.yaml:7:19: F.MemorySize: \"64\" is not accepted; accepted: a whole number from 128 to 10240"),
        (function("      Timeout: 901\n"), "F.Timeout: \"901\" is not accepted; accepted: a whole number from 1 to 900"),
        (function("      FunctionUrlConfig: {AuthType: OPEN}\n"), "t.yaml:7:37: F.FunctionUrlConfig.AuthType: \"OPEN\" is not accepted; accepted: NONE, AWS_IAM"),
        (function("      FunctionUrlConfig: {InvokeMode: BUFFERED}\n"), "F.FunctionUrlConfig: AuthType is missing"),
        (function("  A:\n    Type: AWS::Serverless::HttpApi\n    Properties: {Auth: {EnableIamAuthorizer: true}}\n"), "t.yaml:9:46: A.Auth.EnableIamAuthorizer: signatures of IAM are not checked here"),
        (function("  A:\n    Type: AWS::Serverless::HttpApi\n    Properties: {Auth: {DefaultAuthorizer: X}}\n"), "A.Auth.DefaultAuthorizer: \"X\" is not accepted; accepted: one of Authorizers (there are none)"),
        (function("  A:\n    Type: AWS::Serverless::HttpApi\n    Properties: {Auth: {Authorizers: {X: {FunctionArn: a}}}}\n"), "A.Auth.Authorizers.X.FunctionArn is not supported yet: an authorizer that is a function is not asked"),
        (function("  A:\n    Type: AWS::Serverless::HttpApi\n    Properties: {Auth: {Authorizers: {X: {JwtConfiguration: {issuer: x, audience: a}}}}}\n"), "accepted: https://..., or http://... of an issuer on this machine"),
        (function("  A:\n    Type: AWS::Serverless::HttpApi\n    Properties: {Auth: {Authorizers: {X: {IdentitySource: $context.a, JwtConfiguration: {}}}}}\n"), "accepted: $request.header.<name>, $request.querystring.<name>"),
        (function("  A:\n    Type: AWS::Serverless::HttpApi\n    Properties: {RouteSettings: {GET /x: {ThrottlingBurstLimit: 1}}}\n"), "A.RouteSettings: there is no route GET /x"),
        (function("  A:\n    Type: AWS::Serverless::HttpApi\n    Properties: {DefaultRouteSettings: {ThrottlingRateLimit: many}}\n"), "accepted: requests a second, 0 or more"),
        (function("      FunctionUrlConfig: {AuthType: NONE}\n  U:\n    Type: AWS::Lambda::Url\n    Properties: {AuthType: NONE, TargetFunctionArn: !Ref F}\n"), "U: F already has a URL, FUrl"),
        (function("      Environment: {Variables: {A: !Ref Nope}}\n"), "t.yaml:7:36: no parameter or resource Nope"),
        (function("      Environment: {Variables: {A: !ImportValue x}}\n"), "Fn::ImportValue has no local value"),
        (function("      Environment: {Variables: {A: '{{resolve:ssm:x}}'}}\n"), "dynamic references"),
        (function("      Environment: {Variables: {A: !If [Nope, 1, 2]}}\n"), "no condition Nope; the template has: none"),
        (function("      Environment: {Variables: {A: [1]}}\n"), "F.Environment.Variables.A: a list is not accepted; accepted: text"),
        (function("      FunctionName: !Ref F\n"), "this refers to itself"),
        (function("      Events: {E: {Type: S3}}\n"), "F.Events.E.Type: \"S3\" is not accepted; accepted: HttpApi, MQ, MSK, Schedule"),
        (function("      Events: {E: {Type: MQ}}\n"), "F.Events.E: Broker is missing"),
        (function("  B:\n    Type: AWS::AmazonMQ::Broker\n    Properties: {EngineType: ActiveMQ}\n"), "t.yaml:9:30: B.EngineType: ActiveMQ is not supported yet"),
        (function("      Events: {E: {Type: Schedule, Properties: {Schedule: rate(0 minutes)}}}\n"), "F.Events.E.Schedule: \"rate(0 minutes)\" is not accepted: 0 is no positive number"),
        (function("      Events: {E: {Type: HttpApi, Properties: {Path: a, Method: GET}}}\n"), "a path begins with /"),
        (function("      Events: {E: {Type: HttpApi, Properties: {Path: /a, Method: GET}}, G: {Type: HttpApi, Properties: {Path: /a, Method: get}}}\n"), "already has GET /a, to F"),
        (function("    Metadata: {Millrace: {Nope: 1}}\n"), "F.Metadata.Millrace: Nope is not supported; supported: System, Services, RunOnUp, Topics"),
        (function("  A:\n    Type: AWS::Serverless::HttpApi\n    Metadata: {Millrace: {Port: 80}}\n  B:\n    Type: AWS::Serverless::HttpApi\n    Metadata: {Millrace: {Port: 80}}\n"), "t.yaml:10:3: B and A have the same port, 80"),
        (function("  G:\n    Type: AWS::Serverless::Function\n    Properties: {Runtime: provided.al2023, CodeUri: g/, FunctionName: f}\n"), "G and F have the same name, f"),
        ("Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {Runtime: python3.12, CodeUri: x/}\n".to_owned(), "F.Runtime: \"python3.12\" is not accepted; accepted: provided.al2023"),
        ("Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {Runtime: provided.al2023}\n".to_owned(), "t.yaml:2:3: F: CodeUri is missing"),
        ("Conditions:\n  A: !Not [!Condition B]\n  B: !Not [!Condition A]\nResources: {F: {Type: AWS::Logs::LogGroup}}\n".to_owned(), "this refers to itself"),
        ("Parameters: {P: {Type: String}}\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {Runtime: provided.al2023, CodeUri: !Ref P}\n".to_owned(), "parameter P is needed here: it has no Default; give a value with --parameter P=VALUE"),
        ("Parameters: {P: {Type: String, Default: c, AllowedValues: [a, b]}}\nResources: {F: {Type: AWS::Logs::LogGroup}}\n".to_owned(), "parameter P: \"c\" is not accepted; accepted: a, b"),
    ] {
        let found = refused(&text);
        assert!(found.contains(expected), "expected: {expected}\nfound: {found}\n{text}");
    }
}

#[test]
fn mappings() {
    let with = |more: &str| mapping(&format!("{SELF_MANAGED}\n      Topics: [t]\n      {more}"));
    for (text, expected) in [
        (with("BatchSize: 10001"), "M.BatchSize: \"10001\" is not accepted; accepted: a whole number from 1 to 10000"),
        (with("MaximumBatchingWindowInSeconds: 301"), "from 0 to 300"),
        (with("MaximumRetryAttempts: -2"), "from -1 to 10000"),
        (with("MaximumRecordAgeInSeconds: 59"), "-1 (any age), or 60 to 604800 seconds"),
        (with("FilterCriteria: {Filters: [x]}"), "M.FilterCriteria.Filters[0]: \"x\" is not accepted"),
        (
            with("FilterCriteria: {Filters: [{Pattern: '{\"value\":{\"a\":[{\"prefx\":\"x\"}]}}'}]}"),
            "t.yaml:14:44: M.FilterCriteria.Filters[0].Pattern: value.a[0].prefx: it is not a condition",
        ),
        (
            with("FilterCriteria: {Filters: [{Pattern: '{\"key\":[\"x\"]}'}]}"),
            "key: it is not accepted; accepted: value",
        ),
        (with(&format!("FilterCriteria: {{Filters: [{}]}}", "{Pattern: '{\"value\":[1]}'},".repeat(11))), "at most 10"),
        (
            with("SourceAccessConfigurations: [{Type: VIRTUAL_HOST, URI: /}]"),
            "M.SourceAccessConfigurations[0].Type: \"VIRTUAL_HOST\" is not accepted; accepted: BASIC_AUTH, ",
        ),
        (with("SourceAccessConfigurations: [{Type: BASIC_AUTH}]"), "SourceAccessConfigurations[0]: URI is missing"),
        (
            with("SourceAccessConfigurations: [{Type: BASIC_AUTH, URI: a}, {Type: SASL_SCRAM_256_AUTH, URI: b}]"),
            "t.yaml:14:71: M.SourceAccessConfigurations[1].Type: SASL_SCRAM_256_AUTH stands beside another one",
        ),
        (with("ConsumptionMode: Queue"), "M.ConsumptionMode: \"Queue\" is not accepted; accepted: Stream"),
        (
            with("SelfManagedKafkaEventSourceConfig: {SchemaRegistryConfig: {SchemaRegistryURI: x}}"),
            "SchemaRegistryConfig is not supported yet",
        ),
        (with("FunctionResponseTypes: [Nope]"), "accepted: ReportBatchItemFailures"),
        (with("EventSourceArn: arn:aws:kafka:us-east-1:1:cluster/c/1"), "it cannot stand beside EventSourceArn"),
        (with("EventSourceArn: arn:aws:mq:us-east-1:1:broker:b"), "M.StartingPosition is not accepted for Amazon MQ"),
        (with("EventSourceArn: arn:aws:sqs:us-east-1:1:q"), "accepted: arn:aws:kafka:..."),
        (
            with("DestinationConfig: {OnFailure: {Destination: 'arn:aws:lambda:us-east-1:1:function:f'}}"),
            "accepted: kafka://<topic>, the ARN of an SQS queue, the ARN of an SNS topic, the ARN of an S3 bucket",
        ),
        (
            with("DestinationConfig: {OnFailure: {Destination: 'arn:aws:sqs:us-east-1:1:q.fifo'}}"),
            "a standard queue or topic",
        ),
        (
            with("DestinationConfig: {OnFailure: {Destination: 'arn:aws:events:us-east-1:1:event-bus/b'}}"),
            "event buses are not supported yet",
        ),
        (with("DestinationConfig: {OnFailure: {Destination: 'kafka://t'}}"), "a topic other than the mapping's own"),
        (with("StartingPositionTimestamp: 1"), "with StartingPosition AT_TIMESTAMP only"),
        (with("Nope: 1"), "t.yaml:14:7: M: Nope is not supported; supported: "),
        (
            with("MaximumRetryAttempts: 1").replace("!Ref F", "nope"),
            "M.FunctionName: \"nope\" is not accepted; accepted: a function of the template (f)",
        ),
        (with("BatchSize: 1").replace("!Ref F", "!Ref G"), "no parameter or resource G"),
        (
            with("BatchSize: 1").replace("CodeUri", "Timeout: 841\n      CodeUri"),
            "F.Timeout: 841 (line 2) is not accepted with a Kafka mapping; accepted: 1 to 840 seconds",
        ),
        (mapping("Topics: [t]"), "EventSourceArn (MSK) or SelfManagedEventSource (other Kafka) is missing"),
        (mapping(&format!("{SELF_MANAGED}\n      Topics: [a, b]")), "M.Topics: exactly one topic is accepted, found 2"),
        (mapping(SELF_MANAGED), "exactly one topic is accepted, found 0"),
    ] {
        let found = refused(&text);
        assert!(found.contains(expected), "expected: {expected}\nfound: {found}\n{text}");
    }
}

#[test]
fn rabbitmq() {
    const LOGIN: &str = "SourceAccessConfigurations: [{Type: BASIC_AUTH, URI: 'arn:s'}]";
    let with = |more: &str| {
        let head = "Broker: 'arn:aws:mq:us-east-1:1:broker:b:b-1', Queues: [q]";
        function(&format!("      Events: {{E: {{Type: MQ, Properties: {{{head}, {more}}}}}}}\n"))
    };
    let raw = |more: &str| {
        function(&format!(
            "  M:\n    Type: AWS::Lambda::EventSourceMapping\n    Properties:\n      FunctionName: !Ref F\n      EventSourceArn: arn:aws:mq:us-east-1:1:broker:b:b-1\n      {LOGIN}\n      {more}\n"
        ))
    };
    for (text, expected) in [
        (
            with(&format!("{LOGIN}, FilterCriteria: {{Filters: [{{Pattern: '{{\"value\": [1]}}'}}]}}")),
            "F.Events.E.FilterCriteria.Filters[0].Pattern: ",
        ),
        (with("BatchSize: 1"), "F.Events.E: SourceAccessConfigurations is missing"),
        (with("SourceAccessConfigurations: []"), "BASIC_AUTH with the ARN of a secret is missing"),
        (with(&format!("{LOGIN}, BatchSize: 10001")), "from 1 to 10000"),
        (with(&format!("{LOGIN}, MaximumBatchingWindowInSeconds: 301")), "from 0 to 300"),
        (with(&LOGIN.replace("BASIC_AUTH", "SASL_SCRAM_512_AUTH")), "accepted: BASIC_AUTH, VIRTUAL_HOST"),
        (with(&LOGIN.replace("[{", "[{Type: BASIC_AUTH, URI: a}, {")), "BASIC_AUTH is accepted once"),
        (
            with(&format!("{LOGIN}, MaximumRetryAttempts: 1")),
            "F.Events.E.MaximumRetryAttempts is not accepted for Amazon MQ: a batch that failed goes back",
        ),
        (with(&format!("{LOGIN}, Nope: 1")), "F.Events.E: Nope is not supported; supported: Broker"),
        (with(LOGIN).replace("arn:aws:mq", "arn:aws:sqs"), "F.Events.E.Broker: \"arn:aws:sqs"),
        (with(LOGIN).replace("[q]", "[q, r]"), "F.Events.E.Queues: exactly one queue is accepted, found 2"),
        (
            with(LOGIN).replace("CodeUri", "Timeout: 841\n      CodeUri"),
            "841 (line 2) is not accepted with an Amazon MQ mapping",
        ),
        (raw("BatchSize: 1"), "M.Queues: exactly one queue is accepted, found 0"),
        (
            raw("FunctionResponseTypes: [ReportBatchItemFailures]"),
            "t.yaml:13:7: M.FunctionResponseTypes is not accepted for Amazon MQ: a batch is acknowledged whole",
        ),
        (raw("Topics: [t]"), "name one queue in Queues"),
        (raw("Queues: [q]"), "accepted"),
        (with(LOGIN), "accepted"),
    ] {
        let found = refused(&text);
        assert!(found.contains(expected), "expected: {expected}\nfound: {found}\n{text}");
    }
}
