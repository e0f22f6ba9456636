//! The whole of one template.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::{
    ApiSpec, FunctionSpec, KafkaMappingSpec, MqMappingSpec, Outline, Place, QueueSpec, ScheduleSpec, SnsTopicSpec,
    UrlSpec,
};

/// Everything that one SAM template asks for.
#[derive(Debug, Clone, Default)]
pub struct Application {
    /// By logical id, in the template's order.
    pub functions: IndexMap<String, FunctionSpec>,
    /// Kafka triggers, from raw `AWS::Lambda::EventSourceMapping` and from SAM's `MSK` and `SelfManagedKafka` events.
    pub kafka_mappings: Vec<KafkaMappingSpec>,
    /// RabbitMQ triggers, from raw `AWS::Lambda::EventSourceMapping` and from SAM's `MQ` events.
    pub mq_mappings: Vec<MqMappingSpec>,
    /// `Schedule`, `ScheduleV2` events and raw `AWS::Scheduler::Schedule`.
    pub schedules: Vec<ScheduleSpec>,
    /// `AWS::Serverless::HttpApi`, by logical id.
    pub apis: IndexMap<String, ApiSpec>,
    /// Function URLs.
    pub urls: Vec<UrlSpec>,
    /// Topics that are created before a trigger starts, by name.
    pub topics: BTreeMap<String, TopicSpec>,
    /// Names of the template's `AWS::S3::Bucket`s, which are made before a trigger starts.
    pub buckets: Vec<String>,
    /// The template's `AWS::SQS::Queue`s and those that SAM makes, which are made before a trigger starts.
    pub queues: Vec<QueueSpec>,
    /// The same of `AWS::SNS::Topic`s.
    pub sns_topics: Vec<SnsTopicSpec>,
    /// What is not applied here.
    pub warnings: Vec<Warning>,
    /// What stands where.
    pub outline: Outline,
}

/// A setting that is accepted and has no effect here, although it has one on AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The resource's logical id.
    pub resource: String,
    /// Where the setting stands.
    pub place: Place,
    /// What has which effect here.
    pub message: String,
}

impl Application {
    /// The variables without which a trigger cannot run: where the broker of an ARN is.
    pub fn needed_variables(&self) -> impl Iterator<Item = &'static str> {
        let msk = self.kafka_mappings.iter().any(|mapping| mapping.event_source_arn.is_some());
        let mq = !self.mq_mappings.is_empty();
        msk.then_some("KAFKA_BOOTSTRAP_SERVERS").into_iter().chain(mq.then_some("RABBITMQ_URL"))
    }
}

/// A topic that the template names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Number of partitions.
    pub partitions: i32,
    /// Topic configuration (`retention.ms` ...).
    pub config: BTreeMap<String, String>,
}
