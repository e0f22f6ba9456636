//! A topic, a function, and the mapping between them.

use base64_simd::STANDARD;
use kafka::Config;
use millrace::{
    host::Paths,
    kafka_source::{Mapping, cluster},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    App, aws,
    topic::{Topic, broker},
    until, with_events,
};

/// Records the values of each batch, by partition: `{"0": ["a", "b"]}`; then it does what `judge(batch)` says.
const READER: &str = "
import base64
def judge(batch):
    pass
def values(event):
    return {name.rpartition('-')[2]: [base64.b64decode(record['value']).decode() for record in records]
            for name, records in event['records'].items()}
def handler(event, context):
    batch = values(event)
    record(batch)
    return judge(batch)
";

/// Everything of one test.
pub(crate) struct Source {
    pub(crate) app: App,
    pub(crate) mapping: Mapping,
    pub(crate) topic: Topic,
    /// `<topic>.failed`, for mappings that name it.
    pub(crate) failed: Topic,
}

impl Source {
    /// A mapping with these properties (`BatchSize: 10`; `TOPIC` is the topic's name) to a function with READER's
    /// handler and what `judge` adds to it. It reads from the oldest record on unless the properties say otherwise.
    pub(crate) async fn new(partitions: i32, properties: &str, judge: &str) -> Self {
        Self::with_handler(partitions, properties, &format!("{READER}\n{judge}")).await
    }

    /// As [`Source::new`], with a handler that is all the test's own.
    pub(crate) async fn with_handler(partitions: i32, properties: &str, handler: &str) -> Self {
        Self::build(partitions, properties, handler, Paths::default()).await
    }

    /// As [`Source::new`], with something between the mapping and the function.
    pub(crate) async fn on(partitions: i32, properties: &str, judge: &str, paths: Paths) -> Self {
        Self::build(partitions, properties, &format!("{READER}\n{judge}"), paths).await
    }

    async fn build(partitions: i32, properties: &str, handler: &str, paths: Paths) -> Self {
        let name = format!("runner-{}", Uuid::new_v4().simple());
        let topic = Topic::create(name.clone(), partitions).await;
        let failed = Topic::create(format!("{name}.failed"), 1).await;
        let app = App::on(&Self::template(&broker().bootstrap_servers, &name, properties), handler, paths);
        let mapping = Self::mapping(&app, &topic);
        Self { app, mapping, topic, failed }
    }

    /// A topic of one partition on a broker that asks for logins: `open` is where it does not, `servers` where it does.
    pub(crate) async fn with_login(open: &Config, servers: &str, properties: &str, judge: &str) -> Self {
        Self::beside(&broker(), open, servers, properties, judge).await
    }

    /// As [`Source::with_login`], with `own` as the broker of the stack.
    pub(crate) async fn beside(own: &Config, open: &Config, servers: &str, properties: &str, judge: &str) -> Self {
        let name = format!("runner-{}", Uuid::new_v4().simple());
        let topic = Topic::create_on(open.clone(), name.clone(), 1).await;
        let failed = Topic::create_on(open.clone(), format!("{name}.failed"), 1).await;
        let app = App::of(&Self::template(servers, &name, properties), &format!("{READER}\n{judge}"));
        let spec = app.application.kafka_mappings[0].clone();
        let cluster =
            cluster(&spec, Some(own), &aws::variables(), &|_| ()).await.unwrap_or_else(|error| panic!("{error:#}"));
        let mapping = Mapping::new(spec, app.host.clone(), cluster);
        Self { app, mapping, topic, failed }
    }

    /// A function with one Kafka event.
    pub(crate) fn template(servers: &str, topic: &str, properties: &str) -> String {
        let start = if properties.contains("StartingPosition") { "" } else { "StartingPosition: TRIM_HORIZON, " };
        let window = if properties.contains("Window") { "" } else { "MaximumBatchingWindowInSeconds: 0, " };
        let properties = properties.replace("TOPIC", topic);
        with_events(&format!(
            "Records: {{Type: SelfManagedKafka, Properties: {{KafkaBootstrapServers: ['{servers}'], Topics: [{topic}],
               ConsumerGroupId: {topic}, {start}{window}{properties}}}}}"
        ))
    }

    fn mapping(app: &App, topic: &Topic) -> Mapping {
        let spec = app.application.kafka_mappings[0].clone();
        Mapping::new(spec, app.host.clone(), topic.kafka.clone())
    }

    /// Another mapping of the same template: a second runner in the same group.
    pub(crate) fn another_mapping(&self) -> Mapping {
        Self::mapping(&self.app, &self.topic)
    }

    /// The same function and topic, set up by another template: a runner that starts later with changed properties.
    pub(crate) fn remapped(&self, properties: &str, judge: &str) -> (App, Mapping) {
        let app = App::of(
            &Self::template(&broker().bootstrap_servers, &self.topic.name, properties),
            &format!("{READER}\n{judge}"),
        );
        let mapping = Self::mapping(&app, &self.topic);
        (app, mapping)
    }

    pub(crate) async fn enable(&self) {
        self.mapping.enable().await.unwrap_or_else(|error| panic!("{error:#}"));
    }

    /// What the mapping's group committed, by partition.
    pub(crate) async fn committed(&self) -> Vec<Option<i64>> {
        self.topic.committed(self.mapping.group()).await
    }

    /// Enables the mapping until its first record is given up and no destination takes it: then nothing is settled.
    pub(crate) async fn gives_up_and_settles_nothing(&self) {
        self.enable().await;
        until("a record that is given up", async || (self.mapping.statistics().given_up > 0).then_some(())).await;
        self.mapping.disable().await;
        assert_eq!(self.committed().await[0].unwrap_or(0), 0, "it is not settled before the destination has it");
        assert_eq!(self.app.records(), [json!({"0": ["poison"]})]);
    }

    /// Waits until the group has committed exactly this.
    pub(crate) async fn until_committed(&self, expected: &[i64]) {
        until(&format!("committed offsets {expected:?}"), async || {
            let committed = self.committed().await;
            let same = committed.iter().zip(expected).all(|(found, expected)| found.unwrap_or(0) == *expected);
            (same && committed.len() == expected.len()).then_some(())
        })
        .await;
    }

    /// All values that the function got from a partition, in the order of delivery, batches put together.
    pub(crate) fn delivered(&self, partition: i32) -> Vec<String> {
        delivered(&self.app, partition)
    }
}

/// As [`Source::delivered`], of any function with READER's handler.
pub(crate) fn delivered(app: &App, partition: i32) -> Vec<String> {
    let partition = partition.to_string();
    let batches = app.records().into_iter();
    let values = batches.flat_map(|batch| batch[&partition].as_array().cloned().unwrap_or_default());
    values.map(|value| value.as_str().unwrap().to_owned()).collect()
}

/// A base64 text as UTF-8.
pub(crate) fn decoded(base64: &Value) -> String {
    String::from_utf8(STANDARD.decode_to_vec(base64.as_str().unwrap()).unwrap()).unwrap()
}

/// `batch(0, 3..5)`: the batch `{"0": ["3", "4"]}`, as READER's handler records it.
pub(crate) fn batch(partition: i32, values: std::ops::Range<i32>) -> Value {
    let values: Vec<String> = values.map(|value| value.to_string()).collect();
    json!({ partition.to_string(): values })
}
