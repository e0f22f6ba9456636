//! What cannot be had, and what is dangerous.

use millrace::lint;

use super::{function, read, refused};

pub(crate) async fn what_is_not_supported_is_refused_with_its_place() {
    for (properties, expected) in [
        ("Nope: 1", "t.yaml:5:57: F: Nope is not supported"),
        ("InlineCode: x", "F.InlineCode is not supported"),
        ("Timeout: !ImportValue x", "Fn::ImportValue has no local value: other stacks are an account's"),
        ("Environment: {Variables: {A: '{{resolve:ssm:x}}'}}", "dynamic references"),
        ("Events: {E: {Type: S3}}", "F.Events.E.Type: \"S3\" is not accepted; accepted: "),
    ] {
        let error = refused(&function("", properties));
        assert!(error.starts_with("t.yaml:5:") && error.contains(expected), "{properties}: {error}");
    }
}

pub(crate) async fn loops_and_other_extensions_are_refused() {
    for (sections, properties) in [
        ("Transform: AWS::LanguageExtensions", ""),
        ("", "Environment: {Variables: {'Fn::ForEach::X': [N, [a], {}]}}"),
        ("", "Environment: {Variables: {A: !Length [a]}}"),
        ("", "Environment: {Variables: {A: !ToJsonString {a: b}}}"),
        ("Mappings: {M: {a: {b: c}}}", "Environment: {Variables: {A: !FindInMap [M, a, x, {DefaultValue: y}]}}"),
    ] {
        let error = refused(&function(sections, properties));
        assert!(error.contains("AWS::LanguageExtensions") && error.contains("not supported"), "{error}");
    }
}

pub(crate) async fn a_template_that_multiplies_itself_is_refused() {
    let aliases: String = (1..40).map(|at| format!("  a{at}: &a{at} [*a{}, *a{}]\n", at - 1, at - 1)).collect();
    let error = refused(&format!("Metadata:\n  a0: &a0 [x]\n{aliases}{}", function("", "")));
    assert!(error.contains("with what aliases repeat"), "{error}");
    let conditions: String =
        (1..40).map(|at| format!("  C{at}: !And [!Condition C{}, !Condition C{}]\n", at - 1, at - 1)).collect();
    let error = refused(&function(&format!("Conditions:\n  C0: !Equals [a, a]\n{conditions}"), ""));
    assert!(error.contains("too many to be followed"), "{error}");
}

pub(crate) async fn a_trap_is_named_with_its_place_and_not_where_it_is_allowed() {
    let event = "Timeout: 60, Events: {E: {Type: SelfManagedKafka, Properties: {KafkaBootstrapServers: ['a:1'], Topics: [t], StartingPosition: TRIM_HORIZON, MaximumRetryAttempts: 1, ProvisionedPollerConfig: {MaximumPollers: 1}}}}";
    let found = |metadata: &str| {
        let text = function("", event) + metadata;
        let findings = lint::check(&read(&text));
        findings.iter().map(|f| format!("{} {}:{}", f.rule, f.place.line, f.place.column)).collect::<Vec<_>>()
    };
    let topics = "    Metadata: {Millrace: {Topics: {t: {}}}}\n";
    assert_eq!(found(topics), ["M003 5:219"]);
    assert_eq!(found("    Metadata: {Millrace: {Topics: {t: {}}, Allow: [M003]}}\n"), Vec::<String>::new());
}
