//! Event source mappings of every kind, as the API, the settings, the metrics and the command line see them. What each
//! kind does stands in [`crate::kafka_source`] and [`crate::rabbitmq_source`].

mod lag;
mod secrets;
mod state;

use std::time::Duration;

use chrono::{DateTime, Utc};

pub use lag::Lag;
pub(crate) use lag::LagCache;
pub(crate) use secrets::secrets;
pub use state::{MappingChange, MappingState, MappingStatistics};

use crate::{kafka_source, rabbitmq_source};

/// One mapping.
#[derive(Debug)]
pub enum Mapping {
    /// Reads a Kafka topic.
    Kafka(kafka_source::Mapping),
    /// Reads a RabbitMQ queue.
    RabbitMq(rabbitmq_source::Mapping),
}

impl Mapping {
    /// Logical id in the template.
    #[must_use]
    pub fn logical_id(&self) -> &str {
        match self {
            Self::Kafka(mapping) => &mapping.spec().logical_id,
            Self::RabbitMq(mapping) => &mapping.spec().logical_id,
        }
    }

    /// Its UUID, the same at every start.
    #[must_use]
    pub fn uuid(&self) -> &str {
        match self {
            Self::Kafka(mapping) => mapping.uuid(),
            Self::RabbitMq(mapping) => &mapping.spec().uuid,
        }
    }

    /// Logical id of its function.
    #[must_use]
    pub fn function(&self) -> &str {
        match self {
            Self::Kafka(mapping) => &mapping.spec().function,
            Self::RabbitMq(mapping) => &mapping.spec().function,
        }
    }

    /// The ARN of what it reads; none for a Kafka of one's own.
    #[must_use]
    pub fn event_source_arn(&self) -> Option<&str> {
        match self {
            Self::Kafka(mapping) => mapping.spec().event_source_arn.as_deref(),
            Self::RabbitMq(mapping) => Some(&mapping.spec().broker_arn),
        }
    }

    /// What it reads, for people and as a label: a topic, or `queue::virtual host`.
    #[must_use]
    pub fn source(&self) -> String {
        match self {
            Self::Kafka(mapping) => mapping.spec().topic.clone(),
            Self::RabbitMq(mapping) => mapping.spec().source(),
        }
    }

    /// The patterns of its filters, as written.
    #[must_use]
    pub fn filters(&self) -> &[String] {
        match self {
            Self::Kafka(mapping) => mapping.spec().filters.patterns(),
            Self::RabbitMq(mapping) => mapping.spec().filters.patterns(),
        }
    }

    /// `Enabled` in the template.
    #[must_use]
    pub fn enabled_in_template(&self) -> bool {
        match self {
            Self::Kafka(mapping) => mapping.spec().enabled,
            Self::RabbitMq(mapping) => mapping.spec().enabled,
        }
    }

    /// Where it is, and since when.
    #[must_use]
    pub fn state(&self) -> (MappingState, DateTime<Utc>) {
        match self {
            Self::Kafka(mapping) => mapping.state(),
            Self::RabbitMq(mapping) => mapping.state(),
        }
    }

    /// What keeps it from reading although it is enabled.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        match self {
            Self::Kafka(_) => None,
            Self::RabbitMq(mapping) => mapping.problem(),
        }
    }

    /// Batch size and window in force.
    #[must_use]
    pub fn limits(&self) -> (usize, Duration) {
        match self {
            Self::Kafka(mapping) => mapping.limits(),
            Self::RabbitMq(mapping) => mapping.limits(),
        }
    }

    /// What happened so far.
    #[must_use]
    pub fn statistics(&self) -> MappingStatistics {
        match self {
            Self::Kafka(mapping) => mapping.statistics(),
            Self::RabbitMq(mapping) => mapping.statistics(),
        }
    }

    /// How far it is behind; `None` when the broker does not answer.
    pub async fn lag(&self) -> Option<Lag> {
        match self {
            Self::Kafka(mapping) => mapping.lag().await,
            Self::RabbitMq(mapping) => mapping.lag().await,
        }
    }

    /// Starts to read; does nothing when it reads.
    ///
    /// # Errors
    /// When a Kafka mapping's topic does not exist or Kafka does not answer. A RabbitMQ mapping waits for its queue.
    pub async fn enable(&self) -> anyhow::Result<()> {
        match self {
            Self::Kafka(mapping) => mapping.enable().await,
            Self::RabbitMq(mapping) => {
                mapping.enable().await;
                Ok(())
            }
        }
    }

    /// Ends what it began, and reads no more.
    pub async fn disable(&self) {
        match self {
            Self::Kafka(mapping) => mapping.disable().await,
            Self::RabbitMq(mapping) => mapping.disable().await,
        }
    }

    /// Changes settings; they hold from the next batch on.
    pub fn change(&self, change: &MappingChange) {
        match self {
            Self::Kafka(mapping) => mapping.change(change),
            Self::RabbitMq(mapping) => mapping.change(change),
        }
    }
}
