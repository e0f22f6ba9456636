//! `AWS::SQS::Queue`, `AWS::SNS::Topic` and `AWS::SNS::Subscription`: what is made before a trigger starts.

use super::{
    error::Fault,
    fields::Fields,
    ignored,
    node::{Entry, Node},
    resources::Reader,
    spec::{Destination, QueueSpec, SnsTopicSpec},
};

/// Properties of a queue that are its attributes under the same name.
const ATTRIBUTES: [&str; 10] = [
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "DelaySeconds",
    "FifoThroughputLimit",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "VisibilityTimeout",
];

impl Reader<'_, '_> {
    /// Reads a queue.
    ///
    /// # Errors
    /// A property that is wrong or not supported.
    pub(super) fn queue(&mut self, entry: &Entry) -> Result<(), Fault> {
        let fields = Fields::of(self.scope, entry)?;
        fields.only(&[&["FifoQueue", "QueueName"], &ATTRIBUTES[..]].concat(), ignored::QUEUE)?;
        let mut attributes = std::collections::BTreeMap::new();
        for key in ATTRIBUTES {
            let Some(node) = fields.get(key)? else { continue };
            let value = node.as_text().map_or_else(|| node.to_json().to_string(), str::to_owned);
            attributes.insert(key.to_owned(), value);
        }
        let name = self.scope.messaging_name(&entry.key, "QueueName", "FifoQueue")?;
        self.app.queues.push(QueueSpec { name, attributes });
        Ok(())
    }

    /// Reads a topic with the queues that subscribe to it.
    ///
    /// # Errors
    /// A property that is wrong or not supported.
    pub(super) fn sns_topic(&mut self, entry: &Entry) -> Result<(), Fault> {
        let fields = Fields::of(self.scope, entry)?;
        fields.only(&["FifoTopic", "Subscription", "TopicName"], ignored::SNS_TOPIC)?;
        let name = self.scope.messaging_name(&entry.key, "TopicName", "FifoTopic")?;
        let mut queues = Vec::new();
        let subscriptions = fields.chosen("Subscription")?;
        for node in subscriptions.as_deref().and_then(Node::as_sequence).unwrap_or_default() {
            let subscription = Fields::new(self.scope, format!("{}.Subscription", entry.key), node)?;
            queues.extend(self.subscriber(&subscription)?);
        }
        self.app.sns_topics.push(SnsTopicSpec { name, queues });
        Ok(())
    }

    /// Reads a subscription to a topic of the template.
    ///
    /// # Errors
    /// A property that is wrong.
    pub(super) fn subscription(&mut self, entry: &Entry) -> Result<(), Fault> {
        let fields = Fields::of(self.scope, entry)?;
        let Some(queue) = self.subscriber(&fields)? else { return Ok(()) };
        let topic = fields.required("TopicArn")?;
        let name = topic.rsplit(':').next().unwrap_or_default();
        match self.app.sns_topics.iter_mut().find(|topic| topic.name == name) {
            Some(topic) => topic.queues.push(queue),
            None => {
                let message = format!("{} is not made: its topic {topic} is not of this template", entry.key);
                self.warn(&entry.key, entry.position, message);
            }
        }
        Ok(())
    }

    /// The queue that subscribes; what is no queue, or wants a part of the messages only, gets none here.
    fn subscriber(&mut self, fields: &Fields<'_, '_>) -> Result<Option<String>, Fault> {
        let plain = ["Endpoint", "Protocol", "Region", "TopicArn"];
        let other = fields.entries().iter().find(|entry| !plain.contains(&entry.key.as_str()));
        let protocol = fields.text("Protocol")?;
        if protocol.as_deref() != Some("sqs") || other.is_some() {
            let message = format!(
                "{}: this subscription is not made; only queues (Protocol: sqs) without further properties are",
                fields.what
            );
            let resource = fields.what.split('.').next().unwrap_or_default().to_owned();
            self.warn(&resource, fields.position, message);
            return Ok(None);
        }
        let endpoint = fields.required("Endpoint")?;
        match Destination::parse(&endpoint) {
            Some(Destination::SqsQueue(arn)) => Ok(Some(arn)),
            _ => Err(fields.refuse("Endpoint", &endpoint, "the ARN of an SQS queue")),
        }
    }
}
