//! A queue of a test's own on the real RabbitMQ, and the mapping between it and a function.

use std::collections::BTreeMap;

use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
    uri::AMQPUri,
};
use millrace::rabbitmq_source::{Broker, Mapping};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{App, aws, until};

fn variable(name: &str) -> String {
    let value = std::env::var(name).unwrap_or_default();
    assert!(
        !value.is_empty(),
        "{name} is not set: run the tests with `make test`, or \
         `bash localstack/with-services.sh cargo test --workspace --test conformance`"
    );
    value
}

/// The broker of `RABBITMQ_URL`.
pub(crate) fn broker_url() -> String {
    variable("RABBITMQ_URL")
}

/// A call of RabbitMQ's management API, which succeeds.
pub(crate) async fn manage(path: &str, body: &Value) {
    let url = format!("{}/api/{path}", variable("RABBITMQ_MANAGEMENT_URL"));
    let answer = reqwest::Client::new().put(&url).json(body).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
}

/// A queue, and a channel to it.
pub(crate) struct Queue {
    pub(crate) name: String,
    channel: Channel,
    _connection: Connection,
}

impl Queue {
    /// The name of a queue that is not there yet.
    pub(crate) fn unused_name() -> String {
        format!("runner-{}", Uuid::new_v4().simple())
    }

    /// Makes a durable queue with these arguments, which goes away by itself some time after the test.
    pub(crate) async fn create(name: &str, arguments: &[(&str, AMQPValue)]) -> Self {
        Self::create_at(&broker_url(), "/", name, arguments).await
    }

    /// As [`Queue::create`], in any broker and virtual host.
    pub(crate) async fn create_at(url: &str, vhost: &str, name: &str, arguments: &[(&str, AMQPValue)]) -> Self {
        let mut uri: AMQPUri = url.parse().unwrap();
        vhost.clone_into(&mut uri.vhost);
        let connection = Connection::connect_uri(uri, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        let mut table = FieldTable::default();
        table.insert("x-expires".into(), AMQPValue::LongInt(600_000));
        for (key, value) in arguments {
            table.insert((*key).into(), value.clone());
        }
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        channel.queue_declare(name.into(), options, table).await.unwrap();
        Self { name: name.to_owned(), channel, _connection: connection }
    }

    /// Publishes one message and waits until the broker has it.
    pub(crate) async fn publish_with(&self, properties: BasicProperties, data: &[u8]) {
        let (exchange, key) = ("".into(), self.name.as_str().into());
        let sent = self.channel.basic_publish(exchange, key, BasicPublishOptions::default(), data, properties).await;
        sent.unwrap().await.unwrap();
    }

    /// Publishes persistent messages in this order.
    pub(crate) async fn publish(&self, messages: &[&str]) {
        for data in messages {
            self.publish_with(BasicProperties::default().with_delivery_mode(2), data.as_bytes()).await;
        }
    }

    /// Publishes the numbers of a range.
    pub(crate) async fn publish_numbers(&self, numbers: std::ops::Range<usize>) {
        let numbers: Vec<String> = numbers.map(|number| number.to_string()).collect();
        self.publish(&numbers.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }

    /// Messages that wait in it, without those that a consumer holds.
    pub(crate) async fn ready(&self) -> u32 {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let found = self.channel.queue_declare(self.name.as_str().into(), passive, FieldTable::default()).await;
        found.unwrap().message_count()
    }
}

/// Records the messages of each batch with their marks: `[["a", false], ["b", true]]`; then it does what
/// `judge(["a", "b"])` says.
const READER: &str = "
import base64
def judge(batch):
    pass
def messages(event):
    (found,) = event['rmqMessagesByQueue'].values()
    return [[base64.b64decode(message['data']).decode(), message['redelivered']] for message in found]
def handler(event, context):
    batch = messages(event)
    record(batch)
    return judge([data for data, _ in batch])
";

/// Everything of one test.
pub(crate) struct Rabbit {
    pub(crate) app: App,
    pub(crate) mapping: Mapping,
    pub(crate) queue: Queue,
}

impl Rabbit {
    /// A queue and a mapping with these properties (`BatchSize: 10`) to a function with READER's handler and what `judge`
    /// adds to it. Its window is 0 unless the properties say otherwise.
    pub(crate) async fn new(properties: &str, judge: &str) -> Self {
        Self::with_function("Timeout: 60", properties, judge).await
    }

    /// As [`Rabbit::new`], of a function with these properties.
    pub(crate) async fn with_function(function: &str, properties: &str, judge: &str) -> Self {
        let queue = Queue::create(&Queue::unused_name(), &[]).await;
        Self::on(queue, function, properties, judge)
    }

    /// As [`Rabbit::new`], of a queue that is there already.
    pub(crate) fn of(queue: Queue, properties: &str, judge: &str) -> Self {
        Self::on(queue, "Timeout: 60", properties, judge)
    }

    fn on(queue: Queue, function: &str, properties: &str, judge: &str) -> Self {
        let (app, mapping) = mapping(&queue.name, function, properties, judge);
        Self { app, mapping, queue }
    }

    /// Waits until so many messages are done.
    pub(crate) async fn done(&self, count: u64) {
        done(&self.mapping, count).await;
    }

    /// All messages that the function got, in the order of delivery, batches put together.
    pub(crate) fn delivered(&self) -> Vec<String> {
        data(&self.app.records())
    }
}

/// Waits until a mapping has done so many messages.
pub(crate) async fn done(mapping: &Mapping, count: u64) {
    until(&format!("{count} messages that are done"), async || (mapping.statistics().records >= count).then_some(()))
        .await;
}

/// The messages of recorded batches, put together.
pub(crate) fn data(records: &[Value]) -> Vec<String> {
    let messages = records.iter().flat_map(|batch| batch.as_array().unwrap());
    messages.map(|message| message[0].as_str().unwrap().to_owned()).collect()
}

/// A function with READER's handler, and its mapping of a queue that may be there or not.
pub(crate) fn mapping(queue: &str, function: &str, properties: &str, judge: &str) -> (App, Mapping) {
    let variables = BTreeMap::from([("RABBITMQ_URL".to_owned(), broker_url())]);
    mapping_at(&variables, queue, function, properties, judge)
}

/// As [`mapping`], for a stack with these variables.
pub(crate) fn mapping_at(
    variables: &BTreeMap<String, String>,
    queue: &str,
    function: &str,
    properties: &str,
    judge: &str,
) -> (App, Mapping) {
    let window = if properties.contains("Window") { "" } else { "MaximumBatchingWindowInSeconds: 0, " };
    let access = if properties.contains("SourceAccess") {
        ""
    } else {
        "SourceAccessConfigurations: [{Type: BASIC_AUTH, URI: none}], "
    };
    let template = format!(
        "Resources:
           Broker: {{Type: AWS::AmazonMQ::Broker, Properties: {{EngineType: RABBITMQ, BrokerName: orders}}}}
           F:
             Type: AWS::Serverless::Function
             Properties: {{Runtime: provided.al2023, CodeUri: f/, {function}, Events: {{Messages: {{Type: MQ,
               Properties: {{Broker: !GetAtt Broker.Arn, Queues: [{queue}], {window}{access}{properties}}}}}}}}}
        "
    );
    let app = App::of(&template, &format!("{READER}\n{judge}"));
    let spec = app.application.mq_mappings[0].clone();
    let broker = Broker::of_stack(&spec, variables).unwrap();
    let mapping = Mapping::new(spec, app.host.clone(), broker);
    (app, mapping)
}

/// What a stack with an emulator knows, RabbitMQ included.
pub(crate) fn variables() -> BTreeMap<String, String> {
    let mut variables = aws::variables();
    variables.insert("RABBITMQ_URL".into(), broker_url());
    variables
}

/// Makes a user of the broker with all rights in `/`.
pub(crate) async fn create_user(name: &str, password: &str) {
    manage(&format!("users/{name}"), &json!({"password": password, "tags": ""})).await;
    manage(&format!("permissions/%2F/{name}"), &json!({"configure": ".*", "write": ".*", "read": ".*"})).await;
}
