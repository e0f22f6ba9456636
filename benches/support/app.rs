//! A topic of the bench's own on the real broker, the bench's function in a host, and the mapping between them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::Context;
use kafka::{Config, admin};
use millrace::{
    host::{Host, HostConfig},
    kafka_source::Mapping,
    template::{self, Options},
};
use rdkafka::producer::FutureProducer;
use uuid::Uuid;

/// Everything of one measurement. Its folder goes with it; the topic stays in the instance, which is thrown away.
pub(crate) struct App {
    pub(crate) host: Host,
    pub(crate) mapping: Mapping,
    pub(crate) topic: String,
    pub(crate) kafka: Config,
    pub(crate) folder: PathBuf,
}

impl App {
    /// One partition, window 0, one process of the function, which notes in `<folder>/arrivals` what came when, or
    /// does nothing at all.
    pub(crate) async fn new(batch_size: usize, notes_arrivals: bool) -> anyhow::Result<Self> {
        let servers = std::env::var("KAFKA_BOOTSTRAP_SERVERS").context(
            "KAFKA_BOOTSTRAP_SERVERS is not set: run `make bench`, or `bash localstack/with-services.sh cargo bench \
             -p millrace-bench`",
        )?;
        let topic = format!("bench-{}", Uuid::new_v4().simple());
        let kafka = Config::plaintext(&servers);
        admin::create_topic(&kafka, &topic, 1, &BTreeMap::new()).await?;
        let text = format!(
            "Resources:
               F:
                 Type: AWS::Serverless::Function
                 Properties:
                   Runtime: provided.al2023
                   CodeUri: bench-function/
                   Timeout: 60
                   Events:
                     Records:
                       Type: SelfManagedKafka
                       Properties: {{KafkaBootstrapServers: ['{servers}'], Topics: [{topic}], ConsumerGroupId: {topic},
                         StartingPosition: TRIM_HORIZON, MaximumBatchingWindowInSeconds: 0, BatchSize: {batch_size}}}
            "
        );
        let application = template::parse(&text, Path::new("template.yaml"), &Options::default())?;
        let folder = std::env::temp_dir().join(&topic);
        std::fs::create_dir(&folder).with_context(|| format!("create {}", folder.display()))?;
        let mut environment = BTreeMap::new();
        if notes_arrivals {
            environment.insert("BENCH_ARRIVALS".to_owned(), folder.join("arrivals").display().to_string());
        }
        let config =
            HostConfig { environment, ..HostConfig::new(program_dir()?.to_owned(), folder.clone(), folder.clone()) };
        let host = Host::new(application.functions.into_values().collect(), config);
        let spec = application.kafka_mappings.into_iter().next().context("the template has no mapping")?;
        let mapping = Mapping::new(spec, host.clone(), kafka.clone());
        Ok(Self { host, mapping, topic, kafka, folder })
    }

    /// A producer that waits `linger_ms` for more records before it sends.
    pub(crate) fn producer(&self, linger_ms: u32) -> anyhow::Result<FutureProducer> {
        let mut client = self.kafka.client();
        client.set("acks", "all").set("enable.idempotence", "true").set("compression.type", "lz4");
        client.set("linger.ms", linger_ms.to_string()).set("queue.buffering.max.messages", "1000000");
        client.create().context("create a producer")
    }

    /// Ends the function and removes the folder.
    pub(crate) async fn end(self) -> anyhow::Result<()> {
        self.mapping.disable().await;
        self.host.shut_down(std::time::Duration::from_secs(1)).await;
        std::fs::remove_dir_all(&self.folder).with_context(|| format!("remove {}", self.folder.display()))
    }
}

/// Where cargo put the bench's function.
fn program_dir() -> anyhow::Result<&'static Path> {
    Path::new(env!("CARGO_BIN_EXE_bench-function")).parent().context("the bench's function is nowhere")
}
