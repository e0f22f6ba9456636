//! Where records of failures and results go, and the resources of the template that can be named there.

use std::collections::BTreeMap;

/// What `Destination`, `TargetArn` and `DeadLetterConfig` name.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Destination {
    /// `kafka://<topic>`, on the mapping's own cluster.
    KafkaTopic(String),
    /// The ARN of an SQS queue.
    SqsQueue(String),
    /// The ARN of an SNS topic.
    SnsTopic(String),
    /// The name of an S3 bucket.
    S3Bucket(String),
    /// The ARN of a Lambda function, which is invoked asynchronously.
    Function(String),
}

impl Destination {
    /// Reads `kafka://<topic>` or an ARN; `None` for what no record can be sent to.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(topic) = text.strip_prefix("kafka://") {
            return (!topic.is_empty()).then(|| Self::KafkaTopic(topic.to_owned()));
        }
        let mut parts = text.splitn(6, ':');
        let (arn, _partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (_region, _account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        match service {
            _ if arn != "arn" || resource.is_empty() => None,
            "sqs" if !resource.contains(':') => Some(Self::SqsQueue(text.to_owned())),
            "sns" if !resource.contains(':') => Some(Self::SnsTopic(text.to_owned())),
            "s3" if !resource.contains('/') => Some(Self::S3Bucket(resource.to_owned())),
            "lambda" if resource.starts_with("function:") => Some(Self::Function(text.to_owned())),
            _ => None,
        }
    }

    /// Whether it is a queue or topic that keeps order, which Lambda and EventBridge do not send to.
    #[must_use]
    pub fn is_fifo(&self) -> bool {
        match self {
            Self::SqsQueue(arn) | Self::SnsTopic(arn) => arn.ends_with(".fifo"),
            _ => false,
        }
    }
}

/// As it is written in a template.
impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::KafkaTopic(topic) => write!(f, "kafka://{topic}"),
            Self::S3Bucket(name) => write!(f, "arn:aws:s3:::{name}"),
            Self::SqsQueue(arn) | Self::SnsTopic(arn) | Self::Function(arn) => f.write_str(arn),
        }
    }
}

/// An `AWS::SQS::Queue` of the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSpec {
    /// `QueueName`, or one from the logical id.
    pub name: String,
    /// `VisibilityTimeout` and the like, as the queue's attributes have them.
    pub attributes: BTreeMap<String, String>,
}

/// An `AWS::SNS::Topic` of the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnsTopicSpec {
    /// `TopicName`, or one from the logical id.
    pub name: String,
    /// ARNs of the queues that its messages are copied to.
    pub queues: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_read_and_written_alike() {
        for (text, expected) in [
            ("kafka://t.failed", Destination::KafkaTopic("t.failed".into())),
            ("arn:aws:sqs:us-east-1:1:q", Destination::SqsQueue("arn:aws:sqs:us-east-1:1:q".into())),
            ("arn:aws:sns:us-east-1:1:t", Destination::SnsTopic("arn:aws:sns:us-east-1:1:t".into())),
            ("arn:aws:s3:::b", Destination::S3Bucket("b".into())),
            (
                "arn:aws:lambda:us-east-1:1:function:f",
                Destination::Function("arn:aws:lambda:us-east-1:1:function:f".into()),
            ),
        ] {
            assert_eq!(Destination::parse(text).as_ref(), Some(&expected), "{text}");
            assert_eq!(expected.to_string(), text);
        }
        for text in ["kafka://", "q", "arn:aws:events:us-east-1:1:event-bus/b", "arn:aws:sqs", "arn:aws:s3:::b/key"] {
            assert_eq!(Destination::parse(text), None, "{text}");
        }
        assert!(Destination::SqsQueue("arn:aws:sqs:us-east-1:1:q.fifo".into()).is_fifo());
    }
}
