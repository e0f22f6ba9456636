//! RabbitMQ triggers: SAM's `MQ` events, `AWS::Lambda::EventSourceMapping` with the ARN of a broker, and the broker itself.

use std::time::Duration;

use super::{
    error::Fault, fields::Fields, filters, ignored, mapping, names, node::Entry, resources::Reader, spec::MqMappingSpec,
};

/// What both forms have in common.
const COMMON: [&str; 6] = [
    "BatchSize",
    "Enabled",
    "FilterCriteria",
    "MaximumBatchingWindowInSeconds",
    "Queues",
    "SourceAccessConfigurations",
];

/// What other sources have and AWS refuses for Amazon MQ, with what holds instead.
const REFUSED: [(&str, &str); 11] = [
    ("BisectBatchOnFunctionError", RETRIES),
    ("DestinationConfig", RETRIES),
    ("FunctionResponseTypes", "a batch is acknowledged whole or returned whole"),
    ("MaximumRecordAgeInSeconds", RETRIES),
    ("MaximumRetryAttempts", RETRIES),
    ("ParallelizationFactor", ONE_ENVIRONMENT),
    ("ProvisionedPollerConfig", ONE_ENVIRONMENT),
    ("ScalingConfig", ONE_ENVIRONMENT),
    ("StartingPosition", "a queue is read from its head"),
    ("StartingPositionTimestamp", "a queue is read from its head"),
    ("Topics", "name one queue in Queues"),
];
const RETRIES: &str = "a batch that failed goes back to its queue, whose own delivery limit, time to live and dead-letter \
                       exchange decide how often and where to";
const ONE_ENVIRONMENT: &str = "a RabbitMQ mapping has one execution environment";

/// `AWS::AmazonMQ::Broker`: names a broker whose part the stack's RabbitMQ plays; it has no other effect.
///
/// # Errors
/// ActiveMQ, or a property that the resource does not have.
pub(super) fn broker(reader: &Reader<'_, '_>, entry: &Entry) -> Result<(), Fault> {
    let fields = Fields::of(reader.scope, entry)?;
    fields.only(&["BrokerName", "EngineType"], ignored::BROKER)?;
    let engine = fields.required("EngineType")?;
    if engine.eq_ignore_ascii_case("ACTIVEMQ") {
        return Err(fields.fault("EngineType", "ActiveMQ is not supported yet; supported: RABBITMQ"));
    }
    if engine.eq_ignore_ascii_case("RABBITMQ") { Ok(()) } else { Err(fields.refuse("EngineType", &engine, "RABBITMQ")) }
}

/// Reads a raw mapping whose `EventSourceArn` is a broker.
///
/// # Errors
/// A property that is wrong or not supported.
pub(super) fn raw(
    reader: &mut Reader<'_, '_>,
    id: &str,
    fields: &Fields<'_, '_>,
    broker_arn: String,
) -> Result<(), Fault> {
    refuse(fields)?;
    fields.only(&[&["EventSourceArn", "FunctionName"][..], &COMMON].concat(), ignored::KAFKA)?;
    let function = mapping::function_of(reader, fields)?;
    add(reader, id.to_owned(), &function, fields, broker_arn)
}

/// Reads an `MQ` event of a function.
///
/// # Errors
/// A property that is wrong or not supported.
pub(super) fn event(
    reader: &mut Reader<'_, '_>,
    id: &str,
    event: &Entry,
    fields: &Fields<'_, '_>,
) -> Result<(), Fault> {
    refuse(fields)?;
    fields.only(&[&["Broker"][..], &COMMON].concat(), ignored::MQ_EVENT)?;
    let broker = fields.required("Broker")?;
    if !broker.starts_with("arn:aws:mq:") {
        return Err(fields.refuse("Broker", &broker, "arn:aws:mq:... (a RabbitMQ broker)"));
    }
    add(reader, format!("{id}{}", event.key), id, fields, broker)
}

fn refuse(fields: &Fields<'_, '_>) -> Result<(), Fault> {
    for (key, instead) in REFUSED {
        if let Some(entry) = fields.entry(key)
            && fields.has(key)?
        {
            let message = format!("{}.{key} is not accepted for Amazon MQ: {instead}", fields.what);
            return Err(Fault::new(entry.position, message));
        }
    }
    Ok(())
}

fn add(
    reader: &mut Reader<'_, '_>,
    logical_id: String,
    function: &str,
    fields: &Fields<'_, '_>,
    broker_arn: String,
) -> Result<(), Fault> {
    mapping::check_timeout(reader, function, fields.position, "an Amazon MQ mapping")?;
    let queues = fields.texts("Queues")?;
    let [queue] = queues.as_slice() else {
        return Err(fields.fault("Queues", format!("exactly one queue is accepted, found {}", queues.len())));
    };
    if queue.is_empty() || queue.len() > 255 {
        return Err(fields.refuse("Queues", queue, "a queue's name, 1 to 255 bytes"));
    }
    let (secret, virtual_host) = access(fields)?;
    let spec = MqMappingSpec {
        uuid: names::mapping_uuid(&logical_id),
        logical_id,
        function: function.to_owned(),
        broker_arn,
        queue: queue.clone(),
        virtual_host: virtual_host.unwrap_or_else(|| "/".to_owned()),
        secret,
        batch_size: fields.count("BatchSize", 1..=10_000)?.map_or(100, |size| size as usize),
        batching_window: match fields.count("MaximumBatchingWindowInSeconds", 0..=300)? {
            Some(seconds) => Duration::from_secs(seconds.into()),
            None => Duration::from_millis(500),
        },
        filters: filters::criteria(fields, "data")?,
        enabled: fields.boolean("Enabled")?.unwrap_or(true),
        line: fields.position.line,
    };
    reader.app.mq_mappings.push(spec);
    Ok(())
}

/// The secret of `BASIC_AUTH` and, when it is there, `VIRTUAL_HOST`.
fn access(fields: &Fields<'_, '_>) -> Result<(String, Option<String>), Fault> {
    const KEY: &str = "SourceAccessConfigurations";
    if !fields.has(KEY)? {
        return Err(fields.missing(KEY));
    }
    let items = fields.each(KEY, |item| {
        item.only(&["Type", "URI"], &[])?;
        let kind = item.word("Type", &["BASIC_AUTH", "VIRTUAL_HOST"])?.ok_or_else(|| item.missing("Type"))?;
        Ok((kind, item.required("URI")?))
    })?;
    let (mut secret, mut virtual_host) = (None, None);
    for (kind, uri) in items {
        let place = if kind == "BASIC_AUTH" { &mut secret } else { &mut virtual_host };
        if uri.is_empty() || place.replace(uri).is_some() {
            return Err(fields.fault(KEY, format!("{kind} is accepted once, with a URI")));
        }
    }
    let secret = secret.ok_or_else(|| fields.fault(KEY, "BASIC_AUTH with the ARN of a secret is missing"))?;
    Ok((secret, virtual_host))
}
