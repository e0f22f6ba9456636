//! What becomes of events that a function is left: `EventInvokeConfig` and `DeadLetterQueue` of SAM's functions, and
//! `AWS::Lambda::EventInvokeConfig`.

use std::{collections::BTreeMap, time::Duration};

use super::{
    destinations::{self, Service},
    error::Fault,
    fields::Fields,
    names,
    node::Entry,
    resources::Reader,
    spec::{AsynchronousSpec, Destination, QueueSpec, SnsTopicSpec},
};

const SUCCESS: [Service; 3] = [Service::Sqs, Service::Sns, Service::Lambda];
const FAILURE: [Service; 4] = [Service::Sqs, Service::Sns, Service::Lambda, Service::S3];

/// The settings of a SAM function.
///
/// # Errors
/// A property that is wrong or not supported.
pub(super) fn of_function(
    reader: &mut Reader<'_, '_>,
    id: &str,
    fields: &Fields<'_, '_>,
) -> Result<AsynchronousSpec, Fault> {
    let config = fields.nested("EventInvokeConfig", |config| {
        config.only(&["DestinationConfig", "MaximumEventAgeInSeconds", "MaximumRetryAttempts"], &[])?;
        let (success, failure) = directions(config, |target, on_success| {
            target.only(&["Destination", "Type"], &[])?;
            let kind = target.word("Type", &["EventBridge", "Lambda", "S3Bucket", "SNS", "SQS"])?;
            if target.has("Destination")? {
                return Ok(Some(destinations::required(target, "Destination", services(on_success))?));
            }
            Ok(Some(made_by_sam(reader, id, target, kind, on_success)?))
        })?;
        settings(config, success, failure)
    })?;
    let dead_letter_queue = fields.nested("DeadLetterQueue", |queue| {
        queue.only(&["TargetArn", "Type"], &[])?;
        queue.word("Type", &["SNS", "SQS"])?;
        destinations::required(queue, "TargetArn", &[Service::Sqs, Service::Sns])
    })?;
    Ok(AsynchronousSpec { dead_letter_queue, ..config.unwrap_or_default() })
}

/// Reads `AWS::Lambda::EventInvokeConfig`.
///
/// # Errors
/// A property that is wrong or not supported, or a function that is not of the template or is configured twice.
pub(super) fn raw(reader: &mut Reader<'_, '_>, entry: &Entry) -> Result<(), Fault> {
    let fields = Fields::of(reader.scope, entry)?;
    let known = ["DestinationConfig", "FunctionName", "MaximumEventAgeInSeconds", "MaximumRetryAttempts"];
    fields.only(&known, &[("Qualifier", "there is one version")])?;
    let (success, failure) = directions(&fields, |target, on_success| {
        target.only(&["Destination"], &[])?;
        destinations::required(target, "Destination", services(on_success)).map(Some)
    })?;
    let config = settings(&fields, success, failure)?;
    let name = fields.required("FunctionName")?;
    let short = name.split(":function:").nth(1).unwrap_or(&name).split(':').next().unwrap_or_default();
    let Some(function) = reader.app.functions.values_mut().find(|function| function.name == short) else {
        return Err(fields.refuse("FunctionName", &name, "a function of the template"));
    };
    let dead_letter_queue = function.asynchronous.dead_letter_queue.take();
    if function.asynchronous != AsynchronousSpec::default() {
        let message = format!("{short} has an EventInvokeConfig already (line {})", function.line);
        return Err(fields.fault("FunctionName", message));
    }
    function.asynchronous = AsynchronousSpec { dead_letter_queue, ..config };
    Ok(())
}

fn services(on_success: bool) -> &'static [Service] {
    if on_success { &SUCCESS } else { &FAILURE }
}

/// `OnSuccess` and `OnFailure`; `read` is told which one it reads.
fn directions<'a>(
    fields: &Fields<'_, 'a>,
    mut read: impl FnMut(&Fields<'_, 'a>, bool) -> Result<Option<Destination>, Fault>,
) -> Result<(Option<Destination>, Option<Destination>), Fault> {
    let both = fields.nested("DestinationConfig", |config| {
        config.only(&["OnFailure", "OnSuccess"], &[])?;
        let success = config.nested("OnSuccess", |target| read(target, true))?;
        let failure = config.nested("OnFailure", |target| read(target, false))?;
        Ok((success.flatten(), failure.flatten()))
    })?;
    Ok(both.unwrap_or_default())
}

fn settings(
    fields: &Fields<'_, '_>,
    on_success: Option<Destination>,
    on_failure: Option<Destination>,
) -> Result<AsynchronousSpec, Fault> {
    let default = AsynchronousSpec::default();
    let age = fields.count("MaximumEventAgeInSeconds", 60..=21_600)?;
    Ok(AsynchronousSpec {
        maximum_retry_attempts: fields.count("MaximumRetryAttempts", 0..=2)?.unwrap_or(default.maximum_retry_attempts),
        maximum_event_age: age.map_or(default.maximum_event_age, |age| Duration::from_secs(age.into())),
        on_success,
        on_failure,
        dead_letter_queue: None,
    })
}

/// SAM makes the queue or topic of a destination that has a type only.
fn made_by_sam(
    reader: &mut Reader<'_, '_>,
    id: &str,
    target: &Fields<'_, '_>,
    kind: Option<&str>,
    on_success: bool,
) -> Result<Destination, Fault> {
    let end = if on_success { "on-success" } else { "on-failure" };
    let name = format!("{}-{end}", reader.scope.function_name(id)?);
    match kind {
        Some("SQS") => {
            let arn = names::sqs_arn(&name);
            reader.app.queues.push(QueueSpec { name, attributes: BTreeMap::new() });
            Ok(Destination::SqsQueue(arn))
        }
        Some("SNS") => {
            let arn = names::sns_arn(&name);
            reader.app.sns_topics.push(SnsTopicSpec { name, queues: Vec::new() });
            Ok(Destination::SnsTopic(arn))
        }
        _ => Err(target.missing("Destination")),
    }
}
