//! Schedules, and asynchronous invocations in general.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::rule::{Findings, Level, Rule};
use crate::{
    schedule::expression::Schedule,
    template::spec::{Application, Outline, ScheduleSpec},
};

/// A run that is lost is made up for by the next one, when that comes soon.
const SOON: Duration = Duration::from_secs(15 * 60);
/// Some expressions fire in bursts; this many runs show it.
const RUNS: usize = 24;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "M060",
        level: Level::Warning,
        title: "a run may begin before the last one has ended",
        why: "Schedules do not wait: a run that takes long has the next one beside it, and both do the same work.",
        mend: "Set Timeout below the interval; or take a lease in the function, and allow the rule.",
        source: "scheduler/latest/UserGuide/schedule-types.html",
        check: overlap,
    },
    Rule {
        id: "M061",
        level: Level::Warning,
        title: "a run that fails is lost",
        why: "A schedule invokes asynchronously: after two retries the event is dropped, and the next run is far away.",
        mend: "Add EventInvokeConfig: {DestinationConfig: {OnFailure: ...}} or DeadLetterQueue to the function.",
        source: "lambda/latest/dg/invocation-async-retain-records.html",
        check: lost_run,
    },
    Rule {
        id: "M062",
        level: Level::Warning,
        title: "asynchronous events are tried once and then lost",
        why: "EventInvokeConfig takes the retries away and names nobody who keeps the event.",
        mend: "Leave MaximumRetryAttempts at 2, or add DestinationConfig.OnFailure.",
        source: "lambda/latest/dg/invocation-async-configuring.html",
        check: no_second_try,
    },
];

/// The shortest time between two runs; `None` for one that runs once.
fn interval(schedule: &ScheduleSpec) -> Option<Duration> {
    let when = Schedule::parse(&schedule.expression, &schedule.timezone).ok()?;
    // Any moment does: only differences count.
    let begin = DateTime::<Utc>::UNIX_EPOCH + chrono::Duration::days(20_000);
    let mut last = when.next_after(begin, begin)?;
    let mut shortest: Option<Duration> = None;
    for _ in 0..RUNS {
        let Some(next) = when.next_after(begin, last) else { break };
        let gap = (next - last).to_std().ok()?;
        shortest = Some(shortest.map_or(gap, |shortest| shortest.min(gap)));
        last = next;
    }
    shortest
}

/// The path of a schedule in the outline: what stands on its line.
fn path<'o>(outline: &'o Outline, schedule: &ScheduleSpec) -> &'o str {
    let here = outline.roots.iter().filter(|(_, root)| root.place.line == schedule.line);
    let is_schedule = |kind: &str| kind.contains("Schedule");
    let mut found = here.filter(|(_, root)| is_schedule(&root.kind)).map(|(id, _)| id.as_str());
    let first = found.next();
    match (first, found.next()) {
        (Some(only), None) => only,
        _ => outline.roots.get_key_value(&schedule.function).map_or("", |(id, _)| id.as_str()),
    }
}

fn overlap(application: &Application, findings: &mut Findings<'_>) {
    for schedule in &application.schedules {
        let Some(function) = application.functions.get(&schedule.function) else { continue };
        if let Some(interval) = interval(schedule).filter(|interval| function.timeout > *interval) {
            let message = format!(
                "{} runs every {} s, and {} may take {} s",
                schedule.expression,
                interval.as_secs(),
                function.logical_id,
                function.timeout.as_secs()
            );
            findings.at(&format!("{}.Timeout", function.logical_id), message);
        }
    }
}

/// Somebody keeps an asynchronous event that failed for good.
fn is_kept(outline: &Outline, function: &str) -> bool {
    ["DeadLetterQueue", "EventInvokeConfig.DestinationConfig.OnFailure"]
        .iter()
        .any(|key| outline.has(&format!("{function}.{key}")))
}

fn lost_run(application: &Application, findings: &mut Findings<'_>) {
    for schedule in &application.schedules {
        let often = interval(schedule).is_some_and(|interval| interval <= SOON);
        if !often && !is_kept(&application.outline, &schedule.function) {
            let message = format!("{} has no destination for a failed {}", schedule.function, schedule.expression);
            findings.at(path(&application.outline, schedule), message);
        }
    }
}

fn no_second_try(application: &Application, findings: &mut Findings<'_>) {
    for id in application.functions.keys() {
        let path = format!("{id}.EventInvokeConfig.MaximumRetryAttempts");
        if application.outline.text(&path) == Some("0") && !is_kept(&application.outline, id) {
            findings.at(&path, "no retry and no destination".to_owned());
        }
    }
}
