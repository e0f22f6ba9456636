//! Destinations in the template: ARNs and `kafka://` names, and which of them a place accepts.

use super::{error::Fault, fields::Fields, spec::Destination};

/// A service that takes records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Kafka,
    Sqs,
    Sns,
    S3,
    Lambda,
}

impl Service {
    fn of(destination: &Destination) -> Self {
        match destination {
            Destination::KafkaTopic(_) => Self::Kafka,
            Destination::SqsQueue(_) => Self::Sqs,
            Destination::SnsTopic(_) => Self::Sns,
            Destination::S3Bucket(_) => Self::S3,
            Destination::Function(_) => Self::Lambda,
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::Kafka => "kafka://<topic>",
            Self::Sqs => "the ARN of an SQS queue",
            Self::Sns => "the ARN of an SNS topic",
            Self::S3 => "the ARN of an S3 bucket",
            Self::Lambda => "the ARN of a function",
        }
    }
}

/// Reads a destination that must be there and be of one of these services.
///
/// # Errors
/// Anything else; a FIFO queue or topic, to which AWS does not send; an event bus.
pub(super) fn required(fields: &Fields<'_, '_>, key: &str, services: &[Service]) -> Result<Destination, Fault> {
    let text = fields.required(key)?;
    let accepted = services.iter().map(|service| service.example()).collect::<Vec<_>>().join(", ");
    if text.starts_with("arn:aws:events:") {
        return Err(fields.fault(key, format!("event buses are not supported yet; accepted: {accepted}")));
    }
    match Destination::parse(&text).filter(|found| services.contains(&Service::of(found))) {
        Some(destination) if destination.is_fifo() => {
            Err(fields.refuse(key, &text, "a standard queue or topic; AWS does not send here to FIFO ones"))
        }
        Some(destination) => Ok(destination),
        None => Err(fields.refuse(key, &text, &accepted)),
    }
}
