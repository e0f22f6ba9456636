//! Kafka event source mappings.

use std::time::Duration;

use super::Destination;
use crate::pattern::Filters;

/// A Kafka event source mapping.
#[derive(Debug, Clone)]
pub struct KafkaMappingSpec {
    /// Logical id of the mapping, or `<Function><Event>` for SAM's event form.
    pub logical_id: String,
    /// `Ref` of the mapping, the same at every start: [`crate::template::names::mapping_uuid`].
    pub uuid: String,
    /// Logical id of the function.
    pub function: String,
    /// The one topic of the mapping.
    pub topic: String,
    /// `arn:aws:kafka:...` for MSK; `None` for self-managed.
    pub event_source_arn: Option<String>,
    /// `SelfManagedEventSource.Endpoints.KafkaBootstrapServers`; empty for MSK.
    pub bootstrap_servers: Vec<String>,
    /// `ConsumerGroupId`; `None` means that one is derived from the mapping's UUID.
    pub consumer_group_id: Option<String>,
    /// `StartingPosition`.
    pub starting_position: StartingPosition,
    /// `BatchSize`, 1 to 10,000; 100 when unset.
    pub batch_size: usize,
    /// `MaximumBatchingWindowInSeconds`; 500 ms when unset.
    pub batching_window: Duration,
    /// `MaximumRetryAttempts`; `None` is -1, without end.
    pub maximum_retry_attempts: Option<u32>,
    /// `MaximumRecordAgeInSeconds`; `None` is -1, any age.
    pub maximum_record_age: Option<Duration>,
    /// `BisectBatchOnFunctionError`.
    pub bisect_on_error: bool,
    /// `FunctionResponseTypes` contains `ReportBatchItemFailures`.
    pub report_batch_item_failures: bool,
    /// `DestinationConfig.OnFailure.Destination`: a Kafka topic, queue, SNS topic or bucket.
    pub on_failure: Option<Destination>,
    /// `SourceAccessConfigurations`.
    pub access: KafkaAccess,
    /// `FilterCriteria`, on `value`.
    pub filters: Filters,
    /// `ProvisionedPollerConfig.MaximumPollers`; 1 when unset.
    pub maximum_pollers: usize,
    /// `Enabled`; true when unset.
    pub enabled: bool,
    /// Line of the mapping in the template.
    pub line: usize,
}

impl KafkaMappingSpec {
    /// The retries after the first attempt: with an on-failure destination, Lambda reads -1 as 10.
    pub fn effective_retry_attempts(&self) -> Option<u32> {
        let limited = self.on_failure.as_ref().map(|_| 10);
        self.maximum_retry_attempts.or(limited)
    }
}

/// Where a consumer group without committed offsets begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartingPosition {
    /// The oldest record that the broker still has.
    TrimHorizon,
    /// Records produced from now on.
    Latest,
    /// `AT_TIMESTAMP`: the first record at or after this time, milliseconds since the epoch.
    AtTimestamp(i64),
}

/// How to log in to the cluster; the names of secrets, which are read when the stack starts.
#[derive(Debug, Clone, Default)]
pub struct KafkaAccess {
    /// Who the consumer is; `None` for nobody.
    pub login: Option<(KafkaAuthentication, SecretId)>,
    /// `SERVER_ROOT_CA_CERTIFICATE`: who signed the brokers' certificates.
    pub root_certificate: Option<SecretId>,
}

/// Name or ARN of a secret, or why it has no local value: that matters only when the login is used.
pub type SecretId = Result<String, String>;

/// The ways of logging in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KafkaAuthentication {
    /// `BASIC_AUTH`: SASL/PLAIN.
    Plain,
    /// `SASL_SCRAM_256_AUTH`.
    ScramSha256,
    /// `SASL_SCRAM_512_AUTH`.
    ScramSha512,
    /// `CLIENT_CERTIFICATE_TLS_AUTH`.
    ClientCertificate,
}
