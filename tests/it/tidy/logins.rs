//! Whoever is told where Kafka is, is told the login to it, and nobody else: a function that lacks it works on every
//! machine but the one whose broker asks.

use std::collections::BTreeMap;

use millrace::template::{self, Options, spec::Application};

use super::{Faults, tree};

/// What a function with an address of Kafka has, and no other one.
const LOGIN: [(&str, &str); 4] = [
    ("EVENTHUB_CONNECTIONSTRING", "!If [UseEventHubs, !Ref EventHubsConnectionString, !Ref AWS::NoValue]"),
    ("KAFKA_SASL_MECHANISM", "!If [UseKafkaLogin, !Ref KafkaSaslMechanism, !Ref AWS::NoValue]"),
    ("KAFKA_SASL_USERNAME", "!If [UseKafkaLogin, !Ref KafkaSaslUsername, !Ref AWS::NoValue]"),
    ("KAFKA_SASL_PASSWORD", "!If [UseKafkaLogin, !Ref KafkaSaslPassword, !Ref AWS::NoValue]"),
];

#[test]
fn each_function_that_reaches_kafka_has_its_login_and_no_other_has() {
    let set = |name: &str| (name.to_owned(), format!("the {name}"));
    let names = LOGIN.iter().map(|(name, _)| *name).chain(["KAFKA_BOOTSTRAP_SERVERS"]);
    let options = Options { environment: names.map(set).collect(), ..Options::default() };
    let application = template::load(&tree::root().join("template.yaml"), &options)
        .unwrap_or_else(|error| panic!("template.yaml cannot be read: {error}"));
    faults(&application).assert_none();
}

fn faults(application: &Application) -> Faults {
    let mut faults = Faults::default();
    for function in application.functions.values() {
        let place = format!("template.yaml:{}", function.line);
        let has = |variables: &BTreeMap<String, String>, name: &str| variables.contains_key(name);
        let reaches = has(&function.environment, "KAFKA_BOOTSTRAP_SERVERS");
        for (name, value) in LOGIN {
            match (reaches, has(&function.environment, name)) {
                (true, false) => {
                    faults.add(&place, format!("{} lacks {name}", function.name), format!("add {name}: {value}"));
                }
                (false, true) => {
                    let found = format!("{} has {name}, and no address of Kafka", function.name);
                    faults.add(&place, found, "take it out: a secret is for those who use it");
                }
                _ => {}
            }
        }
    }
    faults
}

#[test]
fn a_login_that_is_missing_or_too_much_is_found() {
    let application = |variables: &str| {
        let text = format!(
            "Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    \
             Properties:\n      Runtime: provided.al2023\n      CodeUri: f/\n      Environment: {{Variables: {{{variables}}}}}\n"
        );
        template::parse(&text, "made-up.yaml".as_ref(), &Options::default()).unwrap()
    };
    assert_eq!(faults(&application("KAFKA_BOOTSTRAP_SERVERS: a, KAFKA_SASL_MECHANISM: PLAIN")).places().len(), 3);
    assert_eq!(faults(&application("KAFKA_SASL_PASSWORD: secret")).places(), ["template.yaml:3"]);
    faults(&application("OTHER: x")).assert_none();
}
