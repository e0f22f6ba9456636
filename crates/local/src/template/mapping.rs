//! What every Kafka trigger has: batches, retries, the place where it begins.

use std::time::Duration;

use super::{
    access,
    destinations::{self, Service},
    error::Fault,
    fields::Fields,
    filters, names,
    node::Position,
    resources::Reader,
    spec::{Destination, KafkaMappingSpec, StartingPosition},
};

/// What the three forms have in common.
pub(super) const COMMON: [&str; 14] = [
    "BatchSize",
    "BisectBatchOnFunctionError",
    "ConsumptionMode",
    "DestinationConfig",
    "Enabled",
    "FilterCriteria",
    "FunctionResponseTypes",
    "MaximumBatchingWindowInSeconds",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "ProvisionedPollerConfig",
    "SourceAccessConfigurations",
    "StartingPosition",
    "StartingPositionTimestamp",
];

/// Lambda's limit for a function with a Kafka or MQ mapping: 14 minutes.
const MAXIMUM_TIMEOUT: Duration = Duration::from_secs(840);

/// Where the records are.
pub(super) struct Source {
    pub(super) event_source_arn: Option<String>,
    pub(super) bootstrap_servers: Vec<String>,
    pub(super) consumer_group_id: Option<String>,
}

/// Reads the common properties and adds the mapping.
///
/// # Errors
/// A property that is wrong or not supported.
pub(super) fn mapping(
    reader: &mut Reader<'_, '_>,
    logical_id: String,
    function: &str,
    fields: &Fields<'_, '_>,
    source: Source,
) -> Result<(), Fault> {
    if source.event_source_arn.is_none() && source.bootstrap_servers.is_empty() {
        return Err(Fault::new(fields.position, format!("{}: KafkaBootstrapServers is empty", fields.what)));
    }
    fields.word("ConsumptionMode", &["Stream"])?;
    let topics = fields.texts("Topics")?;
    let [topic] = topics.as_slice() else {
        let found = topics.len();
        return Err(fields.fault("Topics", format!("exactly one topic is accepted, found {found}")));
    };
    check_timeout(reader, function, fields.position, "a Kafka mapping")?;
    let pollers = fields.nested("ProvisionedPollerConfig", |config| {
        config.only(&["MinimumPollers", "MaximumPollers"], &[("PollerGroupName", "pollers cost nothing")])?;
        config.count("MinimumPollers", 1..=200)?;
        Ok(config.count("MaximumPollers", 1..=2000)?.unwrap_or(200))
    })?;
    let msk = source.event_source_arn.is_some();
    let mapping = KafkaMappingSpec {
        uuid: names::mapping_uuid(&logical_id),
        logical_id,
        function: function.to_owned(),
        event_source_arn: source.event_source_arn,
        bootstrap_servers: source.bootstrap_servers,
        consumer_group_id: source.consumer_group_id,
        starting_position: starting_position(fields)?,
        batch_size: fields.count("BatchSize", 1..=10_000)?.map_or(100, |size| size as usize),
        batching_window: match fields.count("MaximumBatchingWindowInSeconds", 0..=300)? {
            Some(seconds) => Duration::from_secs(seconds.into()),
            None => Duration::from_millis(500),
        },
        maximum_retry_attempts: fields
            .integer("MaximumRetryAttempts", -1..=10_000)?
            .and_then(|attempts| u32::try_from(attempts).ok()),
        maximum_record_age: record_age(fields)?,
        bisect_on_error: fields.boolean("BisectBatchOnFunctionError")?.unwrap_or(false),
        report_batch_item_failures: response_types(fields)?,
        on_failure: on_failure(fields, topic)?,
        maximum_pollers: pollers.unwrap_or(1) as usize,
        topic: topic.clone(),
        access: access::access(fields, msk)?,
        filters: filters::criteria(fields, "value")?,
        enabled: fields.boolean("Enabled")?.unwrap_or(true),
        line: fields.position.line,
    };
    if msk && mapping.access.login.is_some() {
        let message = format!(
            "{}.SourceAccessConfigurations is not applied here: the broker that stands in for the cluster has no users",
            mapping.logical_id
        );
        reader.warn(&mapping.logical_id, fields.place("SourceAccessConfigurations"), message);
    }
    reader.app.kafka_mappings.push(mapping);
    Ok(())
}

/// The function of a raw mapping, by its logical id.
///
/// # Errors
/// No function of the template has the name.
pub(super) fn function_of(reader: &Reader<'_, '_>, fields: &Fields<'_, '_>) -> Result<String, Fault> {
    function_at(reader, fields, "FunctionName")
}

/// As [`function_of`], for another property.
///
/// # Errors
/// No function of the template has the name.
pub(super) fn function_at(reader: &Reader<'_, '_>, fields: &Fields<'_, '_>, key: &str) -> Result<String, Fault> {
    let name = fields.required(key)?;
    // A name, `name:alias`, an ARN with or without an alias.
    let short = name.split(":function:").nth(1).unwrap_or(&name).split(':').next().unwrap_or_default();
    let function = reader.app.functions.values().find(|function| function.name == short);
    function.map(|function| function.logical_id.clone()).ok_or_else(|| {
        let known: Vec<_> = reader.app.functions.values().map(|function| function.name.as_str()).collect();
        fields.refuse(key, &name, &format!("a function of the template ({})", known.join(", ")))
    })
}

/// Lambda's limit on the timeout of a function with such a mapping.
///
/// # Errors
/// The function may run longer.
pub(super) fn check_timeout(
    reader: &Reader<'_, '_>,
    function: &str,
    position: Position,
    mapping: &str,
) -> Result<(), Fault> {
    let timeout = reader.app.functions.get(function).map(|function| (function.timeout, function.line));
    match timeout.filter(|(timeout, _)| *timeout > MAXIMUM_TIMEOUT) {
        Some((timeout, line)) => {
            let message = format!(
                "{function}.Timeout: {} (line {line}) is not accepted with {mapping}; accepted: 1 to 840 seconds",
                timeout.as_secs()
            );
            Err(Fault::new(position, message))
        }
        None => Ok(()),
    }
}

fn starting_position(fields: &Fields<'_, '_>) -> Result<StartingPosition, Fault> {
    let word = fields.word("StartingPosition", &["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"])?;
    let timestamp = fields.text("StartingPositionTimestamp")?;
    match (word, timestamp) {
        (Some("TRIM_HORIZON"), None) => Ok(StartingPosition::TrimHorizon),
        (Some("LATEST"), None) => Ok(StartingPosition::Latest),
        (Some("AT_TIMESTAMP"), Some(text)) => {
            let seconds = text.parse::<f64>().ok().filter(|seconds| (0.0..1e11).contains(seconds));
            let seconds = seconds.ok_or_else(|| {
                fields.refuse("StartingPositionTimestamp", &text, "seconds since 1970-01-01T00:00:00Z")
            })?;
            #[expect(clippy::cast_possible_truncation, reason = "at most 1e14, checked above")]
            Ok(StartingPosition::AtTimestamp((seconds * 1000.0).round() as i64))
        }
        (Some("AT_TIMESTAMP"), None) => Err(fields.missing("StartingPositionTimestamp")),
        (Some(_), _) => {
            Err(fields.fault("StartingPositionTimestamp", "it is accepted with StartingPosition AT_TIMESTAMP only"))
        }
        (None, _) => Err(fields.missing("StartingPosition")),
    }
}

fn record_age(fields: &Fields<'_, '_>) -> Result<Option<Duration>, Fault> {
    let key = "MaximumRecordAgeInSeconds";
    let age = fields.integer(key, -1..=604_800)?;
    match age.filter(|age| *age != -1) {
        Some(age) if age < 60 => Err(fields.refuse(key, &age.to_string(), "-1 (any age), or 60 to 604800 seconds")),
        Some(age) => Ok(u64::try_from(age).ok().map(Duration::from_secs)),
        None => Ok(None),
    }
}

fn response_types(fields: &Fields<'_, '_>) -> Result<bool, Fault> {
    let key = "FunctionResponseTypes";
    let types = fields.texts(key)?;
    match types.iter().find(|kind| *kind != "ReportBatchItemFailures") {
        Some(other) => Err(fields.refuse(key, other, "ReportBatchItemFailures")),
        None => Ok(!types.is_empty()),
    }
}

fn on_failure(fields: &Fields<'_, '_>, source: &str) -> Result<Option<Destination>, Fault> {
    const SERVICES: [Service; 4] = [Service::Kafka, Service::Sqs, Service::Sns, Service::S3];
    let destination = fields.nested("DestinationConfig", |config| {
        config.only(&["OnFailure"], &[])?;
        config.nested("OnFailure", |target| {
            target.only(&["Destination", "Type"], &[])?;
            match destinations::required(target, "Destination", &SERVICES)? {
                Destination::KafkaTopic(topic) if topic == source => {
                    let found = format!("kafka://{topic}");
                    Err(target.refuse("Destination", &found, "a topic other than the mapping's own"))
                }
                destination => Ok(destination),
            }
        })
    })?;
    Ok(destination.flatten())
}
