//! Kafka triggers: `AWS::Lambda::EventSourceMapping` and SAM's `MSK` and `SelfManagedKafka` events.

use super::{
    error::Fault,
    fields::Fields,
    ignored,
    mapping::{COMMON, Source, function_of, mapping},
    metadata, mq,
    node::Entry,
    resources::Reader,
};

/// Reads a raw mapping.
///
/// # Errors
/// A property that is wrong or not supported, or a mapping that is not one of Kafka.
pub(super) fn raw(reader: &mut Reader<'_, '_>, entry: &Entry) -> Result<(), Fault> {
    const OWN: [&str; 6] = [
        "AmazonManagedKafkaEventSourceConfig",
        "EventSourceArn",
        "FunctionName",
        "SelfManagedEventSource",
        "SelfManagedKafkaEventSourceConfig",
        "Topics",
    ];
    let scope = reader.scope;
    let id = entry.key.as_str();
    let millrace = metadata::read(scope, id, &entry.value, &["System", "Services", "Topics"])?;
    reader.declare_topics(&millrace)?;
    let fields = Fields::of(scope, entry)?;
    let arn = fields.text("EventSourceArn")?.filter(|arn| !arn.is_empty());
    if let Some(arn) = &arn {
        match arn.split(':').nth(2) {
            Some("kafka") => {}
            Some("mq") => return mq::raw(reader, id, &fields, arn.clone()),
            _ => {
                let accepted = "arn:aws:kafka:... (an MSK cluster), arn:aws:mq:... (a RabbitMQ broker)";
                return Err(fields.refuse("EventSourceArn", arn, accepted));
            }
        }
    }
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
    let group = |key| {
        fields.nested(key, |config| {
            config.only(&["ConsumerGroupId", "SchemaRegistryConfig"], &[])?;
            config.not_yet("SchemaRegistryConfig", "records come as they are")?;
            config.text("ConsumerGroupId")
        })
    };
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
    let function = function_of(reader, &fields)?;
    let source = Source {
        event_source_arn: arn,
        bootstrap_servers: endpoints.as_deref().map(split_servers).unwrap_or_default(),
        consumer_group_id: consumer_group_id.flatten(),
    };
    mapping(reader, id.to_owned(), &function, &fields, source)
}

/// Reads an `MSK` or `SelfManagedKafka` event of a function.
///
/// # Errors
/// A property that is wrong or not supported.
pub(super) fn event(
    reader: &mut Reader<'_, '_>,
    id: &str,
    event: &Entry,
    fields: &Fields<'_, '_>,
    msk: bool,
) -> Result<(), Fault> {
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
        bootstrap_servers: split_servers(&servers),
        consumer_group_id: fields.text("ConsumerGroupId")?,
    };
    mapping(reader, format!("{id}{}", event.key), id, fields, source)
}

/// `[a:1, "b:1,c:1"]` -> `[a:1, b:1, c:1]`: one parameter often holds all of them.
fn split_servers(servers: &[String]) -> Vec<String> {
    let parts = servers.iter().flat_map(|server| server.split(','));
    parts.map(|server| server.trim().to_owned()).filter(|server| !server.is_empty()).collect()
}
