//! Kafka triggers: `AWS::Lambda::EventSourceMapping` and SAM's `MSK` and `SelfManagedKafka` events.

use std::time::Duration;

use super::{
    error::Fault,
    fields::Fields,
    ignored, metadata, names,
    node::Entry,
    resources::Reader,
    spec::{KafkaMappingSpec, OnFailure, StartingPosition},
};

/// What the three forms have in common.
const COMMON: [&str; 14] = [
    "BatchSize", "BisectBatchOnFunctionError", "ConsumptionMode", "DestinationConfig", "Enabled", "FilterCriteria",
    "FunctionResponseTypes", "MaximumBatchingWindowInSeconds", "MaximumRecordAgeInSeconds", "MaximumRetryAttempts",
    "ProvisionedPollerConfig", "SourceAccessConfigurations", "StartingPosition", "StartingPositionTimestamp",
];

/// Lambda's limit for a function with a Kafka or MQ mapping: 14 minutes.
const MAXIMUM_TIMEOUT: Duration = Duration::from_secs(840);

/// Where the records are.
struct Source {
    event_source_arn: Option<String>,
    bootstrap_servers: Vec<String>,
    consumer_group_id: Option<String>,
}

/// Reads a raw mapping.
///
/// # Errors
/// A property that is wrong or not supported, or a mapping that is not one of Kafka.
pub fn raw(reader: &mut Reader<'_, '_>, entry: &Entry) -> Result<(), Fault> {
    const OWN: [&str; 7] = [
        "AmazonManagedKafkaEventSourceConfig", "EventSourceArn", "FunctionName", "Queues", "SelfManagedEventSource",
        "SelfManagedKafkaEventSourceConfig", "Topics",
    ];
    let scope = reader.scope;
    let id = entry.key.as_str();
    let millrace = metadata::read(scope, id, &entry.value, &["System", "Services", "Topics"])?;
    reader.declare_topics(&millrace)?;
    let mut fields = match entry.value.get("Properties") {
        Some(node) => Fields::new(scope, id, node)?,
        None => Fields::empty(scope, id, entry.position),
    };
    fields.position = entry.position;
    let arn = fields.text("EventSourceArn")?.filter(|arn| !arn.is_empty());
    if let Some(arn) = &arn {
        match arn.split(':').nth(2) {
            Some("kafka") => {}
            Some("mq") => return Err(fields.fault("EventSourceArn", "RabbitMQ and ActiveMQ are not supported yet")),
            _ => return Err(fields.refuse("EventSourceArn", arn, "arn:aws:kafka:... (an MSK cluster)")),
        }
    }
    fields.not_yet("Queues", "RabbitMQ and ActiveMQ are not supported yet")?;
    fields.only(&[&OWN[..], &COMMON[..]].concat(), ignored::KAFKA)?;
    let endpoints = fields.nested("SelfManagedEventSource", |source| {
        source.only(&["Endpoints"], &[])?;
        let servers = source.nested("Endpoints", |endpoints| {
            endpoints.only(&["KafkaBootstrapServers"], &[])?;
            let servers = endpoints.texts("KafkaBootstrapServers")?;
            if servers.is_empty() { Err(endpoints.missing("KafkaBootstrapServers")) } else { Ok(servers) }
        })?;
        servers.ok_or_else(|| source.missing("Endpoints"))
    })?;
    let group = |key| fields.nested(key, |config| {
        config.only(&["ConsumerGroupId", "SchemaRegistryConfig"], &[])?;
        config.not_yet("SchemaRegistryConfig", "records come as they are")?;
        config.text("ConsumerGroupId")
    });
    let consumer_group_id = match (&arn, &endpoints) {
        (Some(_), Some(_)) => {
            return Err(fields.fault("SelfManagedEventSource", "it cannot stand beside EventSourceArn; one of the two"));
        }
        (None, None) => {
            let message = format!("{id}: EventSourceArn (MSK) or SelfManagedEventSource (other Kafka) is missing");
            return Err(Fault::new(entry.position, message));
        }
        (Some(_), None) => group("AmazonManagedKafkaEventSourceConfig")?,
        (None, Some(_)) => group("SelfManagedKafkaEventSourceConfig")?,
    };
    let name = fields.required("FunctionName")?;
    // A name, `name:alias`, an ARN with or without an alias.
    let short = name.split(":function:").nth(1).unwrap_or(&name).split(':').next().unwrap_or_default();
    let function = reader.app.functions.values().find(|function| function.name == short);
    let Some(function) = function.map(|function| function.logical_id.clone()) else {
        let known: Vec<_> = reader.app.functions.values().map(|function| function.name.as_str()).collect();
        return Err(fields.refuse("FunctionName", &name, &format!("a function of the template ({})", known.join(", "))));
    };
    let source = Source {
        event_source_arn: arn,
        bootstrap_servers: endpoints.map(split_servers).unwrap_or_default(),
        consumer_group_id: consumer_group_id.flatten(),
    };
    mapping(reader, id.to_owned(), &function, &fields, source)
}

/// Reads an `MSK` or `SelfManagedKafka` event of a function.
///
/// # Errors
/// A property that is wrong or not supported.
pub fn event(reader: &mut Reader<'_, '_>, id: &str, event: &Entry, fields: &Fields<'_, '_>, msk: bool) -> Result<(), Fault> {
    let own: &[&str] = if msk { &["Stream"] } else { &["KafkaBootstrapServers"] };
    let shared = ["ConsumerGroupId", "SchemaRegistryConfig", "Topics"];
    fields.only(&[own, &shared, &COMMON[..]].concat(), ignored::KAFKA)?;
    fields.not_yet("SchemaRegistryConfig", "records come as they are")?;
    let servers = fields.texts("KafkaBootstrapServers")?;
    if !msk && servers.is_empty() {
        return Err(fields.missing("KafkaBootstrapServers"));
    }
    let arn = if msk { Some(fields.required("Stream")?) } else { None };
    if let Some(arn) = arn.as_ref().filter(|arn| !arn.starts_with("arn:aws:kafka:")) {
        return Err(fields.refuse("Stream", arn, "arn:aws:kafka:... (an MSK cluster)"));
    }
    let source = Source {
        event_source_arn: arn,
        bootstrap_servers: split_servers(servers),
        consumer_group_id: fields.text("ConsumerGroupId")?,
    };
    mapping(reader, format!("{id}{}", event.key), id, fields, source)
}

/// `[a:1, "b:1,c:1"]` -> `[a:1, b:1, c:1]`: one parameter often holds all of them.
fn split_servers(servers: Vec<String>) -> Vec<String> {
    let parts = servers.iter().flat_map(|server| server.split(','));
    parts.map(|server| server.trim().to_owned()).filter(|server| !server.is_empty()).collect()
}

fn mapping(
    reader: &mut Reader<'_, '_>,
    logical_id: String,
    function: &str,
    fields: &Fields<'_, '_>,
    source: Source,
) -> Result<(), Fault> {
    if source.event_source_arn.is_none() && source.bootstrap_servers.is_empty() {
        return Err(Fault::new(fields.position, format!("{}: KafkaBootstrapServers is empty", fields.what)));
    }
    fields.not_yet("FilterCriteria", "every record is delivered")?;
    fields.word("ConsumptionMode", &["Stream"])?;
    let topics = fields.texts("Topics")?;
    let [topic] = topics.as_slice() else {
        let found = topics.len();
        return Err(fields.fault("Topics", format!("exactly one topic is accepted, found {found}")));
    };
    let timeout = reader.app.functions.get(function).map(|function| (function.timeout, function.line));
    if let Some((timeout, line)) = timeout.filter(|(timeout, _)| *timeout > MAXIMUM_TIMEOUT) {
        let message = format!(
            "{function}.Timeout: {} (line {line}) is not accepted with a Kafka mapping; accepted: 1 to 840 seconds",
            timeout.as_secs()
        );
        return Err(Fault::new(fields.position, message));
    }
    let pollers = fields.nested("ProvisionedPollerConfig", |config| {
        config.only(&["MinimumPollers", "MaximumPollers"], &[("PollerGroupName", "pollers cost nothing")])?;
        config.count("MinimumPollers", 1..=200)?;
        Ok(config.count("MaximumPollers", 1..=2000)?.unwrap_or(200))
    })?;
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
        enabled: fields.boolean("Enabled")?.unwrap_or(true),
        line: fields.position.line,
    };
    warn(reader, fields, &mapping, pollers.is_some())?;
    reader.app.kafka_mappings.push(mapping);
    Ok(())
}

/// What is accepted and still surprises.
fn warn(reader: &mut Reader<'_, '_>, fields: &Fields<'_, '_>, mapping: &KafkaMappingSpec, provisioned: bool) -> Result<(), Fault> {
    let (id, line) = (&mapping.logical_id, mapping.line);
    if mapping.on_failure.is_some() && mapping.maximum_retry_attempts.is_none() {
        reader.app.warnings.push(format!(
            "line {line}: {id} has an on-failure destination and no MaximumRetryAttempts, which is 10 then and not infinite"
        ));
    }
    let needs_pollers = mapping.report_batch_item_failures
        || mapping.bisect_on_error
        || mapping.maximum_retry_attempts.is_some()
        || mapping.maximum_record_age.is_some();
    if needs_pollers && !provisioned {
        reader.app.warnings.push(format!(
            "line {line}: {id} has retry settings that AWS honours with ProvisionedPollerConfig only"
        ));
    }
    // Where the pollers run matters to AWS only; how they log in is the runner's own setting.
    let Some(access) = fields.get("SourceAccessConfigurations")? else { return Ok(()) };
    let items = access.as_sequence().unwrap_or_default();
    let kinds = items.iter().filter_map(|item| item.get("Type").and_then(super::node::Node::as_text));
    let login: Vec<_> = kinds.filter(|kind| !matches!(*kind, "VPC_SUBNET" | "VPC_SECURITY_GROUP")).collect();
    if !login.is_empty() {
        reader.app.warnings.push(format!(
            "line {line}: {id}.SourceAccessConfigurations {} is not applied here; the runner logs in as its environment says",
            login.join(", ")
        ));
    }
    Ok(())
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
        (Some(_), Some(_)) => {
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

fn on_failure(fields: &Fields<'_, '_>, source: &str) -> Result<Option<OnFailure>, Fault> {
    let destination = fields.nested("DestinationConfig", |config| {
        config.only(&["OnFailure"], &[])?;
        config.nested("OnFailure", |target| {
            target.only(&["Destination", "Type"], &[])?;
            let destination = target.required("Destination")?;
            match destination.strip_prefix("kafka://") {
                Some(topic) if topic == source => {
                    Err(target.refuse("Destination", &destination, "a topic other than the mapping's own"))
                }
                Some(topic) if !topic.is_empty() => Ok(OnFailure::KafkaTopic(topic.to_owned())),
                _ => {
                    let accepted = "kafka://<topic>; SQS, SNS and S3 are not supported yet";
                    Err(target.refuse("Destination", &destination, accepted))
                }
            }
        })
    })?;
    Ok(destination.flatten())
}
