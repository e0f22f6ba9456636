//! RabbitMQ event source mappings: Amazon MQ's.

use std::time::Duration;

use crate::pattern::Filters;

/// A mapping of one queue of a RabbitMQ broker.
#[derive(Debug, Clone)]
pub struct MqMappingSpec {
    /// Logical id of the mapping, or `<Function><Event>` for SAM's event form.
    pub logical_id: String,
    /// `Ref` of the mapping, the same at every start: [`crate::template::names::mapping_uuid`].
    pub uuid: String,
    /// Logical id of the function.
    pub function: String,
    /// `Broker` or `EventSourceArn`: `arn:aws:mq:...`.
    pub broker_arn: String,
    /// The one queue of the mapping.
    pub queue: String,
    /// `VIRTUAL_HOST` of `SourceAccessConfigurations`; `/` when unset.
    pub virtual_host: String,
    /// `BASIC_AUTH` of `SourceAccessConfigurations`: the secret that holds the broker's login.
    pub secret: String,
    /// `BatchSize`, 1 to 10,000; 100 when unset.
    pub batch_size: usize,
    /// `MaximumBatchingWindowInSeconds`; 500 ms when unset.
    pub batching_window: Duration,
    /// `FilterCriteria`, on `data`.
    pub filters: Filters,
    /// `Enabled`; true when unset.
    pub enabled: bool,
    /// Line of the mapping in the template.
    pub line: usize,
}

impl MqMappingSpec {
    /// `queue::virtual host`, the key of the event.
    #[must_use]
    pub fn source(&self) -> String {
        format!("{}::{}", self.queue, self.virtual_host)
    }
}
