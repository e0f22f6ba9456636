//! A table of templates: what each rule finds, and where.

use std::{collections::BTreeSet, path::Path};

use super::{check, refused, rules};
use crate::template::{Options, parse};

/// `<rule> <line>:<column>` of everything that is found.
fn found(text: &str) -> Vec<String> {
    match parse(text, Path::new("t.yaml"), &Options::default()) {
        Ok(application) => {
            let findings = check(&application);
            findings.iter().map(|f| format!("{} {}:{}", f.rule, f.place.line, f.place.column)).collect()
        }
        Err(error) => vec![format!("{} {error}", refused(&error).unwrap().rule)],
    }
}

/// A function with a Kafka event on lines 2 to 15; nothing is wrong with it.
const CLEAN: &str = "Resources:
  F:
    Type: AWS::Serverless::Function
    Metadata: {Millrace: {Topics: {t: {Partitions: 2}, failed: {}}}}
    Properties:
      Runtime: provided.al2023
      CodeUri: target/lambda/f/
      Timeout: 60
      Events:
        E:
          Type: SelfManagedKafka
          Properties:
            KafkaBootstrapServers: ['a:1']
            Topics: [t]
            StartingPosition: TRIM_HORIZON
            MaximumRetryAttempts: 5
            FunctionResponseTypes: [ReportBatchItemFailures]
            ProvisionedPollerConfig: {MinimumPollers: 1, MaximumPollers: 2}
            DestinationConfig: {OnFailure: {Destination: kafka://failed}}
";

/// [`CLEAN`] with one part replaced.
fn with(from: &str, to: &str) -> String {
    assert!(CLEAN.contains(from), "{from}");
    CLEAN.replacen(from, to, 1)
}

/// [`CLEAN`] with more properties of the event.
fn event(more: &str) -> String {
    format!("{CLEAN}            {more}\n")
}

/// A function without Kafka; `more` stands under its properties, indented by six.
fn function(more: &str) -> String {
    format!(
        "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Runtime: provided.al2023\n      CodeUri: target/lambda/f/\n{more}"
    )
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn table() -> Vec<(String, &'static str)> {
    let api = |cors: &str| {
        function(&format!(
            "      Events: {{E: {{Type: HttpApi, Properties: {{ApiId: !Ref A}}}}}}\n  A:\n    Type: AWS::Serverless::HttpApi\n    Properties: {{CorsConfiguration: {cors}}}\n"
        ))
    };
    let schedule = |expression: &str, more: &str| {
        function(&format!(
            "{more}      Events: {{E: {{Type: ScheduleV2, Properties: {{ScheduleExpression: {expression}}}}}}}\n"
        ))
    };
    let second = |topic: &str, group: &str, on_failure: &str| {
        format!(
            "{CLEAN}            ConsumerGroupId: g\n  G:\n    Type: AWS::Serverless::Function\n    Metadata: {{Millrace: {{Topics: {{other: {{}}}}}}}}\n    Properties:\n      Runtime: provided.al2023\n      CodeUri: g/\n      Timeout: 60\n      Events:\n        E:\n          Type: SelfManagedKafka\n          Properties: {{KafkaBootstrapServers: ['a:1'], Topics: [{topic}], StartingPosition: TRIM_HORIZON, MaximumRetryAttempts: 1, BisectBatchOnFunctionError: true, ProvisionedPollerConfig: {{MaximumPollers: 1}}, ConsumerGroupId: {group}, DestinationConfig: {{OnFailure: {{Destination: 'kafka://{on_failure}'}}}}}}\n"
        )
    };
    vec![
        (CLEAN.to_owned(), ""),
        ("Resources: {F: {Type: Nope}}".to_owned(), "M000"),
        (with("            ProvisionedPollerConfig: {MinimumPollers: 1, MaximumPollers: 2}\n", ""), "M001 16:35"),
        (with("            MaximumRetryAttempts: 5\n", ""), "M002 10:9"),
        (with("MaximumRetryAttempts: 5", "MaximumRetryAttempts: -1"), "M002 16:35"),
        (with("            DestinationConfig: {OnFailure: {Destination: kafka://failed}}\n", ""), "M003 16:35"),
        (
            with(
                "            MaximumRetryAttempts: 5\n            FunctionResponseTypes: [ReportBatchItemFailures]\n            ProvisionedPollerConfig: {MinimumPollers: 1, MaximumPollers: 2}\n            DestinationConfig: {OnFailure: {Destination: kafka://failed}}\n",
                "",
            ),
            "M004 10:9",
        ),
        (
            with("            FunctionResponseTypes: [ReportBatchItemFailures]\n", "            BatchSize: 7\n"),
            "M005 17:24",
        ),
        (with("TRIM_HORIZON", "LATEST"), "M010 15:31"),
        (second("other", "h", "failed"), ""),
        (second("other", "g", "failed"), "M011 31:227"),
        (
            format!(
                "{CLEAN}        E2: {{Type: SelfManagedKafka, Properties: {{KafkaBootstrapServers: ['a:1'], Topics: [t], StartingPosition: TRIM_HORIZON, MaximumRetryAttempts: 1, BisectBatchOnFunctionError: true, ProvisionedPollerConfig: {{MaximumPollers: 1}}, DestinationConfig: {{OnFailure: {{Destination: 'kafka://failed'}}}}}}}}\n"
            ),
            "M012 20:91",
        ),
        (event("BatchSize: 1\n            MaximumBatchingWindowInSeconds: 5"), "M020 21:45"),
        (with("      Timeout: 60\n", ""), "M021 2:3"),
        (event("BatchSize: 10000").replace("Timeout: 60", "Timeout: 9"), "M022 20:24"),
        (event("MaximumRecordAgeInSeconds: 60"), "M023 20:40"),
        (with("MaximumPollers: 2", "MaximumPollers: 3"), "M030 18:74"),
        (with("Timeout: 60", "Timeout: 60\n      ReservedConcurrentExecutions: 0"), "M031 9:37"),
        (with("Timeout: 60", "Timeout: 60\n      ReservedConcurrentExecutions: 1"), "M032 9:37"),
        (with("Timeout: 60", "Timeout: 60\n      ReservedConcurrentExecutions: 2"), ""),
        (with("t: {Partitions: 2}, ", ""), "M040 14:21, M030 18:74"),
        (with(", failed: {}", ""), "M040 19:58"),
        (second("failed", "h", "t"), "M041 19:58, M041 31:276"),
        (with("failed: {}", "failed: {Config: {max.message.bytes: 1000}}"), "M042 19:58"),
        (
            with("{Partitions: 2}", "{Partitions: 2, Config: {retention.ms: 100000}}")
                + "            MaximumRecordAgeInSeconds: 120\n",
            "M043 20:40",
        ),
        (function("      Timeout: 29\n      Events: {E: {Type: HttpApi}}\n"), ""),
        (function("      Timeout: 30\n      Events: {E: {Type: HttpApi}}\n"), "M050 7:16"),
        (
            function(
                "      Events: {E: {Type: HttpApi, Properties: {Method: GET, Path: /a, TimeoutInMillis: 3000}}}\n",
            ),
            "M050 2:3",
        ),
        (function("  A: {Type: AWS::Serverless::HttpApi}\n"), "M051 7:3"),
        (
            api("{AllowOrigins: [http://a], AllowCredentials: true, AllowHeaders: ['*'], AllowMethods: [GET]}"),
            "M052 10:102",
        ),
        (api("{AllowOrigins: [http://a]}"), "M053 10:37"),
        (api("{AllowOrigins: ['*'], AllowMethods: ['*']}"), ""),
        (schedule("rate(1 minute)", "      Timeout: 61\n"), "M060 7:16"),
        (schedule("rate(1 minute)", "      Timeout: 60\n"), ""),
        (schedule("cron(0/5 * * * ? *)", "      Timeout: 301\n"), "M060 7:16"),
        (schedule("rate(1 hour)", ""), "M061 7:16"),
        (schedule("'at(2030-01-01T00:00:00)'", ""), "M061 7:16"),
        (schedule("rate(1 hour)", "") + "    Metadata: {Millrace: {Allow: [M061]}}\n", ""),
        (
            function("      EventInvokeConfig: {MaximumRetryAttempts: 0}\n    Metadata: {Millrace: {Allow: [M090]}}\n"),
            "M062 7:49",
        ),
        (function("").replace("provided.al2023", "provided.al2"), "M070 5:16"),
        (function("      Environment: {Variables: {DB_PASSWORD: x, DB_PASSWORD_ARN: x, A: y}}\n"), "M071 7:46"),
        (function("      Environment: {Variables: {A: 'postgres://u:p@h/d'}}\n"), "M071 7:36"),
        (function("      Policies: [{Statement: {Effect: Allow, Action: 's3:*', Resource: '*'}}]\n"), "M072 7:54"),
        (function("      Policies: [{Statement: [{Effect: Allow, Action: ['s3:Get*'], Resource: ['*']}]}]\n"), ""),
        (
            function(
                "  P: {Type: AWS::IAM::Policy, Properties: {PolicyDocument: {Statement: [{Effect: Allow, Action: '*', Resource: '*'}]}}}\n",
            ),
            "M072 7:97",
        ),
        (function("      Layers: [x]\n"), "M090 7:15"),
        (function(&format!("      Timeout: 9\n      ReservedConcurrentExecutions: 1\n{QUEUE}")), "M034 9:96"),
        (
            function(&format!("      Timeout: 9\n      ReservedConcurrentExecutions: 2\n{QUEUE}")),
            "M033 8:37, M034 9:96",
        ),
        (function(QUEUE), "M021 2:3, M034 7:96"),
    ]
}

/// An event of a RabbitMQ queue.
const QUEUE: &str = "      Events: {E: {Type: MQ, Properties: {Broker: arn:aws:mq:us-east-1:1:broker:b:b-1, Queues: [q], \
                     SourceAccessConfigurations: [{Type: BASIC_AUTH, URI: arn:s}]}}}\n";

#[test]
fn each_rule_finds_its_trap_at_its_place() {
    let mut wrong = Vec::new();
    for (text, expected) in table() {
        let found = found(&text).join(", ");
        let fits = if expected == "M000" { found.starts_with("M000 ") } else { found == expected };
        if !fits {
            wrong.push(format!("expected: {expected}\nfound:    {found}\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_rule_is_in_the_table() {
    let table = table();
    let known: BTreeSet<&str> =
        table.iter().flat_map(|(_, expected)| expected.split(", ")).filter_map(|found| found.get(..4)).collect();
    let missing: Vec<&str> = rules().map(|rule| rule.id).filter(|id| !known.contains(id)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn ids_are_in_order_and_texts_are_sentences() {
    let ids: Vec<&str> = rules().map(|rule| rule.id).collect();
    assert!(ids.is_sorted(), "{ids:?}");
    for rule in rules() {
        assert!(!rule.title.ends_with('.') && rule.why.ends_with('.') && rule.mend.ends_with('.'), "{}", rule.id);
    }
}

#[test]
fn only_known_rules_can_be_allowed() {
    let text = function("    Metadata: {Millrace: {Allow: [M003, M999]}}\n");
    let error = parse(&text, Path::new("t.yaml"), &Options::default()).unwrap_err().to_string();
    assert!(error.contains("t.yaml:7:34: F.Metadata.Millrace.Allow: \"M999\" is not accepted"), "{error}");
}

#[test]
fn a_rule_is_allowed_on_one_resource_only() {
    let text = schedule_twice();
    assert_eq!(found(&text), ["M060 15:16"]);
}

fn schedule_twice() -> String {
    let events = "      Events: {E: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 minute)}}}\n";
    let own =
        "    Type: AWS::Serverless::Function\n    Properties:\n      Runtime: provided.al2023\n      CodeUri: g/\n";
    function(&format!("      Timeout: 61\n{events}    Metadata: {{Millrace: {{Allow: [M060]}}}}\n"))
        + &format!("  G:\n{own}      Timeout: 61\n{events}")
            .replace("Type: AWS::Serverless::Function\n", "Type: AWS::Serverless::Function\n")
}

/// The table of `docs/lint.md`.
#[test]
fn the_page_has_all_rules() {
    use std::fmt::Write;

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/lint.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once("MILLRACE_UPDATE_EXPECTED=1 -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    let mut table = "| Rule | Level | What | Mend |\n|---|---|---|---|\n".to_owned();
    for rule in rules() {
        let mend = rule.mend.replace('|', "\\|").replace('<', "&lt;");
        writeln!(table, "| {} | {} | {} | {mend} |", rule.id, rule.level, rule.title).unwrap();
    }
    let expected = format!("{before}MILLRACE_UPDATE_EXPECTED=1 -->\n{table}<!-- end -->{after}");
    if std::env::var_os("MILLRACE_UPDATE_EXPECTED").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), expected, "MILLRACE_UPDATE_EXPECTED=1 writes it anew");
}
