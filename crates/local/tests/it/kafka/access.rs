//! Logins to a broker that asks for them; `localstack/kafka.sh` says who may.

use millrace::kafka_source;
use serde_json::{Value, json};

use crate::support::{
    aws,
    logins::{Broker, CONNECTION_STRING, PASSWORD, USER, secret},
    source::Source,
    topic::rec,
};

/// A function that fails on `poison`, with its failed records in a topic of the same cluster.
const JUDGE: &str = "
def judge(batch):
    if ['poison'] in batch.values():
        raise ValueError('poison')
";

fn properties(login: &str, secret: &str, authority: &str) -> String {
    format!(
        "BatchSize: 1, MaximumRetryAttempts: 0, DestinationConfig: {{OnFailure: {{Destination: 'kafka://TOPIC.failed'}}}}, \
         SourceAccessConfigurations: [{{Type: VPC_SUBNET, URI: !Ref Nowhere}}, {{Type: {login}, URI: '{secret}'}}, \
         {{Type: SERVER_ROOT_CA_CERTIFICATE, URI: '{authority}'}}]"
    )
}

/// Consumer, questions about the topic, and producer of a mapping all log in.
async fn reads_and_produces(broker: &Broker, servers: &str, login: &str, value: &Value) {
    let properties = properties(login, &secret(value).await, &broker.authority().await);
    let source = Source::with_login(&broker.open(), servers, &properties, JUDGE).await;
    source.topic.produce(&[rec(0, "good"), rec(0, "poison"), rec(0, "good too")]).await;
    source.enable().await;
    source.until_committed(&[3]).await;
    assert_eq!(source.delivered(0), ["good", "poison", "good too"], "{login}");
    assert_eq!(source.failed.read(1).await.len(), 1, "{login}");
    source.mapping.disable().await;
}

pub(crate) async fn passwords_for_scram_and_plain_come_from_a_secret() {
    let broker = Broker::shared().await;
    let user = json!({"username": USER, "password": PASSWORD});
    for login in ["SASL_SCRAM_512_AUTH", "SASL_SCRAM_256_AUTH", "BASIC_AUTH"] {
        reads_and_produces(&broker, &broker.sasl(), login, &user).await;
    }
}

pub(crate) async fn a_client_certificate_comes_from_a_secret() {
    let broker = Broker::shared().await;
    let (certificate, key) = (broker.pem("client.crt"), broker.pem("client.key"));
    let client = json!({"certificate": certificate, "privateKey": key, "privateKeyPassword": PASSWORD});
    reads_and_produces(&broker, &broker.tls(), "CLIENT_CERTIFICATE_TLS_AUTH", &client).await;
}

pub(crate) async fn a_login_that_is_refused_is_an_error_when_the_mapping_starts() {
    let broker = Broker::shared().await;
    let authority = broker.authority().await;
    let wrong = secret(&json!({"username": USER, "password": "wrong"})).await;
    let source =
        Source::with_login(&broker.open(), &broker.sasl(), &properties("SASL_SCRAM_512_AUTH", &wrong, &authority), "")
            .await;
    let error = format!("{:#}", source.mapping.enable().await.unwrap_err());
    assert!(error.contains("start mapping FRecords"), "{error}");
    // A secret that is not there, or is none, is found before anything connects.
    let bad_form = secret(&json!({"user": USER})).await;
    for (id, expected) in [("runner-no-such-secret", "read secret runner-no-such-secret"), (&bad_form, "another form")]
    {
        let text = Source::template(&broker.sasl(), "t", &properties("BASIC_AUTH", id, &authority));
        let app = crate::support::App::of(&text, "");
        let spec = &app.application.kafka_mappings[0];
        let error = format!("{:#}", kafka_source::cluster(spec, None, &aws::variables(), &|_| ()).await.unwrap_err());
        assert!(error.contains(expected) && error.contains("log in for mapping FRecords (line "), "{error}");
    }
}

pub(crate) async fn the_login_is_not_for_the_stacks_own_broker() {
    let own = kafka::Config::plaintext("127.0.0.1:9092");
    // No such secret is there, so applying the login would be an error.
    for (servers, expected) in [("localhost:9092", Some(1)), ("127.0.0.1:9092", Some(1)), ("127.0.0.1:9094", None)] {
        let text = Source::template(servers, "t", &properties("BASIC_AUTH", "runner-no-such", "runner-no-such"));
        let app = crate::support::App::of(&text, "");
        let spec = &app.application.kafka_mappings[0];
        let told = std::cell::RefCell::new(Vec::new());
        let tell = |line: &str| told.borrow_mut().push(line.to_owned());
        let cluster = kafka_source::cluster(spec, Some(&own), &aws::variables(), &tell).await;
        assert_eq!(cluster.ok().map(|_| told.borrow().len()), expected, "{servers}: {told:?}");
        assert!(told.borrow().iter().all(|line| line.contains("the stack's own broker has no users")), "{told:?}");
    }
}

pub(crate) async fn a_broker_of_the_environment_is_read_with_the_environments_login() {
    const FAILED: &str =
        "BatchSize: 1, MaximumRetryAttempts: 0, DestinationConfig: {OnFailure: {Destination: 'kafka://TOPIC.failed'}}";
    let broker = Broker::shared().await;
    let mechanism = |name| vec![("KAFKA_SASL_MECHANISM", name), ("KAFKA_SECURITY_PROTOCOL", "SASL_SSL")];
    let user = [("KAFKA_SASL_USERNAME", USER), ("KAFKA_SASL_PASSWORD", PASSWORD)];
    for pairs in [
        vec![("EVENTHUB_CONNECTIONSTRING", CONNECTION_STRING)],
        [mechanism("PLAIN"), user.to_vec()].concat(),
        [mechanism("SCRAM-SHA-256"), user.to_vec()].concat(),
        [mechanism("SCRAM-SHA-512"), user.to_vec()].concat(),
    ] {
        let own = kafka::Config::from_variables(broker.variables(&pairs)).unwrap().unwrap();
        // Records of a producer with this login, for a mapping that takes the stack's broker.
        let source = Source::beside(&own, &broker.open(), &broker.sasl(), FAILED, JUDGE).await;
        let record = |value: &str| kafka::Message {
            topic: source.topic.name.clone(),
            value: Some(value.into()),
            ..kafka::Message::default()
        };
        let producer = kafka::Producer::new(&own).unwrap();
        producer.send_all(["good", "poison", "good too"].map(record).into()).await.unwrap();
        source.enable().await;
        source.until_committed(&[3]).await;
        assert_eq!(source.delivered(0), ["good", "poison", "good too"], "{}", pairs[0].1);
        assert_eq!(source.failed.read(1).await.len(), 1, "{}", pairs[0].1);
        source.mapping.disable().await;
    }
}

pub(crate) async fn a_connection_string_that_is_refused_is_an_error_that_does_not_show_it() {
    let broker = Broker::shared().await;
    let wrong = CONNECTION_STRING.replace("SharedAccessKey=", "SharedAccessKey=d3Jvbmc");
    let own = kafka::Config::from_variables(broker.variables(&[("EVENTHUB_CONNECTIONSTRING", &wrong)]));
    let own = own.unwrap().unwrap();
    let source = Source::beside(&own, &broker.open(), &broker.sasl(), "BatchSize: 1", "").await;
    let error = format!("{:#}", source.mapping.enable().await.unwrap_err());
    assert!(error.contains("start mapping FRecords") && !error.contains("d3Jvbmc"), "{error}");
}
