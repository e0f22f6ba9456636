//! Schedules: SAM's `Schedule` and `ScheduleV2` events and `AWS::Scheduler::Schedule`.

use super::{
    error::Fault,
    fields::Fields,
    ignored, names,
    node::Entry,
    resources::Reader,
    spec::{ScheduleKind, ScheduleSpec},
};
use crate::schedule::expression::Schedule;

/// What a schedule's retries do belongs to asynchronous invocation, which has Lambda's defaults.
const WARNED: [(&str, &str); 2] = [
    ("RetryPolicy", "a failed run is retried twice, as Lambda does by default"),
    ("DeadLetterConfig", "a run that failed for good is only logged"),
];

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
    let supported = ["Schedule", "Input", "Name", "Enabled", "State"];
    fields.only(&supported, &[ignored::SCHEDULE, &WARNED].concat())?;
    let enabled = match (fields.boolean("Enabled")?, state(fields)?) {
        (Some(_), Some(_)) => return Err(fields.fault("Enabled", "it cannot stand beside State; one of the two")),
        (Some(enabled), None) | (None, Some(enabled)) => enabled,
        (None, None) => true,
    };
    warn(reader, id, fields)?;
    let schedule = ScheduleSpec {
        name: event_name(reader, id, event, fields)?,
        function: id.to_owned(),
        expression: expression(fields, "Schedule", "UTC")?,
        timezone: "UTC".to_owned(),
        input: fields.text("Input")?,
        kind: ScheduleKind::Rule,
        enabled,
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
    let supported =
        ["ScheduleExpression", "ScheduleExpressionTimezone", "Input", "Name", "State", "StartDate", "EndDate"];
    fields.only(&supported, &[ignored::SCHEDULE, &WARNED].concat())?;
    warn(reader, id, fields)?;
    let name = event_name(reader, id, event, fields)?;
    let input = fields.text("Input")?;
    scheduler(reader, name, id, fields, input, event)
}

/// `AWS::Scheduler::Schedule`.
///
/// # Errors
/// A property that is wrong or not supported, or a target that is no function of the template.
pub(super) fn raw(reader: &mut Reader<'_, '_>, entry: &Entry) -> Result<(), Fault> {
    let id = entry.key.as_str();
    let mut fields = match entry.value.get("Properties") {
        Some(node) => Fields::new(reader.scope, id, node)?,
        None => Fields::empty(reader.scope, id, entry.position),
    };
    fields.position = entry.position;
    let supported =
        ["ScheduleExpression", "ScheduleExpressionTimezone", "Name", "State", "Target", "StartDate", "EndDate"];
    fields.only(&supported, ignored::SCHEDULE)?;
    let target = fields.nested("Target", |target| {
        target.only(&["Arn", "Input"], &[&[("RoleArn", "no permissions are checked")], &WARNED[..]].concat())?;
        let arn = target.required("Arn")?;
        let name = arn.split(":function:").nth(1).and_then(|rest| rest.split(':').next());
        let function = reader.app.functions.values().find(|function| Some(function.name.as_str()) == name);
        match function {
            Some(function) => Ok((function.logical_id.clone(), target.text("Input")?)),
            None => Err(target.refuse("Arn", &arn, "the ARN of a function of the template")),
        }
    })?;
    let (function, input) = target.ok_or_else(|| fields.missing("Target"))?;
    fields.nested("Target", |target| warn(reader, id, target))?;
    let name = fields.text("Name")?.unwrap_or_else(|| names::kebab(id));
    scheduler(reader, name, &function, &fields, input, entry)
}

fn scheduler(
    reader: &mut Reader<'_, '_>,
    name: String,
    function: &str,
    fields: &Fields<'_, '_>,
    input: Option<String>,
    entry: &Entry,
) -> Result<(), Fault> {
    fields.not_yet("StartDate", "a schedule begins at the start")?;
    fields.not_yet("EndDate", "a schedule has no end")?;
    let timezone = fields.text("ScheduleExpressionTimezone")?.unwrap_or_else(|| "UTC".to_owned());
    if timezone.parse::<chrono_tz::Tz>().is_err() {
        let accepted = "a name of the IANA time zone database (UTC, Europe/Berlin)";
        return Err(fields.refuse("ScheduleExpressionTimezone", &timezone, accepted));
    }
    reader.app.schedules.push(ScheduleSpec {
        name,
        function: function.to_owned(),
        expression: expression(fields, "ScheduleExpression", &timezone)?,
        timezone,
        input,
        kind: ScheduleKind::Scheduler,
        enabled: state(fields)?.unwrap_or(true),
        line: entry.position.line,
    });
    Ok(())
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

fn expression(fields: &Fields<'_, '_>, key: &str, timezone: &str) -> Result<String, Fault> {
    let text = fields.required(key)?;
    match Schedule::parse(&text, timezone) {
        Ok(_) => Ok(text),
        Err(error) => Err(fields.fault(key, error)),
    }
}

fn warn(reader: &mut Reader<'_, '_>, resource: &str, fields: &Fields<'_, '_>) -> Result<(), Fault> {
    for (key, effect) in WARNED {
        if fields.has(key)? {
            let message = format!("{}.{key} is not applied here: {effect}", fields.what);
            reader.warn(resource, fields.place(key), message);
        }
    }
    Ok(())
}
