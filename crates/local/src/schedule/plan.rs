//! When a schedule fires next: its expression within its dates. Pure.

use chrono::{DateTime, TimeDelta, Utc};

use super::expression::Schedule;
use crate::template::spec::{Period, ScheduleKind};

/// The next run after `last`, or the first one; `None` when there is no more. `enabled_at` is when the schedule was made
/// or enabled.
///
/// A rate of EventBridge Scheduler fires at its start date, or at once without one, and then every period; that of a rule
/// fires one period after it was made.
pub fn next(
    schedule: &Schedule,
    kind: ScheduleKind,
    period: Period,
    enabled_at: DateTime<Utc>,
    last: Option<DateTime<Utc>>,
) -> Option<DateTime<Utc>> {
    let just_before = |time: DateTime<Utc>| time - TimeDelta::milliseconds(1);
    let first = match kind {
        ScheduleKind::Scheduler => just_before(enabled_at),
        ScheduleKind::Rule => enabled_at,
    };
    if schedule.is_one_time() {
        return schedule.next_after(enabled_at, last.unwrap_or(first));
    }
    let first = period.start.map_or(first, |start| first.max(just_before(start)));
    let next = schedule.next_after(period.start.unwrap_or(enabled_at), last.unwrap_or(first))?;
    period.end.is_none_or(|end| next <= end).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        format!("2026-01-{text}Z").parse().unwrap()
    }

    fn runs(expression: &str, kind: ScheduleKind, start: Option<&str>, end: Option<&str>) -> Vec<String> {
        let schedule = Schedule::parse(expression, "UTC").unwrap();
        let period = Period { start: start.map(time), end: end.map(time) };
        let mut last = None;
        let mut found = Vec::new();
        while let Some(run) = next(&schedule, kind, period, time("02T00:00:30"), last).filter(|_| found.len() < 3) {
            found.push(run.format("%dT%H:%M:%S").to_string());
            last = Some(run);
        }
        found
    }

    #[test]
    fn a_rate_begins_at_once_at_its_start_date_or_one_period_later() {
        let rate = "rate(1 hour)";
        let scheduler = ScheduleKind::Scheduler;
        assert_eq!(runs(rate, scheduler, None, None), ["02T00:00:30", "02T01:00:30", "02T02:00:30"]);
        assert_eq!(runs(rate, ScheduleKind::Rule, None, None), ["02T01:00:30", "02T02:00:30", "02T03:00:30"]);
        let ahead = runs(rate, scheduler, Some("03T12:00:00"), None);
        assert_eq!(ahead, ["03T12:00:00", "03T13:00:00", "03T14:00:00"]);
        let past = runs(rate, scheduler, Some("01T12:15:00"), None);
        assert_eq!(
            past,
            ["02T00:15:00", "02T01:15:00", "02T02:15:00"],
            "counted from the start date, nothing made up for"
        );
    }

    #[test]
    fn nothing_fires_outside_of_the_dates() {
        let scheduler = ScheduleKind::Scheduler;
        let found = runs("cron(0 12 * * ? *)", scheduler, Some("04T00:00:00"), Some("05T12:00:00"));
        assert_eq!(found, ["04T12:00:00", "05T12:00:00"]);
        assert!(runs("rate(1 hour)", scheduler, None, Some("01T00:00:00")).is_empty());
    }

    #[test]
    fn a_one_time_schedule_does_not_look_at_the_dates() {
        let found = runs("at(2026-01-03T10:00:00)", ScheduleKind::Scheduler, Some("04T00:00:00"), Some("01T00:00:00"));
        assert_eq!(found, ["03T10:00:00"]);
    }
}
