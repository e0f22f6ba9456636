//! Schedules: SAM's `Schedule` and `ScheduleV2` events, `AWS::Scheduler::Schedule` and `AWS::Events::Rule`.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};

use super::{
    destinations::{self, Service},
    error::Fault,
    fields::Fields,
    ignored, names,
    node::{Entry, Node},
    parameters::{ACCOUNT, REGION},
    resources::Reader,
    spec::{Destination, Period, QueueSpec, RetrySpec, ScheduleKind, ScheduleSpec},
};
use crate::schedule::{event::rule_arn, expression::Schedule};

/// A `Schedule` event: an EventBridge rule.
///
/// # Errors
/// A property that is wrong or not supported.
pub(super) fn rule_event(
    reader: &mut Reader<'_, '_>,
    id: &str,
    event: &Entry,
    fields: &Fields<'_, '_>,
) -> Result<(), Fault> {
    let supported = ["DeadLetterConfig", "Enabled", "Input", "Name", "RetryPolicy", "Schedule", "State"];
    fields.only(&supported, ignored::SCHEDULE)?;
    let enabled = match (fields.boolean("Enabled")?, state(fields)?) {
        (Some(_), Some(_)) => return Err(fields.fault("Enabled", "it cannot stand beside State; one of the two")),
        (Some(enabled), None) | (None, Some(enabled)) => enabled,
        (None, None) => true,
    };
    let name = event_name(reader, id, event, fields)?;
    let schedule = ScheduleSpec {
        arn: rule_arn(REGION, ACCOUNT, &name),
        name,
        function: id.to_owned(),
        expression: expression(fields, "Schedule", ScheduleKind::Rule, "UTC")?,
        timezone: "UTC".to_owned(),
        input: fields.text("Input")?,
        kind: ScheduleKind::Rule,
        enabled,
        period: Period::default(),
        flexible_window_minutes: None,
        retry: sam_retry(reader, id, event, fields)?,
        line: event.position.line,
    };
    reader.app.schedules.push(schedule);
    Ok(())
}

/// A `ScheduleV2` event: EventBridge Scheduler.
///
/// # Errors
/// A property that is wrong or not supported.
pub(super) fn scheduler_event(
    reader: &mut Reader<'_, '_>,
    id: &str,
    event: &Entry,
    fields: &Fields<'_, '_>,
) -> Result<(), Fault> {
    let supported = ["DeadLetterConfig", "Input", "Name", "RetryPolicy"];
    fields.only(&[&supported, &SCHEDULER[..]].concat(), ignored::SCHEDULE)?;
    let name = event_name(reader, id, event, fields)?;
    let target =
        Target { function: id.to_owned(), input: fields.text("Input")?, retry: sam_retry(reader, id, event, fields)? };
    scheduler(reader, name, target, fields, event)
}

/// `AWS::Scheduler::Schedule`.
///
/// # Errors
/// A property that is wrong or not supported, or a target that is no function of the template.
pub(super) fn raw(reader: &mut Reader<'_, '_>, entry: &Entry) -> Result<(), Fault> {
    let fields = Fields::of(reader.scope, entry)?;
    fields.only(&[&["Name", "Target"], &SCHEDULER[..]].concat(), ignored::SCHEDULE)?;
    let target = fields.nested("Target", |target| {
        target.only(&["Arn", "DeadLetterConfig", "Input", "RetryPolicy"], ROLE)?;
        Ok(Target { function: function(reader, target)?, input: target.text("Input")?, retry: retry(target)? })
    })?;
    let target = target.ok_or_else(|| fields.missing("Target"))?;
    let name = fields.text("Name")?.unwrap_or_else(|| names::kebab(&entry.key));
    scheduler(reader, name, target, &fields, entry)
}

/// `AWS::Events::Rule` with a schedule: a schedule a target.
///
/// # Errors
/// A property that is wrong or not supported, an event pattern, or a target that is no function of the template.
pub(super) fn rule(reader: &mut Reader<'_, '_>, entry: &Entry) -> Result<(), Fault> {
    let fields = Fields::of(reader.scope, entry)?;
    fields.not_yet("EventPattern", "a rule fires on a schedule only")?;
    fields.only(&["EventBusName", "Name", "ScheduleExpression", "State", "Targets"], ignored::SCHEDULE)?;
    if let Some(bus) = fields.text("EventBusName")?.filter(|bus| bus != "default") {
        return Err(fields.refuse("EventBusName", &bus, "default, the one that schedules are for"));
    }
    let cloudtrail = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS";
    let enabled = fields.word("State", &["ENABLED", "DISABLED", cloudtrail])? != Some("DISABLED");
    let expression = expression(&fields, "ScheduleExpression", ScheduleKind::Rule, "UTC")?;
    let name = fields.text("Name")?.unwrap_or_else(|| names::kebab(&entry.key));
    let targets = fields.chosen("Targets")?;
    let targets = targets.as_deref().and_then(Node::as_sequence).unwrap_or_default();
    if targets.is_empty() {
        return Err(fields.missing("Targets"));
    }
    for node in targets {
        let target = Fields::new(reader.scope, format!("{}.Targets", entry.key), node)?;
        for key in ["InputPath", "InputTransformer"] {
            target.not_yet(key, "a target gets Input or the whole event")?;
        }
        target.only(&["Arn", "DeadLetterConfig", "Id", "Input", "RetryPolicy"], ROLE)?;
        let target_id = target.required("Id")?;
        let schedule = ScheduleSpec {
            name: if targets.len() == 1 { name.clone() } else { format!("{name}-{target_id}") },
            arn: rule_arn(REGION, ACCOUNT, &name),
            function: function(reader, &target)?,
            expression: expression.clone(),
            timezone: "UTC".to_owned(),
            input: target.text("Input")?,
            kind: ScheduleKind::Rule,
            enabled,
            period: Period::default(),
            flexible_window_minutes: None,
            retry: retry(&target)?,
            line: entry.position.line,
        };
        reader.app.schedules.push(schedule);
    }
    Ok(())
}

const ROLE: &[(&str, &str)] = &[("RoleArn", "no permissions are checked")];

/// Properties that both forms of EventBridge Scheduler have.
const SCHEDULER: [&str; 6] =
    ["EndDate", "FlexibleTimeWindow", "ScheduleExpression", "ScheduleExpressionTimezone", "StartDate", "State"];

struct Target {
    function: String,
    input: Option<String>,
    retry: RetrySpec,
}

/// The function that `Arn` names.
fn function(reader: &Reader<'_, '_>, target: &Fields<'_, '_>) -> Result<String, Fault> {
    let arn = target.required("Arn")?;
    let name = arn.split(":function:").nth(1).and_then(|rest| rest.split(':').next());
    let function = reader.app.functions.values().find(|function| Some(function.name.as_str()) == name);
    match function {
        Some(function) => Ok(function.logical_id.clone()),
        None => Err(target.refuse("Arn", &arn, "the ARN of a function of the template")),
    }
}

fn scheduler(
    reader: &mut Reader<'_, '_>,
    name: String,
    target: Target,
    fields: &Fields<'_, '_>,
    entry: &Entry,
) -> Result<(), Fault> {
    let timezone = fields.text("ScheduleExpressionTimezone")?.unwrap_or_else(|| "UTC".to_owned());
    if timezone.parse::<chrono_tz::Tz>().is_err() {
        let accepted = "a name of the IANA time zone database (UTC, Europe/Berlin)";
        return Err(fields.refuse("ScheduleExpressionTimezone", &timezone, accepted));
    }
    let period = Period { start: date(fields, "StartDate")?, end: date(fields, "EndDate")? };
    if period.start.zip(period.end).is_some_and(|(start, end)| end <= start) {
        return Err(fields.fault("EndDate", "it is not after StartDate"));
    }
    reader.app.schedules.push(ScheduleSpec {
        arn: names::schedule_arn(&name),
        name,
        function: target.function,
        expression: expression(fields, "ScheduleExpression", ScheduleKind::Scheduler, &timezone)?,
        timezone,
        input: target.input,
        kind: ScheduleKind::Scheduler,
        enabled: state(fields)?.unwrap_or(true),
        period,
        flexible_window_minutes: flexible_window(fields)?,
        retry: target.retry,
        line: entry.position.line,
    });
    Ok(())
}

fn date(fields: &Fields<'_, '_>, key: &str) -> Result<Option<DateTime<Utc>>, Fault> {
    let Some(text) = fields.text(key)? else { return Ok(None) };
    match DateTime::parse_from_rfc3339(&text) {
        Ok(time) => Ok(Some(time.with_timezone(&Utc))),
        Err(_) => Err(fields.refuse(key, &text, "a time like 2026-11-21T12:00:00Z")),
    }
}

fn flexible_window(fields: &Fields<'_, '_>) -> Result<Option<u32>, Fault> {
    let window = fields.nested("FlexibleTimeWindow", |window| {
        window.only(&["MaximumWindowInMinutes", "Mode"], &[])?;
        let minutes = window.count("MaximumWindowInMinutes", 1..=1440)?;
        match window.word("Mode", &["FLEXIBLE", "OFF"])? {
            Some("FLEXIBLE") if minutes.is_none() => Err(window.missing("MaximumWindowInMinutes")),
            Some("FLEXIBLE") => Ok(minutes),
            Some(_) => Ok(None),
            None => Err(window.missing("Mode")),
        }
    })?;
    Ok(window.flatten())
}

/// `RetryPolicy`, and `DeadLetterConfig` with an ARN.
fn retry(fields: &Fields<'_, '_>) -> Result<RetrySpec, Fault> {
    let dead_letter_queue = fields.nested("DeadLetterConfig", |config| {
        config.only(&["Arn"], &[])?;
        destinations::required(config, "Arn", &[Service::Sqs])
    })?;
    policy(fields, dead_letter_queue)
}

/// As [`retry`], with the queue that SAM makes when there is no ARN.
fn sam_retry(
    reader: &mut Reader<'_, '_>,
    id: &str,
    event: &Entry,
    fields: &Fields<'_, '_>,
) -> Result<RetrySpec, Fault> {
    let dead_letter_queue = fields.nested("DeadLetterConfig", |config| {
        config.only(&["Arn", "QueueLogicalId", "Type"], &[])?;
        config.word("Type", &["SQS"])?;
        if config.has("Arn")? {
            return destinations::required(config, "Arn", &[Service::Sqs]);
        }
        let logical_id = config.text("QueueLogicalId")?.unwrap_or_else(|| format!("{id}{}Queue", event.key));
        let name = format!("millrace-{}", names::kebab(&logical_id));
        let arn = names::sqs_arn(&name);
        reader.app.queues.push(QueueSpec { name, attributes: BTreeMap::new() });
        Ok(Destination::SqsQueue(arn))
    })?;
    policy(fields, dead_letter_queue)
}

fn policy(fields: &Fields<'_, '_>, dead_letter_queue: Option<Destination>) -> Result<RetrySpec, Fault> {
    let policy = fields.nested("RetryPolicy", |policy| {
        policy.only(&["MaximumEventAgeInSeconds", "MaximumRetryAttempts"], &[])?;
        let age = policy.count("MaximumEventAgeInSeconds", 60..=86_400)?;
        Ok((policy.count("MaximumRetryAttempts", 0..=185)?, age))
    })?;
    let (attempts, age) = policy.unwrap_or_default();
    let default = RetrySpec::default();
    Ok(RetrySpec {
        maximum_retry_attempts: attempts.unwrap_or(default.maximum_retry_attempts),
        maximum_event_age: age.map_or(default.maximum_event_age, |age| Duration::from_secs(age.into())),
        dead_letter_queue,
    })
}

fn event_name(reader: &Reader<'_, '_>, id: &str, event: &Entry, fields: &Fields<'_, '_>) -> Result<String, Fault> {
    match fields.text("Name")? {
        Some(name) => Ok(name),
        None => Ok(format!("{}-{}", reader.scope.function_name(id)?, names::kebab(&event.key))),
    }
}

fn state(fields: &Fields<'_, '_>) -> Result<Option<bool>, Fault> {
    Ok(fields.word("State", &["ENABLED", "DISABLED"])?.map(|state| state == "ENABLED"))
}

fn expression(fields: &Fields<'_, '_>, key: &str, kind: ScheduleKind, timezone: &str) -> Result<String, Fault> {
    let text = fields.required(key)?;
    match Schedule::parse(&text, timezone) {
        Ok(schedule) if kind == ScheduleKind::Rule && schedule.is_one_time() => {
            Err(fields.fault(key, "at(...) is EventBridge Scheduler's; a rule takes rate(...) or cron(...)"))
        }
        Ok(_) => Ok(text),
        Err(error) => Err(fields.fault(key, error)),
    }
}
